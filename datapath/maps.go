package datapath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
)

// Leftovers are the virtual addresses that the previous daemon served when it
// ended without taking its programs off; they may still be on the interfaces.
func (d *Datapath) Leftovers() []Leftover { return d.adopted }

func leftovers(vips *ebpf.Map) ([]Leftover, error) {
	var (
		list []Leftover
		key  vrrpVip4Key
		slot uint32
	)
	it := vips.Iterate()
	for it.Next(&key, &slot) {
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], key.Address)
		list = append(list, Leftover{int(key.Ifindex), netip.AddrFrom4(b)})
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("list the addresses that a previous daemon served: %w", err)
	}
	return list, nil
}

// emptyMap deletes every entry of a hash.
func emptyMap[K any](m *ebpf.Map) error {
	var key K
	for {
		err := m.NextKey(nil, &key)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err == nil {
			err = m.Delete(key)
		}
		if err != nil {
			return fmt.Errorf("empty map %s: %w", m, err)
		}
	}
}

// maps lists all maps by name, as they are pinned.
func (d *Datapath) maps() map[string]*ebpf.Map {
	o := &d.objects
	return map[string]*ebpf.Map{
		vrrpMapArrivals:       o.Arrivals,
		vrrpMapCurrent:        o.Current,
		vrrpMapEvents:         o.Events,
		vrrpMapHeard:          o.Heard,
		vrrpMapLeases:         o.Leases,
		vrrpMapOthers:         o.Others,
		vrrpMapPortCounters:   o.PortCounters,
		vrrpMapRouterCounters: o.RouterCounters,
		vrrpMapRouterIds:      o.RouterIds,
		vrrpMapRouters:        o.Routers,
		vrrpMapScratch:        o.Scratch,
		vrrpMapVips4:          o.Vips4,
	}
}
