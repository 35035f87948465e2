package vrrp

import "time"

// activeDownAdverts is how many intervals of silence a backup waits for, before
// its skew: the 3 of Active_Down_Interval, RFC 9568 §6.1.
const activeDownAdverts = 3

// skewTime is Skew_Time: the lower the priority, the longer. interval is the
// master's advertisement interval. Version 2 skews in 256ths of a second
// whatever the interval, RFC 3768 §6.1; version 3 in 256ths of the interval,
// RFC 9568 §6.1.
func skewTime(v Version, priority uint8, interval time.Duration) time.Duration {
	return time.Duration(256-int(priority)) * skewUnit(v, interval) / 256
}

// skewUnit is what skewTime takes a fraction of, and so longer than the skew of
// any router.
func skewUnit(v Version, interval time.Duration) time.Duration {
	if v == V2 {
		return time.Second
	}
	return interval
}

// activeDownInterval is Active_Down_Interval, RFC 9568 §6.1.
func activeDownInterval(v Version, priority uint8, interval time.Duration) time.Duration {
	return activeDownAdverts*interval + skewTime(v, priority, interval)
}
