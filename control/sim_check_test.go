package control

import (
	"cmp"
	"fmt"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// simMargin is what a takeover may be later than Active_Down_Interval.
const simMargin = 10 * time.Millisecond

// simChecker holds the invariants against what happens.
//
// Invariant 1. Let Y begin to own a virtual router while E does. That is allowed
// only if one of these holds:
//
//	preemption  Y outranks what E has said last, or some advert of E that it heard;
//	            or it was a master that waited for its first advert to leave, and
//	            better than E.
//	farewell    E has said priority 0, and nothing since, or nothing that was heard.
//	silence     of what E has sent Y since it became owner, and within three
//	            intervals, all is lost or in flight: on the wire, or in the queue
//	            of a daemon that is not running.
//	unsent      E has just become owner, and its daemon was stopped, or died,
//	            before the first advert left, or that could not be sent. Its lease
//	            ends within three intervals.
//
// A restart goes on with a lease; it does not begin one.
//
// An owner is none any more when an advert of a better router has arrived, or, at
// the latest, when its daemon has processed one of a better owner. And
// two owners that both run, between which nothing is lost or slow, are one within
// an interval, and the latency, and simMargin.
//
// Invariant 2. A host that has been well for Active_Down_Interval and simMargin,
// and has neither heard an advert nor been owner in that time, is owner, unless
// another one is that clients can reach. And when nothing goes wrong or gets well
// for that long, and somebody is well, somebody is owner.
type simChecker struct {
	lan       *simLAN
	start     vrrp.Instant
	violation error
	counts    map[string]int
	changes   []vrrp.Instant // when something went wrong or got well

	gap, overlap time.Duration // the longest that are bounded
	gapPart      float64       // of the bound
	overlapPart  float64
}

func (c *simChecker) changed(at vrrp.Instant) {
	if last := len(c.changes) - 1; last < 0 || c.changes[last] != at {
		c.changes = append(c.changes, at)
	}
}

func (c *simChecker) count(what string) { c.counts[what]++ }

func (c *simChecker) fail(format string, args ...any) {
	if c.violation == nil {
		c.violation = fmt.Errorf("%s %s", c.lan.clock(), fmt.Sprintf(format, args...))
		c.lan.say("VIOLATION: %v", c.violation)
	}
}

// begins looks at invariant 1 when a leg becomes owner. A group moves as one, and
// every leg needs an excuse of its own.
func (c *simChecker) begins(y *simLeg, p *simPath) {
	for _, e := range y.router.legs {
		if e == y || !e.ownsNow() {
			continue
		}
		excuse := c.excuse(e, y, p)
		if excuse == "" {
			c.fail("host %d becomes owner of %s while host %d is, which it has heard", y.host.id, y.router.config.Name, e.host.id)
		}
		c.count("two owners by " + excuse)
	}
}

func (c *simChecker) excuse(e, y *simLeg, p *simPath) string {
	in := p.daemon.instanceOf(p)
	if in == nil {
		return ""
	}
	config, priority := in.router.Config(), in.router.Priority()
	outranks := func(said uint8) bool {
		return config.Priority == vrrp.OwnerPriority || priority > said && !config.NoPreempt
	}
	switch {
	case p.inherits && y.state == "":
		return "" // a lease goes on; it does not begin by itself
	case outranks(e.said):
		return "preemption"
	case e.said == 0:
		return "farewell"
	}
	return cmp.Or(e.unsent(), e.silence(y, outranks))
}

// decided: Y was a master already, one without a lease since none of its adverts had
// left. Whether it was to be one was decided then, at the priority that it had.
func (g *simLeg) decided(a *simAdvert) bool {
	if g.state != notify.Master {
		return false
	}
	return a.lesser || !a.heard.After(g.mastered) && a.priority < g.masterAt
}

// unsent: E became owner, and its first advert is yet to leave.
func (e *simLeg) unsent() (excuse string) {
	began := e.owned[len(e.owned)-1].from
	d := e.host.daemon
	stopped := d == nil || !d.runs() || !e.running
	if e.sentIn != e.reign && (stopped || !e.failed.Before(began)) {
		return "a first advert that did not leave"
	}
	return ""
}

func (e *simLeg) silence(y *simLeg, outranks func(uint8) bool) (excuse string) {
	now, known := simNow(), false
	for _, a := range e.host.wires[y.host.id][e.router.segment].adverts {
		isHeard := a.heard.After(y.listening) && a.arrived.After(y.listening)
		switch {
		case a.router != e.router || !a.holds.After(now) || a.reign != e.reign:
		case a.priority == 0: // it takes back what was said before, and claims nothing
			if isHeard {
				excuse, known = "farewell", false
			}
		case !isHeard:
			excuse = cmp.Or(excuse, "silence")
		case outranks(a.priority), y.decided(a):
			excuse = "preemption"
		default:
			known = true
		}
	}
	if known {
		return ""
	}
	return excuse
}

// instanceOf is for the loop, or for who stands in for it.
func (d *simDaemon) instanceOf(p *simPath) *instance {
	if d.engine == nil || d.engine.bySlot[p.slot] == nil {
		return nil
	}
	return d.engine.bySlot[p.slot].instance
}

// processed looks at the second half of invariant 1.
func (d *simDaemon) processed(r simRecord) {
	for _, p := range d.kernel.paths {
		in := d.instanceOf(p)
		if p.slot != r.event.Slot || p.removed || in == nil {
			continue
		}
		from := p.leg.router.legs[r.advert.from.id]
		theirs := cmp.Or(cmp.Compare(r.advert.priority, in.router.Priority()), cmp.Compare(from.host.id, p.leg.host.id))
		r.advert.lesser = theirs < 0 && in.router.State() == vrrp.Master
		if r.advert.priority == 0 || !p.leg.ownsNow() || !from.ownsNow() {
			return
		}
		if in.router.State() != vrrp.Master && in.group.isLeaving() {
			return // the group serves until its other members have heard their successors
		}
		if theirs > 0 || in.router.Leaving() {
			d.host.lan.check.fail("host %d still owns %s after it heard host %d", d.host.id, in.config.Name, from.host.id)
		}
	}
}

// yielded: from the arrival of a better router's advert on, whatever the daemon
// does, nothing is owned. Not so in version 2, with signed adverts, and for an address
// owner: there the daemon is to look first. Where priorities move, said may be outdated.
func (c *simChecker) yielded(g *simLeg, a *simAdvert) {
	if d := g.host.daemon; d != nil && d.stopping || g.held > 0 {
		return // it leaves
	}
	config := g.host.files[g.router.id].Router
	if config.Version == vrrp.V3 && config.Auth == nil && config.Priority != vrrp.OwnerPriority && !c.lan.moves &&
		g.said != 0 && a.priority > g.said && g.ownsNow() {
		c.fail("host %d owns %s on, and its fast path has heard host %d, which is better", g.host.id, g.router.config.Name, a.from.id)
	}
}

// finish looks at what has a length.
func (c *simChecker) finish() {
	whole := simSpan{c.start, simNow()}
	for _, r := range c.lan.routers {
		var served simSpans
		for _, g := range r.legs {
			if last := len(g.owned) - 1; last >= 0 {
				g.owned[last].to = min(g.owned[last].to, whole.to)
			}
			g.health.spoil()
			g.reach.spoil()
			served = served.or(g.owned.and(g.reach.good))
		}
		gaps := served.not(whole)
		for _, g := range r.legs {
			c.waits(g, gaps)
		}
		c.rests(r, gaps)
		c.twins(r)
	}
}

// waits looks at how long a healthy host waited while nobody served.
func (c *simChecker) waits(g *simLeg, gaps simSpans) {
	bound := c.lan.downInterval(g) + simMargin
	for _, well := range g.health.good.and(g.reach.good) {
		for _, gap := range gaps.and(simSpans{well}) {
			since := well.from
			for _, s := range g.owned {
				if s.to <= gap.from {
					since = max(since, s.to)
				}
			}
			for _, at := range g.arrivals {
				if at > gap.from && at < gap.to {
					c.waited(g, since, at, bound)
				}
				if at < gap.to {
					since = max(since, at)
				}
			}
			c.waited(g, since, gap.to, bound)
		}
	}
}

func (c *simChecker) waited(g *simLeg, since, until vrrp.Instant, bound time.Duration) {
	d := until.Sub(since)
	if part := float64(d) / float64(bound); part > c.gapPart {
		c.gap, c.gapPart = d, part
	}
	if d > bound {
		c.fail("nobody owned %s at %.6f, and host %d was well and had heard nothing for %v, more than %v",
			g.router.config.Name, until.Sub(c.start).Seconds(), g.host.id, d, bound)
	}
}

// rests looks at how long nobody served while nothing changed.
func (c *simChecker) rests(r *simRouter, gaps simSpans) {
	bound := c.lan.longestDown(r) + c.lan.interval + simMargin
	var quiet simSpans
	for i, at := range append([]vrrp.Instant{c.start}, c.changes...) {
		to := simNow()
		if i < len(c.changes) {
			to = c.changes[i]
		}
		if to > at {
			quiet = append(quiet, simSpan{at, to})
		}
	}
	for _, g := range r.legs {
		for _, s := range gaps.and(quiet).and(g.health.good).and(g.reach.good) {
			if s.to.Sub(s.from) > bound {
				c.fail("nobody owned %s from %.6f for %v, and host %d was well", r.config.Name, s.from.Sub(c.start).Seconds(), s.to.Sub(s.from), g.host.id)
			}
		}
	}
}

// twins looks at how long two were owners that could hear each other.
func (c *simChecker) twins(r *simRouter) {
	bound := c.lan.interval + 2*simLatency + simMargin
	for i, a := range r.legs {
		for _, b := range r.legs[:i] {
			there, back := a.host.wires[b.host.id][r.segment], b.host.wires[a.host.id][r.segment]
			for _, s := range a.owned.and(b.owned).and(a.health.good).and(b.health.good).and(there.state.spans()).and(back.state.spans()) {
				d := s.to.Sub(s.from)
				if part := float64(d) / float64(bound); part > c.overlapPart {
					c.overlap, c.overlapPart = d, part
				}
				if d > bound {
					c.fail("hosts %d and %d both owned %s from %.6f for %v, and could hear each other", a.host.id, b.host.id, r.config.Name, s.from.Sub(c.start).Seconds(), d)
				}
			}
		}
	}
}

// spans is what is good until now.
func (c *simCondition) spans() simSpans {
	if now := simNow(); c.spoilt == 0 && now > c.since {
		return append(c.good[:len(c.good):len(c.good)], simSpan{c.since, now})
	}
	return c.good
}
