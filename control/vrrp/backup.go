package vrrp

// backupDeadline is the earliest of a backup's timers. Active_Down_Timer has
// fired for a router that is Ready.
func (r *Router) backupDeadline() Instant {
	switch {
	case r.ready != nil:
		return 0
	case r.delaysPreemption():
		return earliest(r.downAt, r.preemptAt)
	}
	return r.downAt
}

// backupTimers runs what is due, RFC 9568 §6.4.2.
func (r *Router) backupTimers(now Instant) {
	switch {
	case r.ready != nil:
	case !now.Before(r.downAt):
		r.masterIsDown(now)
	default:
		r.endPreemptDelay(now)
		r.awaitOthers()
	}
}

// masterIsDown takes over: Active_Down_Timer fires.
func (r *Router) masterIsDown(now Instant) {
	if r.hold != nil && !r.hold.lapses {
		r.nobodyThere()
		return
	}
	r.hold = nil
	if r.mute.is {
		r.tryToSend(now)
		return
	}
	p := promotion{why: MasterDown, peer: r.master.source, late: now.Sub(r.downAt)}
	switch {
	case r.left:
		p.why = MasterLeft
	case r.master.source.IsValid() && !r.master.followed:
		p.why = Preempts
	}
	if r.config.Grouped {
		r.ready = &p
		return
	}
	r.becomeMaster(now, p)
}

// promote ends the wait for the group.
func (r *Router) promote(now Instant) {
	if r.ready != nil {
		r.becomeMaster(now, *r.ready)
	}
}

// heardInBackup takes an advert, RFC 9568 §6.4.2.
func (r *Router) heardInBackup(ev AdvertReceived) {
	switch {
	case ev.At.Before(r.heardAt):
		// Overtaken by a newer one on its way here: it moves no timer.
		if r.master.followed {
			r.remember(ev)
		}
	case ev.Advert.Priority == 0:
		r.masterLeft(ev)
	case r.yieldsTo(ev.Advert.Priority, ev.At):
		r.follow(ev)
	default:
		r.willPreempt(ev)
	}
}

// willPreempt takes note of a master that does not keep this router quiet. A
// router that is Ready goes on following the one that fell silent: should that
// have been heard again, its stamp is all that tells.
func (r *Router) willPreempt(ev AdvertReceived) {
	r.noticeInterval(ev)
	r.lesser.heard(r.config, ev)
	if r.ready == nil && r.master.followed && r.master.source == ev.Source && ev.Advert.Priority < r.master.priority {
		r.outgrow() // its priority has fallen
	}
	if !r.master.followed {
		r.master = heardMaster{source: ev.Source, priority: ev.Advert.Priority}
	}
	if r.ready != nil && r.ready.why == MasterDown {
		r.ready.why, r.ready.peer = Preempts, ev.Source
	}
}

// yieldsTo reports whether a master of this priority is good enough.
// An equal one always is: addresses decide between masters only.
func (r *Router) yieldsTo(priority uint8, at Instant) bool {
	return !r.preempts(priority) || r.leavesAlone(at)
}

// remember keeps in mind that the sender is a master too, and good enough,
// though it is not the one to follow.
func (r *Router) remember(ev AdvertReceived) {
	a := ev.Advert
	if ev.Source != r.master.source && a.Priority != 0 && r.yieldsTo(a.Priority, ev.At) {
		down := activeDownInterval(r.config.Version, r.priority, r.config.interval(a))
		r.othersDownAt = max(r.othersDownAt, ev.At.Add(down))
	}
}

// masterLeft takes an advert of priority 0: Active_Down_Timer = Skew_Time.
//
// Deviates from RFC 9568 §6.4.2, because anyone can send such an advert, and
// because there may be another master. It never postpones the timer, or
// repeating it would keep a backup from ever taking over. It counts only if it
// comes from the master that is followed, or if none is. And it takes back what
// the adverts of that master granted, not what the adverts of others did.
func (r *Router) masterLeft(ev AdvertReceived) {
	if r.master.followed && ev.Source != r.master.source {
		return
	}
	r.heardAt = ev.At
	r.left = true
	r.downAt = min(r.downAt, max(ev.At.Add(r.SkewTime()), r.othersDownAt))
	if !r.early && r.hold == nil {
		r.early = true
		r.do(InstallAddresses{})
	}
}

// follow accepts the sender as master. RFC 9568 §6.4.2: the timer runs from the
// advert's arrival, at the master's interval. But a shorter one than before does
// not take back at once what the longer one has granted: one advert that anybody
// can have sent would make a backup deaf to a master who goes on at its own pace.
func (r *Router) follow(ev AdvertReceived) {
	same := r.master.source == ev.Source
	known := r.master.followed && same && r.followed.Equal(ev.Advert)
	interval := r.config.interval(ev.Advert)
	if r.master.followed && (!same || interval != r.activeInterval) {
		r.changedAfter = r.heardAt
		r.formerInterval = r.activeInterval
	}
	if r.master.followed && !same {
		r.othersDownAt = r.downAt
	}
	if r.master.followed && same && interval < r.activeInterval {
		r.grantedUntil = r.downAt
	}
	r.master = heardMaster{source: ev.Source, priority: ev.Advert.Priority, followed: true}
	r.outgrown = false
	if r.hold != nil {
		r.hold.lapses = false // there is another that serves
	}
	r.beginPreemptDelay(ev)
	r.noticeAdopted(ev, interval)
	r.activeInterval = interval
	r.masterAlive(ev.At)
	if !known {
		r.followed = ev.Advert
		r.do(Follow{Source: ev.Source, Advert: ev.Advert})
	}
}

// masterHeard takes the arrival of an advert that is the same as the last one.
// Of two arrivals at one instant the order is not known, and a master that is
// there is the safer guess.
func (r *Router) masterHeard(at Instant) {
	switch {
	case r.changedAfter != 0:
		r.formerMasterHeard(at, r.changedAfter)
		r.changedAfter = 0
	case !r.master.followed:
		r.formerMasterHeard(at, r.heardAt)
	}
	r.endPreemptDelay(at)
	r.awaitOthers()
	news := at.After(r.heardAt) || at == r.heardAt && r.ready == nil
	if r.master.followed && news {
		r.masterAlive(at)
	}
}

// formerMasterHeard takes an arrival that may be of the master followed before,
// if it is news: one that came while this router was about to follow another,
// or to become master itself. known is what was known then.
func (r *Router) formerMasterHeard(at, known Instant) {
	if at.After(known) {
		interval := max(r.formerInterval, r.activeInterval)
		r.othersDownAt = max(r.othersDownAt, at.Add(activeDownInterval(r.config.Version, r.priority, interval)))
	}
}

// masterAlive re-arms Active_Down_Timer, and takes back what was prepared for a
// handover that does not happen. Another master that was followed before may have
// a longer interval, and so a longer lease.
func (r *Router) masterAlive(at Instant) {
	r.heardAt = at
	r.downAt = max(at.Add(r.ActiveDownInterval()), r.notBefore, r.othersDownAt, r.grantedUntil)
	r.left, r.mute.tries = false, false
	r.ready = nil
	if r.early {
		r.early = false
		r.do(RemoveAddresses{})
	}
}

// unfollow lets every advert through again.
func (r *Router) unfollow() {
	if r.master.followed {
		r.master.followed = false
		r.formerInterval = r.activeInterval
		r.followed = Advert{}
		r.do(Unfollow{})
	}
}

// forgetMaster ends what Backup knows, on every way out of it.
func (r *Router) forgetMaster() {
	r.unfollow()
	r.master = heardMaster{}
	r.downAt, r.notBefore, r.othersDownAt, r.grantedUntil, r.changedAfter, r.preemptAt = 0, 0, 0, 0, 0, 0
	r.left, r.outgrown, r.handed, r.returning = false, false, false, false
	r.lesser = lesserMasters{}
	r.ready = nil
}

// endBackup leaves Backup for a state that is not Master.
func (r *Router) endBackup() {
	r.forgetMaster()
	if r.early {
		r.early = false
		r.do(RemoveAddresses{})
	}
}
