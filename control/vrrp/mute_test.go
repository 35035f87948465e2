package vrrp

import "testing"

// newMute has lost its lease at after(3*interval), because none of its adverts left.
func newMute(t *testing.T, changes ...func(*Config)) tester {
	t.Helper()
	r := newRouter(t, changes...)
	r.Step(after(-down), Startup{})
	r.Step(after(0), Timer{})
	r.Step(after(0), Promote{}) // of a member of a group
	r.in(Master)
	for at := interval; at <= 3*interval; at += interval {
		r.Step(after(at), Timer{})
	}
	r.in(Backup)
	if !r.Mute() {
		t.Fatal("it is not mute")
	}
	return r
}

func TestARouterThatCannotSendBecomesMasterOnceAndNotAgain(t *testing.T) {
	r := newMute(t)
	at := after(3*interval + down)
	r.wakes(at)
	for range 50 {
		r.does(r.Step(at, Timer{}), SendAdvert{Priority: 100})
		r.in(Backup)
		at = at.Add(interval)
		r.wakes(at)
	}
}

func TestAMuteRouterIsMasterAsSoonAsAnAdvertHasLeft(t *testing.T) {
	r := newMute(t)
	at := after(3*interval + down)
	r.Step(at, Timer{})
	r.does(r.Step(at, AdvertSent{At: at}))
	r.wakes(at)
	r.does(r.Step(at, Timer{}), promoted(at, 100, Backup, MasterDown, none)...)
	if r.Mute() {
		t.Error("it is mute still")
	}
}

func TestAMuteRouterThatHearsAMasterDoesNotTryAnyMore(t *testing.T) {
	r := newMute(t)
	at := after(3*interval + down)
	r.Step(at, Timer{})
	r.hear(at.Add(1), higher, 200)
	r.wakes(at.Add(1 + down))
	r.does(r.Step(at.Add(2), AdvertSent{At: at}))
	r.wakes(at.Add(1 + down)) // it has a master
}

func TestAMuteRouterTriesBeforeItTakesOverFromAMaster(t *testing.T) {
	r := newMute(t)
	r.hear(after(4*interval), higher, 200)
	at := after(4*interval + down)
	r.does(r.Step(at, Timer{}), SendAdvert{Priority: 100})
	r.Step(at, MasterHeard{At: at.Add(-1)}) // that was only late
	r.wakes(at.Add(down - 1))
}

// A daemon that was stopped between the send and its report is not mute.
func TestALeaseThatEndedWhileNothingWasTriedDoesNotMakeMute(t *testing.T) {
	r := newMaster(t)
	r.Step(after(0), AdvertSent{At: after(0)})
	r.Step(after(9*interval), Timer{})
	r.in(Backup)
	if r.Mute() {
		t.Error("it is mute")
	}
	r = newMaster(t)
	r.Step(after(9*interval), AdvertSent{At: after(0)})
	r.in(Backup)
	if r.Mute() {
		t.Error("it is mute, though its advert has left")
	}
}

func TestAMuteMemberKeepsItsGroupFromBeingMaster(t *testing.T) {
	g := newMute(t, grouped)
	at := after(3*interval + down)
	g.does(g.Step(at, Timer{}), SendAdvert{Priority: 100})
	if g.Ready() {
		t.Error("it is ready, and cannot be heard")
	}
	g.Step(at, AdvertSent{At: at})
	g.Step(at, Timer{})
	if !g.Ready() {
		t.Error("it is not ready, and can be heard")
	}
}

func TestALinkThatComesBackEndsMuteness(t *testing.T) {
	r := newMute(t)
	r.Step(after(4*interval), LinkDown{})
	r.Step(after(5*interval), LinkUp{})
	r.does(r.Step(after(5*interval+down), Timer{}), promoted(after(5*interval+down), 100, Backup, MasterDown, none)...)
}
