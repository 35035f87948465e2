package control

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// The time of day. Nothing in VRRP depends on it but what is signed.

// clockPeriod is how often the time of day is looked at, at least.
const clockPeriod = time.Second

// wallOffset is the time of day when CLOCK_BOOTTIME was 0.
func (e *Engine) wallOffset() time.Duration {
	wall := e.world.Wall
	if wall == nil {
		wall = func() time.Duration { return time.Duration(time.Now().UnixNano()) }
	}
	return wall() - e.world.Now()
}

// wallAt is the time of day, since 1970, at an instant: for what waited in a
// queue, when it came.
func (e *Engine) wallAt(at vrrp.Instant) time.Duration { return e.wallOffset() + time.Duration(at) }

// tellWallClock tells the fast path the time of day, if it needs that.
func (e *Engine) tellWallClock() {
	if !e.signed {
		return
	}
	e.clockAt = e.now().Add(clockPeriod)
	if e.world.TellWallClock != nil {
		e.world.TellWallClock(e.wallOffset())
	}
}

// clockDeadline is when the time of day is to be looked at again, 0 for never.
func (e *Engine) clockDeadline() vrrp.Instant {
	if !e.signed {
		return 0
	}
	return e.clockAt
}
