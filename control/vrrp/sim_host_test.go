package vrrp

import (
	"fmt"
	"time"
)

// sent is an advert on one path, from one host to one other.
type sent struct {
	at Instant
	// heard is when it had reached the receiver's queue or stamp, and its
	// daemon was not stopped, so that it looks at it before it does anything
	// else. Until then the advert is lost or in flight.
	heard Instant
}

// wire is one direction between two hosts. It keeps the order of what it
// carries, as Ethernet does.
type wire struct {
	adverts []*sent // those of the sender's present ownership
	before  int     // how many of them it had sent before the present step
	busy    Instant // arrival of the last one
	cut     bool
}

// frame is an advert in a receive queue.
type frame struct {
	from *host
	pdu  []byte
	at   Instant
	path *sent
}

// host is one machine: a daemon that may be up and running, up and stopped, or
// dead; and a packet path, which works in any case, with its lease word.
type host struct {
	lan    *lan
	id     int
	config Config
	router *Router
	to     []wire

	up, paused, linkUp bool

	// The packet path. It outlives the daemon.
	lease   Instant
	current *frame // what Follow set: equal adverts are stamped, not queued
	stamp   Instant
	stamped []*sent // arrived in stamp, not yet told

	listening Instant // when its daemon last left Init or Fault

	// What waits for the daemon.
	inHand   func() // it was stopped in the middle of this
	sendDone []Instant
	queue    []frame
	commands []Event
}

func (h *host) String() string { return fmt.Sprintf("host %d", h.id) }

// owns: a host owns the virtual router while now < lease, whatever its daemon does.
func (h *host) owns() bool {
	end := h.lease
	if h.lan.keepAfterPause && end != 0 {
		end = end.Add(2 * simInterval)
	}
	return h.lan.now.Before(end)
}

// boot starts a daemon. It finds nothing that it could go on with.
func (h *host) boot() {
	if h.up {
		return
	}
	h.up, h.paused = true, false
	h.router = NewRouter(h.config)
	h.lease, h.current, h.stamp = 0, nil, 0
	h.sendDone, h.inHand, h.queue, h.stamped, h.commands = nil, nil, nil, nil, nil
	if !h.linkUp {
		h.tell(LinkDown{})
	}
	h.tell(Startup{})
}

// crash leaves the lease behind, and all that was queued is lost.
func (h *host) crash() {
	h.lan.trace("%s %v crashes", h.lan.clock(), h)
	h.up = false
	h.lan.in(h.lan.upTo(6*simInterval), h.boot)
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

// cutLink: the carrier goes, and the daemon hears of it sooner or later.
func (h *host) cutLink(d time.Duration) {
	h.lan.trace("%s %v loses its link", h.lan.clock(), h)
	h.linkUp = false
	h.lan.in(h.lan.upTo(simInterval), func() {
		if !h.linkUp {
			h.tell(LinkDown{})
		}
	})
	h.lan.in(d, h.restoreLink)
}

func (h *host) restoreLink() {
	if !h.linkUp {
		h.linkUp = true
		h.tell(LinkUp{})
	}
}

func (h *host) joinSwitches() {
	for i := range h.to {
		h.to[i].cut = false
		h.lan.hosts[i].to[h.id].cut = false
	}
}

// tell puts an event before the daemon.
func (h *host) tell(ev Event) {
	if h.up {
		h.commands = append(h.commands, ev)
		h.work()
	}
}

// work is the engine's loop: what was sent, what was queued, commands, and
// last, if it is time, the timer. The stamp is read before every advert, after
// every Follow, and before the timer.
func (h *host) work() {
	for h.up && !h.paused {
		switch {
		case len(h.sendDone) > 0:
			at := h.sendDone[0]
			h.sendDone = h.sendDone[1:]
			h.step(AdvertSent{At: at})
		case h.inHand != nil:
			do := h.inHand
			h.inHand = nil
			do()
		case len(h.queue) > 0:
			h.readStamp()
			f := h.queue[0]
			h.queue = h.queue[1:]
			f.path.heard = h.lan.now
			h.mayStop(func() { h.receive(f) })
		case len(h.commands) > 0:
			ev := h.commands[0]
			h.commands = h.commands[1:]
			h.step(ev)
		default:
			deadline, ok := h.router.Deadline()
			if !ok || h.lan.now.Before(deadline) {
				h.arm(deadline, ok)
				return
			}
			h.readStamp()
			h.mayStop(func() { h.step(Timer{}) })
		}
	}
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
func (h *host) readStamp() {
	for _, s := range h.stamped {
		s.heard = h.lan.now
	}
	h.stamped = nil
	if !h.lan.ignoreStamps && h.stamp != 0 {
		h.step(MasterHeard{At: h.stamp})
	}
}

// arm wakes the daemon at the deadline, or a little late.
func (h *host) arm(deadline Instant, ok bool) {
	if !ok {
		return
	}
	late := time.Duration(0)
	if h.lan.chance(0.2) {
		late = h.lan.upTo(simInterval / 10)
	}
	router := h.router
	h.lan.in(deadline.Add(late).Sub(h.lan.now), func() {
		if h.router == router {
			h.work()
		}
	})
}

func (h *host) receive(f frame) {
	p := Packet{Family: IPv4, Source: f.from.config.Source, Destination: GroupAddress(IPv4), TTL: TTL, PDU: f.pdu}
	advert, err := Parse(p)
	if err != nil {
		panic(err)
	}
	h.step(AdvertReceived{Advert: advert, Source: p.Source, At: f.at})
	h.lan.check.processed(h, f.from, advert.Priority)
}

// step performs the actions of the machine, as the engine does.
func (h *host) step(ev Event) {
	was, follows := h.router.State(), false
	for i := range h.to {
		h.to[i].before = len(h.to[i].adverts)
	}
	for _, action := range h.router.Step(h.lan.now, ev) {
		switch action := action.(type) {
		case SetLease:
			h.setLease(action.Until)
		case SendAdvert:
			h.send(action.Priority)
		case Follow:
			pdu, err := action.Advert.AppendBinary(nil, action.Source, GroupAddress(IPv4))
			if err != nil {
				panic(err)
			}
			follows = true
			h.current = &frame{from: h.lan.hostOf(action), pdu: pdu}
			if h.lan.resetStamps {
				h.stamp = 0
			}
		case Unfollow:
			h.current = nil
		case Transition:
			h.lan.trace("%s %v %v -> %v: %v", h.lan.clock(), h, action.From, action.To, action.Reason)
			h.lan.check.seen[action.Reason]++
			if action.From == Init || action.From == Fault {
				h.listening = h.lan.now
			}
		}
	}
	h.lan.check.consistent(h)
	if follows {
		h.readStamp()
	}
	if was != Init && h.router.State() == Init {
		h.up = false // the daemon has been asked to stop, and exits
		h.lan.in(h.lan.upTo(simInterval), h.boot)
	}
}

func (l *lan) hostOf(f Follow) *host {
	for _, h := range l.hosts {
		if h.config.Source == f.Source {
			return h
		}
	}
	panic("follows a stranger")
}

// setLease begins a new ownership with the adverts of this very step: that of a
// preemption comes before its lease.
func (h *host) setLease(until Instant) {
	owned := h.owns()
	h.lease = until
	if !owned && h.owns() {
		for i := range h.to {
			h.to[i].adverts = h.to[i].adverts[h.to[i].before:]
			h.to[i].before = 0
		}
		h.lan.check.starts(h)
	}
}

// send puts an advert on every wire. It may fail, and the daemon may be stopped
// right behind it, before it knows.
func (h *host) send(priority uint8) {
	l := h.lan
	fails := l.goesWrong(0.02)
	pdu, err := h.router.Advert(priority).AppendBinary(nil, h.config.Source, GroupAddress(IPv4))
	if err != nil {
		panic(err)
	}
	for _, other := range l.hosts {
		if other != h {
			h.transmit(other, pdu, priority, fails)
		}
	}
	if fails {
		return
	}
	h.sendDone = append(h.sendDone, l.now)
	if l.goesWrong(0.02) {
		h.pause(l.upTo(6 * simInterval))
	}
}

func (h *host) transmit(other *host, pdu []byte, priority uint8, fails bool) {
	l, w := h.lan, &h.to[other.id]
	s := &sent{at: l.now}
	if priority != 0 { // a farewell claims nothing
		w.adverts = append(w.adverts, s)
	}
	if fails || !h.linkUp || w.cut || l.chance(l.loss) {
		return
	}
	w.busy = max(w.busy, l.now.Add(l.upTo(simInterval)))
	l.in(w.busy.Sub(l.now), func() {
		if other.up && other.linkUp {
			other.arrive(frame{from: h, pdu: pdu, at: l.now, path: s})
		}
	})
}

// arrive is the fast path: the arrival is stamped before any queue, and an
// advert that says nothing new wakes nobody.
func (h *host) arrive(f frame) {
	if h.current != nil && h.current.from == f.from && string(h.current.pdu[:8]) == string(f.pdu[:8]) {
		h.stamp = f.at
		if h.paused {
			h.stamped = append(h.stamped, f.path)
		} else {
			f.path.heard = f.at
		}
		return
	}
	h.queue = append(h.queue, f)
	h.work()
}
