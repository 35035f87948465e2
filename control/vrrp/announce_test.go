package vrrp

import (
	"testing"
	"time"
)

// announcing are six different numbers.
func announcing(c *Config) {
	c.Announcements = &Announcements{Repeat: 2, Delay: 7 * time.Second, Refresh: 20 * time.Second, RefreshRepeat: 3,
		LesserRepeat: 4, LesserDelay: 9 * time.Second}
}

func announcements(change func(*Announcements)) func(*Config) {
	return func(c *Config) {
		announcing(c)
		change(c.Announcements)
	}
}

// plays runs timers and adverts until the given instant, and returns when what
// was announced, in seconds.
func (r tester) plays(from, until time.Duration) map[time.Duration]int {
	announced := make(map[time.Duration]int)
	for at := from; at <= until; at += interval {
		for _, action := range r.Step(after(at), Timer{}) {
			if a, ok := action.(Announce); ok {
				announced[at/time.Second] += a.Repeat
			}
		}
		r.Step(after(at), AdvertSent{At: after(at)})
	}
	r.in(Master)
	return announced
}

func (r tester) announces(from, until time.Duration, want map[time.Duration]int) {
	r.t.Helper()
	got := r.plays(from, until)
	for at, n := range want {
		if got[at] != n {
			r.t.Errorf("announced %d times after %d s, want %d", got[at], at, n)
		}
	}
	if len(got) != len(want) {
		r.t.Errorf("announced %v, want %v", got, want)
	}
}

func TestAMasterAnnouncesAtOnceAfterTheDelayAndThenEveryRefresh(t *testing.T) {
	r := newRouter(t, announcing)
	r.Step(after(-down), Startup{})
	want := promoted(after(0), 100, Backup, MasterDown, none)
	want[2] = Announce{Repeat: 2}
	r.does(r.Step(after(0), Timer{}), want...)
	r.announces(interval, 65*interval, map[time.Duration]int{7: 2, 20: 3, 40: 3, 60: 3})
}

func TestWithoutADelayThereIsNoSecondBatch(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.Delay = 0 }))
	r.announces(interval, 25*interval, map[time.Duration]int{20: 3})
}

func TestARepeatOfZeroIsOne(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.Repeat, a.RefreshRepeat = 0, 0 }))
	r.announces(interval, 25*interval, map[time.Duration]int{7: 1, 20: 1})
}

func TestBatchesThatFallDueTogetherAreOneAnnouncement(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.Delay = a.Refresh }))
	r.announces(interval, 25*interval, map[time.Duration]int{20: 3})
}

func TestALateRefreshDoesNotShiftThoseAfterIt(t *testing.T) {
	r := newMaster(t, announcing, func(c *Config) { c.Interval = 30 * interval })
	r.Step(after(29*interval), Timer{})
	r.wakes(after(30 * interval)) // the advert
	r.Step(after(30*interval), Timer{})
	r.Step(after(30*interval), AdvertSent{At: after(30 * interval)})
	r.wakes(after(40 * interval))
	r.Step(after(81*interval), Timer{}) // and one that is too late altogether
	r.Step(after(81*interval), AdvertSent{At: after(81 * interval)})
	r.does(r.Step(after(101*interval-1), Timer{}), SendAdvert{Priority: 100})
	r.Step(after(101*interval-1), AdvertSent{At: after(101*interval - 1)})
	r.does(r.Step(after(101*interval), Timer{}), Announce{Repeat: 3})
}

func TestAMasterThatHeardALesserOneAnnouncesNowAndOnceMore(t *testing.T) {
	r := newMaster(t, announcing)
	r.does(r.hear(after(interval/2), higher, 99), SendAdvert{Priority: 100}, Announce{Repeat: 4})
	r.wakes(after(interval))
	r.plays(interval, 9*interval)
	r.does(r.Step(after(interval/2+9*interval), Timer{}), Announce{Repeat: 4})
	r.announces(10*interval, 30*interval, map[time.Duration]int{20: 3})
}

func TestAMasterOfTheSamePriorityAndALowerAddressIsALesserOne(t *testing.T) {
	r := newMaster(t, announcing)
	r.does(r.hear(after(1), lower, 100), SendAdvert{Priority: 100}, Announce{Repeat: 4})
}

func TestWithoutALesserDelayThereIsNoSecondBatch(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.LesserDelay = 0 }))
	r.does(r.hear(after(1), higher, 99), SendAdvert{Priority: 100}, Announce{Repeat: 4})
	r.announces(interval, 19*interval, map[time.Duration]int{4: 2, 7: 2}) // at 4 the other is gone
}

func TestWithoutALesserRepeatALesserMasterIsOnlyContradictedUntilItIsGone(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.LesserRepeat = 0 }))
	r.does(r.hear(after(1), higher, 99), SendAdvert{Priority: 100})
	r.announces(interval, 19*interval, map[time.Duration]int{4: 2, 7: 2})
}

// Threat A5: with adverts every 10 ms the same sender would have 200 frames for
// each address and second.
func TestAnnouncementsBecauseOfLesserMastersAreHalfASecondApart(t *testing.T) {
	r := newMaster(t, func(c *Config) { c.Interval = interval / 100 })
	announced := 0
	for at := interval / 100; at <= interval; at += interval / 100 {
		for _, action := range r.hear(after(at), higher, 99) {
			if _, ok := action.(Announce); ok {
				announced++
			}
		}
		r.Step(after(at), AdvertSent{At: after(at)})
	}
	if announced != 2 {
		t.Errorf("announced %d times in a second, want 2", announced)
	}
}

func TestASilentMasterAnnouncesButDoesNotContradict(t *testing.T) {
	r := newMaster(t, announcing, func(c *Config) { c.SilentToLesser = true })
	r.does(r.hear(after(1), higher, 99), Announce{Repeat: 4})
	r.does(r.hear(after(2), higher, 99), Rival{Source: higher, Priority: 99})
	r.does(r.hear(after(3), higher, 0), Rival{Source: higher, Gone: true}, SendAdvert{Priority: 100}) // which is an answer, not a contradiction
	r.in(Master)
}

func TestNobodyAnnouncesWithoutBeingMaster(t *testing.T) {
	for _, end := range []func(tester){
		func(r tester) { r.hear(after(1), higher, 200) },
		func(r tester) { r.Step(after(1), LinkDown{}) },
		func(r tester) { r.Step(after(1), Shutdown{}) },
	} {
		r := newMaster(t, announcing)
		r.hear(after(0), higher, 99)
		end(r)
		for at := interval; at < 30*interval; at += interval {
			for _, action := range r.Step(after(at), Timer{}) {
				if a, ok := action.(Announce); ok && r.State() != Master || ok && r.Leaving() {
					t.Errorf("%+v in %v", a, r.State())
				}
			}
			r.hear(after(at), higher, 200)
		}
	}
}

func TestTheLastAdvertOfAMasterThatGivesWayComesAfterItsLease(t *testing.T) {
	r := newMaster(t, func(c *Config) { c.PartingAdvert = true })
	r.does(r.hear(after(1), higher, 100), SetLease{}, SendAdvert{Priority: 100}, RemoveAddresses{},
		Follow{Source: higher, Advert: r.advert(100)},
		Transition{From: Master, To: Backup, Reason: HigherAddress, Peer: higher})
	r.does(r.Step(after(2), AdvertSent{At: after(1)})) // no lease comes from it
	r.in(Backup)
}

func TestOnlyAMasterThatGivesWaySendsAPartingAdvert(t *testing.T) {
	parting := func(c *Config) { c.PartingAdvert = true }
	r := newLeaving(t, parting)
	r.does(r.hear(after(1), higher, 200), SetLease{}, RemoveAddresses{},
		Transition{From: Master, To: Init, Reason: ShutdownRequested, Peer: higher})
	r = newMaster(t, parting)
	r.does(r.Step(after(1), StepDown{}), SetLease{}, RemoveAddresses{}, Transition{From: Master, To: Backup, Reason: GroupLeft})
}

func TestNegativeAnnouncementsAreRefused(t *testing.T) {
	for _, change := range []func(*Announcements){
		func(a *Announcements) { a.Repeat = -1 },
		func(a *Announcements) { a.RefreshRepeat = -1 },
		func(a *Announcements) { a.LesserRepeat = -1 },
		func(a *Announcements) { a.Delay = -1 },
		func(a *Announcements) { a.Refresh = -1 },
		func(a *Announcements) { a.LesserDelay = -1 },
	} {
		c := valid4()
		announcements(change)(&c)
		if c.Validate() == nil {
			t.Errorf("%+v is valid", *c.Announcements)
		}
	}
	c := valid4()
	announcing(&c)
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
