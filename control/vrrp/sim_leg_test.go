package vrrp

import (
	"fmt"
	"time"
)

// sent is an advert on one path, from one host to one other.
type sent struct {
	at       Instant
	priority uint8
	holds    Instant // until when it can hold up a lease
	arrived  Instant
	// heard is when it had reached the receiver's queue or stamp, and its
	// daemon was not stopped, so that it looks at it before it does anything
	// else. Until then the advert is lost or in flight.
	heard Instant
}

// wire is one direction between two hosts on one LAN. It keeps the order of
// what it carries, as Ethernet does.
type wire struct {
	adverts []*sent // those of the sender's present mastership, and before its end
	busy    Instant // arrival of the last one
	cut     bool
}

// frame is an advert in a receive queue.
type frame struct {
	leg  *leg // of the receiver
	from *leg
	pdu  []byte
	at   Instant
	path *sent
}

// leg is one virtual router of a host, on a LAN of its own. Most hosts have one.
type leg struct {
	host      *host
	id        int
	config    Config
	router    *Router
	to        []wire  // by host
	muteUntil Instant // what it sends does not leave
	linkUp    bool
	// isLater: the configuration that has this leg is still to come.
	isLater   bool
	trackDown bool
	owned     bool // whenever its host is an owner

	// The packet path. It outlives the daemon.
	current *frame // what Follow set: equal adverts are stamped, not queued
	stamp   Instant
	stamped []*sent // arrived in stamp, not yet told

	listening Instant // when it last left Init or Fault
}

func (g *leg) String() string {
	if len(g.host.legs) == 1 {
		return g.host.String()
	}
	return fmt.Sprintf("%v leg %d", g.host, g.id)
}

// boot finds nothing that it could go on with, but for its lease.
func (g *leg) boot() {
	g.router = NewRouter(g.config)
	g.current, g.stamp, g.stamped = nil, 0, nil
	g.owned = g.owned && g.host.lease != 0 // unless it goes on with its lease
}

// effective is the priority that tracking makes of the configured one.
func (g *leg) effective() uint8 {
	return uint8(min(max(int(g.config.Priority)+g.host.tracked, 1), 254))
}

func (g *leg) owns() bool { return g.owned && g.host.owns() }

// cutLink: the carrier goes, and the daemon hears of it sooner or later.
func (g *leg) cutLink(d time.Duration) {
	l := g.host.lan
	l.trace("%s %v loses its link", l.clock(), g)
	g.linkUp = false
	l.in(l.upTo(simInterval), func() {
		if !g.linkUp {
			g.host.tell(g, LinkDown{})
		}
	})
	l.in(d, g.restoreLink)
}

func (g *leg) restoreLink() {
	if !g.linkUp {
		g.linkUp = true
		g.host.tell(g, LinkUp{})
	}
}

// cutSwitches: nobody sees this one.
func (g *leg) cutSwitches(cut bool) {
	for i := range g.to {
		g.to[i].cut = cut
		g.host.lan.hosts[i].legs[g.id].to[g.host.id].cut = cut
	}
}

// perform does what the machine asks for, as the engine does. It reports
// whether the router follows somebody from now on.
func (g *leg) perform(actions []Action) (follows bool) {
	h, l := g.host, g.host.lan
	for _, action := range actions {
		switch action := action.(type) {
		case SetLease:
			h.setLease()
		case SendAdvert:
			g.send(action.Priority)
		case Follow:
			pdu, err := action.Advert.AppendBinary(nil, action.Source, GroupAddress(g.config.Family))
			if err != nil {
				panic(err)
			}
			follows = true
			g.current = &frame{from: l.legOf(g.id, action), pdu: pdu}
			if l.resetStamps {
				g.stamp = 0
			}
		case Unfollow:
			g.current = nil
		case Transition:
			l.trace("%s %v %v -> %v: %v", l.clock(), g, action.From, action.To, action.Reason)
			l.check.seen[action.Reason]++
			if action.From == Init || action.From == Fault {
				g.listening = l.now
			}
		}
	}
	return follows
}

func (l *lan) legOf(id int, f Follow) *leg {
	for _, h := range l.hosts {
		if h.legs[id].config.Source == f.Source {
			return h.legs[id]
		}
	}
	panic("follows a stranger")
}

// send puts an advert on every wire. It may fail, and the daemon may be stopped
// right behind it, before it knows.
func (g *leg) send(priority uint8) {
	h, l := g.host, g.host.lan
	fails := l.goesWrong(0.02) || !l.healed && l.now.Before(g.muteUntil)
	pdu, err := g.router.Advert(priority).AppendBinary(nil, g.config.Source, GroupAddress(g.config.Family))
	if err != nil {
		panic(err)
	}
	for _, other := range l.hosts {
		if other != h {
			g.transmit(other.legs[g.id], pdu, priority, fails)
		}
	}
	if fails {
		return
	}
	h.sendDone = append(h.sendDone, command{leg: g, event: AdvertSent{At: l.now}})
	if l.goesWrong(0.02) {
		h.pause(l.upTo(6 * simInterval))
	}
}

func (g *leg) transmit(other *leg, pdu []byte, priority uint8, fails bool) {
	l, w := g.host.lan, &g.to[other.host.id]
	s := &sent{at: l.now, priority: priority, holds: l.now.Add(3 * g.router.Config().Interval)}
	for _, before := range w.adverts {
		before.holds = min(before.holds, s.holds) // a shorter interval shortens the lease
	}
	if priority != 0 { // a farewell claims nothing
		w.adverts = append(w.adverts, s)
	}
	if fails || !g.linkUp || w.cut || l.chance(l.loss) {
		return
	}
	if priority == 0 {
		w.adverts = nil // it takes back what they claimed: see TakeBack
	}
	w.busy = max(w.busy+1, l.now.Add(l.delay(g))) // two frames do not arrive at one instant
	l.in(w.busy.Sub(l.now), func() {
		if other.host.up && other.linkUp && !other.isLater {
			other.arrive(frame{leg: other, from: g, pdu: pdu, at: l.now, path: s})
		}
	})
}

// arrive is the fast path: the arrival is stamped before any queue, and an
// advert that says nothing new wakes nobody.
func (g *leg) arrive(f frame) {
	h := g.host
	f.path.arrived = f.at
	if g.current != nil && g.current.from == f.from && string(g.current.pdu[:8]) == string(f.pdu[:8]) {
		g.stamp = f.at
		if h.paused {
			g.stamped = append(g.stamped, f.path)
		} else {
			f.path.heard = f.at
		}
		return
	}
	h.queue = append(h.queue, f)
	h.work()
}
