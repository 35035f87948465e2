package vrrp

// Switchovers in the simulated LAN: at random, forced or not, ended by a word or
// at the end of all faults. What is held outlives the daemon, as a file does.

// simHold is what a host keeps of a hold.
type simHold struct{ force bool }

// hold tells every leg, and keeps it for the next life.
func (h *host) hold(force bool) {
	h.lan.trace("%s %v is to hand over, force %v", h.lan.clock(), h, force)
	why := []TransitionReason{SwitchedOver, Maintained}[h.lan.rng.IntN(2)]
	h.held = &simHold{force}
	for _, g := range h.members() {
		h.tellNews(g, Hold{Reason: why, Force: force})
	}
}

func (h *host) release() {
	h.lan.trace("%s %v is released", h.lan.clock(), h)
	h.held = nil
	for _, g := range h.members() {
		h.tellNews(g, Release{})
	}
}

// holdOrRelease is one thing that an operator does.
func (h *host) holdOrRelease() {
	if h.held != nil {
		h.release()
		return
	}
	h.hold(h.lan.chance(0.3))
}

// noteHold looks at what has become of a hold, once nobody is on his way out.
func (h *host) noteHold() {
	if h.held == nil || h.isLeaving() || len(h.commands) > 0 {
		return
	}
	anyHeld := false
	for _, g := range h.members() {
		if g.router.hold == nil {
			continue
		}
		anyHeld = true
		h.held.force = h.held.force || !g.router.hold.lapses
	}
	if !anyHeld {
		h.lan.check.lapsed++
		h.held = nil
	}
}

// startHeld is what a daemon does that finds a hold when it starts.
func (h *host) startHeld(g *leg) {
	if h.held != nil {
		h.tell(g, Hold{Reason: Maintained, Force: h.held.force})
	}
}
