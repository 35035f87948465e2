package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

func TestATrackThatIsDownIsAFaultOfItsOwn(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(0), TrackDown{}), SetLease{}, SendAdvert{Priority: 0}, RemoveAddresses{},
		Transition{From: Master, To: Fault, Reason: TrackFailed})
	r.does(r.Step(after(1), TrackDown{}))
	r.does(r.Step(after(2), TrackUp{}), Transition{From: Fault, To: Backup, Reason: TrackRestored})
	r.wakes(after(2 + down))
}

func TestFaultEndsWithTheLastOfItsReasons(t *testing.T) {
	begin := []Event{LinkDown{}, TrackDown{}, GroupFault{}}
	end := []Event{LinkUp{}, TrackUp{}, GroupRestored{}}
	why := []TransitionReason{LinkRestored, TrackRestored, GroupMended}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		r := newBackup(t)
		for _, ev := range begin {
			r.Step(after(0), ev)
			r.in(Fault)
		}
		r.does(r.Step(after(1), end[order[0]]))
		r.does(r.Step(after(1), end[order[1]]))
		r.does(r.Step(after(1), end[order[2]]), Transition{From: Fault, To: Backup, Reason: why[order[2]]})
	}
}

func TestATrackMayBeDownBeforeStartup(t *testing.T) {
	r := newRouter(t)
	r.does(r.Step(after(0), TrackDown{}))
	r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Fault, Reason: TrackFailed})
	r = newRouter(t)
	r.Step(after(0), TrackDown{})
	r.Step(after(0), TrackUp{})
	r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Backup, Reason: Started})
}

func TestALeavingMasterDoesNotOutlastATrack(t *testing.T) {
	r := newLeaving(t)
	r.does(r.Step(after(1), TrackDown{}), left...)
}

func TestATrackThatIsDownStopsTheWholeGroup(t *testing.T) {
	a, b := newReady(t), newReady(t)
	g := NewGroup(a.Router, b.Router)
	settle(t, g, after(0))
	b.Step(after(1), TrackDown{})
	expect(t, settle(t, g, after(1)), GroupFault{})
	b.Step(after(2), LinkDown{})
	expect(t, settle(t, g, after(2)))
	b.Step(after(3), TrackUp{})
	expect(t, settle(t, g, after(3))) // the link is down still
	b.Step(after(4), LinkUp{})
	expect(t, settle(t, g, after(4)), GroupRestored{})
	a.in(Backup)
	b.in(Backup)
}

func (r tester) becomes(at Instant, priority uint8) []Action {
	return r.Step(at, PriorityChanged{Priority: priority})
}

func (r tester) has(want uint8) {
	r.t.Helper()
	if got := r.Priority(); got != want {
		r.t.Errorf("priority %d, want %d", got, want)
	}
}

func TestAMasterSaysItsNewPriorityWithTheNextAdvert(t *testing.T) {
	r := newMaster(t)
	r.does(r.becomes(after(1), 80))
	r.has(80)
	r.wakes(after(interval))
	r.does(r.Step(after(interval), Timer{}), SendAdvert{Priority: 80})
	if _, p, _ := r.Master(); p != 80 || r.Config().Priority != 100 {
		t.Errorf("master with %d, configured %d", p, r.Config().Priority)
	}
	r.hear(after(interval), lower, 81)
	r.in(Backup)
}

func TestAMasterAnswersWithItsNewPriority(t *testing.T) {
	r := newMaster(t)
	r.becomes(after(1), 120)
	r.does(r.hear(after(2), higher, 119), SendAdvert{Priority: 120}, Announce{Repeat: 5})
	r.does(r.hear(after(2), higher, 0), SendAdvert{Priority: 120})
}

func TestPrioritiesThatMeanSomethingElseAreIgnored(t *testing.T) {
	r := newBackup(t)
	r.does(r.becomes(after(0), 0))
	r.does(r.becomes(after(0), OwnerPriority))
	r.has(100)
	owner := newRouter(t, priority(255))
	owner.Step(after(0), Startup{})
	owner.does(owner.becomes(after(0), 100))
	owner.has(255)
}

func TestThePriorityMayChangeBeforeStartup(t *testing.T) {
	r := newRouter(t)
	r.does(r.becomes(after(0), 200))
	r.Step(after(0), Startup{})
	r.wakes(after(3*interval + 56*interval/256))
}

func TestTheSkewOfABackupFollowsItsPriorityFromTheLastArrival(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			r := newBackup(t, v.change)
			r.hear(after(interval), higher, 250)
			r.does(r.becomes(after(2*interval), 228))
			r.wakes(after(4*interval + 28*interval/256))
			r.does(r.becomes(after(2*interval), 28))
			r.wakes(after(4*interval + 228*interval/256))
			r.hear(after(3*interval), higher, 0)
			r.wakes(after(3*interval + 228*interval/256))
			r.becomes(after(3*interval), 128)
			r.wakes(after(3*interval + interval/2))
		})
	}
}

func TestATimerThatAPriorityMovesIntoThePastIsDueNow(t *testing.T) {
	r := newBackup(t, priority(1))
	now := after(3*interval + interval/2)
	r.does(r.becomes(now, 254))
	r.wakes(now)
	r.does(r.Step(now, Timer{}), promoted(now, 254, Backup, MasterDown, none)...)
}

func TestABackupThatOutranksItsMasterPreemptsItWhenItsTimeIsOver(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 120)
	r.does(r.becomes(after(interval), 128), Unfollow{})
	r.does(r.hear(after(interval), higher, 120))
	last := after(3*interval + interval/2)
	r.wakes(last)
	r.does(r.Step(last, Timer{}), promoted(last, 128, Backup, Preempts, higher)...)
}

func TestABackupThatMayNotPreemptFollowsOn(t *testing.T) {
	r := newBackup(t, noPreempt)
	r.hear(after(0), higher, 120)
	r.does(r.becomes(after(1), 128))
	r.does(r.hear(after(interval), higher, 120))
	r.wakes(after(4*interval + interval/2))
}

func TestAMasterThatIsOutrankedIsLeftAloneForTheDelay(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), higher, 120)
	r.does(r.becomes(after(interval), 128))
	for at := interval; at < delay+interval; at += interval {
		r.does(r.hear(after(at), higher, 120))
	}
	r.wakes(after(interval + delay))
	r.does(r.Step(after(interval+delay), Timer{}), Unfollow{})
	r.wakes(after(delay + 3*interval + interval/2))
}

func TestTheDelayIsNotBegunAgainByEveryPriority(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), higher, 120)
	r.becomes(after(interval), 128)
	r.becomes(after(2*interval), 127)
	r.hear(after(4*interval), higher, 120)
	r.wakes(after(interval + delay))
}

func TestAMasterThatIsNotOutrankedAnyMoreIsAcceptedAtItsNextAdvert(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 90)
	r.hear(after(3*interval), higher, 90)
	r.does(r.becomes(after(3*interval), 80))
	deadline, _ := r.Deadline()
	if deadline.Before(after(6*interval)) || deadline.After(after(7*interval)) {
		t.Errorf("deadline %v: the master has been heard at 3s", deadline.Sub(after(0)))
	}
	r.does(r.hear(after(4*interval), higher, 90), Follow{Source: higher, Advert: r.advert(90)})
}

func TestAReadyRouterThatDoesNotOutrankAnyMoreIsNotReady(t *testing.T) {
	r := newBackup(t, grouped)
	r.hear(after(down), higher, 90)
	r.Step(after(down), Timer{})
	if !r.Ready() {
		t.Fatal("not ready")
	}
	r.does(r.becomes(after(down), 95))
	if !r.Ready() {
		t.Error("not ready, and yet it outranks")
	}
	r.does(r.becomes(after(down), 90))
	if r.Ready() {
		t.Error("ready to become a second master")
	}
	r.does(r.hear(after(down+interval), higher, 90), Follow{Source: higher, Advert: r.advert(90)})
}

func TestAReadyRouterTakesItsNewPriorityAlong(t *testing.T) {
	r := newReady(t)
	r.does(r.becomes(after(1), 50))
	r.does(r.Step(after(2), Promote{}), promoted(after(2), 50, Backup, MasterDown, none)...)
}

// A peer whose check fails: its advert says less than before.
func TestAMasterWhosePriorityFallsIsPreemptedWithAWord(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 120)
	r.does(r.hear(after(interval), higher, 99), Unfollow{})
	r.does(r.Step(after(down), Timer{}), promoted(after(down), 100, Backup, Preempts, higher)...)
}

// One of two masters has been followed after the other; the first may be there.
func TestABetterMasterBeforeTheOutrankedOneIsNotForgotten(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 200)
	r.hear(after(1), higher, 120)
	r.becomes(after(interval), 128)
	r.does(r.Step(after(2*interval), MasterHeard{At: after(2 * interval)}))
	r.wakes(after(5*interval + interval/2))
}

func TestTheOtherEndOfAStepDownMovesToo(t *testing.T) {
	r := newReady(t)
	r.Step(after(0), Promote{})
	r.Step(after(1), StepDown{})
	before, _ := r.Deadline()
	r.becomes(after(2), 164)
	r.wakes(before.Add(-interval / 4))
	r.hear(after(3), higher, 200)
	r.wakes(max(before.Add(-interval/4), after(3+3*interval).Add(r.SkewTime())))
}

func TestARouterKeepsItsPriorityThroughEveryState(t *testing.T) {
	r := newBackup(t)
	r.becomes(after(0), 70)
	r.Step(after(0), LinkDown{})
	r.Step(after(0), LinkUp{})
	r.Step(after(10*time.Second), Timer{})
	r.in(Master)
	r.does(r.Step(after(11*time.Second), Timer{}), SendAdvert{Priority: 70})
}

func TestAReadyRouterGoesOnFollowingAMasterThatItOutranksNow(t *testing.T) {
	r := newBackup(t, grouped)
	r.hear(after(0), higher, 120)
	r.Step(after(down), Timer{})
	r.does(r.becomes(after(down), 128))
	r.does(r.Step(after(down), Promote{}), append([]Action{Unfollow{}}, promoted(after(down), 128, Backup, MasterDown, higher)...)...)
}

func TestALesserMasterOfLongAgoIsNotSpared(t *testing.T) {
	r := newBackup(t, every(2*interval))
	r.hear(after(0), higher, 200)
	r.hear(after(1), lower, 90)
	for at := interval; at <= 20*interval; at += interval {
		r.hear(after(at), higher, 200)
	}
	r.hear(after(20*interval), lower, 50)
	r.hear(after(20*interval), higher, 0)
	r.becomes(after(20*interval), 80)
	r.wakes(after(20 * interval).Add(r.SkewTime()))
}

func TestALesserMasterOfAnEarlierBackupIsNotSpared(t *testing.T) {
	r := newBackup(t)
	r.hear(after(interval), higher, 90)
	r.Step(after(interval), LinkDown{})
	r.Step(after(interval), LinkUp{})
	r.becomes(after(interval), 1)
	r.wakes(after(interval).Add(r.ActiveDownInterval()))
}

func TestALesserMasterThatWasContradictedIsSparedToo(t *testing.T) {
	r := newMaster(t)
	r.hear(after(0), lower, 90)
	r.hear(after(1), higher, 200)
	r.hear(after(2), higher, 0)
	r.becomes(after(2), 80)
	r.wakes(after(4 * interval)) // at the longest skew
}

// The simulated LAN found these two: the interval went with the master.
func TestALateStampCountsWithTheIntervalOfTheMasterBefore(t *testing.T) {
	r := newBackup(t)
	slow, slower := r.advert(200), r.advert(200)
	slow.Interval, slower.Interval = 2*interval, 3*interval
	hear := func(at Instant, from netip.Addr, a Advert) {
		r.Step(at, AdvertReceived{Advert: a, Source: from, At: at})
	}
	hear(after(0), lower, slow)
	hear(after(1), lower, r.advert(0))
	hear(after(2), higher, r.advert(200))
	r.Step(after(interval), MasterHeard{At: after(interval)})
	r.wakes(after(interval + 2*down))

	hear(after(2*interval), higher, slower)
	hear(after(3*interval), higher, r.advert(200))
	r.Step(after(4*interval), MasterHeard{At: after(4 * interval)})
	r.wakes(after(4*interval + 3*down))
}

// One of two masters has a longer interval than the other, and a longer lease.
func TestAMasterOfALongerIntervalThatWasFollowedBeforeIsNotForgotten(t *testing.T) {
	r := newBackup(t)
	slow := r.advert(200)
	slow.Interval = 2 * interval
	r.Step(after(0), AdvertReceived{Advert: slow, Source: lower, At: after(0)})
	r.hear(after(1), higher, 200)
	r.wakes(after(2 * down))
	r.hear(after(interval), higher, 200)
	r.wakes(after(2 * down))
	r.hear(after(4*interval), higher, 200)
	r.wakes(after(4*interval + down))
}
