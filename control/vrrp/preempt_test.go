package vrrp

import (
	"testing"
	"time"
)

const delay = 5 * interval

func delayed(c *Config) { c.PreemptDelay = delay }

// Adverts of a lesser master each interval, with delay 5 s: at 0..4 s they keep
// the router quiet, at 5 s they do not any more.
func TestAMasterOfLowerPriorityIsLeftAloneForTheDelay(t *testing.T) {
	r := newBackup(t, delayed)
	r.does(r.hear(after(0), lower, 99), Follow{Source: lower, Advert: r.advert(99)})
	for at := interval; at < delay; at += interval {
		r.does(r.hear(after(at), lower, 99))
	}
	r.wakes(after(delay)) // before Active_Down_Timer, at 4 s + 3.6 s
	r.does(r.Step(after(delay-1), Timer{}))
	r.does(r.Step(after(delay), Timer{}), Unfollow{})
	r.does(r.hear(after(delay), lower, 99))
	last := after(delay - interval + down)
	r.wakes(last)
	r.does(r.Step(last, Timer{}), promoted(last, 100, Backup, Preempts, lower)...)
}

func TestAnAdvertAfterTheDelayDoesNotCountThoughTheTimerIsLate(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.hear(after(delay-1), lower, 99)
	r.does(r.hear(after(delay), lower, 99))
	r.does(r.Step(after(delay), Timer{}), Unfollow{})
	r.wakes(after(delay - 1 + down))
}

func TestAStampAfterTheDelayDoesNotCountEither(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.does(r.Step(after(delay-1), MasterHeard{At: after(delay - 1)}))
	r.wakes(after(delay))
	r.does(r.Step(after(delay+1), MasterHeard{At: after(delay + 1)}), Unfollow{})
	r.wakes(after(delay - 1 + down))
}

func TestTheDelayRunsFromTheFirstLesserMasterOfTheBackup(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.hear(after(1), higher, 98)
	r.hear(after(2), lower, 200)
	r.wakes(after(2 + down)) // a better one needs no delay
	r.hear(after(3*interval), higher, 98)
	r.wakes(after(delay))
	r.does(r.Step(after(delay), Timer{}), Unfollow{})
	r.does(r.hear(after(delay), lower, 98)) // nor has another a delay of its own

	r.Step(after(delay), LinkDown{})
	r.Step(after(delay), LinkUp{})
	r.does(r.hear(after(delay+1), lower, 98), Follow{Source: lower, Advert: r.advert(98)})
}

func TestALesserMasterThatFallsSilentIsNotWaitedForUntilTheDelayEnds(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.does(r.Step(after(down), Timer{}), append([]Action{Unfollow{}}, promoted(after(down), 100, Backup, MasterDown, lower)...)...)
}

func TestALesserMasterThatLeavesIsFollowedByTheSkew(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.does(r.hear(after(interval), lower, 0), InstallAddresses{})
	r.wakes(after(interval + skew))
}

func TestAnOwnerDoesNotDelayPreemption(t *testing.T) {
	r := newRouter(t, delayed, priority(255))
	r.Step(after(0), Startup{})
	r.in(Master)
	r.hear(after(0), higher, 255)
	r.in(Backup)
	r.does(r.hear(after(1), lower, 99))
	r.wakes(after(0).Add(r.ActiveDownInterval()))
}

func TestNoPreemptOutlastsTheDelay(t *testing.T) {
	r := newBackup(t, delayed, noPreempt)
	for at := time.Duration(0); at <= 2*delay; at += interval {
		r.hear(after(at), lower, 99)
		r.wakes(after(at + down))
	}
}

// The simulated LAN found this: the loop slept, and the better master was stamped
// while the advert of the lesser one was in the queue.
func TestTheStampOfABetterMasterCountsAfterTheDelay(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.hear(after(3*interval), higher, 200)
	now := after(delay + interval)
	r.Step(now, AdvertReceived{Advert: r.advert(99), Source: lower, At: after(4 * interval)})
	r.does(r.Step(now, MasterHeard{At: after(delay)}), Unfollow{})
	r.wakes(after(delay + down))
	r.Step(now, MasterHeard{At: after(delay)})
	r.wakes(after(delay + down))
}

// The stamp that was read last may be of the master before the lesser one.
func TestAMasterFollowedBeforeTheLesserOneIsNotForgotten(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.hear(after(3*interval), higher, 200)
	r.hear(after(4*interval), lower, 99)
	r.Step(after(delay), Timer{})
	r.does(r.Step(after(delay), MasterHeard{At: after(4*interval - 1)}))
	r.hear(after(delay+1), lower, 0)
	r.wakes(after(4*interval - 1 + down))
}
