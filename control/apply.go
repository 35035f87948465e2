package control

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// apply is the moment of a reload. In the loop: nothing here waits for anything
// but a few system calls. Others let go of what they do not have any more before
// somebody gets it; what stays where it is, is served all the time.
func (r *reload) apply() []error {
	e := r.engine
	// What the fast path has yielded to is known before leases are moved: see resume.
	errs := []error{e.world.Events.Drain(e.fastEvent)}
	errs = append(errs, r.letGo()...)
	errs = append(errs, r.installLate()...)
	before := make(map[*instance]InstanceConfig)
	for _, w := range r.wanted {
		if w.current != nil && w.changed {
			before[w.current] = w.current.config
			errs = append(errs, r.reshape(w)...)
		}
	}
	r.reinstall()
	if r.ledger != nil {
		e.ledger = r.ledger // first: what follows may have adverts signed
	}
	e.adopt(r.instances())
	for _, w := range r.wanted {
		if w.current != nil && w.changed {
			e.stepAlone(w.current, vrrp.MasterHeard{At: vrrp.Instant(w.current.path.Heard())})
			e.stepAlone(w.current, vrrp.Reconfigured{Config: w.config.Router})
		}
	}
	groups := e.regroup()
	e.results.forget(r.configs())
	e.joined = r.joined
	if r.unicast != nil {
		e.unicast = r.unicast
	}
	e.ports.set(r.ports)
	if r.asked != nil {
		old := e.asked
		r.askedOld, e.asked = &old, *r.asked
	}
	r.begin()
	for _, g := range groups {
		e.drive(g)
	}
	e.applyHolds() // who is in a group may have changed
	for in, config := range before {
		e.announceNews(in, config)
	}
	e.settle()
	return errs
}

// letGo ends what is removed, and takes from the rest what others are to have.
func (r *reload) letGo() []error {
	e := r.engine
	var errs []error
	// Some may have ended since they were looked at: others want what they had.
	for _, in := range e.clearing {
		errs = append(errs, in.unplug())
	}
	e.clearing = nil
	r.removed = slices.DeleteFunc(r.removed, func(in *instance) bool { return !slices.Contains(e.instances, in) })
	leaves := make(map[*instance]bool)
	for _, in := range r.removed {
		leaves[in], in.removed = in.removed, true
	}
	for _, g := range e.regroup() {
		e.drive(g)
	}
	needed := r.needed()
	for _, in := range r.removed {
		atOnce := slices.ContainsFunc(in.holdings(), func(key any) bool { return needed[key] })
		if !leaves[in] || atOnce {
			e.end(in, atOnce)
		}
		if atOnce {
			errs = append(errs, in.unplug())
		}
	}
	for _, w := range r.wanted {
		if w.current != nil && w.changed {
			errs = append(errs, w.shrink())
		}
	}
	e.settle()
	return errs
}

// needed is what somebody gets that somebody else has.
func (r *reload) needed() map[any]bool {
	needed := make(map[any]bool)
	for _, w := range r.wanted {
		for _, s := range w.config.places() {
			for _, key := range s.holdings(w.config.Router.VRID) {
				if r.held[key] != nil && r.held[key] != w.current {
					needed[key] = true
				}
			}
		}
	}
	return needed
}

// shrink leaves the instance what it has before and after.
func (w *wanted) shrink() error {
	in := w.current
	stays := func(s placeSpec) func(netip.Addr) bool {
		return func(a netip.Addr) bool { return slices.Contains(unique(s.addresses, s.excluded), a) }
	}
	for _, p := range in.places() {
		now, next := in.placeSpec(p), w.next.placeSpec(p)
		less := now
		less.addresses, _ = split(now.addresses, stays(next))
		less.excluded, _ = split(now.excluded, stays(next))
		if len(less.addresses) == len(now.addresses) && len(less.excluded) == len(now.excluded) {
			continue
		}
		if err := p.path.Update(p.spec(in.config, less, in.lease)); err != nil {
			return err
		}
	}
	return nil
}

func split(list []netip.Addr, keep func(netip.Addr) bool) (kept, rest []netip.Addr) {
	for _, a := range list {
		if keep(a) {
			kept = append(kept, a)
		} else {
			rest = append(rest, a)
		}
	}
	return kept, rest
}

// installLate serves the places that had to wait until others let go.
func (r *reload) installLate() []error {
	var errs []error
	for _, w := range r.wanted {
		for _, p := range w.late {
			path, err := r.engine.world.Install(p.spec(w.config, w.next.placeSpec(p), r.leaseOf(w)))
			if err != nil {
				errs = append(errs, fmt.Errorf("instance %q: %w", w.config.Name, err))
				p.plug = plug{path: absentPath{}}
				w.next.spoiled = true
				continue
			}
			p.path = path
		}
	}
	return errs
}

// reshape makes a running instance what it is to be, but for its state machine.
func (r *reload) reshape(w *wanted) []error {
	var errs []error
	in := w.current
	before := in.places()
	in.configure(w.config, r.engine.log)
	in.place, in.companions, in.spoiled = w.next.place, w.next.companions, w.next.spoiled
	for _, p := range in.places() {
		p.instance = in
		for _, old := range before {
			if old.path == p.path {
				p.plug = old.plug // its MAC may have changed meanwhile
			}
		}
		if err := p.path.Update(p.spec(in.config, in.placeSpec(p), in.lease)); err != nil {
			errs = append(errs, fmt.Errorf("instance %q: %w", in.config.Name, err))
			in.spoiled = true
		}
	}
	for _, p := range before {
		if !slices.ContainsFunc(in.places(), func(now *place) bool { return now.path == p.path }) {
			errs = append(errs, p.path.Remove())
		}
	}
	return errs
}

// reinstall puts into the kernel's tables what the masters among the changed
// instances are to have there, at one stroke: they may swap it.
func (r *reload) reinstall() {
	var jobs []effectJob
	for _, w := range r.wanted {
		if w.current != nil && w.changed && w.current.installed {
			jobs = append(jobs, effectJob{owner: w.current, effects: w.current.effects()})
		}
	}
	r.engine.effects.wantAll(jobs)
}

// instances are those that are to run from now on, and those that leave.
func (r *reload) instances() []*instance {
	var list []*instance
	for _, w := range r.wanted {
		if w.current != nil {
			list = append(list, w.current)
		} else {
			list = append(list, w.next)
		}
	}
	return append(list, r.removed...)
}

// begin tells those that are new or changed what is known of their interfaces
// and trackers, and starts the new ones. An interface may have changed since it
// was read: it is read again.
func (r *reload) begin() {
	e := r.engine
	for _, reading := range r.readings {
		e.ports.ask(netio.LinkEvent{Name: reading.name})
	}
	for _, w := range r.wanted {
		in := w.current
		if in == nil {
			in = w.next
		}
		if !w.changed {
			continue
		}
		for _, reading := range r.readings {
			// What cannot be read holds as it was known: see tell.
			if reading.name == in.iface && (reading.err == nil || w.current == nil) {
				e.applyReading(in.place, reading)
			}
		}
		e.applyTracks(in)
		e.applyHold(in)
		e.startUp(in)
	}
}

// announceNews tells the neighbours about the addresses that a master has got.
func (e *Engine) announceNews(in *instance, before InstanceConfig) {
	if in.router.State() != vrrp.Master || !in.group.leased {
		return
	}
	former := before.places()
	for range in.config.Router.Announcing().Repeat {
		for _, p := range in.places() {
			_, news := split(p.addresses(), func(a netip.Addr) bool {
				return slices.ContainsFunc(former, func(s placeSpec) bool {
					return s.iface == p.iface && s.family == p.family && slices.Contains(unique(s.addresses, s.excluded), a)
				})
			})
			e.announceAt(p, news)
		}
	}
}
