package datapath

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
)

// Leftovers are the virtual addresses that previous daemons served on the
// interfaces when they ended without taking their programs off; they may still
// be there. Addresses that the host had for itself are not among them. Those of
// interfaces that were claimed later come last.
func (d *Datapath) Leftovers() []Leftover {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.left)
}

// leftovers lists the addresses in vips, whose keys have the type K.
func leftovers[K any](vips, routers *ebpf.Map, read func(K) Leftover) ([]Leftover, error) {
	var (
		list []Leftover
		key  K
		slot uint32
	)
	it := vips.Iterate()
	for it.Next(&key, &slot) {
		var router vrrpRouter
		if err := routers.Lookup(slot, &router); err != nil || router.Flags&vrrpRouterFlagROUTER_OWNER != 0 {
			continue
		}
		list = append(list, read(key))
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("list the addresses that a previous daemon served: %w", err)
	}
	return list, nil
}

func leftover4(key vrrpVip4Key) Leftover {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], key.Address)
	return Leftover{int(key.Ifindex), netip.AddrFrom4(b)}
}

func leftover6(key vrrpVip6Key) Leftover {
	var b [16]byte
	for i, word := range key.Address {
		binary.NativeEndian.PutUint32(b[4*i:], word)
	}
	return Leftover{int(key.Ifindex), netip.AddrFrom16(b)}
}

// maps lists the places of all maps by name.
func (o *vrrpObjects) maps() map[string]**ebpf.Map {
	return map[string]**ebpf.Map{
		vrrpMapArrivals:        &o.Arrivals,
		vrrpMapAuths:           &o.Auths,
		vrrpMapCurrent:         &o.Current,
		vrrpMapEvents:          &o.Events,
		vrrpMapHeard:           &o.Heard,
		vrrpMapLeases:          &o.Leases,
		vrrpMapOthers:          &o.Others,
		vrrpMapPeers:           &o.Peers,
		vrrpMapPortCounters:    &o.PortCounters,
		vrrpMapRouterCounters:  &o.RouterCounters,
		vrrpMapRouterIds:       &o.RouterIds,
		vrrpMapRouters:         &o.Routers,
		vrrpMapScratch:         &o.Scratch,
		vrrpMapSenders:         &o.Senders,
		vrrpMapStrangers:       &o.Strangers,
		vrrpMapStrangersBounds: &o.StrangersBounds,
		vrrpMapVips4:           &o.Vips4,
		vrrpMapVips6:           &o.Vips6,
		vrrpMapWallClock:       &o.WallClock,
	}
}

// programs lists the places of all programs by name.
func (o *vrrpObjects) programs() map[string]**ebpf.Program {
	return map[string]**ebpf.Program{
		vrrpProgVrrpAccept:  &o.VrrpAccept,
		vrrpProgVrrpEgress:  &o.VrrpEgress,
		vrrpProgVrrpIngress: &o.VrrpIngress,
		vrrpProgVrrpUnicast: &o.VrrpUnicast,
		vrrpProgVrrpXdp:     &o.VrrpXdp,
	}
}

// maps lists all maps by name, as they are pinned.
func (d *Datapath) maps() map[string]*ebpf.Map {
	list := make(map[string]*ebpf.Map)
	for name, m := range d.objects.maps() {
		list[name] = *m
	}
	return list
}
