package vrrp

import "slices"

// formerMasters is what the members go on with: nil, unless all of them were master
// before the daemon crashed, with this configuration, and own their addresses still.
func (h *host) formerMasters() []Resumed {
	l := h.lan
	if !h.owns() && !l.resumeLate || h.held != nil {
		return nil
	}
	var list []Resumed
	for _, g := range h.members() {
		r := g.router
		if r == nil || r.State() != Master || r.Leaving() || r.Config().Interval != g.config.Interval {
			return nil
		}
		until := h.lease
		if l.resumeLate {
			until = l.now.Add(2 * simInterval)
		}
		list = append(list, Resumed{Until: until, Priority: r.Priority()})
	}
	return list
}

// goOn resumes all members, or, with a fault, none. The daemon may need some time
// before it gets there, or too long.
func (h *host) goOn(former []Resumed) {
	h.inHand = func() {
		members := h.members()
		if slices.ContainsFunc(members, func(g *leg) bool { return !g.linkUp }) {
			h.lease = 0
			for _, g := range members {
				g.owned = false
				h.start(g)
			}
			return
		}
		h.resuming = true
		resumed, owned := h.lan.check.seen[WasMaster], h.owns()
		for i, g := range members {
			g.owned = h.owns()
			h.stepAlone(g, former[i])
		}
		h.resuming = false
		if !owned && h.lan.check.seen[WasMaster] > resumed {
			h.lan.check.fail("%v goes on as an owner, and was none: it has listened to nobody", h)
		}
		h.setLease()
		h.moveGroup()
		for _, g := range members {
			if g.trackDown {
				h.tell(g, TrackDown{})
			}
			h.tell(g, PriorityChanged{Priority: g.effective()})
		}
	}
	if d := h.lan.upTo(simInterval); h.lan.chance(0.7) {
		h.pause(d)
		return
	}
	h.work()
}
