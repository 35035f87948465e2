package vrrp

import "slices"

// Group makes its members master together or not at all: they share one lease.
// It keeps nothing but its members, and which of them are joining; like them it
// belongs to one goroutine.
//
// Addresses decide between masters of equal priority, and every leg has its own:
// each of two hosts can be the better one on one leg. Then both step down. So
// that they do not become master together again, for ever, every member that
// steps down waits for Active_Down_Interval and a fraction of an advertisement
// interval that depends on its Source, and on how often it has stepped down. Not
// so if a member gave way to a higher priority: then only one of the hosts falls.
type Group struct {
	members []*Router
	joining []*Router // see Joining
}

// NewGroup returns the group of these routers. Where there is more than one, all
// must be Grouped. Next must be asked at once: they may come from other groups,
// or bring a fault. Members that are not master are joining if some other is.
func NewGroup(members ...*Router) *Group {
	g := &Group{members: members}
	g.joining = slices.DeleteFunc(slices.Clone(members), (*Router).isMaster)
	g.admit()
	return g
}

// Next returns what has to be told to whom next so that the group moves as one,
// and false if nothing has. It must be asked after every Step of a member, until
// it returns false.
//
// Before a Promote is passed on, MasterHeard must be told to every member, and
// Next asked again: a master that was silent when a member became Ready may be
// there by now, and if it only was stamped, nobody knows.
func (g *Group) Next() (*Router, Event, bool) {
	g.admit()
	if r, ev, ok := g.nextFault(); ok {
		return r, ev, true
	}
	if r, ev, ok := g.nextHandover(); ok {
		return r, ev, true
	}
	whole, allMaster := true, true
	for _, m := range g.members {
		if g.isJoining(m) {
			continue
		}
		whole = whole && (m.serves() || m.Ready())
		allMaster = allMaster && m.state == Master
	}
	for _, m := range g.members {
		switch {
		case whole && m.Ready():
			return m, Promote{}, true
		case !whole && !allMaster && m.serves():
			return m, StepDown{Outranked: slices.ContainsFunc(g.members, (*Router).isOutranked)}, true
		}
	}
	return nil, nil, false
}

func (r *Router) isMaster() bool { return r.state == Master }

func (r *Router) isOutranked() bool { return r.state == Backup && r.outranked }

// serves reports whether r is master and stays.
func (r *Router) serves() bool { return r.state == Master && !r.leaving }

// hasLeft reports whether r is not master any more because it was told to go.
func (r *Router) hasLeft() bool { return r.state == Init || r.state == Backup && r.handed }

// nextFault spreads a fault: with one leg of a gateway gone, the others are of no
// use.
func (g *Group) nextFault() (*Router, Event, bool) {
	faulty := 0
	for _, m := range g.members {
		if m.faults.own() {
			faulty++
		}
	}
	for _, m := range g.members {
		others := faulty
		if m.faults.own() {
			others--
		}
		switch {
		case others > 0 && !m.faults.group:
			return m, GroupFault{}, true
		case others == 0 && m.faults.group:
			return m, GroupRestored{}, true
		}
	}
	return nil, nil, false
}

// Lease returns until when this host owns the addresses of all members that are
// not joining: the earliest of their leases if all are master, else 0.
//
// A group that leaves serves until its last member has heard a successor, or
// could have: what switches still send to a member that has not heard one would
// be lost if it ended with the first.
func (g *Group) Lease() Instant {
	g.admit()
	isLeaving := slices.ContainsFunc(g.members, func(m *Router) bool { return m.state == Master && m.leaving })
	leases := make([]Instant, 0, len(g.members))
	for _, m := range g.members {
		switch {
		case g.isJoining(m), isLeaving && m.hasLeft():
			continue
		case m.state != Master:
			return 0
		}
		leases = append(leases, m.lease)
	}
	return earliest(leases...)
}
