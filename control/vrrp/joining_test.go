package vrrp

import "testing"

// newJoining is a group whose first two members are master since after(0), and a
// third that has been a backup since then.
func newJoining(t *testing.T, changes ...func(*Config)) (a, b, c tester, g *Group) {
	t.Helper()
	a, b, c = newReady(t), newReady(t), newBackup(t, append(changes, grouped)...)
	settle(t, NewGroup(a.Router, b.Router), after(0))
	g = NewGroup(a.Router, b.Router, c.Router)
	if g.Joining(a.Router) || g.Joining(b.Router) || !g.Joining(c.Router) {
		t.Fatal("not the third is joining")
	}
	expect(t, settle(t, g, after(0)))
	return a, b, c, g
}

func joins(t *testing.T, g *Group, r tester, want bool) {
	t.Helper()
	if g.Joining(r.Router) != want {
		t.Errorf("joining %v, want %v", !want, want)
	}
}

func TestAJoiningMemberDoesNotMakeTheGroupStepDown(t *testing.T) {
	a, b, c, g := newJoining(t)
	c.Step(after(interval), Timer{})
	expect(t, settle(t, g, after(interval)))
	a.in(Master)
	b.in(Master)
	if want := after(3 * interval); g.Lease() != want {
		t.Errorf("lease %v, want %v", g.Lease().Sub(after(0)), want.Sub(after(0)))
	}
}

func TestAJoiningMemberIsPromotedAtOnceWhenItIsReady(t *testing.T) {
	a, b, c, g := newJoining(t, func(c *Config) { c.Interval = interval / 2 })
	now := after(down / 2)
	a.Step(now, AdvertSent{At: now})
	b.Step(now, AdvertSent{At: now})
	c.Step(now, Timer{})
	r, ev, _ := g.Next()
	if r != c.Router || ev != (Promote{}) {
		t.Fatalf("got %T of %v", ev, r.Config())
	}
	before := g.Lease()
	c.Step(now, ev)
	if c.Lease() >= before || g.Lease() != c.Lease() {
		t.Errorf("lease %v, want that of the new member, %v", g.Lease().Sub(now), c.Lease().Sub(now))
	}
	joins(t, g, c, false)
	expect(t, settle(t, g, now))

	c.hear(now, higher, 200) // a full member takes the others along
	expect(t, settle(t, g, now), StepDown{Outranked: true}, StepDown{Outranked: true})
	a.in(Backup)
	b.in(Backup)
}

func TestAJoiningMemberThatFollowsAMasterTakesTheGroupAlong(t *testing.T) {
	a, b, c, g := newJoining(t)
	c.hear(after(1), higher, 100)
	joins(t, g, c, false)
	expect(t, settle(t, g, after(1)), StepDown{}, StepDown{})
	a.in(Backup)
	b.in(Backup)
	if g.Lease() != 0 {
		t.Error("a lease without a master")
	}
}

func TestAJoiningMemberPreemptsALesserMaster(t *testing.T) {
	_, _, c, g := newJoining(t, func(c *Config) { c.Interval = interval / 2 })
	c.hear(after(1), higher, 99)
	joins(t, g, c, true)
	c.Step(after(down/2), Timer{})
	expect(t, settle(t, g, after(down/2)), Promote{})
	c.in(Master)
}

func TestAFaultOfAJoiningMemberIsOneOfTheGroup(t *testing.T) {
	for _, ev := range []Event{LinkDown{}, TrackDown{}} {
		a, b, c, g := newJoining(t)
		c.Step(after(1), ev)
		expect(t, settle(t, g, after(1)), GroupFault{}, GroupFault{})
		a.in(Fault)
		b.in(Fault)
		joins(t, g, c, false)
	}
}

func TestAMemberThatIsInFaultWhenItJoinsStopsTheGroup(t *testing.T) {
	a, c := newReady(t), newBackup(t, grouped)
	settle(t, NewGroup(a.Router), after(0))
	a.in(Master)
	c.Step(after(1), TrackDown{})
	expect(t, settle(t, NewGroup(a.Router, c.Router), after(1)), GroupFault{})
	a.in(Fault)
}

func TestAFaultOfTheGroupReachesAJoiningMember(t *testing.T) {
	a, b, c, g := newJoining(t)
	a.Step(after(1), LinkDown{})
	expect(t, settle(t, g, after(1)), GroupFault{}, GroupFault{})
	c.in(Fault)
	a.Step(after(2), LinkUp{})
	expect(t, settle(t, g, after(2)), GroupRestored{}, GroupRestored{})
	for _, r := range []tester{a, b, c} {
		joins(t, g, r, false)
		r.in(Backup)
	}
	expect(t, settle(t, g, after(2)))
}

func TestWithTheLastMasterEveryMemberIsAFullOne(t *testing.T) {
	a, b, c, g := newJoining(t)
	a.hear(after(1), higher, 200)
	expect(t, settle(t, g, after(1)), StepDown{Outranked: true})
	b.in(Backup)
	joins(t, g, c, false)
	c.Step(after(down), Timer{})
	expect(t, settle(t, g, after(down))) // the others are not ready
	c.in(Backup)
}

func TestAJoiningMemberThatHasNotStartedIsWaitedFor(t *testing.T) {
	a, c := newReady(t), newRouter(t, grouped, startDelayed)
	settle(t, NewGroup(a.Router), after(0))
	g := NewGroup(a.Router, c.Router)
	expect(t, settle(t, g, after(0)))
	c.Step(after(0), Startup{})
	expect(t, settle(t, g, after(0)))
	joins(t, g, c, true)
	a.in(Master)
}

func TestAnOwnerJoinsAtOnce(t *testing.T) {
	a, c := newReady(t), newRouter(t, grouped, priority(255))
	settle(t, NewGroup(a.Router), after(0))
	g := NewGroup(a.Router, c.Router)
	c.Step(after(0), Startup{})
	expect(t, settle(t, g, after(0)), Promote{})
	c.in(Master)
}

func TestAGroupThatLeavesKeepsItsLeaseFromAJoiningMember(t *testing.T) {
	a, b, c, g := newJoining(t)
	a.Step(after(1), Shutdown{})
	c.Step(after(down), Timer{})
	expect(t, settle(t, g, after(1)))
	c.in(Backup)
	b.Step(after(1), Shutdown{})
	c.Step(after(1), Shutdown{})
	expect(t, settle(t, g, after(1)))
	if want := after(1 + interval); g.Lease() != want {
		t.Errorf("lease %v, want %v", g.Lease().Sub(after(0)), want.Sub(after(0)))
	}
}

func TestNobodyJoinsAGroupWithoutAMaster(t *testing.T) {
	a, b := newBackup(t, grouped), newReady(t)
	g := NewGroup(a.Router, b.Router)
	joins(t, g, a, false)
	joins(t, g, b, false)
}

func TestWhoJoinsAMasterThatLeavesDoesNotEndItsLease(t *testing.T) {
	a, c := newReady(t), newReady(t)
	a.Step(after(0), Promote{})
	a.Step(after(0), Shutdown{})
	g := NewGroup(a.Router, c.Router)
	expect(t, settle(t, g, after(0)))
	if g.Lease() != after(interval) {
		t.Errorf("lease %v", g.Lease().Sub(after(0)))
	}
	a.Step(after(interval), Timer{})
	joins(t, g, c, false)
}

func TestAMasterThatJoinsTheGroupOfABackupStepsDown(t *testing.T) {
	a, b := newReady(t), newBackup(t, grouped)
	settle(t, NewGroup(a.Router), after(0))
	b.hear(after(0), higher, 200)
	expect(t, settle(t, NewGroup(a.Router, b.Router), after(1)), StepDown{})
}

func TestAGroupOfFewerMembersGoesOn(t *testing.T) {
	a, b, c := newReady(t), newReady(t), newReady(t, func(c *Config) { c.Interval = interval / 2 })
	settle(t, NewGroup(a.Router, b.Router, c.Router), after(0))
	g := NewGroup(a.Router, b.Router)
	expect(t, settle(t, g, after(1)))
	c.does(c.reconfigure(after(1), func(c *Config) { c.Grouped = false }))
	expect(t, settle(t, NewGroup(c.Router), after(1)))
	for _, r := range []tester{a, b, c} {
		r.in(Master)
	}
	if want := after(3 * interval); g.Lease() != want {
		t.Errorf("lease %v", g.Lease().Sub(after(0)))
	}
}

func TestTheFaultOfAMemberThatIsTakenOutIsItsOwn(t *testing.T) {
	a, b := newReady(t), newReady(t)
	g := NewGroup(a.Router, b.Router)
	b.Step(after(0), LinkDown{})
	settle(t, g, after(0))
	a.in(Fault)
	expect(t, settle(t, NewGroup(a.Router), after(1)), GroupRestored{})
	a.in(Backup)
	expect(t, settle(t, NewGroup(b.Router), after(1)))
	b.in(Fault)
}

func TestAReadyMemberOfAnotherGroupJoinsAtOnce(t *testing.T) {
	a, c := newReady(t), newBackup(t, grouped)
	settle(t, NewGroup(a.Router), after(0))
	a.Step(after(interval), AdvertSent{At: after(interval)})
	c.hear(after(0), higher, 200)
	c.Step(after(down), Timer{}) // what it follows is silent
	expect(t, settle(t, NewGroup(a.Router, c.Router), after(down)), Promote{})
	a.in(Master)
	c.in(Master)
}

func TestAReadyMemberThatCannotJoinYetDoesNoHarm(t *testing.T) {
	a, b, c := newReady(t), newReady(t), newBackup(t, grouped)
	settle(t, NewGroup(a.Router, b.Router), after(0))
	a.Step(after(interval), AdvertSent{At: after(interval)})
	b.Step(after(interval), AdvertSent{At: after(interval)})
	c.hear(after(0), higher, 200)
	c.Step(after(down), Timer{})
	b.Step(after(down), Shutdown{})
	expect(t, settle(t, NewGroup(a.Router, b.Router, c.Router), after(down)))
	a.in(Master)
	c.in(Backup)
}
