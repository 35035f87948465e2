package vrrp

import (
	"testing"
	"time"
)

func TestALeaseIsRenewedFromBeforeTheSend(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(interval+9), AdvertSent{At: after(interval)}), SetLease{Until: after(4 * interval)})
	if r.Lease() != after(4*interval) {
		t.Errorf("lease %v, want %v", r.Lease(), after(4*interval))
	}
}

func TestALeaseNeverGoesBack(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(2), AdvertSent{At: after(-1)}))
	r.does(r.Step(after(2), AdvertSent{At: after(-10 * interval)}))
	r.in(Master)
}

func TestALeaseIsNotRenewedFromTheFuture(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(1), AdvertSent{At: after(100 * interval)}), SetLease{Until: after(1 + 3*interval)})
}

func TestNothingElseRenewsALease(t *testing.T) {
	r := newMaster(t)
	for at := interval / 10; at < 3*interval; at += interval / 10 {
		r.Step(after(at), Timer{})
		r.hear(after(at), higher, 0)
		r.hear(after(at), lower, 50)
		r.Step(after(at), MasterHeard{At: after(at)})
		if r.Lease() != after(3*interval) {
			t.Fatalf("lease %v at %v", r.Lease().Sub(after(0)), at)
		}
	}
}

func TestOnlyAMasterHasItsLeaseRenewed(t *testing.T) {
	r := newBackup(t)
	r.does(r.Step(after(0), AdvertSent{At: after(0)}))
	r.in(Backup)
}

func TestAShorterLeaseCanBeConfigured(t *testing.T) {
	r := newMaster(t, func(c *Config) { c.LeaseAdverts = 2 })
	if r.Lease() != after(2*interval) {
		t.Errorf("lease %v, want 2 s", r.Lease().Sub(after(0)))
	}
}

// A daemon that wakes up late and finds its lease gone does not carry on as
// master, whatever woke it.
func TestAMasterWithoutALeaseStepsDownAndElectsAgain(t *testing.T) {
	const late = 7 * time.Millisecond
	now := after(3*interval + late)
	lost := []Action{SetLease{Until: 0}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: LeaseLost, Late: late}}
	tests := []struct {
		name  string
		event Event
		more  []Action
	}{
		{"timer", Timer{}, nil},
		{"an advert sent too late", AdvertSent{At: after(-1)}, nil},
		{"an advert that left in time, but was told too late", AdvertSent{At: after(interval)}, nil},
		{"an advert of a lesser router", AdvertReceived{Advert: newRouter(t).advert(50), Source: higher, At: now}, nil},
		{"link down", LinkDown{}, []Action{Transition{From: Backup, To: Fault, Reason: LinkLost}}},
		{"shutdown", Shutdown{}, []Action{Transition{From: Backup, To: Init, Reason: ShutdownRequested}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newMaster(t)
			r.does(r.Step(now, test.event), append(lost, test.more...)...)
			if len(test.more) == 0 {
				r.in(Backup)
				r.wakes(now.Add(down))
			}
		})
	}
}

func TestALeaseIsOverAtItsLastInstant(t *testing.T) {
	r := newMaster(t)
	r.Step(after(3*interval-1), Timer{})
	r.in(Master)
	r.Step(after(3*interval), Timer{})
	r.in(Backup)
}

func TestAMasterThatCannotSendWakesUpForTheEndOfItsLease(t *testing.T) {
	r := newMaster(t, func(c *Config) { c.Interval = 2 * interval })
	r.Step(after(2*interval), Timer{})
	r.Step(after(4*interval), Timer{})
	r.Step(after(5*interval), Timer{}) // the second announcement
	r.wakes(after(6 * interval))
	r.Step(after(5*interval), AdvertSent{At: after(interval)})
	r.wakes(after(6 * interval))
}

func TestALateMasterFollowsTheOneThatTookOver(t *testing.T) {
	r := newMaster(t)
	arrived, now := after(4*interval), after(6*interval)
	a := r.advert(200)
	r.does(r.Step(now, AdvertReceived{Advert: a, Source: higher, At: arrived}),
		SetLease{}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: LeaseLost, Late: 3 * interval},
		Follow{Source: higher, Advert: a})
	r.wakes(arrived.Add(down))
}
