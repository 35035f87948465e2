package control

import (
	"fmt"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// leaseGroup is what one lease stands for: instances that are master together
// or not at all. Most have one member. It belongs to the engine's loop.
type leaseGroup struct {
	name    string // of the sync group; "": an instance alone
	lease   string
	machine *vrrp.Group
	order   []*instance // the members, as they are configured
	members map[*vrrp.Router]*instance
	leased  bool         // the lease that was last set is not 0
	until   vrrp.Instant // that lease; 0: there is none
	// resuming: its members are told so, one after the other. Until the last of
	// them knows, the lease is what it was.
	resuming bool
	// courteous: the adverts of the members go before the lease; see
	// vrrp.Router for when. Without them there is none.
	courteous bool
	unheard   bool   // they did not leave
	told      string // the state that others were last told of
}

// groupLease names the lease of a sync group.
func groupLease(name string) string { return "group " + name }

// regroup puts every instance into its group. Groups whose members stay the same
// are not touched. It returns those that changed.
func (e *Engine) regroup() []*leaseGroup {
	existing := make(map[string]*leaseGroup)
	members := make(map[string][]*instance)
	for _, in := range e.instances {
		if g := in.group; g != nil && g.name != "" {
			existing[g.name] = g
		}
		if name := in.groupName(); name != "" {
			members[name] = append(members[name], in)
		}
	}
	var changed []*leaseGroup
	for _, in := range e.instances {
		name := in.groupName()
		switch {
		case name == "" && (in.group == nil || in.group.name != ""):
			changed = append(changed, e.separate(in))
		case name != "" && members[name][0] == in:
			g := existing[name]
			if g == nil {
				g = &leaseGroup{name: name, lease: groupLease(name)}
			}
			if !slices.Equal(g.order, members[name]) {
				changed = append(changed, g)
				e.unite(g, members[name])
			}
		}
	}
	return changed
}

// groupName is the sync group that the instance belongs to. One that is to end
// does so on its own.
func (in *instance) groupName() string {
	if in.removed {
		return ""
	}
	return in.config.Group
}

// separate makes the instance a group of its own. It takes the lease that it has
// with it.
func (e *Engine) separate(in *instance) *leaseGroup {
	leased := in.group != nil && in.group.leased
	if in.group != nil && in.lease == in.group.lease {
		e.move(in, e.newLease())
	}
	g := &leaseGroup{lease: in.lease}
	g.set([]*instance{in})
	if g.leased = leased && g.machine.Lease() != 0; g.leased {
		g.resume()
	}
	return g
}

// unite makes these the members of the group. Those that are not master, in a
// group that is, keep a lease of their own until they are: see vrrp.Group.
func (e *Engine) unite(g *leaseGroup, members []*instance) {
	g.set(members)
	for _, in := range members {
		if !g.machine.Joining(in.router) {
			e.move(in, g.lease)
		}
	}
	g.leased, g.until = g.machine.Lease() != 0 && !g.unheard, 0
	if g.leased {
		g.resume()
	}
}

// resume makes the fast path go on for a group that is master still. A mark that
// the fast path has yielded moves with a lease, and does not say for whose sake
// it was made; whatever made it has been heard by now.
func (g *leaseGroup) resume() {
	for _, in := range g.order {
		if in.lease == g.lease {
			g.until = g.machine.Lease()
			in.path.SetLease(time.Duration(g.until))
			in.path.Resume(0)
			return
		}
	}
}

func (g *leaseGroup) set(members []*instance) {
	g.order = members
	g.members = make(map[*vrrp.Router]*instance)
	var routers []*vrrp.Router
	for _, in := range members {
		in.group = g
		g.members[in.router] = in
		routers = append(routers, in.router)
	}
	g.machine = vrrp.NewGroup(routers...)
}

// move makes the fast path look at another lease.
func (e *Engine) move(in *instance, lease string) {
	if in.lease == lease {
		return
	}
	in.lease = lease
	for _, p := range in.places() {
		if err := p.path.Update(p.spec(in.config, in.placeSpec(p), lease)); err != nil {
			in.log.Error("the fast path cannot change the group of a virtual router; restart vrrp-xdp", "error", err)
		}
	}
}

// step tells a router what happened, and the others of its group what follows.
func (e *Engine) step(in *instance, ev vrrp.Event) {
	e.stepAlone(in, ev)
	e.drive(in.group)
}

// drive tells the members of a group what follows from what has happened to one.
func (e *Engine) drive(g *leaseGroup) {
	for {
		router, ev, more := g.machine.Next()
		if _, promoted := ev.(vrrp.Promote); promoted {
			// Since a member became ready its master may have been heard.
			for _, member := range g.order {
				e.avoidsPromotion(member, func() {
					e.stepAlone(member, vrrp.MasterHeard{At: e.heard(member)})
				})
			}
			if router, ev, more = g.machine.Next(); !g.anyMaster() {
				e.flush() // what was asked for before; not what the first member says now
			}
		}
		if !more {
			break
		}
		in := g.members[router]
		if _, promoted := ev.(vrrp.Promote); promoted {
			e.move(in, g.lease) // if it is joining
		}
		e.stepAlone(in, ev)
	}
	for _, in := range g.order {
		if in.lease != g.lease && !g.leased && !g.machine.Joining(in.router) {
			e.move(in, g.lease)
		}
	}
	e.tellGroup(g)
}

func (g *leaseGroup) anyMaster() bool {
	for router := range g.members {
		if router.State() == vrrp.Master {
			return true
		}
	}
	return false
}

// stepAlone is the only caller of Router.Step.
func (e *Engine) stepAlone(in *instance, ev vrrp.Event) {
	actions := in.router.Step(e.now(), ev)
	in.group.courteous = in.group.courteous || !in.group.leased && advertFirst(actions)
	for _, a := range actions {
		e.perform(in, a)
	}
	in.path.YieldTo(in.yieldsTo())
	in.path.Remember(in.remembered())
}

// advertFirst reports whether a lease is to begin, and an advert to leave before that.
func advertFirst(actions []vrrp.Action) bool {
	asked := false
	for _, a := range actions {
		switch a := a.(type) {
		case vrrp.SendAdvert:
			asked = true
		case vrrp.SetLease:
			return asked && a.Until != 0
		}
	}
	return false
}

// ownFault says why the instance itself cannot be master, or "".
func (in *instance) ownFault() string {
	if in.linkFault != "" {
		return in.linkFault
	}
	return in.trackFault
}

// isUnheard reports whether the last advert of a member did not leave.
func (g *leaseGroup) isUnheard() bool {
	return slices.ContainsFunc(g.order, func(in *instance) bool {
		return in.sending.err != nil && !in.sending.left.After(in.sending.failed)
	})
}

// fault says why the instance cannot be master, or "": its own fault, or that
// of another member of its group.
func (in *instance) fault() string {
	if fault := in.ownFault(); fault != "" {
		return fault
	}
	for _, other := range in.group.order {
		if fault := other.ownFault(); fault != "" {
			return fmt.Sprintf("%s of the same group: %s", other.config.Name, fault)
		}
	}
	return ""
}

// aheadOfAdvert is how long two can be owners if a daemon is stopped just before
// it says that it returns from a switchover; usually it is as long as a send.
const aheadOfAdvert = 10 * time.Millisecond

// setLease stores the lease of the group. It begins when the last member has
// become master, after the adverts that were asked for before: those of others
// and, but for a handover, its own. If one of these did not leave the lease has
// to wait for one that does: nobody knows of this master. Ahead of its own it is
// for a moment only, in which the advert is to leave.
func (e *Engine) setLease(in *instance, ahead bool) {
	g := in.group
	if g.resuming {
		return
	}
	if in.lease != g.lease { // it joins, and is not master: the group's is not its business
		in.path.SetLease(time.Duration(in.router.Lease()))
		return
	}
	until := g.machine.Lease()
	if g.isLeaving() {
		// Who leaves does not begin to serve, nor again when the member has left whose
		// lease has ended.
		until = min(until, g.until)
	}
	if until != 0 && !g.leased {
		if g.courteous || len(g.members) == 1 {
			e.flushAdverts()
		}
		again := g.unheard
		if g.unheard = g.courteous && g.isUnheard(); g.unheard {
			return
		}
		if again {
			e.announceGroup(g) // what was announced before has not left either
		}
		in.path.Resume(0)
		for _, member := range g.order {
			member.path.YieldTo(member.yieldsTo()) // before there is anything to yield
		}
	}
	if until != 0 {
		g.courteous = false
	}
	g.leased, g.until = until != 0, until
	if ahead {
		until = min(until, e.now().Add(aheadOfAdvert))
	}
	in.path.SetLease(time.Duration(until))
	if ahead && until != 0 {
		e.turnSwitches(g)
	}
}

// turnSwitches makes the switches on all sides of a group send here what is for
// it, by one announcement each, before its first advert ends the other owner on
// all sides at once: what was on its way back through a gateway went to the other
// one still, and one or two of 5,000 echoes were lost in 7 of 12 returns.
func (e *Engine) turnSwitches(g *leaseGroup) {
	var frames []netio.Frame
	for _, in := range g.order {
		for _, p := range in.places() {
			if a := p.addresses(); p.plugged() && len(a) > 0 {
				frames = append(frames, netio.Frame{Interface: p.ifindex, Bytes: p.announcement(a[0])})
			}
		}
	}
	if len(frames) > 1 {
		_ = e.world.Sender.Send(frames) // if it fails, so do the adverts
	}
}

func (g *leaseGroup) isLeaving() bool {
	return slices.ContainsFunc(g.order, func(in *instance) bool { return in.router.Leaving() })
}
