package lab

import (
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// PauseWatch notes when the machine did not run: each CPU has a thread that
// nothing goes before, and that wakes up every millisecond. Where real-time
// scheduling is refused it sees pauses that were its own.
type PauseWatch struct {
	stopping atomic.Bool
	done     chan []Pause
	cpus     int
}

// Pause is a time in which a CPU ran nothing.
type Pause struct {
	From, To time.Time // with monotonic readings
	CPU      int
}

// PauseAfter is a pause that may be seen in what is measured; shorter ones are not noted.
const PauseAfter = 3 * time.Millisecond

// WatchPauses begins to watch. The caller must Stop it.
func WatchPauses() *PauseWatch {
	w := &PauseWatch{done: make(chan []Pause), cpus: runtime.NumCPU()}
	for cpu := range w.cpus {
		go w.run(cpu)
	}
	return w
}

func (w *PauseWatch) run(cpu int) {
	runtime.LockOSThread() // never unlocked: the thread ends here
	var only unix.CPUSet
	only.Set(cpu)
	_ = unix.SchedSetaffinity(0, &only) // refused, it watches whatever CPU it is on
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 99}, 0)
	tick := unix.NsecToTimespec(int64(time.Millisecond))
	pauses := make([]Pause, 0, mostPauses)
	last := time.Now()
	for !w.stopping.Load() {
		_ = unix.Nanosleep(&tick, nil) // a signal shortens it, which does no harm
		now := time.Now()
		if now.Sub(last) > PauseAfter {
			pauses = note(pauses, Pause{last, now, cpu})
		}
		last = now
	}
	w.done <- pauses
}

// mostPauses is how many are noted one by one, for each CPU.
const mostPauses = 2048

// note allocates nothing: a thread that nothing goes before, and that has to help the
// garbage collector, may wait for one that it keeps from running. Where there is no
// room the longest of the last ones stays.
func note(pauses []Pause, p Pause) []Pause {
	if len(pauses) < cap(pauses) {
		return append(pauses, p)
	}
	if last := &pauses[len(pauses)-1]; p.To.Sub(p.From) > last.To.Sub(last.From) {
		*last = p
	}
	return pauses
}

// Stop ends watching and returns what was seen. Once.
func (w *PauseWatch) Stop() []Pause {
	w.stopping.Store(true)
	var all []Pause
	for range w.cpus {
		all = append(all, <-w.done...)
	}
	return all
}

// WorstPause is the length of the longest, 0 if there was none.
func WorstPause(pauses []Pause) (worst time.Duration) {
	for _, p := range pauses {
		worst = max(worst, p.To.Sub(p.From))
	}
	return worst
}
