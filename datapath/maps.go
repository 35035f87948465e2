package datapath

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
)

// Leftovers are the virtual addresses that previous daemons served on the
// interfaces when they ended without taking their programs off; they may still
// be there. Addresses that the host had for itself are not among them.
func (d *Datapath) Leftovers() []Leftover { return d.left }

func leftovers(vips, routers *ebpf.Map) ([]Leftover, error) {
	var (
		list []Leftover
		key  vrrpVip4Key
		slot uint32
	)
	it := vips.Iterate()
	for it.Next(&key, &slot) {
		var router vrrpRouter
		if err := routers.Lookup(slot, &router); err != nil || router.Owner != 0 {
			continue
		}
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], key.Address)
		list = append(list, Leftover{int(key.Ifindex), netip.AddrFrom4(b)})
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("list the addresses that a previous daemon served: %w", err)
	}
	return list, nil
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
