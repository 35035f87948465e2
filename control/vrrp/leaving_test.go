package vrrp

import (
	"testing"
	"time"
)

// newLeaving is a master whose lease was renewed at after(0) and that was told
// to shut down then.
func newLeaving(t *testing.T, changes ...func(*Config)) tester {
	t.Helper()
	r := newMaster(t, changes...)
	r.Step(after(0), Shutdown{})
	r.in(Master)
	if !r.Leaving() {
		t.Fatal("not leaving")
	}
	return r
}

var left = []Action{SetLease{Until: 0}, RemoveAddresses{}, Transition{From: Master, To: Init, Reason: ShutdownRequested}}

func TestTheLongestSkewOfVersion2IsASecond(t *testing.T) {
	r := newMaster(t, version2, func(c *Config) { c.Interval = 10 * interval })
	r.does(r.Step(after(0), Shutdown{}), SetLease{Until: after(time.Second)}, SendAdvert{Priority: 0})
}

func TestLeavingNeverLengthensALease(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(2*interval+interval/2), Shutdown{}), SendAdvert{Priority: 0})
	r.wakes(after(3 * interval))
	r.does(r.Step(after(3*interval), Timer{}), left...)
}

func TestALeavingMasterStopsWhenItHearsItsSuccessor(t *testing.T) {
	r := newLeaving(t)
	r.does(r.hear(after(interval/2), lower, 1), SetLease{Until: 0}, RemoveAddresses{},
		Transition{From: Master, To: Init, Reason: ShutdownRequested, Peer: lower})
	r.in(Init)
}

func TestPriorityZeroIsNoSuccessor(t *testing.T) {
	r := newLeaving(t)
	r.does(r.hear(after(interval/2), lower, 0))
	r.in(Master)
}

func TestARefusedAdvertIsNoSuccessor(t *testing.T) {
	r := newLeaving(t)
	r.does(r.hear(after(interval/2), self, 200), Notice{Kind: OwnSourceRefused, Source: self}, Discard{Reason: ReasonOwnSource, Source: self})
	r.in(Master)
}

func TestALeavingMasterSendsNothingMoreAndKeepsItsEnd(t *testing.T) {
	r := newLeaving(t, func(c *Config) { c.Interval = 6 * interval })
	r.does(r.Step(after(interval), AdvertSent{At: after(interval)}))
	r.does(r.Step(after(5*interval), Timer{})) // neither advert nor announcement
	r.wakes(after(6 * interval))
}

func TestLeavingDoesNotWaitForASecondRequestOrWithoutALink(t *testing.T) {
	for _, ev := range []Event{Shutdown{}, LinkDown{}} {
		r := newLeaving(t)
		r.does(r.Step(after(1), ev), left...)
		r.in(Init)
	}
}

func TestARouterThatLeftCanStartAgain(t *testing.T) {
	r := newLeaving(t)
	r.Step(after(1), LinkDown{})
	r.Step(after(2), Startup{})
	r.in(Fault)
	r.Step(after(3), LinkUp{})
	r.in(Backup)
	if r.Leaving() {
		t.Error("still leaving")
	}
	r.Step(after(3+down), Timer{})
	r.does(r.Step(after(3+down+interval), Timer{}), SendAdvert{Priority: 100})
}
