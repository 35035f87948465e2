package control

import (
	"fmt"
	"testing"
)

// The checker must find what it is there for.
func TestTheSimulatedEnginesFindABrokenFastPath(t *testing.T) {
	const seeds = 2000
	for name, k := range map[string]simKnobs{
		"a lease that is an interval too long":               {leaseLonger: true},
		"a lease that counts from after the send":            {lateLease: true},
		"a lease that is renewed though nothing was sent":    {sendsToNone: true},
		"a stamp that nobody reads before a promotion":       {ignoreStamps: true},
		"a restart that resumes a lease that has run out":    {lateHeirs: true},
		"a yield that is never taken back":                   {yieldForever: true},
		"a fast path that does not yield to a better router": {neverYields: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= seeds; seed++ {
				if err := simRun(t, seed, k, nil).check.violation; err != nil {
					t.Logf("found with seed %d: %v", seed, err)
					return
				}
			}
			t.Errorf("not found in %d seeds", seeds)
		})
	}
}

func TestASeedOfSimulatedEnginesIsReproducible(t *testing.T) {
	if schedulerIsRandom {
		t.Skip("under the race detector no two runs are the same; the other tests do not need that")
	}
	transcript := func(seed uint64) (lines []string) {
		simRun(t, seed, simKnobs{}, func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) })
		return lines
	}
	for seed := uint64(1); seed <= 20; seed++ {
		first, second := transcript(seed), transcript(seed)
		if len(first) < 10 || fmt.Sprint(first) != fmt.Sprint(second) {
			t.Errorf("two runs of seed %d differ, or are empty: %d lines and %d", seed, len(first), len(second))
		}
	}
}
