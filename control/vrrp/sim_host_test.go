package vrrp

import (
	"fmt"
	"time"
)

// host is one machine: a daemon that may be up and running, up and stopped, or
// dead; and a packet path, which works in any case, with one lease word for all
// its legs.
type host struct {
	lan   *lan
	id    int
	legs  []*leg
	group *Group

	up, paused, stopping bool
	moving               bool // it was stopped while its group moved
	resuming             bool // its lease is that of its former life
	life                 int  // how often it was started
	tracked              int  // what tracking adds to the priority

	lease Instant // outlives the daemon
	held  *simHold

	// What waits for the daemon.
	inHand   func() // it was stopped in the middle of this
	sendDone []command
	queue    []frame
	commands []command
}

// command is an event for a leg, or something else that the loop does.
type command struct {
	leg   *leg
	event Event
	do    func()
}

func (h *host) String() string { return fmt.Sprintf("host %d", h.id) }

// owns: a host owns its virtual routers while now < lease, whatever its daemon does.
func (h *host) owns() bool {
	end := h.lease
	if h.lan.keepAfterPause && end != 0 {
		end = end.Add(2 * simInterval)
	}
	return h.lan.now.Before(end)
}

// boot starts a daemon.
func (h *host) boot() {
	if h.up {
		return
	}
	former := h.formerMasters()
	h.up, h.paused, h.stopping, h.moving = true, false, false, false
	h.life++
	if former == nil {
		h.lease = 0
	}
	h.sendDone, h.inHand, h.queue, h.commands = nil, nil, nil, nil
	for _, g := range h.members() {
		g.boot()
	}
	h.makeGroup()
	if former != nil {
		h.goOn(former)
		return
	}
	for _, g := range h.members() {
		h.start(g)
	}
}

// members are the legs that the configuration has by now.
func (h *host) members() (list []*leg) {
	for _, g := range h.legs {
		if !g.isLater {
			list = append(list, g)
		}
	}
	return list
}

func (h *host) makeGroup() {
	var routers []*Router
	for _, g := range h.members() {
		routers = append(routers, g.router)
	}
	h.group = NewGroup(routers...)
}

// start tells a router that has booted what it finds.
func (h *host) start(g *leg) {
	if !g.linkUp {
		h.tell(g, LinkDown{})
	}
	if g.trackDown {
		h.tell(g, TrackDown{})
	}
	h.tell(g, PriorityChanged{Priority: g.effective()})
	h.startHeld(g)
	h.tell(g, Startup{})
}

// crash leaves the lease behind, and all that was queued is lost.
func (h *host) crash() {
	h.lan.trace("%s %v crashes", h.lan.clock(), h)
	h.up = false
	h.lan.in(h.lan.upTo(6*simInterval), h.boot)
}

func (h *host) shutdown() {
	h.lan.trace("%s %v is told to stop", h.lan.clock(), h)
	h.stopping = true
	h.tellAll(Shutdown{})
}

func (h *host) pause(d time.Duration) {
	h.lan.trace("%s %v pauses for %v", h.lan.clock(), h, d)
	h.paused = true
	h.lan.in(d, h.resume)
}

func (h *host) resume() {
	if h.paused {
		h.lan.trace("%s %v resumes", h.lan.clock(), h)
		h.paused = false
		h.work()
	}
}

// tell puts an event before the daemon.
func (h *host) tell(g *leg, ev Event) {
	if h.up {
		h.commands = append(h.commands, command{leg: g, event: ev})
		h.work()
	}
}

func (h *host) tellAll(ev Event) {
	for _, g := range h.members() {
		h.tell(g, ev)
	}
}

// work is the engine's loop: what was sent, what was queued, commands, and
// last, if it is time, the timer. The stamp is read before every advert, after
// every Follow, and before the timer.
func (h *host) work() {
	for h.up && !h.paused {
		switch {
		case len(h.sendDone) > 0:
			c := h.sendDone[0]
			h.sendDone = h.sendDone[1:]
			h.step(c.leg, c.event)
		case h.moving:
			h.moveGroup()
		case h.inHand != nil:
			do := h.inHand
			h.inHand = nil
			do()
		case len(h.queue) > 0:
			f := h.queue[0]
			if h.readStamp(f.leg); h.paused {
				return // in the middle of that
			}
			h.queue = h.queue[1:]
			f.path.heard = h.lan.now
			h.mayStop(func() { h.receive(f) })
		case len(h.commands) > 0:
			c := h.commands[0]
			h.commands = h.commands[1:]
			if c.do != nil {
				c.do()
			} else {
				h.step(c.leg, c.event)
			}
		default:
			if !h.timers() {
				return
			}
		}
	}
}

// timers runs the first timer that is due, or arms the next. It reports whether
// one was due.
func (h *host) timers() bool {
	var next Instant
	for _, g := range h.members() {
		deadline, ok := g.router.Deadline()
		if ok && !h.lan.now.Before(deadline) {
			if h.readStamp(g); h.paused {
				return true // in the middle of that
			}
			h.mayStop(func() { h.step(g, Timer{}) })
			return true
		}
		next = earliest(next, deadline)
	}
	if next != 0 {
		h.arm(next)
	}
	return false
}

// mayStop does something, or is stopped just before.
func (h *host) mayStop(do func()) {
	if h.lan.goesWrong(0.01) {
		h.inHand = do
		h.pause(h.lan.upTo(6 * simInterval))
		return
	}
	do()
}

// readStamp tells the machine what the fast path has seen.
func (h *host) readStamp(g *leg) {
	if at, ok := h.takeStamp(g); ok {
		h.step(g, MasterHeard{At: at})
	}
}

// takeStamp returns when the fast path saw the master, if that is to be told.
func (h *host) takeStamp(g *leg) (Instant, bool) {
	for _, s := range g.stamped {
		s.heard = h.lan.now
	}
	g.stamped = nil
	return g.stamp, !h.lan.ignoreStamps && g.stamp != 0
}

// arm wakes the daemon at the deadline, or a little late.
func (h *host) arm(deadline Instant) {
	late := time.Duration(0)
	if h.lan.latency == nil && h.lan.chance(0.2) {
		late = h.lan.upTo(simInterval / 10)
	}
	life := h.life
	h.lan.in(deadline.Add(late).Sub(h.lan.now), func() {
		if h.life == life {
			h.work()
		}
	})
}

func (h *host) receive(f frame) {
	family := f.from.config.Family
	p := Packet{Family: family, Source: f.from.config.Source, Destination: GroupAddress(family), TTL: TTL, PDU: f.pdu}
	advert, err := Parse(p)
	if err != nil {
		panic(err)
	}
	h.step(f.leg, AdvertReceived{Advert: advert, Source: p.Source, At: f.at})
	h.lan.check.processed(f.leg, f.from, advert.Priority)
}

// step steps one leg, and the others as the group wants it.
func (h *host) step(g *leg, ev Event) {
	h.stepAlone(g, ev)
	h.moveGroup()
}

// moveGroup may be stopped on its way.
func (h *host) moveGroup() {
	h.moving = false
	for {
		router, ev, ok := h.next()
		if !ok {
			break
		}
		h.stepAlone(h.legOf(router), ev)
		if len(h.legs) > 1 && h.lan.goesWrong(0.02) {
			h.moving = true
			h.pause(h.lan.upTo(6 * simInterval))
			return
		}
	}
	h.noteHold()
	h.lan.check.consistent(h)
	if h.stopping && h.allIn(Init) {
		h.up, h.stopping = false, false // the daemon has been asked to stop, and exits
		h.lan.in(h.lan.upTo(simInterval), h.boot)
	}
}

// next asks the group, and looks at every stamp before it believes in a
// promotion.
func (h *host) next() (*Router, Event, bool) {
	router, ev, ok := h.group.Next()
	if _, promotes := ev.(Promote); !promotes || h.lan.promoteBlindly {
		return router, ev, ok
	}
	for _, g := range h.members() {
		if at, ok := h.takeStamp(g); ok {
			h.stepAlone(g, MasterHeard{At: at})
		}
	}
	return h.group.Next()
}

func (h *host) legOf(r *Router) *leg {
	for _, g := range h.legs {
		if g.router == r {
			return g
		}
	}
	panic("a router of another host")
}

// stepAlone steps one leg. What it sends when it becomes master belongs to its
// mastership already, what it sent before does not.
func (h *host) stepAlone(g *leg, ev Event) {
	was := g.router.State()
	actions := g.router.Step(h.lan.now, ev)
	if was != Master && g.router.State() == Master && !h.resuming {
		for i := range g.to {
			g.to[i].adverts = nil
		}
	}
	if follows := g.perform(actions); !follows {
		return
	}
	if at, ok := h.takeStamp(g); ok {
		h.stepAlone(g, MasterHeard{At: at})
	}
}

func (h *host) allIn(s State) bool {
	for _, g := range h.members() {
		if g.router.State() != s {
			return false
		}
	}
	return true
}

// setLease stores what the group has.
func (h *host) setLease() {
	if h.resuming {
		return
	}
	owned := make(map[*leg]bool)
	for _, g := range h.legs {
		owned[g] = g.owned
	}
	h.lease = h.group.Lease()
	for _, g := range h.legs {
		g.owned = !g.isLater && h.lease != 0 && !h.group.Joining(g.router)
		if g.owned && !owned[g] {
			h.lan.check.starts(g)
		}
	}
}
