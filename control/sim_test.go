package control

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "replay one seed of the simulated engines, with a transcript")
	simFirst = flag.Uint64("sim.first", 1, "the first seed of a longer run")
	simCount = flag.Uint64("sim.seeds", 0, "how many seeds; 0: as many as a usual run has")
)

// simRun plays one seed.
func simRun(t *testing.T, seed uint64, k simKnobs, trace func(string, ...any)) *simLAN {
	var l *simLAN
	synctest.Test(t, func(*testing.T) {
		l = newSimLAN(seed, k, trace)
		l.mu.Lock()
		l.plan()
		l.mu.Unlock()
		time.Sleep(l.intervals(simFaults + simQuiet))
		l.end()
	})
	return l
}

// end looks at the whole, and ends all that runs.
func (l *simLAN) end() {
	synctest.Wait()
	l.mu.Lock()
	l.over = true
	l.check.finish()
	var daemons []*simDaemon
	for _, h := range l.hosts {
		if h.daemon != nil {
			daemons = append(daemons, h.daemon)
			h.daemon.crash()
		}
	}
	l.mu.Unlock()
	for _, d := range daemons {
		<-d.ended
	}
	synctest.Wait()
}

func TestSimulatedEngines(t *testing.T) {
	if *simSeed != 0 {
		if l := simRun(t, *simSeed, simKnobs{}, t.Logf); l.check.violation != nil {
			t.Errorf("seed %d: %v", *simSeed, l.check.violation)
		}
		return
	}
	total := simTotals{counts: make(map[string]int)}
	for seed := *simFirst; seed < *simFirst+simSeeds(); seed++ {
		l := simRun(t, seed, simKnobs{}, nil)
		if err := l.check.violation; err != nil {
			t.Errorf("seed %d: %v\nreplay: go test -v -run TestSimulatedEngines ./control -sim.seed=%d", seed, err, seed)
			if total.violations++; total.violations == mostViolations {
				break
			}
		}
		total.add(l)
	}
	t.Log(total)
	// A simulation in which nothing happens proves nothing.
	for _, what := range []string{"two owners by preemption", "two owners by farewell", "two owners by silence"} {
		if total.counts[what] == 0 {
			t.Errorf("%s: in no seed", what)
		}
	}
}

func simSeeds() uint64 {
	switch {
	case *simCount > 0:
		return *simCount
	case testing.Short():
		return 200
	}
	return 2000
}

// mostViolations end a run.
const mostViolations = 10

// simTotals are the figures of many seeds.
type simTotals struct {
	seeds, violations    int
	virtual              time.Duration
	counts               map[string]int
	gap, overlap         time.Duration
	gapPart, overlapPart float64
}

func (s *simTotals) add(l *simLAN) {
	s.seeds++
	s.virtual += l.intervals(simFaults + simQuiet)
	for what, n := range l.check.counts {
		s.counts[what] += n
	}
	if c := l.check; c.gapPart > s.gapPart {
		s.gap, s.gapPart = c.gap, c.gapPart
	}
	if c := l.check; c.overlapPart > s.overlapPart {
		s.overlap, s.overlapPart = c.overlap, c.overlapPart
	}
}

func (s simTotals) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds, %.1f virtual hours\n", s.seeds, s.virtual.Hours())
	fmt.Fprintf(&b, "longest wait for an owner: %v, %.1f %% of its bound\n", s.gap, 100*s.gapPart)
	fmt.Fprintf(&b, "longest time with two owners that can hear each other: %v, %.1f %% of its bound\n", s.overlap, 100*s.overlapPart)
	for _, what := range slices.Sorted(maps.Keys(s.counts)) {
		fmt.Fprintf(&b, "%s: %d\n", what, s.counts[what])
	}
	return b.String()
}
