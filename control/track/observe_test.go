package track

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnInterfaceIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.host.up["lan0"] = true
		s.Apply([]Spec{Interface{"lan0"}, Interface{"wan0"}})
		results := s.Results()
		if lan, wan := results[Interface{"lan0"}.Key()].State, results[Interface{"wan0"}.Key()].State; lan != Up || wan != Down {
			t.Errorf("after Apply lan0 is %s, wan0 %s", lan, wan)
		}
		s.next()
		s.next()
		s.host.change(func() { s.host.up["lan0"] = false })
		s.expect(Down, "without carrier")
		s.host.change(func() {})
		synctest.Wait()
		s.quiet()
		s.host.change(func() { s.host.up["lan0"] = true })
		if r := s.expect(Up, ""); r.Key != (Interface{"lan0"}.Key()) {
			t.Errorf("reported: %+v", r)
		}
		s.Close()
		if n := s.host.watchers(); n != 0 {
			t.Errorf("%d still ask for changes", n)
		}
		for _, line := range []string{`level=INFO msg="Interface(lan0) is up"`, `level=WARN msg="Interface(wan0) is down" reason=`} {
			if !strings.Contains(s.log.String(), line) {
				t.Errorf("no line %s in\n%s", line, s.log)
			}
		}
	})
}

func TestARouteIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.Apply([]Spec{Route{Name: "uplink", Prefix: "198.51.100.0/24"}})
		s.expect(Down, "no route to 198.51.100.0/24")
		s.host.change(func() { s.host.routes["198.51.100.0/24"] = true })
		s.expect(Up, "")
		s.host.change(func() { s.host.routes["198.51.100.0/24"] = false })
		s.expect(Down, "no route to")
	})
}

func TestAnErrorCountsAsDownOnlyWhenItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.host.routes["2001:db8::/32"] = true
		s.Apply([]Spec{Route{Name: "uplink", Prefix: "2001:db8::/32"}})
		s.expect(Up, "")
		s.host.change(func() { s.host.refused = errors.New("netlink says no") })
		time.Sleep(observeAgain + observeAgain/2)
		s.quiet()
		time.Sleep(observeAgain)
		s.expect(Down, "netlink says no")
		s.host.mu.Lock()
		s.host.refused = nil // and nobody tells
		s.host.mu.Unlock()
		time.Sleep(observeAgain)
		s.expect(Up, "")
	})
}

func TestAnErrorAtFirstIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.host.refused = errors.New("netlink says no")
		s.Apply([]Spec{Route{Name: "uplink", Prefix: "2001:db8::/32"}})
		s.expect(Down, "netlink says no")
	})
}

func TestWithoutNewsOfChangesItIsLookedAtEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.Apply([]Spec{Interface{"lan0"}})
		s.expect(Down, "without carrier")
		s.host.silence()
		synctest.Wait()
		s.host.change(func() { s.host.up["lan0"] = true })
		time.Sleep(observeAgain)
		s.expect(Up, "")
	})
}

func TestReportsKeepTheOrderOfChangesAndNeverHoldUpApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		applied := make(chan struct{})
		var got []State
		s := NewSet(h, newSite(t).Set.log, func(r Result) {
			<-applied // who reads the reports may be who calls Apply
			got = append(got, r.State)
		})
		defer s.Close()
		s.Apply([]Spec{Interface{"lan0"}})
		for range 10 {
			h.change(func() { h.up["lan0"] = !h.up["lan0"] })
			synctest.Wait()
		}
		s.Apply([]Spec{Interface{"lan0"}, Interface{"wan0"}})
		close(applied)
		synctest.Wait()
		if len(got) != 12 {
			t.Fatalf("%d reports, want 12", len(got))
		}
		for i, state := range got[:11] {
			if want := []State{Down, Up}[i%2]; state != want {
				t.Fatalf("report %d is %s, want %s", i, state, want)
			}
		}
	})
}

func TestAnEndedTrackerReportsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		gate := make(chan struct{})
		var got []Key
		s := NewSet(h, newSite(t).Set.log, func(r Result) {
			<-gate
			got = append(got, r.Key)
		})
		s.Apply([]Spec{Interface{"lan0"}})
		synctest.Wait() // its report is on the way
		s.Apply([]Spec{Interface{"wan0"}, Interface{"dmz0"}})
		s.Apply([]Spec{Interface{"dmz0"}})
		close(gate)
		synctest.Wait()
		if len(got) != 2 || got[1] != (Interface{"dmz0"}.Key()) {
			t.Errorf("reported: %v", got)
		}
		s.Close()
		s.Apply([]Spec{Interface{"lan0"}}) // does nothing
		s.Close()
		if n := len(s.Results()); n != 0 {
			t.Errorf("%d trackers after Close", n)
		}
	})
}
