package vrrp

import (
	"maps"
	"net/netip"
	"slices"
)

// Two masters: this one, and a lesser one that it hears. While the other speaks it
// may draw the traffic to itself; when it has fallen silent, hosts and switches may
// believe it still. So the one that remains announces its addresses again.

// rival is a lesser master.
type rival struct {
	until  Instant // its Active_Down_Interval after its last advert
	spoken bool    // more than once: not only on its way here when it stepped down
}

// mostRivals bounds what senders that are made up can put into memory.
const mostRivals = 16

// Rivals returns how many other masters were heard in their Active_Down_Interval.
func (r *Router) Rivals() int { return len(r.rivals) }

// heardRival takes the advert of a lesser master.
func (r *Router) heardRival(ev AdvertReceived) {
	before, known := r.rivals[ev.Source]
	if !known && len(r.rivals) == mostRivals {
		return
	}
	if r.rivals == nil {
		r.rivals = make(map[netip.Addr]rival)
	}
	if known && !before.spoken {
		r.do(Rival{Source: ev.Source, Priority: ev.Advert.Priority})
	}
	until := ev.At.Add(activeDownInterval(r.config.Version, ev.Advert.Priority, ev.Advert.Interval))
	r.rivals[ev.Source] = rival{until: max(until, before.until), spoken: known}
}

// rivalsDeadline is when the next of them will have been silent for long enough.
func (r *Router) rivalsDeadline() Instant {
	var next Instant
	for _, rival := range r.rivals {
		next = earliest(next, rival.until)
	}
	return next
}

// dropRivals takes leave of those that have fallen silent.
func (r *Router) dropRivals(now Instant) {
	for _, source := range slices.SortedFunc(maps.Keys(r.rivals), netip.Addr.Compare) {
		if !now.Before(r.rivals[source].until) {
			r.rivalGone(now, source)
		}
	}
}

// rivalGone ends a rivalry. With the last one two masters are one again.
func (r *Router) rivalGone(now Instant, source netip.Addr) {
	rival, known := r.rivals[source]
	if !known {
		return
	}
	delete(r.rivals, source)
	if rival.spoken {
		r.do(Rival{Source: source, Gone: true})
	}
	if len(r.rivals) == 0 {
		r.announceAt.alone = max(now, r.reannouncedAt.Add(leastAnnouncePause))
	}
}
