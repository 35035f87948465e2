package vrrp

import "time"

// lesserMasters are those of lower priority that a backup has heard and means to
// preempt. Should it not be allowed to any more, it has to give them the time to
// be heard again.
type lesserMasters struct {
	priority uint8   // the highest
	until    Instant // Active_Down_Interval after the last advert, at any priority of this router
}

func (l *lesserMasters) heard(c Config, ev AdvertReceived) {
	if ev.At.After(l.until) {
		l.priority = 0
	}
	l.priority = max(l.priority, ev.Advert.Priority)
	l.until = max(l.until, ev.At.Add(activeDownInterval(c.Version, 0, c.interval(ev.Advert))))
}

// priorityChanged takes the priority that tracking has found.
func (r *Router) priorityChanged(now Instant, priority uint8) {
	if priority == 0 || priority == OwnerPriority || r.config.owner() {
		return
	}
	r.setPriority(now, priority)
	r.reconsider(now)
}

// setPriority moves every timer that contains Skew_Time by as much as that has
// changed: so each is what it would be, had the priority been this one when the
// last advert arrived.
func (r *Router) setPriority(now Instant, priority uint8) {
	before := r.SkewTime()
	r.priority = priority
	r.moveDownTimer(now, r.SkewTime()-before)
	for _, at := range []*Instant{&r.notBefore, &r.othersDownAt, &r.grantedUntil} {
		if *at != 0 {
			*at = at.Add(r.SkewTime() - before)
		}
	}
}

// moveDownTimer moves Active_Down_Timer, not into the past: the promotion would
// look late.
func (r *Router) moveDownTimer(now Instant, by time.Duration) {
	if r.downAt != 0 {
		r.downAt = max(r.downAt.Add(by), min(r.downAt, now))
	}
}

// reconsider looks at the masters that a backup knows, when who outranks whom may
// have changed, RFC 9568 §6.4.2.
func (r *Router) reconsider(now Instant) {
	if r.state != Backup {
		return
	}
	if !r.preempts(r.lesser.priority) {
		r.spareLesser()
	}
	if r.ready != nil || !r.delaysPreemption() {
		return
	}
	if r.config.PreemptDelay > 0 && !r.config.owner() {
		if r.preemptAt == 0 {
			r.preemptAt = now.Add(r.config.PreemptDelay)
		}
		r.endPreemptDelay(now)
		return
	}
	r.outgrow()
}

// spareLesser does not preempt, after all: those masters have been good enough.
func (r *Router) spareLesser() {
	r.othersDownAt = max(r.othersDownAt, r.lesser.until)
	if r.lesser.until.After(r.downAt) {
		r.downAt = r.lesser.until
		r.ready = nil
	}
}

// outgrow stops following a master that is to be preempted. The return from a
// switchover is planned: the addresses are there when it comes.
func (r *Router) outgrow() {
	r.unfollow()
	r.outgrown = true
	if r.returning && !r.early {
		r.early = true
		r.do(InstallAddresses{})
	}
}
