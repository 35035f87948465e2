package track

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is for what happens at once, on a busy machine.
const patience = 10 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
		t.Fatal("needs root")
	}
	t.Skip("needs root")
}

// host is a System.
type host struct {
	mu      sync.Mutex
	up      map[string]bool
	routes  map[string]bool
	refused error // of HasRoute
	changed map[chan struct{}]struct{}
}

func newHost() *host {
	return &host{up: map[string]bool{}, routes: map[string]bool{}, changed: map[chan struct{}]struct{}{}}
}

func (h *host) InterfaceUp(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up[name]
}

func (h *host) HasRoute(r Route) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.routes[r.Prefix], h.refused
}

func (h *host) InterfaceChanges() (<-chan struct{}, func()) { return h.changes() }
func (h *host) RouteChanges() (<-chan struct{}, func())     { return h.changes() }

func (h *host) changes() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed[c] = struct{}{}
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.changed, c)
	}
}

// change changes the host, and tells.
func (h *host) change(what func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what()
	for c := range h.changed {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// silence closes all channels of changes.
func (h *host) silence() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.changed {
		close(c)
	}
	clear(h.changed)
}

func (h *host) watchers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.changed)
}

// site is a Set with what it reports and logs.
type site struct {
	*Set
	t       *testing.T
	host    *host
	reports chan Result
	log     *logText
}

type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// without is the log, but for the lines that hold this.
func (l *logText) without(part string) string {
	var kept strings.Builder
	for line := range strings.Lines(l.String()) {
		if !strings.Contains(line, part) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func newSite(t *testing.T) *site {
	s := &site{t: t, host: newHost(), reports: make(chan Result, 10000), log: &logText{}}
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{ReplaceAttr: noTime}))
	s.Set = NewSet(s.host, log, func(r Result) { s.reports <- r })
	t.Cleanup(s.Close)
	return s
}

// next waits for a report.
func (s *site) next() Result {
	s.t.Helper()
	select {
	case r := <-s.reports:
		return r
	case <-time.After(patience):
		s.t.Fatalf("no report comes; known is %+v; log:\n%s", s.Results(), s.log)
		return Result{}
	}
}

// expect waits for a report of this state.
func (s *site) expect(want State, reason string) Result {
	s.t.Helper()
	r := s.next()
	if r.State != want || !strings.Contains(r.Reason, reason) || reason == "" && r.Reason != "" {
		s.t.Fatalf("%s is %s (%s), want %s (%s)", r.Key, r.State, r.Reason, want, reason)
	}
	return r
}

// quiet says that nothing was reported, of what has happened so far.
func (s *site) quiet() {
	s.t.Helper()
	select {
	case r := <-s.reports:
		s.t.Errorf("reported: %+v", r)
	default:
	}
}

// eventually waits for what no report tells.
func eventually(t *testing.T, what string, satisfied func() bool) {
	t.Helper()
	for start := time.Now(); !satisfied(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("it does not happen: %s", what)
		}
	}
}
