package lab

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// tries is how often a test is run that this machine spoils.
const tries = 3

// Undisturbed runs a test that fails where this machine pauses for as long as
// limit, or longer. Has it failed, and did the machine pause meanwhile, it is run
// again, with nothing left of the run before. A failure without a pause counts,
// and so does that of the last run.
func Undisturbed(t testing.TB, limit time.Duration, test func(t testing.TB)) {
	t.Helper()
	undisturbed(t, limit, watchWorst, test)
}

func watchWorst() (worst func() time.Duration) {
	w := WatchPauses()
	return func() time.Duration { return WorstPause(w.Stop()) }
}

func undisturbed(t testing.TB, limit time.Duration, watch func() func() time.Duration, test func(t testing.TB)) {
	t.Helper()
	for left := tries - 1; ; left-- {
		worst, run := watch(), trial{TB: t, helpers: make(map[string]bool)}
		run.through(test)
		paused := worst()
		if !run.failed || paused < limit || left == 0 {
			run.tell()
			return
		}
		t.Logf("done again: this machine paused for %v; it said:\n%s", paused, strings.Join(run.said, "\n"))
	}
}

// trial is the testing.TB of one run. It keeps what is said until it is known
// whether the run counts.
type trial struct {
	testing.TB

	mu              sync.Mutex
	failed, skipped bool
	said            []string
	cleanups        []func()
	helpers         map[string]bool // by name: their callers are named instead
}

// through runs the test and what it wants to be done after it.
func (r *trial) through(test func(t testing.TB)) {
	r.apart(func() { test(r) })
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		last := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		r.apart(last)
	}
}

// apart does something in a goroutine that FailNow and SkipNow may end.
func (r *trial) apart(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
}

// tell passes on what the run has said and come to.
func (r *trial) tell() {
	r.TB.Helper()
	for _, line := range r.said {
		r.TB.Log(line)
	}
	if r.failed {
		r.TB.Fail()
	}
	if r.skipped {
		r.TB.SkipNow()
	}
}

func (r *trial) say(text string) {
	where := r.caller()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, where+": "+strings.TrimSuffix(text, "\n"))
}

// caller is the line that spoke: the first above this file that is in no helper.
func (r *trial) caller() string {
	pcs := make([]uintptr, 20)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		f, more := frames.Next()
		if !r.helpers[f.Function] || !more {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
	}
}

func (r *trial) Helper() {
	pcs := make([]uintptr, 1)
	runtime.Callers(2, pcs)
	f, _ := runtime.CallersFrames(pcs).Next()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.helpers[f.Function] = true
}

func (r *trial) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *trial) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *trial) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *trial) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *trial) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *trial) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

func (r *trial) Log(args ...any)                 { r.say(fmt.Sprintln(args...)) }
func (r *trial) Logf(format string, args ...any) { r.say(fmt.Sprintf(format, args...)) }

func (r *trial) Error(args ...any) {
	r.say(fmt.Sprintln(args...))
	r.Fail()
}

func (r *trial) Errorf(format string, args ...any) {
	r.say(fmt.Sprintf(format, args...))
	r.Fail()
}

func (r *trial) Fatal(args ...any) {
	r.say(fmt.Sprintln(args...))
	r.FailNow()
}

func (r *trial) Fatalf(format string, args ...any) {
	r.say(fmt.Sprintf(format, args...))
	r.FailNow()
}

func (r *trial) Skip(args ...any) {
	r.say(fmt.Sprintln(args...))
	r.SkipNow()
}

func (r *trial) Skipf(format string, args ...any) {
	r.say(fmt.Sprintf(format, args...))
	r.SkipNow()
}
