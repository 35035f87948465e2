package control

import (
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// former is what the process before this one left of a master.
type former struct {
	until    vrrp.Instant
	priority uint8
}

// inherit takes over the leases that the process before this one left, group by
// group: all members of a group were master, and are master again, or none is. The
// programs of that process still run: when ours come in their place both say that
// this host is the owner.
func (e *Engine) inherit() {
	for _, g := range e.groups() {
		formers := make([]former, 0, len(g.order))
		for _, in := range g.order {
			if until, priority := in.path.Inherited(); until != 0 {
				formers = append(formers, former{vrrp.Instant(until), priority})
			}
		}
		if len(formers) < len(g.order) {
			continue
		}
		until := slices.MinFunc(formers, func(a, b former) int { return int(a.until.Sub(b.until)) }).until
		for i, in := range g.order {
			in.former = &former{until, formers[i].priority}
			in.path.Remember(in.remembered())
			in.path.YieldTo(in.yieldsTo())
		}
		g.order[0].path.SetLease(time.Duration(until))
	}
}

// groups lists the groups in the order of their first members.
func (e *Engine) groups() []*leaseGroup {
	var list []*leaseGroup
	for _, in := range e.instances {
		if in.group.order[0] == in {
			list = append(list, in.group)
		}
	}
	return list
}

// Resumes lists the instances that are going to be master at once, because the
// process before this one was: what they need is in place. Before Run.
func (e *Engine) Resumes() []InstanceConfig {
	var list []InstanceConfig
	for _, in := range e.instances {
		if in.former != nil {
			list = append(list, in.config)
		}
	}
	return list
}

func (e *Engine) resumeAll() {
	for _, g := range e.groups() {
		if g.order[0].former != nil {
			e.resume(g)
		}
	}
}

// resume makes the members of a group master again, or, if one of them cannot be,
// ends the lease. The fast path has it already, so this is no promotion: nobody
// is preempted, and nothing that was yielded is taken back.
func (e *Engine) resume(g *leaseGroup) {
	fit := func(in *instance) bool {
		_, held := in.router.Held()
		return in.ownFault() == "" && !held && e.now().Before(in.former.until) && !in.path.Yielded()
	}
	possible := !slices.ContainsFunc(g.order, func(in *instance) bool { return !fit(in) })
	formers := make([]former, 0, len(g.order))
	for _, in := range g.order {
		formers = append(formers, *in.former)
		in.former = nil
	}
	if !possible {
		g.order[0].path.SetLease(0)
		for _, in := range g.order {
			e.effects.wantAll([]effectJob{{owner: in, left: in.effects(), mayBeOwn: in.isOwner()}})
		}
		return
	}
	g.leased, g.resuming = true, true
	for i, in := range g.order {
		in.started, in.holds = true, true
		e.stepAlone(in, vrrp.Resumed{Until: formers[i].until, Priority: formers[i].priority})
	}
	g.resuming = false
	e.setLease(g.order[0], false)
	e.drive(g)
}

// remembered is the priority at which the instance is master, for a process that
// comes after this one; 0: it is none, or one that leaves. See FastPath.Remember.
func (in *instance) remembered() uint8 {
	switch {
	case in.former != nil:
		return in.former.priority
	case in.router.State() != vrrp.Master || in.router.Leaving():
		return 0
	}
	return in.router.Priority()
}

func (in *instance) isOwner() bool { return in.config.Router.Priority == vrrp.OwnerPriority }
