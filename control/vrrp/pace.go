package vrrp

import "time"

// hurry is what a master does that has been given a longer interval: it goes on
// at its old pace, with leases of the old length, until adverts that tell of the
// new one have left as often as a backup can miss them. Whoever heard none of
// them waits for Active_Down_Interval of the old interval still.
type hurry struct {
	interval time.Duration
	adverts  int // that are to leave at this pace; 0: the configured interval rules
}

// sent counts an advert that has left.
func (h *hurry) sent() {
	if h.adverts > 0 {
		h.adverts--
	}
}

// pace is the time between two adverts of a master.
func (r *Router) pace() time.Duration {
	if r.hurry.adverts > 0 {
		return r.hurry.interval
	}
	return r.config.Interval
}

// leaseLength is how long an advert keeps a lease.
func (r *Router) leaseLength() time.Duration { return r.config.leaseAdverts() * r.pace() }
