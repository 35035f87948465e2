package vrrp

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// downOf is Active_Down_Interval at a priority.
func downOf(priority uint8) time.Duration { return activeDownInterval(V3, priority, interval) }

func TestASecondMasterIsToldOfOnceAndItsEndToo(t *testing.T) {
	r := newMaster(t, announcing)
	var told []Action
	rivals := func(actions []Action) {
		for _, a := range actions {
			if _, ok := a.(Rival); ok {
				told = append(told, a)
			}
		}
	}
	for at := interval; at <= 10*interval; at += interval {
		rivals(r.hear(after(at), lower, 99))
		rivals(r.Step(after(at), Timer{}))
		r.Step(after(at), AdvertSent{At: after(at)})
	}
	rivals(r.Step(after(11*interval), AdvertSent{At: after(11 * interval)}))
	rivals(r.Step(after(13*interval), AdvertSent{At: after(13 * interval)}))
	over := after(10*interval + downOf(99))
	rivals(r.Step(over.Add(-1), Timer{}))
	r.does(told, Rival{Source: lower, Priority: 99})
	told = nil
	rivals(r.Step(over, Timer{}))
	r.does(told, Rival{Source: lower, Gone: true})
}

func TestTheMasterThatRemainsAnnouncesWhenTheOtherHasFallenSilent(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.Delay, a.Refresh, a.LesserRepeat = 0, 0, 0 }))
	r.hear(after(1), lower, 99)
	over := after(1 + downOf(99))
	for at := interval; at < 4*interval; at += interval {
		r.Step(after(at), Timer{})
		r.Step(after(at), AdvertSent{At: after(at)})
	}
	r.wakes(over)
	r.does(r.Step(over, Timer{}), Announce{Repeat: 2})
}

func TestTheMasterThatRemainsAnnouncesAtOnceWhenTheOtherHasSaidSo(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.Delay, a.Refresh, a.LesserRepeat = 0, 0, 0 }))
	r.hear(after(1), lower, 99)
	r.hear(after(2), lower, 0)
	r.wakes(after(2))
	r.does(r.Step(after(2), Timer{}), Announce{Repeat: 2})
}

func TestMadeUpRivalsDoNotMakeAFloodOfAnnouncements(t *testing.T) {
	r := newMaster(t, announcements(func(a *Announcements) { a.Delay, a.Refresh = 0, 0 }))
	announced := 0
	for at := time.Millisecond; at < interval; at += time.Millisecond {
		actions := slices.Concat(r.hear(after(at), lower, 99), r.hear(after(at), lower, 0), r.Step(after(at), Timer{}))
		for _, action := range actions {
			if _, ok := action.(Announce); ok {
				announced++
			}
		}
	}
	if announced > 4 {
		t.Errorf("announced %d times in a second, want two for what is heard and two for what is over", announced)
	}
}

func TestMadeUpRivalsDoNotFillTheMemory(t *testing.T) {
	r := newMaster(t)
	for i := range byte(200) {
		r.hear(after(1), netip.AddrFrom4([4]byte{192, 168, 1, i}), 99)
	}
	if r.Rivals() != mostRivals {
		t.Errorf("%d rivals are remembered, want %d", r.Rivals(), mostRivals)
	}
}

func TestWhoIsNotMasterHasNoRivals(t *testing.T) {
	r := newMaster(t)
	r.hear(after(1), lower, 99)
	r.hear(after(2), higher, 200)
	r.in(Backup)
	if r.Rivals() != 0 {
		t.Error("it has a rival still")
	}
	r = newMaster(t)
	r.hear(after(1), lower, 99)
	r.Step(after(2), Shutdown{})
	r.wakes(after(2 + interval)) // the end of its lease
	r = newMaster(t)
	r.hear(after(1), higher, 0)
	if r.Rivals() != 0 {
		t.Error("who leaves is no rival")
	}
}
