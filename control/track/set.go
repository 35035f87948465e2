package track

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"
)

// System is what trackers ask of the host.
type System interface {
	// InterfaceUp reports whether the interface is there, up and has carrier.
	InterfaceUp(name string) bool
	// InterfaceChanges tells that some interface changed, until the returned
	// function is called.
	InterfaceChanges() (changes <-chan struct{}, stop func())
	// HasRoute reports what Route asks for.
	HasRoute(r Route) (bool, error)
	// RouteChanges tells that some route changed, or may have; coalesced.
	RouteChanges() (changes <-chan struct{}, stop func())
}

// Set runs trackers. It may be used from any goroutine.
type Set struct {
	system    System
	log       *slog.Logger
	processes processTable
	report    func(Result)
	reported  chan struct{} // closed when no report comes any more
	queued    chan struct{}

	changing sync.Mutex // Apply and Close take turns
	closed   bool       // guarded by changing

	mu      sync.Mutex
	running map[Key]*tracker
	queue   []queuedResult // that are not reported yet
	end     chan struct{}
}

type queuedResult struct {
	tracker *tracker
	result  Result
}

// NewSet returns a Set without trackers. report is called, from one goroutine
// at a time, whenever a state or value changes, in the order in which they
// change. It must not call Apply or Close, nor wait for who calls Close.
func NewSet(system System, log *slog.Logger, report func(Result)) *Set {
	s := &Set{
		system: system, log: log, report: report,
		running: map[Key]*tracker{}, processes: processTable{log: log},
		reported: make(chan struct{}), queued: make(chan struct{}, 1), end: make(chan struct{}),
	}
	go s.reportAll()
	return s
}

// Apply makes these the trackers. One that is in the set already, unchanged,
// goes on and keeps its result; the others end, with what they started, before
// Apply returns, and the new ones begin. One that changed begins with its
// predecessor's result. Two Specs must not have one Key: of two the first counts.
//
// Interfaces, processes, files and routes have been looked at when it returns,
// scripts and checks have not. It may take seconds, where a script does not end
// when it is told to.
func (s *Set) Apply(specs []Spec) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return
	}
	wanted := make(map[Key]Spec, len(specs))
	for _, spec := range specs {
		if _, twice := wanted[spec.Key()]; !twice {
			wanted[spec.Key()] = spec
		}
	}
	ended := s.endUnless(func(t *tracker) bool {
		return reflect.DeepEqual(wanted[t.spec.Key()], t.spec)
	})
	var begun []*tracker
	for _, spec := range specs {
		if t := s.begin(spec, ended[spec.Key()]); t != nil {
			begun = append(begun, t)
		}
	}
	for _, t := range begun {
		<-t.looked
	}
}

// Results returns the latest result of every tracker.
func (s *Set) Results() map[Key]Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make(map[Key]Result, len(s.running))
	for key, t := range s.running {
		results[key] = t.result
	}
	return results
}

// Close ends all trackers and what they started, and waits for that. What was
// not reported yet is not reported any more.
func (s *Set) Close() {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.endUnless(func(*tracker) bool { return false })
	close(s.end)
	<-s.reported
}

// endUnless ends all but those to keep, side by side, and returns their last results.
func (s *Set) endUnless(keep func(*tracker) bool) map[Key]Result {
	last := map[Key]Result{}
	var ending []*tracker
	s.mu.Lock()
	for key, t := range s.running {
		if !keep(t) {
			last[key] = t.result
			delete(s.running, key)
			ending = append(ending, t)
			t.cancel()
		}
	}
	s.mu.Unlock()
	for _, t := range ending {
		<-t.done
	}
	return last
}

// begin returns nil if there is one already.
func (s *Set) begin(spec Spec, predecessor Result) *tracker {
	key := spec.Key()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[key] != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &tracker{
		set: s, spec: spec, log: s.log, cancel: cancel,
		done: make(chan struct{}), looked: make(chan struct{}),
		result: Result{Key: key, At: time.Now()},
	}
	if predecessor.State != Unknown {
		t.result = predecessor
	}
	s.running[key] = t
	go t.run(ctx, s.watcher(spec, predecessor.State))
	return t
}

// reportAll keeps the reports in order, and apart from whoever watches: Apply
// does not wait for a report.
func (s *Set) reportAll() {
	defer close(s.reported)
	for {
		select {
		case <-s.end:
			return
		case <-s.queued:
		}
		for r, ok := s.next(); ok; r, ok = s.next() {
			s.report(r)
		}
	}
}

// next passes over the results of trackers that have ended since.
func (s *Set) next() (Result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		q := s.queue[0]
		s.queue = s.queue[1:]
		if s.running[q.result.Key] == q.tracker {
			return q.result, true
		}
	}
	s.queue = nil
	return Result{}, false
}
