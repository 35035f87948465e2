package track

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outcomes is a probe that takes a while and answers as it is told: + or -.
type outcomes struct {
	text    string
	takes   time.Duration
	begun   []time.Duration // since the first
	start   time.Time
	running atomic.Int32
	overlap bool
}

func (o *outcomes) probe(ctx context.Context, _ time.Duration) (string, string) {
	o.overlap = o.overlap || o.running.Add(1) > 1
	defer o.running.Add(-1)
	if o.start.IsZero() {
		o.start = time.Now()
	}
	n := len(o.begun)
	o.begun = append(o.begun, time.Since(o.start))
	time.Sleep(o.takes)
	if n < len(o.text) && o.text[n] == '-' {
		return "no", ""
	}
	return "", ""
}

// states runs the check once for each outcome, and says what was told.
func states(c Common, before State, text string) (states, last string) {
	o := &outcomes{text: text}
	var told strings.Builder
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	check{c, o.probe, before, nil}.watch(ctx, func(f finding) {
		told.WriteByte("?+-"[f.state])
		last = f.reason
		if len(o.begun) == len(text) {
			cancel()
		}
	})
	return told.String(), last
}

func TestSuccessesAndFailuresInARowMakeTheState(t *testing.T) {
	one, three := Common{Interval: time.Second, Rise: 1, Fall: 1}, Common{Interval: time.Second, Rise: 2, Fall: 3}
	initFail := three
	initFail.InitFail = true
	tests := []struct {
		name   string
		common Common
		before State
		runs   string
		want   string
	}{
		{"one each", one, Unknown, "+-+--+", "+-+--+"},
		{"0 is 1", Common{Interval: time.Second}, Unknown, "+-+", "+-+"},
		{"the first success is enough", three, Unknown, "+", "+"},
		{"the first failure is enough", three, Unknown, "-", "-"},
		{"two failures are too few", three, Unknown, "+--+", "++++"},
		{"three failures in a row", three, Unknown, "+---", "+++-"},
		{"three failures, not in a row", three, Unknown, "+--+--+", "+++++++"},
		{"two successes in a row", three, Unknown, "-+-++", "----+"},
		{"down and up again", three, Unknown, "+---++---", "+++--+++-"},
		{"init_fail is told before the first run", initFail, Unknown, "-", "--"},
		{"init_fail needs all successes", initFail, Unknown, "+++", "--++"},
		{"after a predecessor that was up", three, Up, "---", "++-"},
		{"after a predecessor that was down", three, Down, "++", "-+"},
		{"init_fail after a predecessor that was up", initFail, Up, "+", "+"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			if got, _ := states(tt.common, tt.before, tt.runs); got != tt.want {
				t.Errorf("%s: %s makes %s, want %s", tt.name, tt.runs, got, tt.want)
			}
		})
	}
}

func TestTheReasonTellsHowFarTheNextStateIs(t *testing.T) {
	common := Common{Interval: time.Second, Rise: 2, Fall: 3}
	for runs, want := range map[string]string{
		"+": "", "+-": "no (1 of 3 in a row)", "+--": "no (2 of 3 in a row)", "+---": "no",
		"+---+": "succeeded (1 of 2 in a row)", "+---++": "", "+-+": "",
	} {
		synctest.Test(t, func(t *testing.T) {
			if _, got := states(common, Unknown, runs); got != want {
				t.Errorf("after %s it is %q, want %q", runs, got, want)
			}
		})
	}
}

func TestRunsNeverOverlapAndThoseThatFellDueMeanwhileAreSkipped(t *testing.T) {
	const s = time.Second
	tests := []struct {
		takes time.Duration
		want  []time.Duration
	}{
		{0, []time.Duration{0, s, 2 * s, 3 * s}},
		{s / 2, []time.Duration{0, s, 2 * s, 3 * s}},
		{3 * s / 2, []time.Duration{0, 2 * s, 4 * s, 6 * s}},
		{5 * s / 2, []time.Duration{0, 3 * s, 6 * s, 9 * s}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			o := &outcomes{takes: tt.takes}
			ctx, cancel := context.WithCancel(t.Context())
			overruns := 0
			check{Common{Interval: s}, o.probe, Unknown, func(took, interval time.Duration) { overruns++ }}.
				watch(ctx, func(finding) {
					if len(o.begun) == len(tt.want) {
						cancel()
					}
				})
			if diff := cmp.Diff(tt.want, o.begun); diff != "" || o.overlap {
				t.Errorf("runs of %s, overlap %v (-want +got):\n%s", tt.takes, o.overlap, diff)
			}
			if late := tt.takes > s; late != (overruns > 0) {
				t.Errorf("runs of %s: %d overruns", tt.takes, overruns)
			}
		})
	}
}

func TestOverrunsAreSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		say := s.overrun(Ping{Name: "gw"})
		for range 121 {
			say(1500*time.Millisecond, time.Second)
			time.Sleep(time.Second)
		}
		const line = `level=WARN msg="VRRP_Check(gw) takes longer than its interval: runs are skipped" took=1.5s interval=1s` + "\n"
		if got := s.log.String(); got != strings.Repeat(line, 3) {
			t.Errorf("log is\n%s", got)
		}
	})
}

func TestACheckThatIsEndedDuringARunSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		probe := func(context.Context, time.Duration) (string, string) { cancel(); return "cancelled", "" }
		check{Common{}, probe, Unknown, nil}.watch(ctx, func(f finding) { t.Errorf("told: %+v", f) })
	})
}

func TestALookIsBoundedByItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forever := bounded(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		start := time.Now()
		if failure, _ := forever(t.Context(), 3*time.Second); failure != "timed out after 3s" || time.Since(start) != 3*time.Second {
			t.Errorf("%q after %s", failure, time.Since(start))
		}
	})
}
