package datapath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
)

// Router is an installed virtual router. SetLease, Lease, Follow, Unfollow and
// Heard neither block nor fail; one goroutine at a time may use a Router.
type Router struct {
	datapath *Datapath
	spec     RouterSpec
	slot     uint32
	group    *group
}

// AddRouter installs a virtual router, silent, unless it joins a group that owns
// its lease already. On error nothing of it is left.
func (d *Datapath) AddRouter(spec RouterSpec) (*Router, error) {
	r, err := d.addRouter(spec)
	if err != nil {
		return nil, fmt.Errorf("install virtual router %d on interface %d: %w", spec.VRID, spec.Interface, err)
	}
	return r, nil
}

func (d *Datapath) addRouter(spec RouterSpec) (*Router, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	slot, err := d.slots.take()
	if err != nil {
		return nil, err
	}
	group, err := d.groups.join(spec.Group)
	if err != nil {
		d.slots.give(slot)
		return nil, err
	}
	r := &Router{datapath: d, spec: spec, slot: slot, group: group}
	if err := r.install(); err != nil {
		return nil, errors.Join(err, r.Remove())
	}
	return r, nil
}

func (r *Router) install() error {
	if r.group.members == 1 {
		r.SetLease(0)
		r.Resume(0)
	}
	r.YieldTo(0)
	r.Unfollow()
	r.datapath.heard.store(int(r.slot), 0)
	if err := r.write(); err != nil {
		return err
	}
	if err := r.zeroCounters(); err != nil {
		return err
	}
	for _, a := range r.spec.Addresses {
		m, key := r.vip(a)
		if err := m.Update(key, r.slot, ebpf.UpdateNoExist); err != nil {
			return fmt.Errorf("virtual address %s: %w", a, explainUpdate(err))
		}
	}
	if err := r.datapath.objects.RouterIds.Update(r.key(), r.slot, ebpf.UpdateNoExist); err != nil {
		return fmt.Errorf("virtual router %d: %w", r.spec.VRID, explainUpdate(err))
	}
	return nil
}

func (r *Router) write() error {
	return r.datapath.objects.Routers.Put(r.slot, vrrpRouter{
		Group:      r.group.index,
		VirtualMac: r.spec.VirtualMAC,
		DeviceMac:  r.spec.DeviceMAC,
		Version:    r.spec.Version,
		Interval:   r.spec.wireInterval(),
		Addresses:  uint32(len(r.spec.Addresses)),
		AddressSum: r.spec.addressSum(),
		Flags:      r.spec.flags(),
	})
}

func explainUpdate(err error) error {
	if errors.Is(err, ebpf.ErrKeyExist) {
		return errors.New("another virtual router has it on this interface")
	}
	return err
}

// Remove takes the virtual router out of the fast path, and ends its lease,
// unless others of its group still have it.
func (r *Router) Remove() error {
	if r.group.members == 1 {
		r.SetLease(0)
	}
	var errs []error
	if err := r.deleteOwn(r.datapath.objects.RouterIds, r.key()); err != nil {
		errs = append(errs, err)
	}
	for _, a := range r.spec.Addresses {
		m, key := r.vip(a)
		errs = append(errs, r.deleteOwn(m, key))
	}
	r.Unfollow()
	r.datapath.groups.leave(r.group)
	r.datapath.slots.give(r.slot)
	return errors.Join(errs...)
}

// deleteOwn deletes the entry at key if it is this router's.
func (r *Router) deleteOwn(m *ebpf.Map, key any) error {
	var slot uint32
	if err := m.Lookup(key, &slot); err != nil || slot != r.slot {
		return nil
	}
	return m.Delete(key)
}

func (r *Router) key() vrrpRouterKey {
	return vrrpRouterKey{Ifindex: uint32(r.spec.Interface), Vlan: r.spec.VLAN, Vrid: r.spec.VRID, Family: r.spec.Family}
}

// vip is where a virtual address is entered.
func (r *Router) vip(a netip.Addr) (m *ebpf.Map, key any) {
	if r.spec.Family == 6 {
		return r.datapath.objects.Vips6, vrrpVip6Key{Ifindex: uint32(r.spec.Interface), Vlan: r.spec.VLAN, Address: [4]uint32(words32(a))}
	}
	return r.datapath.objects.Vips4, vrrpVip4Key{Ifindex: uint32(r.spec.Interface), Vlan: r.spec.VLAN, Address: words32(a)[0]}
}

// Slot names the router in events.
func (r *Router) Slot() uint32 { return r.slot }

// SetDeviceMAC tells the fast path the interface's own address anew.
func (r *Router) SetDeviceMAC(mac [6]byte) error {
	r.spec.DeviceMAC = mac
	if err := r.write(); err != nil {
		return fmt.Errorf("tell the fast path the address of interface %d: %w", r.spec.Interface, err)
	}
	return nil
}

// Sizes of the mapped structs, in words, and the places of their fields.
const (
	wordsOfLease = 2 // until, yielded
	atYielded    = 1

	wordsOfCurrent = 4 // header, source (2), yields_to
	atYieldsTo     = 3
)

// SetLease makes this host the owner of the router and its group until the given
// time, or, with 0, not the owner any more: one atomic store.
func (r *Router) SetLease(until time.Duration) {
	r.datapath.leases.store(int(r.group.index)*wordsOfLease, uint64(until))
}

// Lease is the group's lease as the fast path sees it.
func (r *Router) Lease() time.Duration {
	return time.Duration(r.datapath.leases.load(int(r.group.index) * wordsOfLease))
}

// YieldTo tells the fast path the least priority that ends this host's
// ownership, 0 for none. Adverts of such a priority are events all the same;
// but from their arrival on nothing is answered, until Resume.
func (r *Router) YieldTo(priority uint8) {
	r.datapath.current.store(int(r.slot)*wordsOfCurrent+atYieldsTo, uint64(priority))
}

// Resume takes back what the fast path has yielded to the advert that arrived at
// that time, and not what it has yielded to another since; 0: to any.
func (r *Router) Resume(at time.Duration) {
	word := int(r.group.index)*wordsOfLease + atYielded
	if at == 0 {
		r.datapath.leases.store(word, 0)
		return
	}
	r.datapath.leases.compareAndSwap(word, uint64(at), 0)
}

// Yielded reports whether the fast path has yielded since Resume.
func (r *Router) Yielded() bool {
	return r.datapath.leases.load(int(r.group.index)*wordsOfLease+atYielded) != 0
}

// Follow tells the fast path which advert keeps this backup quiet: source and
// the first 8 bytes. While just that arrives, Heard moves and no event comes.
//
// Heard is not reset: a daemon that works through a queue may come to Follow
// long after newer adverts were stamped, and their time must not be lost.
func (r *Router) Follow(source netip.Addr, header [8]byte) {
	r.Unfollow()
	var from [16]byte
	copy(from[:], source.AsSlice())
	at := int(r.slot) * wordsOfCurrent
	r.datapath.current.store(at+1, binary.NativeEndian.Uint64(from[:8]))
	r.datapath.current.store(at+2, binary.NativeEndian.Uint64(from[8:]))
	r.datapath.current.store(at, binary.NativeEndian.Uint64(header[:]))
}

// Unfollow makes every valid advert an event again.
func (r *Router) Unfollow() {
	r.datapath.current.store(int(r.slot)*wordsOfCurrent, 0)
}

// Heard is the arrival of the last advert that was equal to the one followed at
// the time; 0 if there was none since the router was installed.
func (r *Router) Heard() time.Duration { return time.Duration(r.datapath.heard.load(int(r.slot))) }
