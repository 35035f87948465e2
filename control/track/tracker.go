package track

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// watcher watches one thing until ctx ends. It calls tell, from its own
// goroutine, with all that it finds, changed or not.
type watcher func(ctx context.Context, tell func(finding))

// tracker is a watcher at work.
type tracker struct {
	set    *Set
	spec   Spec
	log    *slog.Logger
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
	looked chan struct{} // closed when it has looked, or need not be waited for
	once   sync.Once     // closes looked

	result Result // guarded by set.mu
}

// watcher is what watches for the spec. before is the state of a predecessor.
func (s *Set) watcher(spec Spec, before State) watcher {
	switch spec := spec.(type) {
	case Script:
		return check{spec.Common, scriptProbe(spec), before, s.overrun(spec)}.watch
	case Ping:
		return check{spec.Common, pingProbe(spec), before, s.overrun(spec)}.watch
	case TCP:
		return check{spec.Common, tcpProbe(spec), before, s.overrun(spec)}.watch
	case HTTP:
		return check{spec.Common, httpProbe(spec), before, s.overrun(spec)}.watch
	case Interface:
		return s.watchInterface(spec)
	case Route:
		return s.watchRoute(spec)
	case File:
		return fileWatch{spec, s.log}.watch
	case Process:
		return s.processes.watcher(spec)
	}
	panic("track: no such tracker")
}

// isSlow says that the first look takes its time.
func isSlow(kind Kind) bool {
	return kind == KindScript || kind == KindPing || kind == KindTCP || kind == KindHTTP
}

func (t *tracker) run(ctx context.Context, watch watcher) {
	defer close(t.done)
	defer t.hasLooked()
	if isSlow(t.spec.Key().Kind) {
		t.hasLooked()
	}
	watch(ctx, t.tell)
}

func (t *tracker) hasLooked() { t.once.Do(func() { close(t.looked) }) }

// tell takes what the watcher found. Only a new state or value is news.
func (t *tracker) tell(f finding) {
	if t.note(f) {
		t.logChange(f) // before others log what follows from it
		t.queueReport()
	}
	t.hasLooked()
}

func (t *tracker) note(f finding) (news bool) {
	s := t.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[t.result.Key] != t {
		return false
	}
	t.result.Reason = f.reason
	if t.result.State == f.state && t.result.Value == f.value {
		return false
	}
	t.result.State, t.result.Value, t.result.At = f.state, f.value, time.Now()
	return true
}

func (t *tracker) queueReport() {
	s := t.set
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, queuedResult{t, t.result})
	select {
	case s.queued <- struct{}{}:
	default: // it is awake
	}
}

func (t *tracker) logChange(f finding) {
	key := t.spec.Key()
	level, verb := slog.LevelInfo, " succeeded"
	switch {
	case key.Kind == KindFile:
		verb = " has value " + strconv.Itoa(f.value)
	case key.Kind == KindInterface && f.state == Up:
		verb = " is up"
	case key.Kind == KindInterface:
		level, verb = slog.LevelWarn, " is down"
	case f.state == Down:
		level, verb = slog.LevelWarn, " failed"
	}
	var attrs []any
	if f.reason != "" {
		attrs = append(attrs, "reason", f.reason)
	}
	if f.detail != "" {
		attrs = append(attrs, "output", f.detail)
	}
	t.log.Log(context.Background(), level, key.String()+verb, attrs...)
}
