package vrrp

import (
	"math/rand/v2"
	"testing"
	"time"
)

func grouped(c *Config) { c.Grouped = true }

// newReady is a router that would be master since after(0).
func newReady(t *testing.T, changes ...func(*Config)) tester {
	t.Helper()
	r := newRouter(t, append(changes, grouped)...)
	r.Step(after(-r.ActiveDownInterval()), Startup{})
	r.does(r.Step(after(0), Timer{}))
	r.in(Backup)
	if !r.Ready() {
		t.Fatal("not ready")
	}
	r.wakes(never)
	return r
}

func TestAReadyRouterIsMasterOnlyWhenItsGroupSaysSo(t *testing.T) {
	r := newReady(t)
	r.does(r.Step(after(interval), Timer{}))
	r.does(r.Step(after(interval), Promote{}), promoted(after(interval), 100, Backup, MasterDown, none)...)
	r.in(Master)
	if r.Ready() {
		t.Error("still ready")
	}
}

func TestOnlyAReadyRouterIsPromoted(t *testing.T) {
	r := newBackup(t, grouped)
	r.does(r.Step(after(0), Promote{}))
	r.in(Backup)
}

func TestAGroupedOwnerIsReadyAtStartup(t *testing.T) {
	r := newRouter(t, grouped, priority(255))
	r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Backup, Reason: Started})
	r.wakes(never)
	r.does(r.Step(after(1), Promote{}), promoted(after(1), 255, Backup, IsOwner, none)...)
}

func TestAReadyRouterKeepsTheReasonItHad(t *testing.T) {
	r := newBackup(t, grouped)
	r.hear(after(0), higher, 200)
	r.hear(after(1), higher, 0)
	r.Step(after(1+skew), Timer{})
	r.does(r.Step(after(down), Promote{}), append([]Action{Unfollow{}}, promoted(after(down), 100, Backup, MasterLeft, higher)...)...)

	r = newBackup(t, grouped)
	r.hear(after(0), higher, 99)
	r.Step(after(down), Timer{})
	r.does(r.hear(after(down), higher, 99)) // it stays ready
	r.does(r.Step(after(down+1), Promote{}), promoted(after(down+1), 100, Backup, Preempts, higher)...)
}

func TestAReadyRouterThatHearsALesserMasterPreemptsIt(t *testing.T) {
	r := newBackup(t, grouped)
	r.hear(after(0), higher, 200)
	r.Step(after(down), Timer{})
	r.does(r.hear(after(down+1), lower, 99))
	r.does(r.Step(after(down+2), Promote{}), append([]Action{Unfollow{}}, promoted(after(down+2), 100, Backup, Preempts, lower)...)...)
}

// The simulated LAN found this: seed 4154 of its time.
func TestALesserMasterDoesNotHideTheStampOfTheOneBefore(t *testing.T) {
	r := newBackup(t, grouped)
	r.hear(after(0), higher, 200)
	r.Step(after(down), Timer{})
	r.hear(after(down+1), lower, 99)
	r.Step(after(down+3), MasterHeard{At: after(down + 2)})
	r.does(r.Step(after(down+3), Promote{}))
	r.in(Backup)
	r.wakes(after(down + 2 + down))
}

func TestAnAdvertThatIsGoodEnoughTakesReadinessBack(t *testing.T) {
	r := newReady(t)
	r.hear(after(1), higher, 100)
	if r.Ready() {
		t.Error("still ready")
	}
	r.wakes(after(1 + down))
	r.does(r.Step(after(2), Promote{}))
}

func TestAStampTakesReadinessBackIfItIsNews(t *testing.T) {
	r := newBackup(t, grouped)
	r.hear(after(0), higher, 200)
	r.Step(after(down), Timer{})
	r.does(r.Step(after(down), MasterHeard{At: after(0)}))
	if !r.Ready() {
		t.Error("not ready any more for an arrival that is known")
	}
	r.does(r.Step(after(down+2), MasterHeard{At: after(down + 1)}))
	if r.Ready() {
		t.Error("still ready")
	}
	r.wakes(after(down + 1 + down))
}

func TestShutdownAndFaultTakeReadinessBack(t *testing.T) {
	for _, ev := range []Event{Shutdown{}, LinkDown{}, GroupFault{}} {
		r := newReady(t)
		r.Step(after(1), ev)
		if r.Ready() {
			t.Errorf("still ready after %T", ev)
		}
	}
}

func TestAMasterThatStepsDownSaysNothingAndElectsAgain(t *testing.T) {
	r := newReady(t)
	r.Step(after(0), Promote{})
	r.does(r.Step(after(1), StepDown{}), SetLease{}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: GroupLeft})
	r.in(Backup)
}

func TestOnlyAMasterThatStaysStepsDown(t *testing.T) {
	for _, r := range []tester{newBackup(t), newLeaving(t), newRouter(t)} {
		r.t = t
		state := r.State()
		r.does(r.Step(after(1), StepDown{}))
		r.in(state)
	}
}

func TestAFaultOfTheGroupIsLikeOneOfTheLink(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(0), GroupFault{}), SetLease{Until: 0}, SendAdvert{Priority: 0}, RemoveAddresses{},
		Transition{From: Master, To: Fault, Reason: GroupFaulty})
	r.does(r.Step(after(1), LinkDown{}))
	r.does(r.Step(after(2), GroupRestored{})) // the own link is down still
	r.in(Fault)
	r.Step(after(3), GroupFault{})
	r.does(r.Step(after(4), LinkUp{})) // and now the others'
	r.in(Fault)
	r.does(r.Step(after(5), GroupRestored{}), Transition{From: Fault, To: Backup, Reason: GroupMended})
	r.wakes(after(5 + down))
}

func TestAFaultOfTheGroupBeforeStartupIsRemembered(t *testing.T) {
	r := newRouter(t, grouped)
	r.does(r.Step(after(0), GroupFault{}))
	r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Fault, Reason: GroupFaulty})
}

func TestALeavingMasterDoesNotOutlastAFaultOfItsGroup(t *testing.T) {
	r := newLeaving(t)
	r.does(r.Step(after(1), GroupFault{}), left...)
}

// settle does what the group asks for, and returns it.
func settle(t *testing.T, g *Group, now Instant) (events []Event) {
	t.Helper()
	for range 100 {
		r, ev, more := g.Next()
		if !more {
			return events
		}
		events = append(events, ev)
		r.Step(now, ev)
	}
	t.Fatal("the group comes to no end")
	return nil
}

func expect(t *testing.T, got []Event, want ...Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %#v, want %#v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %#v, want %#v", got, want)
		}
	}
}

func TestAGroupIsPromotedWhenTheLastMemberIsReady(t *testing.T) {
	a, b := newReady(t), newBackup(t, grouped)
	g := NewGroup(a.Router, b.Router)
	expect(t, settle(t, g, after(0)))
	b.Step(after(down), Timer{})
	expect(t, settle(t, g, after(down)), Promote{}, Promote{})
	a.in(Master)
	b.in(Master)
}

func TestTheLeaseOfAGroupIsTheEarliestAndOnlyIfAllAreMaster(t *testing.T) {
	a, b := newReady(t), newReady(t, func(c *Config) { c.Interval = 2 * interval })
	g := NewGroup(a.Router, b.Router)
	a.Step(after(0), Promote{})
	if g.Lease() != 0 {
		t.Error("a lease with one of two")
	}
	b.Step(after(0), Promote{})
	if g.Lease() != after(3*interval) {
		t.Errorf("lease %v", g.Lease().Sub(after(0)))
	}
	a.Step(after(1), AdvertSent{At: after(1)})
	if g.Lease() != after(1+3*interval) {
		t.Errorf("lease %v", g.Lease().Sub(after(0)))
	}
	a.Step(after(4*interval), Timer{})
	if g.Lease() != 0 {
		t.Error("a lease without the member that lost it")
	}
	expect(t, settle(t, g, after(4*interval)), StepDown{})
}

func TestAMemberThatGivesWayTakesTheOthersAlong(t *testing.T) {
	a, b := newReady(t), newReady(t)
	g := NewGroup(a.Router, b.Router)
	settle(t, g, after(0))
	b.hear(after(1), higher, 200)
	expect(t, settle(t, g, after(1)), StepDown{Outranked: true})
	a.in(Backup)
}

func TestALinkThatIsDownStopsTheWholeGroup(t *testing.T) {
	a, b, c := newReady(t), newReady(t), newReady(t)
	g := NewGroup(a.Router, b.Router, c.Router)
	settle(t, g, after(0))
	b.Step(after(1), LinkDown{})
	expect(t, settle(t, g, after(1)), GroupFault{}, GroupFault{})
	c.Step(after(2), LinkDown{})
	expect(t, settle(t, g, after(2)), GroupFault{}) // to the first that was down
	b.Step(after(3), LinkUp{})
	expect(t, settle(t, g, after(3)), GroupRestored{}) // to the one that is down still
	c.Step(after(4), LinkUp{})
	expect(t, settle(t, g, after(4)), GroupRestored{}, GroupRestored{})
	for _, r := range []tester{a, b, c} {
		r.in(Backup)
	}
}

func TestMembersThatLeaveEndOnTheirOwn(t *testing.T) {
	a, b := newReady(t), newReady(t)
	g := NewGroup(a.Router, b.Router)
	settle(t, g, after(0))
	a.Step(after(1), Shutdown{})
	expect(t, settle(t, g, after(1)))
	b.Step(after(1), Shutdown{})
	expect(t, settle(t, g, after(1)))
	if want := after(1 + interval); g.Lease() != want {
		t.Errorf("lease %v", g.Lease().Sub(after(0)))
	}
	a.hear(after(2), higher, 200)
	expect(t, settle(t, g, after(2)))
	b.in(Master)
	if want := after(1 + interval); g.Lease() != want {
		t.Errorf("lease %v, though a member has no successor yet", g.Lease().Sub(after(0)))
	}
	b.hear(after(3), higher, 200)
	expect(t, settle(t, g, after(3)))
	if g.Lease() != 0 {
		t.Error("a lease without a member")
	}
}

func TestAMemberThatLeavesLetsNobodyBePromoted(t *testing.T) {
	a, b := newReady(t), newReady(t)
	a.Step(after(0), Promote{})
	a.Step(after(1), Shutdown{})
	expect(t, settle(t, NewGroup(a.Router, b.Router), after(1)))
	b.in(Backup)
}

func TestAGroupOfOneIsTold(t *testing.T) {
	a, b := newReady(t), newBackup(t)
	expect(t, settle(t, NewGroup(a.Router), after(0)), Promote{})
	b.Step(after(down), Timer{})
	expect(t, settle(t, NewGroup(b.Router), after(down)))
	b.in(Master)
}

// Whatever happens, the group comes to rest with all members master or leaving,
// or with none that is master and stays.
func TestAGroupAlwaysComesToRestAsOne(t *testing.T) {
	wholes := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var routers []*Router
		for range 1 + rng.IntN(4) {
			p := []uint8{50, 100, 255}[rng.IntN(3)]
			routers = append(routers, newRouter(t, grouped, priority(p), func(c *Config) { c.PreemptDelay = time.Duration(rng.IntN(3)) * interval }).Router)
		}
		g := NewGroup(routers...)
		now := after(0)
		for _, r := range routers {
			r.Step(now, Startup{})
		}
		for range 100 {
			r := routers[rng.IntN(len(routers))]
			now = now.Add(time.Duration(rng.Int64N(int64(interval))))
			r.Step(now, randomEvent(rng.IntN, r, now))
			for _, m := range routers {
				if rng.IntN(3) > 0 {
					m.Step(now, Timer{})
					m.Step(now, AdvertSent{At: now})
				}
			}
			if rng.IntN(8) == 0 { // a reload: some of them, in another order
				rng.Shuffle(len(routers), func(i, k int) { routers[i], routers[k] = routers[k], routers[i] })
				g = NewGroup(routers[:1+rng.IntN(len(routers))]...)
			}
			settle(t, g, now)
			wholes += wholeOrNone(t, g)
		}
	}
	if wholes == 0 {
		t.Error("no group was ever master")
	}
}

func wholeOrNone(t *testing.T, g *Group) int {
	t.Helper()
	masters, leaving, ended, full := 0, 0, 0, 0
	for _, m := range g.members {
		if !g.Joining(m) {
			full++
		}
		switch {
		case m.Leaving():
			leaving++
		case m.State() == Master:
			masters++
		case m.State() == Init && !g.Joining(m):
			ended++
		}
	}
	if leaving > 0 { // those that have a successor wait for the others
		full -= ended
	}
	if masters > 0 && masters+leaving < full {
		t.Fatalf("%d of %d are master, %d leave", masters, full, leaving)
	}
	if (g.Lease() != 0) != (masters+leaving == full) {
		t.Fatalf("lease %d with %d masters and %d leaving of %d", g.Lease(), masters, leaving, full)
	}
	return masters
}

// randomConfig draws another configuration of the same router.
func randomConfig(n func(int) int, c Config) Config {
	c.Priority = []uint8{50, 100, 150, 255}[n(4)]
	c.Interval = []time.Duration{interval / 2, interval, 2 * interval}[n(3)]
	c.LeaseAdverts = n(2) + 2
	c.NoPreempt = n(2) == 0
	c.PreemptDelay = time.Duration(n(3)) * interval
	c.StartDelay = time.Duration(n(2)) * interval
	c.Announcements = []*Announcements{nil, {Refresh: interval}, {LesserRepeat: 1}}[n(3)]
	c.PartingAdvert = n(2) == 0
	return c
}

// randomEvent draws something that may happen to r.
func randomEvent(n func(int) int, r *Router, now Instant) Event {
	a := r.Advert([]uint8{0, 50, 100, 200, 255}[n(5)])
	switch n(19) {
	case 0:
		return Startup{}
	case 1:
		return Shutdown{}
	case 2:
		return LinkDown{}
	case 3, 4:
		return LinkUp{}
	case 5:
		return MasterHeard{At: now - Instant(n(int(interval)))}
	case 6:
		return AdvertSent{At: now - Instant(n(int(interval)))}
	case 14:
		return TrackDown{}
	case 15, 16:
		return TrackUp{}
	case 17:
		return PriorityChanged{Priority: []uint8{0, 1, 60, 99, 101, 254, 255}[n(7)]}
	case 18:
		return Reconfigured{Config: randomConfig(n, r.Config())}
	case 7, 8:
		return AdvertReceived{Advert: a, Source: addrs("192.168.1.1", "192.168.1.3")[n(2)], At: now - Instant(n(2)), TTL: 64}
	}
	return Timer{}
}
