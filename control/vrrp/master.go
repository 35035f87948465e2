package vrrp

import (
	"net/netip"
	"time"
)

// promotion is why a router becomes master.
type promotion struct {
	why  TransitionReason
	peer netip.Addr    // the master before, where one was heard
	late time.Duration // by how much the timer was missed
}

// becomeMaster takes over, RFC 9568 §6.4.1 and §6.4.2. The advert comes before the
// lease: a master that is preempted still serves, and has to hear of it before
// there are two; and whoever is stopped between the two should rather be heard
// and not serve than the other way round, for then another would serve as well.
// Only a master that leaves has no rival: it serves until it hears the advert, and
// by then somebody else must. And the return from a switchover, which is planned,
// makes before it breaks: see SetLease.
func (r *Router) becomeMaster(now Instant, p promotion) {
	r.ahead = r.returning && p.why == Preempts
	r.forgetMaster()
	r.early = false
	r.activeInterval = r.config.Interval
	r.lease = now.Add(r.leaseLength())
	r.advertAt = now.Add(r.pace())
	r.announceAt.promotedAt(now, r.config.Announcing())
	advert, lease := r.sendAdvert(), Action(SetLease{Until: r.lease, Ahead: r.ahead})
	if p.why == MasterLeft || r.ahead {
		advert, lease = lease, advert
	}
	r.do(advert, lease)
	r.do(Announce{Repeat: r.config.Announcing().Repeat}, InstallAddresses{})
	r.enter(Master, p.why, p.peer, p.late)
}

// advertSent renews the lease: whoever heard the advert waits longer than this.
func (r *Router) advertSent(now, at Instant) {
	r.heardByOthers(now)
	if r.state != Master || r.leaving {
		return
	}
	if until := min(at, now).Add(r.leaseLength()); until.After(r.lease) || r.ahead {
		r.lease = max(until, r.lease)
		r.do(SetLease{Until: r.lease})
	}
	r.ahead = false
	r.hurry.sent()
}

// leaseEnded finds the router master without a lease. It does not carry on:
// somebody else may be master by now.
func (r *Router) leaseEnded(now Instant) {
	switch {
	case r.handover != nil:
		r.handoverLost(now)
		return
	case r.leaving:
		r.leave(netip.Addr{})
		return
	}
	r.mute.is = r.mute.asked
	r.electAgain(now, LeaseLost, now.Sub(r.lease))
}

// electAgain becomes the backup of nobody yet.
func (r *Router) electAgain(now Instant, why TransitionReason, late time.Duration) {
	r.endMaster()
	r.do(RemoveAddresses{})
	r.awaitMaster(now)
	r.enter(Backup, why, netip.Addr{}, late)
}

// masterTimers runs what is due, RFC 9568 §6.4.3: Adver_Timer fires.
func (r *Router) masterTimers(now Instant) {
	if !now.Before(r.advertAt) {
		r.do(r.sendAdvert())
		// From when it was due, so that lateness does not add up; unless it
		// is so late that the next would be due already.
		if r.advertAt = r.advertAt.Add(r.pace()); !r.advertAt.After(now) {
			r.advertAt = now.Add(r.pace())
		}
	}
	r.dropRivals(now)
	if repeat := r.announceAt.due(now, r.config.Announcing()); repeat > 0 {
		r.do(Announce{Repeat: repeat})
	}
}

// heardInMaster takes an advert, RFC 9568 §6.4.3. Preempt_Mode is not looked
// at: of two masters one has to go, and both must agree which.
func (r *Router) heardInMaster(now Instant, ev AdvertReceived) {
	a := ev.Advert
	switch {
	case r.leaving && a.Priority == 0:
	case r.handover != nil:
		r.handedOver(ev)
	case r.leaving:
		r.leave(ev.Source)
	case a.Priority == 0:
		r.rivalGone(now, ev.Source)
		if passed(now, &r.answeredAt, r.pace()/2) {
			r.do(SendAdvert{Priority: r.priority})
			r.advertAt = now.Add(r.pace())
		}
	case compareRouters(a.Priority, ev.Source, r.priority, r.config.Source) > 0:
		r.giveWay(ev)
	default:
		r.remember(ev)
		r.lesser.heard(r.config, ev)
		r.noticeInterval(ev)
		r.heardRival(ev)
		r.contradict(now)
	}
}

// contradict answers a lesser master, by advert and announcement.
func (r *Router) contradict(now Instant) {
	if !passed(now, &r.assertedAt, r.pace()/2) {
		return
	}
	if !r.config.SilentToLesser {
		r.do(SendAdvert{Priority: r.priority})
	}
	r.announceToLesser(now)
}

// passed reports whether the pause since the last time of its kind is over, and
// begins the next. Each answer out of turn happens at most twice per interval: an
// answer for every packet would let one sender make two floods out of one.
func passed(now Instant, last *Instant, pause time.Duration) bool {
	if *last != 0 && now.Sub(*last) < pause {
		return false
	}
	*last = now
	return true
}

// giveWay becomes the backup of a better master.
func (r *Router) giveWay(ev AdvertReceived) {
	why := HigherPriority
	if ev.Advert.Priority == r.priority {
		why = HigherAddress
	}
	r.endMaster()
	if r.config.PartingAdvert {
		r.do(SendAdvert{Priority: r.priority})
	}
	r.do(RemoveAddresses{})
	r.follow(ev)
	if r.lesser.priority >= r.priority { // which has fallen since they were heard
		r.spareLesser()
	}
	r.enter(Backup, why, ev.Source, 0)
	r.outranked = why == HigherPriority
}

// beginLeaving makes before it breaks: it tells the backups to take over, and
// serves until one has, or until then.
func (r *Router) beginLeaving(until Instant) {
	r.leaving = true
	r.advertAt, r.announceAt, r.rivals = 0, announceTimers{}, nil
	r.cutLease(until)
	r.do(SendAdvert{Priority: 0})
}

// longestSkew is how long the slowest backup waits that has heard priority 0.
func (r *Router) longestSkew() time.Duration {
	return skewUnit(r.config.Version, r.config.Interval)
}

// cutLease ends the lease then, if it does not end earlier.
func (r *Router) cutLease(until Instant) {
	if until.Before(r.lease) {
		r.lease = until
		r.do(SetLease{Until: until})
	}
}

// leave ends beginLeaving.
func (r *Router) leave(successor netip.Addr) {
	r.endMaster()
	r.do(RemoveAddresses{})
	r.enter(Init, ShutdownRequested, successor, 0)
}

// endMaster gives the lease back, on every way out of Master.
func (r *Router) endMaster() {
	r.outranked = false
	r.lease, r.advertAt, r.announceAt, r.hurry, r.rivals = 0, 0, announceTimers{}, hurry{}, nil
	r.leaving, r.handover, r.ahead = false, nil, false
	r.do(SetLease{Until: 0})
}
