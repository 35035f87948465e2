package vrrp

import (
	"testing"
	"time"
)

func TestALateTimerSaysHowLateItWas(t *testing.T) {
	r := newBackup(t)
	now := after(down + time.Millisecond)
	want := promoted(now, 100, Backup, MasterDown, none)
	want[4] = Transition{From: Backup, To: Master, Reason: MasterDown, Late: time.Millisecond}
	r.does(r.Step(now, Timer{}), want...)
}

func TestPriorityZeroCountsFromItsArrival(t *testing.T) {
	r := newBackup(t)
	r.Step(after(400*time.Millisecond), AdvertReceived{Advert: r.advert(0), Source: higher, At: after(0)})
	r.wakes(after(skew))
}

// Threat A4b: repeated faster than the skew, it would keep a backup quiet for ever.
func TestRepeatedPriorityZeroNeverPostponesTheTakeover(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 0)
	for at := 100 * time.Millisecond; at < skew; at += 100 * time.Millisecond {
		r.does(r.hear(after(at), higher, 0))
		r.wakes(after(skew))
	}
}

func TestPriorityZeroDoesNotPostponeATimerThatIsAlmostDue(t *testing.T) {
	r := newBackup(t)
	r.hear(after(down-time.Millisecond), higher, 0)
	r.wakes(after(down))
}

func TestPriorityZeroOfSomebodyElseSaysNothingAboutTheMaster(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.hear(after(interval), lower, 0))
	r.wakes(after(down))
}

// Two masters that do not hear each other, and one of them leaves.
func TestPriorityZeroOfOneMasterDoesNotSpeakForAnother(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 150)
	r.hear(after(interval), higher, 200)
	r.hear(after(interval+1), higher, 0)
	r.wakes(after(down))
}

func TestAnOvertakenAdvertStillTellsOfAnotherMaster(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.Step(after(interval), MasterHeard{At: after(interval)})
	r.does(r.Step(after(interval), AdvertReceived{Advert: r.advert(150), Source: lower, At: after(interval / 2)}))
	r.wakes(after(interval + down))
	r.hear(after(interval+1), higher, 0)
	r.wakes(after(interval/2 + down))
}

// The stamp of one master was read, another was followed, and in between the
// first was heard once more.
func TestTheFirstMasterHeardAfterAChangeMayTellOfTheMasterBefore(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 150)
	r.hear(after(1), higher, 200)
	r.Step(after(interval), MasterHeard{At: after(interval)})
	r.Step(after(2*interval), MasterHeard{At: after(2 * interval)}) // this one is clear
	r.hear(after(2*interval+1), higher, 0)
	r.wakes(after(interval + down))
}

// The same, with the router itself master for a moment.
func TestAMasterHeardTooLateIsNotForgotten(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 150)
	now := after(down)
	r.Step(now, Timer{})
	r.does(r.Step(now, MasterHeard{At: now - 1}))
	r.in(Master)
	r.hear(now, higher, 200)
	r.hear(now+1, higher, 0)
	r.wakes((now - 1).Add(down))
}

// A lesser master may not have heard the contradiction yet.
func TestALesserMasterIsNotForgottenByTheOneThatContradictedIt(t *testing.T) {
	r := newMaster(t, noPreempt)
	r.hear(after(0), lower, 50)
	r.hear(after(1), higher, 200)
	r.hear(after(2), higher, 0)
	r.wakes(after(down))
}

func TestALesserMasterIsNotForgottenByTheOneWhosePriorityFellBelowIts(t *testing.T) {
	r := newMaster(t)
	r.hear(after(0), lower, 50)
	r.Step(after(1), PriorityChanged{Priority: 1})
	r.hear(after(2), higher, 200)
	r.hear(after(3), higher, 0)
	r.wakes(after(4 * interval))
}

func TestTheFirstMasterHeardAfterAChangeMayBeOldNews(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 150)
	r.hear(after(1), lower, 0)
	r.hear(after(2), higher, 200)
	r.Step(after(2), MasterHeard{At: after(0)})
	r.hear(after(3), higher, 0)
	r.wakes(after(3 + skew))
}

// Routers are restarted one after the other.
func TestAMasterThatHasLeftIsNotWaitedForWhenTheNextOneLeaves(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), lower, 200)
	r.hear(after(1), lower, 0)
	r.hear(after(2), higher, 150)
	r.hear(after(3), higher, 0)
	r.wakes(after(3 + skew))
}

func TestAMasterThatStaysAfterAllTakesThePreparationBack(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.hear(after(0), higher, 0)
	r.does(r.hear(after(interval/2), higher, 200), RemoveAddresses{})
	r.wakes(after(interval/2 + down))

	r.does(r.hear(after(interval), higher, 0), InstallAddresses{})
	r.does(r.Step(after(interval), MasterHeard{At: after(interval + 1)}), RemoveAddresses{})
	now := after(interval + 1 + down)
	r.does(r.Step(now, Timer{}), append([]Action{Unfollow{}}, promoted(now, 100, Backup, MasterDown, higher)...)...)
}

func TestPreparationIsOverWithThePromotion(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 0)
	r.Step(after(skew), Timer{})
	r.does(r.hear(after(interval), higher, 200), SetLease{}, RemoveAddresses{}, Follow{Source: higher, Advert: r.advert(200)},
		Transition{From: Master, To: Backup, Reason: HigherPriority, Peer: higher})
}

func TestAnotherSuccessorTakesThePreparationBack(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.hear(after(0), higher, 0)
	r.does(r.hear(after(interval/4), lower, 150), RemoveAddresses{}, Follow{Source: lower, Advert: r.advert(150)})
}

func TestShutdownAndLinkDownTakeThePreparationBack(t *testing.T) {
	for _, test := range []struct {
		event Event
		want  Transition
	}{
		{Shutdown{}, Transition{From: Backup, To: Init, Reason: ShutdownRequested}},
		{LinkDown{}, Transition{From: Backup, To: Fault, Reason: LinkLost}},
	} {
		r := newBackup(t)
		r.hear(after(0), higher, 200)
		r.hear(after(0), higher, 0)
		r.does(r.Step(after(0), test.event), Unfollow{}, RemoveAddresses{}, test.want)
	}
}

func TestTheTimerRunsFromTheArrivalNotFromTheHandling(t *testing.T) {
	r := newBackup(t)
	r.Step(after(2*interval), AdvertReceived{Advert: r.advert(200), Source: higher, At: after(interval)})
	r.wakes(after(interval + down))
}

func TestALesserAdvertDoesNotReplaceTheMasterThatIsFollowed(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.hear(after(1), lower, 50))
	if source, p, _ := r.Master(); source != higher || p != 200 {
		t.Errorf("master is %v with %d, want %v with 200", source, p, higher)
	}
}

func TestARouterFollowsAnewWhatIsNotTheSameAdvert(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.hear(after(1), higher, 200))
	r.does(r.hear(after(2), higher, 201), Follow{Source: higher, Advert: r.advert(201)})
	r.does(r.hear(after(3), lower, 201), Follow{Source: lower, Advert: r.advert(201)})
	other := r.advert(201)
	other.Checksum = MessageOnly
	r.does(r.Step(after(4), AdvertReceived{Advert: other, Source: lower, At: after(4)}), Follow{Source: lower, Advert: other})
	r.does(r.Step(after(5), LinkDown{}), Unfollow{}, Transition{From: Backup, To: Fault, Reason: LinkLost})
}

func TestMasterHeardIsAsGoodAsItsAdvert(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.Step(after(3*interval), MasterHeard{At: after(2 * interval)}))
	r.wakes(after(2*interval + down))
}

func TestMasterHeardIsIgnoredWhenSomethingNewerIsKnown(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.hear(after(interval), higher, 0)
	r.Step(after(interval), MasterHeard{At: after(interval - 1)})
	r.wakes(after(interval + skew))
	r.Step(after(interval), MasterHeard{At: never})
	r.wakes(after(interval + skew))
}

// The order of the two is not known; that the master is there is the safer guess.
func TestMasterHeardAtTheInstantOfPriorityZeroCounts(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.hear(after(interval), higher, 0)
	r.does(r.Step(after(interval), MasterHeard{At: after(interval)}), RemoveAddresses{})
	r.wakes(after(interval + down))
}

func TestMasterHeardIsIgnoredWhenNobodyIsFollowed(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 99)
	r.Step(after(interval), MasterHeard{At: after(interval)})
	r.wakes(after(down))
}

func TestAdvertsOvertakenByNewerOnesAreIgnored(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.Step(after(2*interval), MasterHeard{At: after(2 * interval)})
	r.does(r.Step(after(2*interval), AdvertReceived{Advert: r.advert(0), Source: higher, At: after(interval)}))
	r.does(r.Step(after(2*interval), AdvertReceived{Advert: r.advert(150), Source: lower, At: after(interval)}))
	r.wakes(after(2*interval + down))
}
