package track

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// probe looks once. Where timeout has passed it gives up; where ctx has ended,
// too. failure "": it succeeded. It obeys both soon: runs never overlap.
type probe func(ctx context.Context, timeout time.Duration) (failure, detail string)

// check is a probe from time to time.
type check struct {
	Common
	probe   probe
	before  State                              // of a predecessor
	overrun func(took, interval time.Duration) // tells that runs are skipped
}

func (c check) watch(ctx context.Context, tell func(finding)) {
	interval, timeout := c.Interval, c.Timeout
	if interval <= 0 {
		interval = time.Second
	}
	if timeout <= 0 {
		timeout = interval
	}
	count := newCount(c.Common, c.before)
	if count.state == Down && c.before == Unknown {
		tell(finding{state: Down, reason: "init_fail, and not run yet"})
	}
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		}
		begin := time.Now()
		failure, detail := c.probe(ctx, timeout)
		if ctx.Err() != nil {
			return // what was cut short says nothing
		}
		tell(count.add(failure, detail))
		took := time.Since(begin)
		if took > interval {
			c.overrun(took, interval)
		}
		due.Reset(interval - took%interval)
	}
}

// count turns runs into a state.
type count struct {
	rise, fall int
	state      State
	against    int // runs in a row that speak against the state
}

func newCount(c Common, before State) *count {
	n := &count{rise: max(c.Rise, 1), fall: max(c.Fall, 1), state: before}
	if before == Unknown && c.InitFail {
		n.state = Down
	}
	return n
}

// add takes a run, and returns what is known after it. The first run decides
// alone where nothing was known.
func (n *count) add(failure, detail string) finding {
	now, needed := Up, n.rise
	if failure != "" {
		now, needed = Down, n.fall
	}
	f := finding{state: n.state, reason: failure, detail: detail}
	if now == n.state {
		n.against = 0
		return f
	}
	n.against++
	if n.state != Unknown && n.against < needed {
		if failure == "" {
			f.reason = "succeeded"
		}
		f.reason += fmt.Sprintf(" (%d of %d in a row)", n.against, needed)
		return f
	}
	n.state, n.against = now, 0
	f.state = now
	return f
}

// overrunPause is the least time between two complaints about one check.
const overrunPause = time.Minute

// overrun says, now and then, that a check takes longer than its interval.
func (s *Set) overrun(spec Spec) func(took, interval time.Duration) {
	var last time.Time
	return func(took, interval time.Duration) {
		if now := time.Now(); last.IsZero() || now.Sub(last) >= overrunPause {
			last = now
			s.log.Warn(spec.Key().String()+" takes longer than its interval: runs are skipped",
				slog.Duration("took", took.Round(time.Millisecond)), slog.Duration("interval", interval))
		}
	}
}

// bounded makes a probe of what obeys a context.
func bounded(look func(context.Context) error) probe {
	return func(ctx context.Context, timeout time.Duration) (string, string) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err := look(ctx)
		switch {
		case err == nil:
			return "", ""
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return timedOut(timeout), ""
		}
		return err.Error(), ""
	}
}

func timedOut(after time.Duration) string { return fmt.Sprintf("timed out after %s", after) }
