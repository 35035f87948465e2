package vrrp

import (
	"testing"
	"time"
)

func TestAMasterOfAFormerLifeIsMasterAtOnce(t *testing.T) {
	r := newRouter(t, func(c *Config) { c.StartDelay = time.Minute })
	until := after(2 * interval)
	r.does(r.Step(after(0), Resumed{Until: until, Priority: 150}),
		SetLease{Until: until}, SendAdvert{Priority: 150}, Announce{Repeat: 5}, InstallAddresses{},
		Transition{From: Init, To: Master, Reason: WasMaster})
	r.in(Master)
	if r.Priority() != 150 || r.Config().Priority != 100 {
		t.Errorf("priority %d, configured %d", r.Priority(), r.Config().Priority)
	}
	r.wakes(after(interval))
	r.does(r.Step(after(0), AdvertSent{At: after(0)}), SetLease{Until: after(3 * interval)})
}

// What cannot send does not go on for longer than it would have.
func TestAResumedMasterWhoseAdvertsDoNotLeaveHasItsFormerLeaseOnly(t *testing.T) {
	r := newRouter(t)
	r.Step(after(0), Resumed{Until: after(2 * interval), Priority: 100})
	r.Step(after(interval), Timer{})
	r.does(r.Step(after(2*interval), Timer{}), SetLease{Until: 0}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: LeaseLost})
}

func TestALeaseIsNeverResumedForLongerThanAnAdvertGrants(t *testing.T) {
	r := newRouter(t)
	r.Step(after(0), Resumed{Until: after(time.Hour), Priority: 100})
	if got := r.Lease(); got != after(3*interval) {
		t.Errorf("a lease of %v", got.Sub(after(0)))
	}
}

func TestWhoComesBackAfterItsLeaseIsABackup(t *testing.T) {
	r := newRouter(t)
	r.does(r.Step(after(0), Resumed{Until: after(0), Priority: 100}),
		SetLease{Until: 0}, Transition{From: Init, To: Backup, Reason: Started})
	r.wakes(after(down))
}

func TestWhoComesBackWithAFaultGivesItsLeaseBack(t *testing.T) {
	r := newRouter(t)
	r.Step(after(0), LinkDown{})
	r.does(r.Step(after(0), Resumed{Until: after(interval), Priority: 100}),
		SetLease{Until: 0}, Transition{From: Init, To: Fault, Reason: LinkLost})
}

func TestAnOwnerThatComesBackIsOneStill(t *testing.T) {
	r := newRouter(t, priority(OwnerPriority), func(c *Config) { c.Source = c.Addresses[0] })
	r.Step(after(0), Resumed{Until: after(interval), Priority: 100})
	if r.in(Master); r.Priority() != OwnerPriority {
		t.Errorf("priority %d", r.Priority())
	}
}

func TestNobodyIsResumedTwice(t *testing.T) {
	for _, first := range []Event{Startup{}, Resumed{Until: after(interval)}} {
		r := newRouter(t)
		r.Step(after(0), first)
		was := r.State()
		r.does(r.Step(after(1), Resumed{Until: after(interval)}))
		r.in(was)
	}
}
