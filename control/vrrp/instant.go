package vrrp

import "time"

// Instant is a point of CLOCK_BOOTTIME in nanoseconds. The zero Instant means
// "never": no timer is armed, no lease is held, nothing was heard.
type Instant int64

// Add returns t+d.
func (t Instant) Add(d time.Duration) Instant { return t + Instant(d) }

// Sub returns the time from u to t.
func (t Instant) Sub(u Instant) time.Duration { return time.Duration(t - u) }

// Before reports whether t is earlier than u.
func (t Instant) Before(u Instant) bool { return t < u }

// After reports whether t is later than u.
func (t Instant) After(u Instant) bool { return t > u }

// earliest returns the first of the instants that are not "never".
func earliest(instants ...Instant) Instant {
	var first Instant
	for _, t := range instants {
		if t != 0 && (first == 0 || t.Before(first)) {
			first = t
		}
	}
	return first
}
