package vrrp

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// A simulated LAN in virtual time: a heap of things to come, and hosts that
// each run one Router under a shell that behaves like the engine and the fast
// path together. Everything is drawn from one seed.

const (
	simInterval = time.Second
	// simFaults is how long things go wrong, simQuiet how long they then go
	// right. simSettle is enough for an election among healthy routers: a
	// leaving master and its restart (2 intervals), start delay and preempt
	// delay (4), the longest Active_Down_Interval (4) and what a member that
	// stepped down waits more (1), a delay (1), the lateness of a few timers.
	simDelay  = 2 * simInterval
	simFaults = 40 * simInterval
	simSettle = 13 * simInterval
	simQuiet  = 18 * simInterval
)

// knobs break the simulated daemon on purpose, to see the checker find it.
type knobs struct {
	leaseAdverts   int  // lease length, unchecked
	ignoreStamps   bool // no MasterHeard before Timer
	resetStamps    bool // Follow forgets the stamp of the one followed before
	keepAfterPause bool // the packet path serves on for two intervals past the lease
	promoteBlindly bool // a group is promoted without a look at the stamps
	resumeLate     bool // a restarted daemon goes on though its lease has run out
}

type happening struct {
	at    Instant
	order int // first scheduled, first happens
	do    func()
}

type agenda []happening

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

type lan struct {
	knobs
	rng    *rand.Rand
	now    Instant
	start  Instant
	order  int
	coming agenda
	hosts  []*host
	legs   int // of every host
	// disagree: the legs of a host have priorities of their own, which is an
	// error of configuration and must not do harm.
	disagree bool
	changes  bool    // of priority, tracking and configuration
	tells    bool    // the stamps before a change
	loss     float64 // until healed
	calm     bool    // delays only, from the beginning
	healed   bool
	// latency is that of what a leg sends to the other host. With it timers are
	// exact too. nil: delays of all lengths, up to an interval.
	latency func(from *leg) time.Duration
	trace   func(format string, args ...any)
	check   checker
}

func newLAN(seed uint64, k knobs, trace func(string, ...any)) *lan {
	l := &lan{knobs: k, rng: rand.New(rand.NewPCG(seed, 112)), start: after(0), now: after(0), trace: trace}
	if trace == nil {
		l.trace = func(string, ...any) {}
	}
	l.check.lan = l
	l.loss = l.rng.Float64() * 0.5
	l.calm = l.rng.IntN(8) == 0
	if l.calm || l.rng.IntN(4) == 0 {
		l.loss = 0 // whatever goes wrong then must be for another reason
	}
	l.makeHosts()
	for _, h := range l.hosts {
		l.in(l.upTo(3*simInterval), h.boot)
	}
	if !l.calm {
		l.in(l.upTo(6*simInterval), l.fault)
	}
	l.planChanges()
	l.in(simFaults, l.heal)
	return l
}

// makeHosts draws the configurations. A host has one priority for all its legs;
// where they disagree, it may be that nobody can be master of all of them.
func (l *lan) makeHosts() {
	noPreempt := l.rng.IntN(4) == 0
	delays := l.rng.IntN(4) == 0
	l.legs = 1
	if l.rng.IntN(3) == 0 {
		l.legs = 2
		l.disagree = l.rng.IntN(8) == 0
	}
	first := l.leg0()
	configs := []Config{first, l.leg1(first)}[:l.legs]
	priorities := []uint8{1, 50, 100, 100, 150, 200, 254, 255, uint8(1 + l.rng.IntN(255))}
	number := 2 + l.rng.IntN(3)
	for i := range number {
		h := &host{lan: l, id: i}
		c := Config{VRID: 10, Interval: simInterval, LeaseAdverts: l.leaseAdverts, Grouped: l.legs > 1,
			Priority: priorities[l.rng.IntN(len(priorities))], NoPreempt: noPreempt && l.rng.IntN(2) == 0}
		if delays && l.rng.IntN(2) == 0 {
			c.PreemptDelay = l.upTo(simDelay)
		}
		if delays && l.rng.IntN(2) == 0 {
			c.StartDelay = l.upTo(simDelay)
		}
		for k, shape := range configs {
			if k > 0 && l.disagree {
				c.Priority = priorities[l.rng.IntN(len(priorities))]
			}
			c.Family, c.Version, c.Addresses, c.Source = shape.Family, shape.Version, shape.Addresses, shape.Source
			for range i {
				c.Source = c.Source.Next()
			}
			h.legs = append(h.legs, &leg{host: h, id: k, config: c, linkUp: true, to: make([]wire, number)})
		}
		l.hosts = append(l.hosts, h)
		l.trace("host %d: %d legs, priority %d, no preempt %v, delays %v %v", i, len(h.legs), c.Priority, c.NoPreempt, c.PreemptDelay, c.StartDelay)
	}
}

// leg0 and leg1 are what the legs of all hosts have in common, and the address
// of the first host.
func (l *lan) leg0() Config {
	version := []Version{V2, V3}[l.rng.IntN(2)]
	return Config{Family: IPv4, Version: version, Addresses: virtual, Source: netip.MustParseAddr("192.168.1.1")}
}

func (l *lan) leg1(first Config) Config {
	if l.rng.IntN(2) == 0 {
		return Config{Family: IPv6, Version: V3, Addresses: addrs("fe80::a", "2001:db8::1"), Source: netip.MustParseAddr("fe80::1")}
	}
	return Config{Family: IPv4, Version: first.Version, Addresses: addrs("10.0.0.254"), Source: netip.MustParseAddr("10.0.0.1")}
}

// run plays until the end or the first violation, which it returns.
func (l *lan) run() error {
	l.play(l.start.Add(simFaults+simQuiet), l.check.settled)
	return l.check.violation
}

// play plays until the end or the first violation, and looks after everything
// that happens.
func (l *lan) play(end Instant, look func()) {
	for len(l.coming) > 0 && l.check.violation == nil {
		next := heap.Pop(&l.coming).(happening)
		if next.at.After(end) {
			break
		}
		l.now = next.at
		next.do()
		look()
	}
}

// in does something after d.
func (l *lan) in(d time.Duration, do func()) {
	l.order++
	heap.Push(&l.coming, happening{at: l.now.Add(d), order: l.order, do: do})
}

func (l *lan) upTo(d time.Duration) time.Duration { return time.Duration(l.rng.Int64N(int64(d))) }

// delay is how long an advert is on its way.
func (l *lan) delay(from *leg) time.Duration {
	if l.latency != nil {
		return l.latency(from)
	}
	return l.upTo(from.config.Interval)
}

func (l *lan) chance(p float64) bool { return l.rng.Float64() < p }

// goesWrong is a chance while things go wrong.
func (l *lan) goesWrong(p float64) bool { return !l.healed && !l.calm && l.chance(p) }

// fault is one thing that goes wrong; the next one is not far.
func (l *lan) fault() {
	if l.healed {
		return
	}
	l.in(l.upTo(8*simInterval), l.fault)
	h := l.hosts[l.rng.IntN(len(l.hosts))]
	if !h.up {
		return
	}
	members := h.members()
	g := members[l.rng.IntN(len(members))]
	switch l.rng.IntN(9) {
	case 0, 1:
		h.pause(l.upTo(8 * simInterval))
	case 2:
		h.crash()
	case 3:
		h.shutdown()
		if l.chance(0.1) {
			h.tellAll(Shutdown{})
		}
	case 4:
		g.cutLink(l.upTo(6 * simInterval))
	case 5:
		g.cutSwitches(true)
		l.in(l.upTo(6*simInterval), func() { g.cutSwitches(false) })
	case 6, 7:
		h.holdOrRelease()
	case 8:
		g.muteUntil = l.now.Add(l.upTo(12 * simInterval))
	}
}

// heal ends all that is wrong.
func (l *lan) heal() {
	l.trace("%v all is well from here", l.clock())
	l.healed = true
	l.loss = 0
	for _, h := range l.hosts {
		h.resume()
		for _, g := range h.legs {
			g.cutSwitches(false)
			g.restoreLink()
			g.restoreTrack()
		}
		h.grow()
		h.release()
		if !h.up {
			h.boot()
		}
	}
}

func (l *lan) clock() string {
	return fmt.Sprintf("%9.3f", l.now.Sub(l.start).Seconds()/simInterval.Seconds())
}
