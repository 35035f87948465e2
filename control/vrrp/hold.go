package vrrp

import "net/netip"

// A hold keeps a router out of Master until it is released. A master that gets
// one hands over as in a graceful stop, make-before-break, and is a backup then.

// hold is what Hold asked for.
type hold struct {
	why TransitionReason
	// lapses: it ends by itself if no master is heard for Active_Down_Interval.
	// What is planned must not end in an outage.
	lapses bool
}

// handover is what a master does that is leaving for Backup.
type handover struct {
	why TransitionReason
	// answerBy is when it is taken back, unless a successor was heard: half a skew
	// after the slowest that is there has spoken, because others may be late. 0: it
	// is not taken back, or unanswered.
	answerBy Instant
	// unanswered: nobody was heard by then, and the group is to say what follows.
	unanswered bool
}

func (h *handover) isForced() bool { return h.answerBy == 0 && !h.unanswered }

// Held returns why the router must not become master, and false if it may.
func (r *Router) Held() (why TransitionReason, held bool) {
	if r.hold == nil {
		return 0, false
	}
	return r.hold.why, true
}

// HeldFirmly reports whether the hold lasts until Release, whoever else is there.
func (r *Router) HeldFirmly() bool { return r.hold != nil && !r.hold.lapses }

// takeHold takes a Hold. A router that is held already is so for the new reason.
func (r *Router) takeHold(now Instant, ev Hold) {
	was := r.hold
	r.hold = &hold{why: ev.Reason, lapses: !ev.Force && (was == nil || was.lapses)}
	switch {
	case r.state == Backup:
		r.holdBackup(now, was == nil)
	case r.state == Master && !r.leaving:
		r.beginHandover(now, ev)
	case r.handover != nil && ev.Force:
		r.handover.answerBy, r.handover.unanswered = 0, false
		r.cutLease(now.Add(r.longestSkew()))
	}
}

// holdBackup follows whoever is master from now on. If nobody is, it listens for
// a whole Active_Down_Interval before it says so.
func (r *Router) holdBackup(now Instant, isNew bool) {
	if r.master.followed && !r.left {
		r.hold.lapses = false
	}
	if !isNew {
		return
	}
	r.handed = true // as in begin
	if r.early {
		r.early = false
		r.do(RemoveAddresses{})
	}
	if r.hold.lapses || r.ready != nil {
		r.ready = nil
		r.downAt = max(r.downAt, now.Add(r.ActiveDownInterval()))
	}
	r.reconsider(now)
}

// beginHandover begins to leave for Backup. The lease lasts longer than the wait
// for an answer, so that a router that takes it back has served all the time.
func (r *Router) beginHandover(now Instant, ev Hold) {
	r.handover = &handover{why: ev.Reason}
	until := now.Add(r.longestSkew())
	if !ev.Force {
		r.handover.answerBy = until.Add(r.longestSkew() / 2)
		until = until.Add(r.longestSkew())
	}
	r.beginLeaving(until)
}

// handoverTimer runs when the wait for an answer may be over.
func (r *Router) handoverTimer(now Instant) {
	h := r.handover
	switch {
	case h.answerBy == 0 || now.Before(h.answerBy):
	case r.config.Grouped:
		h.answerBy, h.unanswered = 0, true
	default:
		r.takeBack(now)
	}
}

// takeBack stays master: there is no successor. Backups that have heard the
// farewell, and wait, hear at once that it does not hold.
func (r *Router) takeBack(now Instant) {
	if r.handover == nil {
		return
	}
	r.handover, r.hold, r.leaving = nil, nil, false
	r.do(r.sendAdvert())
	r.advertAt = now.Add(r.pace())
	r.announceAt.promotedAt(now, r.config.Announcing())
}

// handedOver ends a handover to a successor, which is followed whoever it is.
func (r *Router) handedOver(ev AdvertReceived) {
	why := r.handover.why
	r.endMaster()
	r.do(RemoveAddresses{})
	r.follow(ev)
	r.handed = true
	r.enter(Backup, why, ev.Source, 0)
}

// leaveAnyway ends a handover that nobody has answered.
func (r *Router) leaveAnyway(now Instant) {
	if r.handover == nil {
		return
	}
	why := r.handover.why
	r.endMaster()
	r.do(RemoveAddresses{})
	r.awaitMaster(now)
	r.handed = true
	r.enter(Backup, why, netip.Addr{}, 0)
}

// handoverLost finds that the lease has ended before anybody was heard: the end
// of a handover that is forced, and a late daemon otherwise.
func (r *Router) handoverLost(now Instant) {
	if r.handover.isForced() {
		r.leaveAnyway(now)
		return
	}
	r.electAgain(now, LeaseLost, now.Sub(r.lease))
}

// nobodyThere forgets the master that a held backup followed.
func (r *Router) nobodyThere() {
	r.unfollow()
	r.master = heardMaster{}
	r.downAt, r.notBefore, r.othersDownAt, r.preemptAt = 0, 0, 0, 0
	r.left, r.outgrown = false, false
}

// release takes part again. Who has heard nobody has to listen first.
func (r *Router) release(now Instant) {
	if r.hold == nil {
		return
	}
	r.hold = nil
	if r.state != Backup {
		return
	}
	if !r.master.followed {
		r.left = false
		r.awaitMaster(now)
		r.downAt = max(r.downAt, r.othersDownAt)
	}
	r.returning = r.master.followed && !r.left
	r.reconsider(now)
}

// nextHandover decides for the members that nobody has answered. If no other has
// a successor they take the handover back; else it has happened, and a leg that
// stayed would only be in its way. Where a member is a backup for another reason,
// nothing is served any more: the others need not wait.
func (g *Group) nextHandover() (*Router, Event, bool) {
	var leaving, unanswered *Router
	isAwaited, isOver, isLost := false, false, false
	for _, m := range g.members {
		switch h := m.handover; {
		case g.isJoining(m), m.serves():
		case h != nil:
			leaving = m
			isAwaited = isAwaited || h.answerBy != 0
			isOver = isOver || h.isForced()
			if h.unanswered {
				unanswered = m
			}
		default:
			isOver = true
			isLost = isLost || m.state == Backup && !m.handed
		}
	}
	switch {
	case leaving != nil && isLost:
		return leaving, LeaveAnyway{}, true
	case unanswered == nil || isAwaited:
		return nil, nil, false
	case isOver:
		return unanswered, LeaveAnyway{}, true
	}
	return unanswered, TakeBack{}, true
}
