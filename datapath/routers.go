package datapath

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Router is an installed virtual router. SetLease, Lease, YieldTo, Resume,
// Yielded, Follow, Unfollow, Heard, Remember and SetDeviceMAC neither block nor fail. All
// methods but the readers of counters are for one goroutine at a time.
type Router struct {
	datapath *Datapath
	key      vrrpRouterKey
	slot     uint32
	spec     RouterSpec
	group    *group
	priority uint8 // see Remember
	before   inheritance
}

// AddRouter installs a virtual router, silent, unless it joins a group that owns
// its lease already. On error nothing of it is left. For any goroutine.
//
// Its slot was, if anybody's, that of the router that was removed the longest
// ago. When nearly MaxRouters are installed that may be a moment ago: an event
// that arrived before AddRouter was called is none of the new router's.
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
	r, err := d.place(spec)
	if err != nil {
		return nil, err
	}
	if err := r.install(); err != nil {
		return nil, errors.Join(err, r.Remove())
	}
	return r, nil
}

// place gives a router its slot and its lease.
func (d *Datapath) place(spec RouterSpec) (*Router, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	slot, err := d.slots.take()
	if err != nil {
		return nil, err
	}
	group, err := d.groups.join(spec.Group)
	if err != nil {
		d.slots.give(slot)
		return nil, err
	}
	r := &Router{datapath: d, key: spec.key(), slot: slot, spec: spec, group: group}
	d.installed[spec.Interface]++
	if group.members == 1 {
		r.SetLease(0)
		r.Resume(0)
	}
	return r, nil
}

func (r *Router) install() error {
	r.YieldTo(0)
	r.Unfollow()
	r.datapath.heard.store(int(r.slot), 0)
	if err := r.zeroCounters(); err != nil {
		return err
	}
	if err := r.admit(r.spec); err != nil {
		return err
	}
	r.writeAuth(r.spec.Auth)
	r.write()
	r.inherit()
	if err := r.enter(r.spec.served()); err != nil {
		return err
	}
	if err := r.datapath.objects.RouterIds.Update(r.key, r.slot, ebpf.UpdateNoExist); err != nil {
		return fmt.Errorf("virtual router %d: %w", r.key.Vrid, explainUpdate(err))
	}
	return nil
}

// enter makes the addresses this router's: all, or on error none.
func (r *Router) enter(addresses []netip.Addr) error {
	for i, a := range addresses {
		m, key := r.vip(a)
		if err := m.Update(key, r.slot, ebpf.UpdateNoExist); err != nil {
			return errors.Join(fmt.Errorf("virtual address %s: %w", a, explainUpdate(err)), r.withdraw(addresses[:i]))
		}
	}
	return nil
}

// withdraw makes the addresses nobody's.
func (r *Router) withdraw(addresses []netip.Addr) error {
	var errs []error
	for _, a := range addresses {
		m, key := r.vip(a)
		if err := r.deleteOwn(m, key); err != nil {
			errs = append(errs, fmt.Errorf("take virtual address %s out: %w", a, err))
		}
	}
	return errors.Join(errs...)
}

func explainUpdate(err error) error {
	switch {
	case errors.Is(err, ebpf.ErrKeyExist):
		return errors.New("another virtual router has it on this interface")
	case errors.Is(err, unix.E2BIG):
		return fmt.Errorf("there is no room: more than %d virtual addresses of one family", MaxAddresses)
	}
	return err
}

// Remove takes the virtual router out of the fast path, and ends its lease,
// unless others of its group still have it. For any goroutine, when no other
// uses the router any more. Events of its slot may still come: of what arrived
// before.
func (r *Router) Remove() error {
	r.endOwnLease()
	err := errors.Join(r.deleteOwn(r.datapath.objects.RouterIds, r.key), r.withdraw(r.spec.served()), r.dismiss(r.spec, RouterSpec{}))
	r.Unfollow()
	d := r.datapath
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups.leave(r.group)
	d.slots.give(r.slot)
	d.installed[r.spec.Interface]--
	return err
}

func (r *Router) endOwnLease() {
	r.datapath.mu.Lock()
	defer r.datapath.mu.Unlock()
	if r.group.members == 1 {
		r.SetLease(0)
	}
}

// deleteOwn deletes the entry at key if it is this router's.
func (r *Router) deleteOwn(m *ebpf.Map, key any) error {
	var slot uint32
	if err := m.Lookup(key, &slot); err != nil || slot != r.slot {
		return nil
	}
	return m.Delete(key)
}

// vip is where a virtual address is entered.
func (r *Router) vip(a netip.Addr) (m *ebpf.Map, key any) {
	at, vlan := r.key.Ifindex, r.key.Vlan
	if r.key.Family == 6 {
		return r.datapath.objects.Vips6, vrrpVip6Key{Ifindex: at, Vlan: vlan, Address: [4]uint32(words32(a))}
	}
	return r.datapath.objects.Vips4, vrrpVip4Key{Ifindex: at, Vlan: vlan, Address: words32(a)[0]}
}

// Slot names the router in events.
func (r *Router) Slot() uint32 { return r.slot }
