package lab

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// pacer calls a function at fixed instants from a thread of its own: absolute deadlines, so that a late call does not
// delay the next ones.
type pacer struct {
	origin   time.Time     // when instant 0 was, for people
	zero     int64         // the same on CLOCK_MONOTONIC, ns
	interval time.Duration // > 0
	stopping atomic.Bool
	done     chan struct{}

	late  time.Duration // worst delay of a call; read after done
	pause time.Duration // longest time between two calls; read after done
}

// startPacer begins at once. tick gets the time since the origin.
func startPacer(interval time.Duration, tick func(at time.Duration)) (*pacer, error) {
	if interval <= 0 {
		return nil, fmt.Errorf("interval %v is not positive", interval)
	}
	p := &pacer{origin: time.Now(), zero: monotonic(), interval: interval, done: make(chan struct{})}
	go p.run(tick)
	return p, nil
}

func (p *pacer) run(tick func(time.Duration)) {
	defer close(p.done)
	runtime.LockOSThread() // never unlocked: the thread, with its priority, ends here
	favourThread()
	var next, last time.Duration
	for !p.stopping.Load() {
		p.sleepUntil(next)
		now := p.now()
		p.late = max(p.late, now-next)
		if next > 0 {
			p.pause = max(p.pause, now-last)
		}
		last = now
		tick(now)
		next = p.after(next)
	}
}

// after skips instants that have passed: after a pause of the machine a burst would measure something else.
func (p *pacer) after(previous time.Duration) time.Duration {
	next := previous + p.interval
	if now := p.now(); now > next {
		next += (now - next + p.interval - 1) / p.interval * p.interval
	}
	return next
}

func (p *pacer) now() time.Duration { return time.Duration(monotonic() - p.zero) }

// time converts an instant of the pacer into a time.Time.
func (p *pacer) time(at time.Duration) time.Time { return p.origin.Add(at) }

func (p *pacer) sleepUntil(at time.Duration) {
	deadline := unix.NsecToTimespec(p.zero + int64(at))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &deadline, nil) == unix.EINTR {
	}
}

// stop ends the ticking and waits for the last tick. It may be called more than once.
func (p *pacer) stop() {
	p.stopping.Store(true)
	<-p.done
}

// favourThread asks for the shortest wake-up delay, before real-time daemons under test: a tick is short. A sandbox may
// refuse; SendLate then shows what it cost.
func favourThread() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 60}, 0)
}

func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // cannot happen: the clock exists on every Linux
	}
	return ts.Nano()
}
