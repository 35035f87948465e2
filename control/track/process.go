package track

import (
	"context"
	"fmt"
	"time"
)

// watcher follows the number of processes that match.
func (p *processTable) watcher(spec Process) watcher {
	return func(ctx context.Context, tell func(finding)) {
		w := p.watch(spec.Match)
		defer p.unwatch(w)
		followCount(ctx, spec, w.changed, func() int { return p.count(w) }, tell)
	}
}

// followCount tells of a change once it has lasted as long as the spec wants.
// Which of the two delays that is depends on why: a process more, or one less.
func followCount(ctx context.Context, spec Process, changed <-chan struct{}, count func() int, tell func(finding)) {
	n := count()
	told := spec.judge(n)
	tell(told)
	wait := time.NewTimer(0)
	wait.Stop()
	waiting := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
			waiting = false
			told = spec.judge(n)
			tell(told)
		case <-changed:
			before := n
			n = count()
			now := spec.judge(n)
			switch {
			case now.state == told.state:
				wait.Stop()
				waiting = false
				tell(now)
			case !waiting:
				wait.Reset(spec.delay(n > before))
				waiting = true
			}
		}
	}
}

func (s Process) delay(more bool) time.Duration {
	if more {
		return s.ForkDelay
	}
	return s.ExitDelay
}

func (s Process) judge(n int) finding {
	least := max(s.Least, 1)
	switch {
	case s.Most < 0 && n > 0:
		return finding{state: Down, reason: fmt.Sprintf("%s running, want none", processes(n))}
	case s.Most < 0:
		return finding{state: Up}
	case n == 0:
		return finding{state: Down, reason: "no such process"}
	case n < least:
		return finding{state: Down, reason: fmt.Sprintf("%s running, want at least %d", processes(n), least)}
	case s.Most > 0 && n > s.Most:
		return finding{state: Down, reason: fmt.Sprintf("%s running, want at most %d", processes(n), s.Most)}
	}
	return finding{state: Up}
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
