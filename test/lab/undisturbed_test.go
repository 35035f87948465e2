package lab

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// pausing watches a machine that pauses for so long in each run, in turn.
func pausing(pauses ...time.Duration) func() func() time.Duration {
	return func() func() time.Duration {
		this := pauses[0]
		pauses = pauses[1:]
		return func() time.Duration { return this }
	}
}

// outcome is what undisturbed makes of a test, told to a test that nobody sees.
func outcome(watch func() func() time.Duration, test func(t testing.TB)) *trial {
	seen := &trial{helpers: make(map[string]bool)}
	seen.apart(func() { undisturbed(seen, 10*time.Millisecond, watch, test) })
	return seen
}

func TestATestIsDoneAgainOnlyWhereItFailedInAPause(t *testing.T) {
	const long, short = 10 * time.Millisecond, 9 * time.Millisecond
	good, bad := func(testing.TB) {}, func(t testing.TB) { t.Error("lost") }
	fatal := func(t testing.TB) { t.Fatal("lost") }
	for name, c := range map[string]struct {
		pauses []time.Duration
		runs   []func(testing.TB)
		fails  bool
	}{
		"it is good":                      {[]time.Duration{0}, []func(testing.TB){good}, false},
		"it is good, in spite of a pause": {[]time.Duration{long}, []func(testing.TB){good}, false},
		"it fails without a pause":        {[]time.Duration{0}, []func(testing.TB){bad}, true},
		"it fails, the pause is short":    {[]time.Duration{short}, []func(testing.TB){bad}, true},
		"it fails once, in a pause":       {[]time.Duration{long, 0}, []func(testing.TB){bad, good}, false},
		"it ends once, in a pause":        {[]time.Duration{long, 0}, []func(testing.TB){fatal, good}, false},
		"it fails, then without a pause":  {[]time.Duration{long, 0}, []func(testing.TB){bad, bad}, true},
		"it fails in pauses only":         {[]time.Duration{long, long, long}, []func(testing.TB){bad, bad, fatal}, true},
	} {
		t.Run(name, func(t *testing.T) {
			ran := 0
			seen := outcome(pausing(c.pauses...), func(t testing.TB) {
				ran++
				c.runs[ran-1](t)
			})
			if seen.failed != c.fails || ran != len(c.runs) {
				t.Errorf("it failed: %v, after %d runs; want %v after %d", seen.failed, ran, c.fails, len(c.runs))
			}
		})
	}
}

func TestWhatIsToBeDoneAfterATestIsDoneAfterEachRun(t *testing.T) {
	var order []string
	note := func(what string) func() { return func() { order = append(order, what) } }
	outcome(pausing(time.Second, 0), func(t testing.TB) {
		t.Cleanup(note("last"))
		t.Cleanup(func() { t.Fatal("this neither ends the others") })
		t.Cleanup(note("first"))
		order = append(order, "run")
		t.FailNow()
	})
	if want := []string{"run", "first", "last", "run", "first", "last"}; !slices.Equal(order, want) {
		t.Errorf("in order: %v, want %v", order, want)
	}
}

func TestWhatARunSaysNamesTheLineThatSaidIt(t *testing.T) {
	complain := func(t testing.TB) {
		t.Helper()
		t.Errorf("lost %d", 3)
	}
	_, _, here, _ := runtime.Caller(0)
	seen := outcome(pausing(0), func(t testing.TB) {
		complain(t)
		t.Log("and", "more")
	})
	said := strings.Join(seen.said, "\n")
	for _, want := range []string{fmt.Sprintf("undisturbed_test.go:%d: lost 3", here+2), fmt.Sprintf("undisturbed_test.go:%d: and more", here+3)} {
		if !strings.Contains(said, want) {
			t.Errorf("said is\n%s\nwant %s in it", said, want)
		}
	}
}

func TestASkippedRunSkipsTheTest(t *testing.T) {
	after := false
	seen := outcome(pausing(0), func(t testing.TB) {
		t.Skip("not here")
		after = true
	})
	if !seen.skipped || seen.failed || after {
		t.Errorf("skipped: %v, failed: %v, went on: %v", seen.skipped, seen.failed, after)
	}
}
