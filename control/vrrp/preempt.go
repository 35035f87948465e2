package vrrp

// A preempt delay: a master of lower priority is good enough for a while, and
// is followed like a better one. RFC 9568 knows no such delay; with 0 the rules
// are its own.

// preempts reports whether a master of this priority is to be replaced, sooner
// or later, RFC 9568 §6.4.2. An address owner always preempts, RFC 9568 §6.1; who
// is held never does.
func (r *Router) preempts(priority uint8) bool {
	return r.hold == nil && priority < r.priority && (!r.config.NoPreempt || r.config.owner())
}

// leavesAlone reports whether a master that is to be replaced is left alone
// still, if it is heard at this instant.
func (r *Router) leavesAlone(at Instant) bool {
	return r.config.PreemptDelay > 0 && !r.config.owner() && (r.preemptAt == 0 || at.Before(r.preemptAt))
}

// delaysPreemption reports whether the master that is followed is only left
// alone.
func (r *Router) delaysPreemption() bool {
	return r.master.followed && r.preempts(r.master.priority)
}

// beginPreemptDelay begins it, once in a Backup, with the first advert of a
// master that is to be replaced.
func (r *Router) beginPreemptDelay(ev AdvertReceived) {
	if r.delaysPreemption() && r.preemptAt == 0 {
		r.preemptAt = ev.At.Add(r.config.PreemptDelay)
	}
}

// endPreemptDelay lets RFC 9568 §6.4.2 rule from preemptAt on: what the master
// sends after it does not re-arm Active_Down_Timer.
func (r *Router) endPreemptDelay(at Instant) {
	if r.delaysPreemption() && !at.Before(r.preemptAt) {
		r.outgrow()
	}
}

// awaitOthers keeps a router that has outgrown the master it followed from preempting
// it before the one that it followed earlier, if that was heard later, is down.
// A last stamp of the lesser one itself is taken for one of the other: that
// postpones the preemption once.
func (r *Router) awaitOthers() {
	if r.state == Backup && r.outgrown && r.othersDownAt.After(r.downAt) {
		r.downAt = r.othersDownAt
		r.ready = nil
	}
}
