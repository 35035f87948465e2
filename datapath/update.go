package datapath

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Update makes the router what spec says, while it runs. Interface, VLAN, VRID,
// family and virtual MAC must be as they were. Addresses that it had and keeps
// are served all the time; counters, Heard and what is followed stay. On error,
// such as an address that another router has, everything is as before; new
// addresses take room before old ones give theirs. For the goroutine that uses
// the router; it waits for nothing that takes longer than an update of a map.
//
// A router that changes its Group has the lease of that from then on. Where
// nobody else is in that group, the lease goes with the router, together with
// what was yielded of it: a master stays master. A group that it leaves to
// others keeps its lease, and its yield: whose advert had it yielded is not
// known. So whoever has moved a router drains the Events that there are, and
// then, if a member of either group goes on as master, calls its Resume(0).
func (r *Router) Update(spec RouterSpec) error {
	if err := r.update(spec); err != nil {
		return fmt.Errorf("change virtual router %d on interface %d: %w", r.key.Vrid, r.key.Ifindex, err)
	}
	return nil
}

func (r *Router) update(spec RouterSpec) error {
	if err := r.spec.checkUpdate(spec); err != nil {
		return err
	}
	if err := r.admit(spec); err != nil {
		return errors.Join(err, r.admit(r.spec), r.dismiss(spec, r.spec))
	}
	former := r.spec
	if err := r.exchange(spec); err != nil {
		return errors.Join(err, r.admit(former), r.dismiss(spec, former))
	}
	return r.dismiss(former, spec)
}

// exchange changes what can be told to change: addresses, what is written of the
// router, its group.
func (r *Router) exchange(spec RouterSpec) error {
	added, removed := without(spec.served(), r.spec.served()), without(r.spec.served(), spec.served())
	if err := r.enter(added); err != nil {
		return err
	}
	err := r.withdraw(removed)
	if err == nil {
		err = r.become(spec)
	}
	if err != nil {
		return errors.Join(err, r.enter(r.missing(removed)), r.withdraw(added))
	}
	return nil
}

// without lists what is in list and not in others.
func without(list, others []netip.Addr) []netip.Addr {
	drop := make(map[netip.Addr]bool, len(others))
	for _, a := range others {
		drop[a] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return drop[a] })
}

// missing lists those of the addresses that are nobody's.
func (r *Router) missing(addresses []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addresses), func(a netip.Addr) bool {
		var slot uint32
		m, key := r.vip(a)
		return m.Lookup(key, &slot) == nil
	})
}

// become changes all but the addresses, and moves the router to its group.
func (r *Router) become(spec RouterSpec) error {
	d := r.datapath
	d.mu.Lock()
	defer d.mu.Unlock()
	from := r.group
	to, err := d.groups.move(from, spec.Group)
	if err != nil {
		return err
	}
	r.spec = spec
	r.writeAuth(spec.Auth)
	if to == from {
		r.write()
		return nil
	}
	r.moveTo(to)
	// Without members it is nobody's, and 0 again before it is anybody's. Not now:
	// a program may have found the way to it, and is about to read it.
	d.groups.leave(from)
	return nil
}

// moveTo has the programs ask another lease. If it is the router's alone, it
// becomes what the old one is before they ask; what is yielded of the old one
// meanwhile comes after.
func (r *Router) moveTo(to *group) {
	leases, from := r.datapath.leases, r.group
	r.group = to
	if to.members > 1 {
		r.write()
		return
	}
	yielded := leases.load(from.yielded())
	leases.store(to.yielded(), yielded)
	leases.store(to.until(), leases.load(from.until()))
	r.write()
	if late := leases.load(from.yielded()); late != yielded {
		leases.store(to.yielded(), late)
	}
}
