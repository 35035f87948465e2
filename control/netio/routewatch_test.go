package netio

import (
	"context"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

func watchRoutesOf(t *testing.T) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := newLinks(t).WatchRoutes(ctx)
	must(t, err)
	t.Cleanup(func() {
		cancel()
		for range changes { // until the watch has closed its socket
		}
	})
	return changes
}

func awaitChange(t *testing.T, changes <-chan struct{}, of string) {
	t.Helper()
	select {
	case _, ok := <-changes:
		if !ok {
			t.Fatal("the watch ended")
		}
	case <-time.After(patience):
		t.Fatalf("no notification of %s", of)
	}
}

func TestARouteThatComesOrGoesIsTold(t *testing.T) {
	for _, line := range []string{"198.51.100.0/24 dev lan0", "2001:db8:5::/48 dev lan0", "198.51.100.0/24 dev lan0 table 4711"} {
		t.Run(line, func(t *testing.T) {
			s := newTables(t)
			changes := watchRoutesOf(t)
			s.addRoute(t, line)
			awaitChange(t, changes, "a new route")
			s.removeRoute(t, line)
			awaitChange(t, changes, "a route that went")
		})
	}
}

func TestManyChangesAreToldAsFew(t *testing.T) {
	const routes, least = 2000, 5
	s := newTables(t)
	changes := watchRoutesOf(t)
	start := time.Now()
	told := 0
	for told < least {
		fill(t, routes, s.index())
		empty(t, routes, s.index())
		select {
		case _, ok := <-changes:
			if !ok {
				t.Fatal("the watch ended")
			}
			told++
		default:
		}
		if took := time.Since(start); took > patience {
			t.Fatalf("%d notifications in %v", told, took)
		}
	}
	// The first comes at once and the second a pause later.
	if took := time.Since(start); took < (least-1)*routePause {
		t.Errorf("%d notifications in %v", told, took)
	}
}

func TestTheLastOfManyChangesIsTold(t *testing.T) {
	s := newTables(t)
	links := newLinks(t)
	changes := watchRoutesOf(t)
	fill(t, 20000, s.index())
	s.addRoute(t, "198.51.100.0/24 dev lan0")
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-changes:
			if !ok {
				t.Fatal("the watch ended")
			}
		case <-deadline:
			t.Fatal("the route is not told of")
		}
		has, err := links.HasRoute(routeOf(t, "198.51.100.0/24 dev lan0").Destination, false, 0)
		must(t, err)
		if has {
			return
		}
	}
}

func TestAWatchOfRoutesEndsWithItsContext(t *testing.T) {
	s := newTables(t)
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := newLinks(t).WatchRoutes(ctx)
	must(t, err)
	s.addRoute(t, "198.51.100.0/24 dev lan0")
	awaitChange(t, changes, "a new route") // and the watch pauses
	cancel()
	for range changes {
	}
	var stacks strings.Builder
	must(t, pprof.Lookup("goroutine").WriteTo(&stacks, 1))
	if strings.Contains(stacks.String(), "netio.watchRoutes") {
		t.Errorf("a goroutine is left:\n%s", &stacks)
	}
}
