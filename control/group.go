package control

import (
	"fmt"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// leaseGroup is what one lease stands for: instances that are master together
// or not at all. Most have one member. It belongs to the engine's loop.
type leaseGroup struct {
	name    string
	machine *vrrp.Group
	members map[*vrrp.Router]*instance
	leased  bool // the lease that was last set is not 0
	// courteous: a member preempts. Its advert goes before the lease, because
	// the master that it preempts still serves.
	courteous bool
}

// makeGroups puts every instance into its group.
func makeGroups(instances []*instance) {
	named := make(map[string]*leaseGroup)
	for _, in := range instances {
		name := in.config.Group
		g := named[name]
		if g == nil || name == "" {
			g = &leaseGroup{name: name, members: make(map[*vrrp.Router]*instance)}
			named[name] = g
			if name == "" {
				g.name = in.config.Name
			}
		}
		in.group = g
		g.members[in.router] = in
	}
	for _, in := range instances {
		if in.group.machine == nil {
			in.group.machine = vrrp.NewGroup(in.group.routers(instances)...)
		}
	}
}

// routers lists the members in the order of configuration.
func (g *leaseGroup) routers(instances []*instance) []*vrrp.Router {
	var list []*vrrp.Router
	for _, in := range instances {
		if in.group == g {
			list = append(list, in.router)
		}
	}
	return list
}

// step tells a router what happened, and the others of its group what follows.
func (e *Engine) step(in *instance, ev vrrp.Event) {
	e.stepAlone(in, ev)
	for {
		router, ev, more := in.group.machine.Next()
		if _, promoted := ev.(vrrp.Promote); promoted {
			// Since a member became ready its master may have been heard.
			for _, member := range in.group.members {
				e.stepAlone(member, vrrp.MasterHeard{At: vrrp.Instant(member.path.Heard())})
			}
			if router, ev, more = in.group.machine.Next(); !in.group.anyMaster() {
				e.flush() // what was asked for before; not what the first member says now
			}
		}
		if !more {
			return
		}
		e.stepAlone(in.group.members[router], ev)
	}
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
}

// advertFirst reports whether an advert is to leave before the lease begins.
func advertFirst(actions []vrrp.Action) bool {
	for _, a := range actions {
		switch a.(type) {
		case vrrp.SendAdvert:
			return true
		case vrrp.SetLease:
			return false
		}
	}
	return false
}

// fault says why the instance cannot be master, or "": its link's fault, or that
// of another member of its group.
func (in *instance) fault() string {
	if in.linkFault != "" {
		return in.linkFault
	}
	for _, other := range in.group.members {
		if other.linkFault != "" {
			return fmt.Sprintf("%s of the same group: %s", other.config.Name, other.linkFault)
		}
	}
	return ""
}

// setLease stores the lease of the group. It begins when the last member has
// become master, after the adverts of others that were asked for before, and
// before its own say so: whoever hears of it stops serving. Only who is
// preempted has to hear first.
func (e *Engine) setLease(in *instance) {
	g := in.group
	until := g.machine.Lease()
	if until != 0 && !g.leased {
		if g.courteous || len(g.members) == 1 {
			e.flush()
		}
		in.path.Resume(0)
		for _, member := range g.members {
			member.path.YieldTo(member.yieldsTo()) // before there is anything to yield
		}
	}
	if until != 0 {
		g.courteous = false
	}
	g.leased = until != 0
	in.path.SetLease(time.Duration(until))
}
