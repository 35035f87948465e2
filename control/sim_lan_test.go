package control

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// A simulated LAN: whole engines on a fake fast path, in virtual time, while
// things go wrong. Everything that happens is drawn from one seed, and what a
// host, a wire and the plan of faults draw does not depend on each other, so
// that a seed plays the same again.

// simKnobs break the simulated fast path on purpose, to see the checker find it.
type simKnobs struct {
	leaseLonger  bool // every lease lasts an interval longer than asked for
	ignoreStamps bool // the daemon is not told when the master was heard
	yieldForever bool // what was yielded is never taken back
	neverYields  bool // to a better router's advert
	lateHeirs    bool // a lease that has run out is inherited as one that has not
	sendsToNone  bool // a failed send is reported as sent
	lateLease    bool // renewals count from after a pause, not from before the send
}

// simLAN is all of one seed.
type simLAN struct {
	simKnobs
	simShape
	seed    uint64
	rng     *rand.Rand // of the plan
	mu      sync.Mutex // of everything here
	hosts   []*simHost
	routers []*simRouter
	healed  bool
	over    bool
	trace   func(format string, args ...any)
	check   simChecker
}

// simRouter is a virtual router: what the hosts share.
type simRouter struct {
	id      int
	segment int
	group   string
	config  InstanceConfig // but for what differs between hosts
	legs    []*simLeg      // by host
}

// simWire is one direction between two hosts on a segment. It keeps the order of
// what it carries.
type simWire struct {
	rng     *rand.Rand
	cut     int // how often
	loss    float64
	slow    time.Duration
	busy    vrrp.Instant // arrival of the last
	state   simCondition
	adverts []*simAdvert
}

// simAdvert is an advert on one wire.
type simAdvert struct {
	router   *simRouter
	from     *simHost
	priority uint8
	reign    int // of the sender
	sent     vrrp.Instant
	holds    vrrp.Instant // until when it can hold up a lease
	arrived  vrrp.Instant // 0: not yet, or never
	heard    vrrp.Instant // when the daemon knew; 0: not yet, or never
	lesser   bool         // it was that of a lesser master for a master
}

func simNow() vrrp.Instant { return vrrp.Instant(bootNow()) }

func (l *simLAN) clock() string {
	return fmt.Sprintf("%12.6f", simNow().Sub(l.check.start).Seconds())
}

func (l *simLAN) say(format string, args ...any) {
	if l.trace != nil && !l.over {
		l.trace("%s %s", l.clock(), fmt.Sprintf(format, args...))
	}
}

// in does something after d, unless all is over by then.
func (l *simLAN) in(d time.Duration, do func()) {
	time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.over {
			do()
		}
	})
}

func upTo(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(1 + rng.Int64N(int64(d)))
}

// send puts an advert on the wires of a segment.
func (l *simLAN) send(from *simHost, segment int, source netip.Addr, pdu []byte) {
	r := l.routerOf(segment, pdu[1], vrrp.FamilyOf(source))
	if r == nil {
		return
	}
	leg := r.legs[from.id]
	if leg.said = pdu[2]; leg.said != 0 {
		leg.sentIn = leg.reign
	}
	for _, to := range l.hosts {
		if to == from {
			continue
		}
		w := from.wires[to.id][segment]
		a := &simAdvert{router: r, from: from, priority: pdu[2], reign: leg.reign, sent: simNow()}
		a.holds = a.sent.Add(3 * advertInterval(pdu))
		for _, before := range w.adverts {
			if before.router == r {
				before.holds = min(before.holds, a.holds) // a shorter interval shortens the lease
			}
		}
		w.keep(a)
		l.transmit(w, a, from, to, segment, source, pdu)
	}
}

// sendFails: what could not be sent is not lost on the way, but it was tried.
func (l *simLAN) sendFails(from *simHost, segment int, source netip.Addr, pdu []byte) {
	if r := l.routerOf(segment, pdu[1], vrrp.FamilyOf(source)); r != nil {
		leg := r.legs[from.id]
		leg.said, leg.failed = pdu[2], simNow()
	}
}

// keep remembers an advert, and forgets those that can hold nothing any more.
func (w *simWire) keep(a *simAdvert) {
	kept := w.adverts[:0]
	for _, before := range w.adverts {
		if before.holds.After(a.sent) || before.router != a.router {
			kept = append(kept, before)
		}
	}
	w.adverts = append(kept, a)
}

func (l *simLAN) transmit(w *simWire, a *simAdvert, from, to *simHost, segment int, source netip.Addr, pdu []byte) {
	lost := w.rng.Float64() < w.loss
	delay := upTo(w.rng, simLatency)
	if w.slow > 0 {
		delay = upTo(w.rng, w.slow)
	}
	if lost || w.cut > 0 || !from.links[segment].up {
		return
	}
	w.busy = max(w.busy+1, a.sent.Add(delay))
	l.in(w.busy.Sub(a.sent), func() {
		if to.links[segment].up && to.kernel != nil {
			to.kernel.receive(segment, source, pdu, a)
		}
	})
}

func advertInterval(pdu []byte) time.Duration {
	if pdu[0]>>4 == byte(vrrp.V2) {
		return time.Duration(pdu[5]) * time.Second
	}
	return (time.Duration(pdu[4]&0xf)<<8 | time.Duration(pdu[5])) * 10 * time.Millisecond
}

func (l *simLAN) routerOf(segment int, vrid uint8, family vrrp.Family) *simRouter {
	for _, r := range l.routers {
		if c := r.config.Router; r.segment == segment && c.VRID == vrid && c.Family == family {
			return r
		}
	}
	return nil
}
