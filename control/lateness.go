package control

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// How late the loop runs, and what came of it.

// latenessBounds are the upper bounds of the histogram's buckets.
var latenessBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// lateness counts by how much the loop missed its earliest deadline. The loop
// writes it, any goroutine reads it.
type lateness struct {
	within [len(latenessBounds)]atomic.Uint64 // in this bucket, and in none before
	all    atomic.Uint64
	sum    atomic.Int64
	worst  atomic.Int64
}

func (l *lateness) add(late time.Duration) {
	l.all.Add(1)
	l.sum.Add(int64(late))
	if int64(late) > l.worst.Load() {
		l.worst.Store(int64(late))
	}
	for i, bound := range latenessBounds {
		if late <= bound {
			l.within[i].Add(1)
			return
		}
	}
}

// LoopStatus is how late the loop has run since its start; its JSON is stable.
type LoopStatus struct {
	Rounds        uint64         `json:"rounds"` // in which something was due
	LatenessSumMS float64        `json:"lateness_sum_ms"`
	LatenessMaxMS float64        `json:"lateness_max_ms"`
	Lateness      []LatenessStep `json:"lateness"`
}

// LatenessStep says how many rounds were at most that late.
type LatenessStep struct {
	MaxMS  float64 `json:"max_ms"`
	Rounds uint64  `json:"rounds"`
}

// loopStatus is read in any goroutine.
func (e *Engine) loopStatus() LoopStatus {
	l := &e.rounds.late
	s := LoopStatus{Rounds: l.all.Load(), LatenessSumMS: milliseconds(time.Duration(l.sum.Load())), LatenessMaxMS: milliseconds(time.Duration(l.worst.Load()))}
	var below uint64
	for i, bound := range latenessBounds {
		below += l.within[i].Load()
		s.Lateness = append(s.Lateness, LatenessStep{milliseconds(bound), below})
	}
	s.Rounds = max(s.Rounds, below) // which may have grown since
	return s
}

// Add makes s the status of two loops.
func (s *LoopStatus) Add(other LoopStatus) {
	s.Rounds += other.Rounds
	s.LatenessSumMS += other.LatenessSumMS
	s.LatenessMaxMS = max(s.LatenessMaxMS, other.LatenessMaxMS)
	if s.Lateness == nil {
		s.Lateness = make([]LatenessStep, len(other.Lateness))
	}
	for i, step := range other.Lateness[:min(len(other.Lateness), len(s.Lateness))] {
		s.Lateness[i].MaxMS = step.MaxMS
		s.Lateness[i].Rounds += step.Rounds
	}
}

// rounds is what the loop knows of its own pace.
type rounds struct {
	late  lateness
	due   vrrp.Instant // the earliest deadline when it lay down; 0: none
	owed  vrrp.Instant // since when it should have been run; 0: it was in time
	slept vrrp.Instant // when it lay down
	woke  vrrp.Instant // when it got up; before slept: it has not looked at the clock yet
}

// rest is told when the loop lies down.
func (r *rounds) rest(now, due vrrp.Instant) { r.slept, r.due = now, due }

// wake is told when the loop has got up.
func (r *rounds) wake(now vrrp.Instant) {
	r.woke, r.owed = now, 0
	if r.due != 0 && !now.Before(r.due) {
		r.late.add(now.Sub(r.due))
		r.owed = r.due
	}
}

// why says what kept the loop from renewing a lease that ended at that time:
// whether it was not run at all, or did not get ahead.
func (r *rounds) why(now, ended vrrp.Instant) string {
	switch {
	case r.woke.Before(r.slept) && r.due != 0:
		return fmt.Sprintf("this process was not run for %v", now.Sub(r.due))
	case !r.woke.Before(ended) && r.owed != 0:
		return fmt.Sprintf("this process was not run for %v", r.woke.Sub(r.owed))
	}
	return fmt.Sprintf("the loop was held up for %v", now.Sub(r.woke))
}

// leaseLost counts a lease that has run out, and returns the evidence: what was
// and what was not done in its time.
func (e *Engine) leaseLost(in *instance, t vrrp.Transition) string {
	in.stats.leasesLost++
	now := e.now()
	sent, last := in.sending, "no advert has left"
	if sent.left != 0 {
		last = fmt.Sprintf("the last advert left %v ago", now.Sub(sent.left))
	}
	why := e.rounds.why(now, now.Add(-t.Late))
	if sent.err != nil && sent.failed.After(sent.left) {
		why = fmt.Sprintf("no advert could be sent: %v", sent.err)
	}
	return fmt.Sprintf("the lease ended %v ago; %s; the loop ran %v ago; %s", t.Late, last, now.Sub(e.rounds.slept), why)
}

// avoidsPromotion looks whether a stamp keeps a backup quiet that would be
// master by its timer, and counts it where the loop was late: had there been only
// a queue of adverts, the timer would have been first.
func (e *Engine) avoidsPromotion(in *instance, tell func()) {
	at, armed := in.router.Deadline()
	overdue := in.router.State() == vrrp.Backup && (in.router.Ready() || armed && e.now().Sub(at) >= lateEnough)
	tell()
	if !overdue || in.router.State() != vrrp.Backup || in.router.Ready() {
		return
	}
	if next, _ := in.router.Deadline(); next.After(e.now()) {
		in.stats.promotionsAvoided++
	}
}
