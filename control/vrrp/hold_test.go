package vrrp

import (
	"testing"
	"time"
)

// answer is how long a handover waits for one.
const answer = interval + interval/2

func toHold(force bool) Hold { return Hold{Reason: SwitchedOver, Force: force} }

// newHandover is a master whose lease was renewed at after(0), and that was told
// to hand over then.
func newHandover(t *testing.T, force bool, changes ...func(*Config)) tester {
	t.Helper()
	r := newMaster(t, changes...)
	r.Step(after(0), toHold(force))
	if r.in(Master); !r.Leaving() {
		t.Fatal("not leaving")
	}
	return r
}

// isHeld checks whether and why.
func (r tester) isHeld(want bool) {
	r.t.Helper()
	if why, held := r.Held(); held != want || held && why != SwitchedOver {
		r.t.Errorf("held: %v, %v; want %v", held, why, want)
	}
}

func TestAMasterThatIsToHandOverSaysGoodbyeAndServesOn(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(0), toHold(false)), SetLease{Until: after(2 * interval)}, SendAdvert{Priority: 0})
	r.in(Master)
	r.wakes(after(answer))
	r.does(r.Step(after(1), AdvertSent{At: after(1)})) // the farewell renews nothing
}

func TestAHandoverEndsInBackupOfTheSuccessorWhoeverItIs(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.hear(after(1), lower, 0))
	r.does(r.hear(after(2), lower, 1), SetLease{}, RemoveAddresses{}, Follow{Source: lower, Advert: r.advert(1)},
		Transition{From: Master, To: Backup, Reason: SwitchedOver, Peer: lower})
	r.in(Backup)
	r.isHeld(true)
	r.wakes(after(2 + down))
}

func TestAHandoverThatNobodyAnswersIsTakenBackWithoutAGap(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.Step(after(answer-1), Timer{}))
	r.does(r.Step(after(answer), Timer{}), SendAdvert{Priority: 100})
	r.in(Master)
	r.isHeld(false)
	if r.Leaving() || r.Lease() != after(2*interval) {
		t.Errorf("leaving: %v; the lease ends at %v", r.Leaving(), r.Lease().Sub(after(0)))
	}
	r.does(r.Step(after(answer), AdvertSent{At: after(answer)}), SetLease{Until: after(answer + 3*interval)})
	r.wakes(after(answer + interval))
	r.does(r.hear(after(answer+1), lower, 1), SendAdvert{Priority: 100}, Announce{Repeat: 5}) // a master again
}

func TestAForcedHandoverEndsWithTheLongestSkew(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(0), toHold(true)), SetLease{Until: after(interval)}, SendAdvert{Priority: 0})
	r.does(r.Step(after(interval), Timer{}), SetLease{}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: SwitchedOver})
	r.isHeld(true)
	r.Step(after(interval+down), Timer{})
	r.in(Backup)
	r.wakes(never)
}

func TestForceAfterwardsEndsTheWayBack(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.Step(after(interval/2), toHold(true)), SetLease{Until: after(interval + interval/2)})
	r.does(r.Step(after(interval), Timer{}))
	r.Step(after(interval+interval/2), Timer{})
	r.in(Backup)
	r.isHeld(true)
}

func TestAHandoverWhoseLeaseEndsIsNoOutageForever(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.Step(after(2*interval), Timer{}), SetLease{}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: LeaseLost})
	r.isHeld(true)
	r.Step(after(2*interval+down), Timer{})
	r.in(Master)
	r.isHeld(false)
}

func TestAHeldBackupFollowsWhoeverIsMasterAndStaysBackup(t *testing.T) {
	for _, p := range []uint8{100, 254} {
		r := newHandover(t, false, priority(p))
		r.hear(after(1), lower, 1)
		r.does(r.hear(after(2), higher, 1), Follow{Source: higher, Advert: r.advert(1)})
		r.does(r.hear(after(3), higher, 0)) // it prepares nothing
		deadline, _ := r.Deadline()
		r.does(r.Step(deadline, Timer{}), Unfollow{})
		r.wakes(never)
		r.in(Backup)
		if _, _, known := r.Master(); known {
			t.Error("it believes in a master that has fallen silent")
		}
		r.does(r.hear(deadline+1, lower, 1), Follow{Source: lower, Advert: r.advert(1)})
		r.wakes(deadline.Add(1 + r.ActiveDownInterval()))
	}
}

func TestABackupThatIsToldIsHeld(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.Step(after(1), toHold(false)))
	r.does(r.Step(after(down), Timer{}), Unfollow{})
	r.in(Backup)
	r.isHeld(true)
}

func TestABackupThatWasAboutToPreemptDoesNot(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 50)
	r.Step(after(1), toHold(true))
	r.does(r.hear(after(2), lower, 50), Follow{Source: lower, Advert: r.advert(50)})
	r.Step(after(down), Timer{})
	r.in(Backup)
}

func TestABackupThatIsAloneIsNotHeldUnlessForced(t *testing.T) {
	r := newBackup(t)
	r.Step(after(interval), toHold(false))
	r.isHeld(true)
	r.wakes(after(interval + down))
	r.Step(after(interval+down), Timer{})
	r.in(Master)
	r.isHeld(false)

	r = newBackup(t)
	r.Step(after(interval), toHold(true))
	r.Step(after(down), Timer{})
	r.in(Backup)
	r.isHeld(true)
}

func TestTheEarlyAddressesOfABackupThatIsHeldGo(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.hear(after(1), higher, 0)
	r.does(r.Step(after(2), toHold(false)), RemoveAddresses{})
	r.wakes(after(2 + down))
}

func TestAReadyRouterThatIsHeldIsNotReady(t *testing.T) {
	r := newReady(t)
	r.Step(after(1), toHold(true))
	if r.Ready() {
		t.Error("ready")
	}
	r.does(r.Step(after(2), Promote{}))
}

func TestAReleasedBackupPreemptsAsConfigured(t *testing.T) {
	r := newHandover(t, false)
	r.hear(after(1), lower, 50)
	r.does(r.Step(after(interval), Release{}), Unfollow{}, InstallAddresses{})
	r.wakes(after(1 + down))
	lease := after(1 + down + 3*interval)
	r.does(r.Step(after(1+down), Timer{}), SetLease{Until: lease, Ahead: true}, SendAdvert{Priority: 100},
		Announce{Repeat: 5}, InstallAddresses{}, Transition{From: Backup, To: Master, Reason: Preempts, Peer: lower})
	r.does(r.Step(after(1+down), AdvertSent{At: after(1 + down)}), SetLease{Until: lease})
	r.does(r.Step(after(1+down), AdvertSent{At: after(1 + down)}))

	r = newHandover(t, false, noPreempt)
	r.hear(after(1), lower, 50)
	r.does(r.Step(after(interval), Release{}))
	r.does(r.hear(after(down), lower, 50))
	r.wakes(after(2 * down))
}

func TestAReleasedBackupThatHeardNobodyWaitsForActiveDownInterval(t *testing.T) {
	r := newBackup(t)
	r.Step(after(0), toHold(true))
	r.Step(after(down), Timer{})
	at := after(10 * interval)
	r.does(r.Step(at, Release{}))
	r.wakes(at.Add(down))
	r.does(r.Step(at.Add(down), Timer{}), promoted(at.Add(down), 100, Backup, MasterDown, none)...)
}

func TestAReleaseDuringAHandoverLetsItEnd(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.Step(after(1), Release{}))
	r.hear(after(2), lower, 50)
	r.in(Backup)
	r.isHeld(false)
}

func TestAHoldOutlivesFaultAndBeginsBeforeStartup(t *testing.T) {
	for _, p := range []uint8{100, 255} {
		r := newRouter(t, priority(p))
		r.Step(after(0), toHold(true))
		r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Backup, Reason: Started})
		r.Step(after(1), LinkDown{})
		r.does(r.Step(after(2), LinkUp{}), Transition{From: Fault, To: Backup, Reason: LinkRestored})
		r.Step(after(2+down), Timer{})
		r.in(Backup)
		r.isHeld(true)
	}
}

func TestAFaultDuringAHandoverIsAFault(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.Step(after(1), LinkDown{}), SetLease{}, SendAdvert{Priority: 0}, RemoveAddresses{},
		Transition{From: Master, To: Fault, Reason: LinkLost})
	r.isHeld(true)
}

func TestAShutdownDuringAHandoverIsAGracefulStop(t *testing.T) {
	r := newHandover(t, false)
	r.does(r.Step(after(interval/4), Shutdown{}), SetLease{Until: after(interval + interval/4)})
	r.does(r.Step(after(interval), Timer{})) // not taken back
	r.does(r.Step(after(interval+interval/4), Timer{}), left...)
	r.in(Init)
}

func TestAnotherIntervalDuringAHandoverIsNotToldBeforeItIsTakenBack(t *testing.T) {
	r := newHandover(t, false)
	c := r.Config()
	c.Interval = 4 * interval
	r.does(r.Step(after(1), Reconfigured{Config: c}))
	r.does(r.Step(after(answer), Timer{}), SendAdvert{Priority: 100})
	r.does(r.Step(after(answer), AdvertSent{At: after(answer)}), SetLease{Until: after(answer + 3*interval)}) // at the former pace
}

// newPair is a group of two masters that were told to hand over at after(0).
func newPair(t *testing.T) (a, b tester, g *Group) {
	t.Helper()
	a, b = newReady(t), newReady(t)
	g = NewGroup(a.Router, b.Router)
	settle(t, g, after(0))
	a.in(Master)
	b.in(Master)
	for _, r := range []tester{a, b} {
		r.Step(after(0), toHold(false))
		settle(t, g, after(0))
	}
	return a, b, g
}

func TestAGroupServesUntilItsLastMemberIsHandedOver(t *testing.T) {
	a, b, g := newPair(t)
	a.hear(after(1), lower, 50)
	settle(t, g, after(1))
	a.in(Backup)
	if g.Lease() != after(2*interval) {
		t.Errorf("the lease ends at %v", g.Lease().Sub(after(0)))
	}
	b.hear(after(2), lower, 50)
	settle(t, g, after(2))
	b.in(Backup)
	if g.Lease() != 0 {
		t.Error("it serves on")
	}
}

func TestAGroupThatNobodyAnswersTakesTheHandoverBackTogether(t *testing.T) {
	a, b, g := newPair(t)
	a.Step(after(answer), Timer{})
	settle(t, g, after(answer))
	if !a.Leaving() {
		t.Fatal("a member decided alone")
	}
	b.Step(after(answer), Timer{})
	settle(t, g, after(answer))
	for _, r := range []tester{a, b} {
		if r.in(Master); r.Leaving() {
			t.Error("still leaving")
		}
		r.isHeld(false)
	}
}

// A leg that took it back would drive the successor off, which is master of the
// other leg.
func TestALegWithoutAnAnswerFollowsTheOthers(t *testing.T) {
	a, b, g := newPair(t)
	a.hear(after(1), lower, 50)
	settle(t, g, after(1))
	b.Step(after(answer), Timer{})
	settle(t, g, after(answer))
	b.in(Backup)
	b.isHeld(true)
	if g.Lease() != 0 {
		t.Error("it serves on")
	}
}

func TestAGroupWhoseMemberLosesItsLeaseIsNoOwnerAgain(t *testing.T) {
	a, b, g := newPair(t)
	b.Router.lease = after(3 * interval)
	a.Step(after(2*interval), Timer{})
	settle(t, g, after(2*interval))
	a.in(Backup)
	b.in(Backup)
	if g.Lease() != 0 {
		t.Errorf("a lease until %v", g.Lease().Sub(after(0)))
	}
	for _, r := range []tester{a, b} {
		r.Step(after(2*interval+down), Timer{})
	}
	settle(t, g, after(2*interval+down+time.Millisecond))
	a.in(Master)
}
