package track

import (
	"context"
	"time"
)

// observeAgain is how soon what could not be asked is asked again, and how often
// something is looked at of which no changes are told any more.
const observeAgain = time.Second

// patienceWithErrors is how often in a row an answer may be an error until that
// counts as Down.
const patienceWithErrors = 3

// observe looks now and after every change.
func observe(ctx context.Context, subscribe func() (<-chan struct{}, func()), look func() (finding, error), tell func(finding)) {
	changes, stop := subscribe()
	defer stop()
	known, failures := false, 0
	for {
		var again <-chan time.Time
		f, err := look()
		if err == nil {
			failures = 0
		} else {
			failures++
			f = finding{state: Down, reason: err.Error()}
		}
		if err == nil || !known || failures >= patienceWithErrors {
			tell(f)
			known = true
		}
		if err != nil || changes == nil {
			again = time.After(observeAgain)
		}
		select {
		case <-ctx.Done():
			return
		case <-again:
		case _, more := <-changes:
			if !more {
				changes = nil
			}
		}
	}
}

func (s *Set) watchInterface(i Interface) watcher {
	look := func() (finding, error) {
		if s.system.InterfaceUp(i.Name) {
			return finding{state: Up}, nil
		}
		return finding{state: Down, reason: "the interface is missing, down or without carrier"}, nil
	}
	return func(ctx context.Context, tell func(finding)) {
		observe(ctx, s.system.InterfaceChanges, look, tell)
	}
}

func (s *Set) watchRoute(r Route) watcher {
	look := func() (finding, error) {
		found, err := s.system.HasRoute(r)
		switch {
		case err != nil:
			return finding{}, err
		case found:
			return finding{state: Up}, nil
		}
		return finding{state: Down, reason: "no route to " + r.Prefix}, nil
	}
	return func(ctx context.Context, tell func(finding)) {
		observe(ctx, s.system.RouteChanges, look, tell)
	}
}
