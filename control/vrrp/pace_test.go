package vrrp

import (
	"testing"
	"time"
)

func TestAShorterIntervalShortensTheLeaseAndIsToldAtOnce(t *testing.T) {
	r := newMaster(t, every(10*interval))
	now := after(interval)
	r.does(r.reconfigure(now, every(interval)), SetLease{Until: now.Add(3 * interval)}, SendAdvert{Priority: 100})
	r.wakes(now.Add(interval))
	r.does(r.Step(now, AdvertSent{At: now}))
	if r.SkewTime() != skew {
		t.Errorf("skew %v", r.SkewTime())
	}
}

// A backup that missed the advert that says so waits for the old interval.
func TestALongerIntervalLengthensTheLeaseWhenItHasBeenToldOften(t *testing.T) {
	r := newMaster(t)
	now := after(interval / 2)
	r.does(r.reconfigure(now, every(10*interval)), SendAdvert{Priority: 100})
	for range 3 {
		r.does(r.Step(now, AdvertSent{At: now}), SetLease{Until: now.Add(3 * interval)})
		r.wakes(now.Add(interval))
		now = now.Add(interval)
		r.does(r.Step(now, Timer{}), SendAdvert{Priority: 100})
		if got := r.Advert(100).Interval; got != 10*interval {
			t.Errorf("says %v", got)
		}
	}
	r.does(r.Step(now, AdvertSent{At: now}), SetLease{Until: now.Add(30 * interval)})
	r.wakes(after(5 * time.Second)) // the second announcement
	r.Step(after(5*time.Second), Timer{})
	r.wakes(now.Add(10 * interval))
}

func TestAdvertsThatCannotBeSentTellNobodyOfALongerInterval(t *testing.T) {
	r := newMaster(t)
	r.reconfigure(after(0), every(2*interval))
	for at := interval; at < 3*interval; at += interval / 2 {
		r.Step(after(at), Timer{})
	}
	r.Step(after(3*interval-1), AdvertSent{At: after(3*interval - 1)})
	if want := after(6*interval - 1); r.Lease() != want {
		t.Errorf("lease %v, want %v", r.Lease().Sub(after(0)), want.Sub(after(0)))
	}
}

func TestOfTwoChangesOfTheIntervalTheShorterPaceStays(t *testing.T) {
	r := newMaster(t)
	r.reconfigure(after(0), every(10*interval))
	r.reconfigure(after(0), every(20*interval))
	r.wakes(after(interval))
	r.reconfigure(after(0), every(interval/2))
	r.wakes(after(interval / 2))
	r.reconfigure(after(0), every(interval))
	r.wakes(after(interval / 2))
}

func TestAShorterLeaseIsShorterAtOnceAndALongerOneIsNot(t *testing.T) {
	r := newMaster(t)
	adverts := func(n int) func(*Config) { return func(c *Config) { c.LeaseAdverts = n } }
	r.does(r.reconfigure(after(1), adverts(2)), SetLease{Until: after(1 + 2*interval)})
	r.does(r.reconfigure(after(1), adverts(3)))
	r.does(r.Step(after(interval), AdvertSent{At: after(interval)}), SetLease{Until: after(4 * interval)})
}

func TestALeavingMasterLeavesAsItBegan(t *testing.T) {
	r := newLeaving(t)
	r.does(r.reconfigure(after(1), every(10*interval), priority(120), announcing))
	r.wakes(after(interval))
	r.does(r.Step(after(interval), Timer{}), left...)
}

func TestOtherAnnouncementsApplyFromNowOn(t *testing.T) {
	r := newMaster(t, announcing)
	r.hear(after(0), higher, 99)
	r.does(r.reconfigure(after(interval), announcements(func(a *Announcements) {
		a.Refresh, a.RefreshRepeat, a.LesserDelay = 10*interval, 1, 0
	})))
	r.announces(interval, 25*interval, map[time.Duration]int{4: 2, 7: 2, 11: 1, 21: 1})
	r.does(r.reconfigure(after(25*interval), announcements(func(a *Announcements) { a.Refresh, a.Delay = 0, 0 })))
	r.announces(26*interval, 60*interval, nil)
}

func TestASecondBatchThatIsNotWantedAnyMoreIsNotSent(t *testing.T) {
	r := newMaster(t)
	r.reconfigure(after(1), announcements(func(a *Announcements) { a.Delay, a.Refresh = 0, 0 }))
	r.announces(interval, 10*interval, nil)
}
