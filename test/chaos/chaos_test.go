package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var (
	seedFlag     = flag.Uint64("chaos.seed", 0, "seed of the first episode, the next ones count up; 0: a fixed and a random one")
	durationFlag = flag.Duration("chaos.duration", 0, "how long, in episodes of at most 20 s; 0: two short ones")
	voidFlag     = flag.Bool("chaos.void", false, "show what happened when a trip is void, too")
	clockFlag    = flag.Bool("chaos.clock", false, "step the machine's wall clock, too")
)

var binary string

func TestMain(m *testing.M) {
	StepClockIfAsked()
	os.Exit(gateway.Main(m, &binary))
}

// whole is the length of an episode in a long run, short in `make test`.
const (
	whole = 20 * time.Second
	short = 10 * time.Second
)

func TestChaos(t *testing.T) {
	lab.NeedRoot(t)
	length := whole
	var seeds []uint64
	switch {
	case *durationFlag == 0 && *seedFlag == 0:
		length, seeds = short, []uint64{11, 12 + rand.Uint64N(1<<32)}
	case *seedFlag == 0:
		*seedFlag = 12 + rand.Uint64N(1<<32)
		fallthrough
	default:
		if *durationFlag > 0 {
			length = min(length, *durationFlag)
		}
		for i := range max(1, uint64(*durationFlag/length)) {
			seeds = append(seeds, *seedFlag+i)
		}
	}
	var s summary
	began := time.Now()
	for i, seed := range seeds {
		if i > 0 && *durationFlag > 0 && time.Since(began) >= *durationFlag {
			break
		}
		playOne(t, &s, seed, length)
	}
	s.write(os.Stdout)
	if limit := 2 + s.trips()/100; s.void > limit {
		t.Errorf("this machine pauses too often: %d of %d trips are void, want at most %d", s.void, s.trips(), limit)
	}
}

// quietRuntime keeps Go from stopping the threads that measure. Garbage is
// collected after each episode. A thread that comes back from a sleep needs a
// processor of Go's: there are so many that it never waits for one that is held
// by a thread which hogs keep from running.
func quietRuntime() (back func()) {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(2 << 30)
	processors := runtime.GOMAXPROCS(64)
	return func() {
		runtime.GOMAXPROCS(processors)
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
		runtime.GC()
	}
}

func playOne(t *testing.T, s *summary, seed uint64, length time.Duration) {
	t.Helper()
	defer quietRuntime()()
	favourProcess()
	o := options{binary: binary, length: length, allow: func(k *kind) bool { return k != clockSteps || *clockFlag }}
	r, err := episode(o, seed)
	replay := fmt.Sprintf("make chaos SEED=%d DURATION=%v", seed, length)
	if err != nil {
		t.Errorf("seed %d: %v\nreplay: %s", seed, err, replay)
		if r != nil {
			t.Logf("what happened:\n%s", r.timeline(span{r.length - 2*settle, r.length}))
		}
		return
	}
	v := r.check()
	s.add(r, v)
	t.Logf("seed %d: %v; %d faults, %d overlaps, %d times without an answer", seed, r.setup, len(r.faults), len(v.two), len(v.none))
	if *voidFlag {
		for _, p := range r.pauses {
			t.Logf("%.4f s: pause of %s: %v", p.from.Seconds(), p.of, round(p.length()))
		}
	}
	for i, w := range v.violations {
		if w.void {
			t.Logf("seed %d: void, because the machine paused: %s", seed, w.what)
			if *voidFlag {
				t.Logf("what happened:\n%s", r.timeline(w.span))
			}
			continue
		}
		t.Errorf("seed %d, at %.4f s: %s\nreplay: %s", seed, w.from.Seconds(), w.what, replay)
		if i < 3 {
			t.Logf("what happened:\n%s", r.timeline(w.span))
		}
	}
}
