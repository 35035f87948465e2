package vrrp

import (
	"errors"
	"fmt"
	"time"
)

// Announcements says how often a master tells the neighbours about its
// addresses, and how many times each. None of it is negative.
type Announcements struct {
	// Repeat, 0 is taken as 1, is for a new master: at once, and again after
	// Delay, 0: never again. Neighbours and switches that lost the first batch
	// in the commotion of a failover learn from the second.
	Repeat int
	Delay  time.Duration
	// RefreshRepeat, 0 is taken as 1, is for a master that has been one for
	// Refresh, and again after every further Refresh; 0: never.
	Refresh       time.Duration
	RefreshRepeat int
	// LesserRepeat is for a master that heard a lesser one, whose announcements
	// the neighbours may believe: at once, and again after LesserDelay (0: never
	// again). 0: not at all.
	LesserRepeat int
	LesserDelay  time.Duration
}

// DefaultAnnouncements are keepalived's: garp_master_repeat and so on.
func DefaultAnnouncements() Announcements {
	const again = 5 * time.Second
	return Announcements{Repeat: 5, Delay: again, RefreshRepeat: 1, LesserRepeat: 5, LesserDelay: again}
}

// Announcing returns the Announcements that apply: the default where there are
// none, and counts of at least 1 where they must be.
func (c Config) Announcing() Announcements {
	if c.Announcements == nil {
		return DefaultAnnouncements()
	}
	a := *c.Announcements
	a.Repeat = max(a.Repeat, 1)
	a.RefreshRepeat = max(a.RefreshRepeat, 1)
	return a
}

func (c Config) validateAnnouncements() error {
	var errs []error
	a := c.Announcing()
	if given := c.Announcements; given != nil && min(given.Repeat, given.RefreshRepeat, given.LesserRepeat) < 0 {
		errs = append(errs, fmt.Errorf("announcements: a repeat of %d is negative", min(given.Repeat, given.RefreshRepeat, given.LesserRepeat)))
	}
	if shortest := min(a.Delay, a.Refresh, a.LesserDelay); shortest < 0 {
		errs = append(errs, fmt.Errorf("announcements: a delay of %v is negative", shortest))
	}
	return errors.Join(errs...)
}

// announceTimers are those of a master; 0: not armed.
type announceTimers struct {
	second  Instant // the second batch after a promotion
	refresh Instant
	lesser  Instant // the second batch after a lesser master was heard
	alone   Instant // the batch after the last lesser master has fallen silent
}

func (t announceTimers) earliest() Instant { return earliest(t.second, t.refresh, t.lesser, t.alone) }

// promotedAt arms what follows the first batch.
func (t *announceTimers) promotedAt(now Instant, a Announcements) {
	*t = announceTimers{second: inOrNever(now, a.Delay), refresh: inOrNever(now, a.Refresh)}
}

// due returns how many times to announce now, and arms what comes next.
func (t *announceTimers) due(now Instant, a Announcements) (repeat int) {
	isDue := func(at Instant) bool { return at != 0 && !now.Before(at) }
	if isDue(t.second) {
		t.second, repeat = 0, a.Repeat
	}
	if isDue(t.lesser) {
		t.lesser, repeat = 0, max(repeat, a.LesserRepeat)
	}
	if isDue(t.alone) {
		t.alone, repeat = 0, max(repeat, a.Repeat)
	}
	if isDue(t.refresh) {
		// From when it was due, as adverts are.
		if t.refresh = t.refresh.Add(a.Refresh); !t.refresh.After(now) {
			t.refresh = now.Add(a.Refresh)
		}
		repeat = max(repeat, a.RefreshRepeat)
	}
	return repeat
}

// changed adapts what runs: what is not wanted any more ends, and a batch that
// waits keeps its time.
func (t *announceTimers) changed(now Instant, from, to Announcements) {
	if to.Delay == 0 {
		t.second = 0
	}
	if to.LesserDelay == 0 || to.LesserRepeat == 0 {
		t.lesser = 0
	}
	if to.Refresh != from.Refresh {
		t.refresh = inOrNever(now, to.Refresh)
	}
}

func inOrNever(now Instant, d time.Duration) Instant {
	if d == 0 {
		return 0
	}
	return now.Add(d)
}

// leastAnnouncePause is between two announcements because of lesser masters:
// anyone can send such adverts, and each makes a frame for every address.
const leastAnnouncePause = 500 * time.Millisecond

// announceToLesser corrects what a lesser master may have told the neighbours.
func (r *Router) announceToLesser(now Instant) {
	a := r.config.Announcing()
	if a.LesserRepeat == 0 || !passed(now, &r.reannouncedAt, leastAnnouncePause) {
		return
	}
	r.do(Announce{Repeat: a.LesserRepeat})
	r.announceAt.lesser = inOrNever(now, a.LesserDelay)
}
