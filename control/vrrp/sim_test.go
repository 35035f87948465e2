package vrrp

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"testing"
)

var simSeed = flag.Uint64("sim.seed", 0, "replay one seed of the simulated LAN, with a transcript")

// checker holds the two promises of the design against what happens on a LAN.
//
// Promise 1. Let Y become an owner at time s while E is one. That is allowed
// only if one of these holds at s:
//
//	preemption  Y preempts and has a higher priority than E, or is the address
//	            owner: it need not have heard E at all, nor heeded it.
//	farewell    E is leaving, or another leg of its group: it asked for a successor with
//	            priority 0.
//	silence     E has sent Y at least one advert since E became owner and
//	            within the last three intervals, and since its last farewell that
//	            left, and every one of these is lost or in flight at s. (What E sent earlier cannot hold up a lease
//	            at s; what Y has heard since would have kept it quiet.) Where
//	            priorities move, those that Y would preempt at s do not count:
//	            if there are such, this is a preemption too.
//
// And of two owners, the one that has to give way, or that leaves, is none any
// more when it has processed an advert of the other: both carry on only for as
// long as every advert that would end it is lost or in flight.
//
// "In flight" means sent, and not yet taken up by a daemon that runs: on the
// wire, or in the queue of a daemon that is stopped. "Lost" includes what could
// not be sent, arrived at a dead link or a dead daemon, or was heard in an
// earlier life: before Y last left Init or Fault.
//
// Promise 2. When nothing has gone wrong for simSettle, there is exactly one
// owner at every instant; and if all preempt, no other router has a higher
// priority. (Among equal priorities it is whoever came first: RFC 9568 §6.4.2
// keeps a backup quiet behind an equal one, whatever its address.) Not so where
// the legs of the hosts disagree about who is better: these may take turns.
type checker struct {
	lan       *lan
	violation error
	overlaps  map[string]int
	seen      [WasMaster + 1]int
	lapsed    int // holds that ended by themselves
}

func (c *checker) fail(format string, args ...any) {
	if c.violation == nil {
		c.violation = fmt.Errorf("%s %s", c.lan.clock(), fmt.Sprintf(format, args...))
	}
}

// starts looks at promise 1 when y becomes an owner. The group of y moves as one,
// so every leg needs an excuse of its own.
func (c *checker) starts(y *leg) {
	if _, held := y.router.Held(); held {
		c.fail("%v becomes owner, and is held", y)
	}
	for _, h := range c.lan.hosts {
		e := h.legs[y.id]
		if e == y || !e.owns() {
			continue
		}
		excuse := c.excuse(e, y)
		if excuse == "" {
			c.fail("%v becomes owner while %v is, which it has heard", y, e)
		}
		if c.overlaps == nil {
			c.overlaps = make(map[string]int)
		}
		c.overlaps[excuse]++
	}
}

func (c *checker) excuse(e, y *leg) string {
	switch {
	case y.outranks(e.router.Priority()):
		return "preemption"
	case e.router.Leaving(), e.router.hasLeft() && e.host.isLeaving():
		return "farewell"
	}
	return c.silence(e, y)
}

// outranks looks at what the router was told, not at what it makes of it.
func (g *leg) outranks(priority uint8) bool {
	c := g.router.Config()
	return c.owner() || g.router.Priority() > priority && !c.NoPreempt
}

func (c *checker) silence(e, y *leg) (excuse string) {
	for _, s := range e.to[y.host.id].adverts {
		switch {
		case !s.holds.After(c.lan.now):
		case !s.heard.After(y.listening), !s.arrived.After(y.listening):
			excuse = cmp.Or(excuse, "silence")
		case y.outranks(s.priority):
			excuse = "preemption"
		default:
			return ""
		}
	}
	return excuse
}

// processed looks at the second half of promise 1.
func (c *checker) processed(by, from *leg, priority uint8) {
	if priority == 0 || !by.owns() || !from.owns() {
		return
	}
	if by.router.hasLeft() && by.host.isLeaving() {
		return // the group serves until its other legs have heard their successors
	}
	if compareRouters(priority, from.config.Source, by.router.Priority(), by.config.Source) > 0 || by.router.Leaving() {
		c.fail("%v is still owner after it heard %v", by, from)
	}
}

func (h *host) isLeaving() bool {
	return slices.ContainsFunc(h.members(), func(g *leg) bool { return g.router.Leaving() })
}

// consistent holds the lease word against the machines, and the group together. A
// member that loses its lease while the group is leaving ends it for all.
func (c *checker) consistent(h *host) {
	if h.lease != h.group.Lease() && !(h.lease == 0 && h.isLeaving()) {
		c.fail("%v has a lease of %d in its group and %d in the packet path", h, h.group.Lease(), h.lease)
	}
	masters, leaving, full := 0, 0, 0
	for _, g := range h.members() {
		if !h.group.Joining(g.router) {
			full++
		}
		if (g.router.State() == Master) != (g.router.Lease() != 0) {
			c.fail("%v is in %v, with a lease of %d", g, g.router.State(), g.router.Lease())
		}
		switch {
		case g.router.Leaving():
			leaving++
		case g.router.State() == Master:
			masters++
		}
	}
	if masters > 0 && masters+leaving < full {
		c.fail("%v is master on %d legs of %d", h, masters, full)
	}
}

// settled looks at promise 2.
func (c *checker) settled() {
	l := c.lan
	if l.disagree || l.now.Before(l.start.Add(simFaults+simSettle)) {
		return
	}
	var owner *host
	allPreempt := true
	for _, h := range l.hosts {
		if h.owns() && owner != nil {
			c.fail("%v and %v are both owners, long after all was well", owner, h)
		}
		if h.owns() {
			owner = h
		}
		allPreempt = allPreempt && !h.legs[0].config.NoPreempt
		if h.owns() && !h.legs[l.legs-1].owns() {
			c.fail("%v is not owner of all its legs, long after all was well", h)
		}
	}
	if owner == nil {
		c.fail("nobody is owner, long after all was well")
		return
	}
	for _, h := range l.hosts {
		if allPreempt && h.legs[0].router.Priority() > owner.legs[0].router.Priority() {
			c.fail("%v is owner, not %v, long after all was well", owner, h)
		}
	}
}

func simSeeds() uint64 {
	switch {
	case testing.Short():
		return 500
	case raceDetector:
		return 2000
	}
	return 20000
}

func TestSimulatedLAN(t *testing.T) {
	if *simSeed != 0 {
		if err := newLAN(*simSeed, knobs{}, t.Logf).run(); err != nil {
			t.Errorf("seed %d: %v", *simSeed, err)
		}
		return
	}
	overlaps := make(map[string]int)
	var seen [WasMaster + 1]int
	lapsed := 0
	for seed := uint64(1); seed <= simSeeds(); seed++ {
		l := newLAN(seed, knobs{}, nil)
		if err := l.run(); err != nil {
			t.Fatalf("seed %d: %v\nreplay: go test -v -run TestSimulatedLAN -sim.seed=%d", seed, err, seed)
		}
		for excuse, n := range l.check.overlaps {
			overlaps[excuse] += n
		}
		for reason, n := range l.check.seen {
			seen[reason] += n
		}
		lapsed += l.check.lapsed
	}
	// A simulation in which nothing happens proves nothing.
	for _, excuse := range []string{"preemption", "farewell", "silence"} {
		if overlaps[excuse] == 0 {
			t.Errorf("no overlap of owners by %s in any seed", excuse)
		}
		t.Logf("overlaps by %s: %d", excuse, overlaps[excuse])
	}
	if lapsed == 0 {
		t.Error("no handover was taken back in any seed")
	}
	t.Logf("holds that ended by themselves: %d", lapsed)
	for reason, n := range seen {
		if n == 0 {
			t.Errorf("no transition %v in any seed", TransitionReason(reason))
		}
		t.Logf("transitions %v: %d", TransitionReason(reason), n)
	}
}

// The checker must find what it is there for.
func TestTheSimulatedLANFindsABrokenDaemon(t *testing.T) {
	for name, k := range map[string]knobs{
		"a lease that outlives Active_Down_Interval": {leaseAdverts: 5},
		"a backup that does not read the stamps":     {ignoreStamps: true},
		"a stamp that is forgotten on Follow":        {resetStamps: true},
		"a packet path that does not mind the lease": {keepAfterPause: true},
		"a group that does not read the stamps":      {promoteBlindly: true},
		"a restart that goes on without a lease":     {resumeLate: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= 2000; seed++ {
				if err := newLAN(seed, k, nil).run(); err != nil {
					t.Logf("found with seed %d: %v", seed, err)
					return
				}
			}
			t.Error("not found in 2000 seeds")
		})
	}
}

func TestASimulatedLANIsReproducible(t *testing.T) {
	transcript := func() (lines []string) {
		err := newLAN(7, knobs{}, func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }).run()
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	first, second := transcript(), transcript()
	if len(first) < 5 || fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("two runs of one seed differ, or are empty:\n%q\n%q", first, second)
	}
}
