package chaos

import (
	"fmt"
	"time"
)

// outage is a time in which nobody answers.
type outage struct {
	span
	family int
	// waited is how long of it a healthy router had reason to take over, and
	// bound how long it may: of the router that exhausted it most.
	waited, bound time.Duration
	what          string
	excess        time.Duration
}

// gaps lists when the client's questions were not answered: from the first to
// the last of them, which is sure whenever the next one was asked.
func (r *record) gaps(family int) []span {
	answered := make(map[time.Duration]bool, len(r.answers[family]))
	for _, a := range r.answers[family] {
		answered[a.asked] = true
	}
	var list []span
	open := false
	for _, at := range r.asked[family] {
		if open = !answered[at] && open; answered[at] {
			continue
		}
		if !open {
			list = append(list, span{at, at})
			open = true
		}
		list[len(list)-1].to = at
	}
	return list
}

// judgeOutage holds every router that was healthy, for as long as it was, to its
// own Active_Down_Interval: it may wait that long after it became healthy, after
// the address went unanswered, or after it last heard a better router that is
// cut off from the client but not from it.
func (r *record) judgeOutage(family int, gap span) outage {
	o := outage{span: gap, family: family}
	for router := range routers {
		bound := r.setup.activeDown(router) + margin
		for _, h := range r.healthy(router) {
			part := h.meet(gap)
			if part.length() <= 0 {
				continue
			}
			from, what := r.lastHeard(family, router, part)
			if what != "" {
				o.what, o.excess = what, margin
				return o
			}
			waited := part.to - from
			if o.bound == 0 || waited-bound > o.waited-o.bound {
				o.waited, o.bound = waited, bound
			}
			if waited > bound && waited-bound > o.excess {
				o.excess = waited - bound
				o.what = fmt.Sprintf("%s was healthy and heard nobody for %v, want at most %v", nameOf(router), round(waited), round(bound))
			}
		}
	}
	return o
}

// lastHeard is when a router last had a reason to keep quiet within a part of an
// outage. That a better router, with nothing wrong with it, sends adverts and
// does not answer is no such reason.
func (r *record) lastHeard(family, router int, part span) (from time.Duration, what string) {
	from = part.from
	for better := range router {
		for _, a := range r.delivered(family, better, router, part) {
			soon := span{a.at - margin, a.at + margin}
			for _, h := range r.healthy(better) {
				if soon.to < part.to && h.holds(soon.from) && h.holds(soon.to) {
					return from, fmt.Sprintf("%s, with nothing wrong with it, sends adverts and does not answer", nameOf(better))
				}
			}
			from = max(from, a.at)
		}
	}
	return from, ""
}
