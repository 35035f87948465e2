package control

import (
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// simSpan is from an instant until another, without that.
type simSpan struct{ from, to vrrp.Instant }

// simSpans are in order, and do not touch.
type simSpans []simSpan

// and is where both are.
func (a simSpans) and(b simSpans) (both simSpans) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if s := (simSpan{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}); s.from < s.to {
			both = append(both, s)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return both
}

// or is where one of them is.
func (a simSpans) or(b simSpans) (any simSpans) {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y simSpan) int { return int(x.from - y.from) })
	for _, s := range all {
		if last := len(any) - 1; last >= 0 && s.from <= any[last].to {
			any[last].to = max(any[last].to, s.to)
			continue
		}
		any = append(any, s)
	}
	return any
}

// not is the rest of a span.
func (a simSpans) not(of simSpan) (rest simSpans) {
	at := of.from
	for _, s := range a {
		if s.from > at {
			rest = append(rest, simSpan{at, min(s.from, of.to)})
		}
		at = max(at, s.to)
	}
	if at < of.to {
		rest = append(rest, simSpan{at, of.to})
	}
	return rest
}

// simCondition is good while nothing spoils it.
type simCondition struct {
	check  *simChecker
	spoilt int // by how many
	since  vrrp.Instant
	good   simSpans
}

func (c *simCondition) spoil() {
	now := simNow()
	if c.spoilt == 0 && now > c.since {
		c.good = append(c.good, simSpan{c.since, now})
	}
	c.spoilt++
	c.check.changed(now)
}

func (c *simCondition) mend() {
	now := simNow()
	if c.spoilt--; c.spoilt == 0 {
		c.since = now
	}
	c.check.changed(now)
}

// touch ends a span and begins another.
func (c *simCondition) touch() { c.spoil(); c.mend() }

// simLeg is a virtual router on a host, and what has become of it.
type simLeg struct {
	host      *simHost
	router    *simRouter
	owned     simSpans // the last may end in the future: a lease
	health    simCondition
	reach     simCondition // for clients
	arrivals  []vrrp.Instant
	said      uint8 // the priority of its last advert, sent or not
	leased    bool
	reign     int          // counts, from 1, how often it was about to be master, or was
	sentIn    int          // in which reign one last left
	failed    vrrp.Instant // when one last did not
	listening vrrp.Instant // when it last left Init or Fault
	mastered  vrrp.Instant // when it last became master
	masterAt  uint8        // with this priority
	state     string       // that was told last, in this life
	held      int          // so many switchovers keep it out of MASTER
	wasHeld   bool
	running   bool // it has left Init, and nobody has told it to stop
}

// group are the legs of the host that move with this one.
func (g *simLeg) group() []*simLeg {
	if g.router.group == "" {
		return []*simLeg{g}
	}
	var list []*simLeg
	for _, other := range g.host.legs {
		if other.router.group == g.router.group {
			list = append(list, other)
		}
	}
	return list
}

// on are the legs that a fault of a segment is one of, with the rest of their groups.
func (h *simHost) on(segment int) []*simLeg {
	var list []*simLeg
	for _, g := range h.legs {
		if g.router.segment != segment {
			continue
		}
		for _, member := range g.group() {
			if !slices.Contains(list, member) {
				list = append(list, member)
			}
		}
	}
	return list
}

func spoil(legs []*simLeg) {
	for _, g := range legs {
		g.health.spoil()
	}
}

func mend(legs []*simLeg) {
	for _, g := range legs {
		g.health.mend()
	}
}

// arrived takes note of an advert that may keep the leg, and its group, quiet.
func (g *simLeg) arrived(a *simAdvert) {
	if a.priority == 0 {
		return
	}
	for _, member := range g.group() {
		member.arrivals = append(member.arrivals, simNow())
	}
}

// ownsNow reports whether the leg is an owner at this moment.
func (g *simLeg) ownsNow() bool {
	last := len(g.owned) - 1
	return last >= 0 && g.owned[last].to > simNow()
}

// owns takes what the fast path says.
func (g *simLeg) owns(p *simPath) {
	now, last, until := simNow(), len(g.owned)-1, p.lease.until
	if until == 0 && g.leased {
		g.reign++
	}
	g.leased = until != 0
	if p.lease.yielded != 0 {
		until = 0
	}
	switch owned := g.ownsNow(); {
	case until > now && owned:
		g.owned[last].to = until
	case until > now:
		g.host.lan.say("host %d owns %s", g.host.id, g.router.config.Name)
		g.owned = append(g.owned, simSpan{now, until})
		g.host.lan.check.begins(g, p)
	case owned:
		g.host.lan.say("host %d no longer owns %s", g.host.id, g.router.config.Name)
		g.owned[last].to = now
	}
}

// told takes a transition.
func (h *simHost) told(ev notify.Event, stopping bool) {
	for _, g := range h.legs {
		if g.router.config.Name != ev.Name {
			continue
		}
		switch ev.State {
		case notify.Master, notify.Backup, notify.Fault, notify.Stop:
		default:
			return
		}
		if !g.running && !stopping {
			g.running = true
			g.health.mend()
		}
		if g.state == "" || g.state == notify.Fault {
			g.listening = simNow()
		}
		if ev.State == notify.Master {
			g.mastered, g.masterAt = simNow(), ev.Priority
		}
		if g.state = ev.State; ev.State != notify.Master {
			g.reign++
		}
		h.lan.check.count("entered " + ev.State)
	}
}

// down is told when a daemon ends, or begins to.
func (h *simHost) down() {
	for _, g := range h.legs {
		if g.running {
			g.running = false
			g.health.spoil()
		}
	}
}
