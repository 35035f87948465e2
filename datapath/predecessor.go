package datapath

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
)

// predecessor is a daemon that has ended, as the maps tell of it that are pinned
// for the interfaces it had.
type predecessor struct {
	id     ebpf.MapID // of its map of leases
	leases *words
	maps   map[string]*ebpf.Map // those that are there, by name
	heirs  []*Router
}

// inheritance is what a router takes over from a predecessor.
type inheritance struct {
	until    time.Duration // of the lease; 0: there is none
	priority uint8
	yielded  int // where the predecessor's programs note that they have yielded
}

// inherited are the maps of a predecessor that are read.
var inherited = []string{vrrpMapLeases, vrrpMapRouters, vrrpMapRouterIds, vrrpMapRouterCounters, vrrpMapArrivals}

// meet notes what a previous daemon left on the interface. Its leases go on.
func (d *Datapath) meet(p *Port) error {
	left := d.pins.leftovers(p.Name)
	former, err := openPredecessor(d.pins.folder(p.Name))
	if err != nil {
		return fmt.Errorf("look at the leases that a previous daemon left on %s: %w", p.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range left {
		// Its maps may name the addresses of several interfaces: also one that is
		// ours by now, and serves them again.
		if d.installed[l.Interface] == 0 && !slices.Contains(d.left, l) {
			d.left = append(d.left, l)
		}
	}
	if former == nil {
		return nil
	}
	if slices.ContainsFunc(d.former, func(other *predecessor) bool { return other.id == former.id }) {
		return former.close() // one set of maps, pinned for several interfaces
	}
	d.former = append(d.former, former)
	return nil
}

// openPredecessor opens the maps that are pinned in the folder; nil: there are none.
func openPredecessor(folder string) (*predecessor, error) {
	p := &predecessor{maps: make(map[string]*ebpf.Map)}
	for _, name := range inherited {
		if m, err := ebpf.LoadPinnedMap(mapPin(folder, name), nil); err == nil {
			p.maps[name] = m
		}
	}
	leases := p.maps[vrrpMapLeases]
	if leases == nil {
		return nil, p.close()
	}
	info, err := leases.Info()
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.id, _ = info.ID()
	if p.leases, err = mapWords(leases); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *predecessor) close() error {
	errs := []error{p.leases.unmap()}
	for _, m := range p.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// EndPredecessors ends the leases in the maps of previous daemons. Its place is
// after Attach has replaced their programs: until then these and ours say the
// same of every lease that was taken over. What they have yielded meanwhile, ours
// have.
func (d *Datapath) EndPredecessors() error {
	d.mu.Lock()
	former := d.former
	d.former = nil
	d.mu.Unlock()
	var errs []error
	for _, p := range former {
		for _, r := range p.heirs {
			if at := p.leases.load(r.before.yielded); at != 0 {
				d.leases.compareAndSwap(r.group.yielded(), 0, at)
			}
		}
		p.leases.clear()
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// inherit looks for the router in the maps of the predecessors, and goes on with
// what they have counted.
func (r *Router) inherit() {
	d := r.datapath
	d.mu.Lock()
	former := d.former
	d.mu.Unlock()
	for _, p := range former {
		slot, ok := p.slot(r)
		if !ok {
			continue
		}
		p.bequeathCounters(slot, r)
		if p.bequeathLease(slot, r) {
			d.mu.Lock()
			p.heirs = append(p.heirs, r)
			d.mu.Unlock()
		}
		return
	}
}

// Inherited is the lease of the virtual router that a previous daemon left, and
// the priority at which it was master; 0 if there is none to go on with, because
// it has run out, or was yielded, or its master was leaving, or because it is that
// of another version or interval. Whoever goes on with it says so by SetLease.
func (r *Router) Inherited() (until time.Duration, priority uint8) {
	return r.before.until, r.before.priority
}

// understood reports whether a map of the predecessor has the shape of ours. A
// change of what its fields mean has to change that.
func (p *predecessor) understood(name string, d *Datapath) bool {
	theirs, ours := p.maps[name], d.maps()[name]
	return theirs != nil && theirs.Type() == ours.Type() && theirs.KeySize() == ours.KeySize() &&
		theirs.ValueSize() == ours.ValueSize() && theirs.MaxEntries() == ours.MaxEntries()
}

// slot is where the predecessor had the virtual router.
func (p *predecessor) slot(r *Router) (slot uint32, ok bool) {
	return slot, p.understood(vrrpMapRouterIds, r.datapath) && p.maps[vrrpMapRouterIds].Lookup(r.key, &slot) == nil
}

func (p *predecessor) bequeathLease(slot uint32, r *Router) bool {
	var was vrrpRouter
	if !p.understood(vrrpMapRouters, r.datapath) || !p.understood(vrrpMapLeases, r.datapath) ||
		p.maps[vrrpMapRouters].Lookup(slot, &was) != nil || was.Group >= maxGroups {
		return false
	}
	const companion = vrrpRouterFlagROUTER_COMPANION
	if was.Version != r.spec.Version || was.Interval != r.spec.wireInterval() ||
		was.VirtualMac != r.spec.VirtualMAC || (was.Flags^r.spec.flags())&companion != 0 {
		return false
	}
	theirs := group{index: was.Group}
	until := time.Duration(p.leases.load(theirs.until()))
	if was.Priority == 0 || until <= Now() || p.leases.load(theirs.yielded()) != 0 {
		return false
	}
	r.before = inheritance{until, was.Priority, theirs.yielded()}
	return true
}

// bequeathCounters goes on with the counters: a restart does not set them back.
// What is counted from now until the programs are replaced is lost, and so are
// counters of another shape.
func (p *predecessor) bequeathCounters(slot uint32, r *Router) {
	o := &r.datapath.objects
	var counters []vrrpCounters
	if p.understood(vrrpMapRouterCounters, r.datapath) && p.maps[vrrpMapRouterCounters].Lookup(slot, &counters) == nil {
		_ = o.RouterCounters.Put(r.slot, counters) // they are zero, at worst
	}
	var arrivals vrrpArrivalTimes
	if p.understood(vrrpMapArrivals, r.datapath) && p.maps[vrrpMapArrivals].Lookup(slot, &arrivals) == nil {
		_ = o.Arrivals.Put(r.slot, arrivals)
	}
}
