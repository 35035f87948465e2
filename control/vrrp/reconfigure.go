package vrrp

import (
	"fmt"
	"slices"
	"time"
)

// own returns c with copies of what the caller may change later.
func (c Config) own() Config {
	c.Addresses = slices.Clone(c.Addresses)
	c.Source = c.Source.WithZone("")
	c.Peers = slices.Clone(c.Peers)
	c.Senders = slices.Clone(c.Senders)
	c.Auth = c.Auth.own()
	if c.Announcements != nil {
		a := *c.Announcements
		c.Announcements = &a
	}
	return c
}

// equal reports whether the two mean the same.
func (c Config) equal(d Config) bool {
	return c.VRID == d.VRID && c.Family == d.Family && c.Version == d.Version &&
		c.Priority == d.Priority && c.Interval == d.Interval && c.NoPreempt == d.NoPreempt &&
		slices.Equal(c.Addresses, d.Addresses) && c.AnyFirstAddress == d.AnyFirstAddress &&
		c.Source == d.Source && c.leaseAdverts() == d.leaseAdverts() && c.Checksum == d.Checksum &&
		c.Password == d.Password && c.Auth.Equal(d.Auth) && slices.Equal(c.Peers, d.Peers) && slices.Equal(c.Senders, d.Senders) && c.MinTTL == d.MinTTL && c.MaxTTL == d.MaxTTL &&
		c.PreemptDelay == d.PreemptDelay && c.StartDelay == d.StartDelay && c.Grouped == d.Grouped &&
		c.Announcing() == d.Announcing() && c.SilentToLesser == d.SilentToLesser &&
		c.PartingAdvert == d.PartingAdvert && c.SkipAddressCheck == d.SkipAddressCheck
}

// reconfigured is the event Reconfigured.
func (r *Router) reconfigured(now Instant, c Config) {
	old, pace := r.config, r.pace()
	if c.VRID != old.VRID || c.Family != old.Family || c.Version != old.Version {
		panic(fmt.Sprintf("reconfigure VRID %d (%v, version %d) to VRID %d (%v, version %d): that is another router",
			old.VRID, old.Family, old.Version, c.VRID, c.Family, c.Version))
	}
	c = c.own()
	if !c.Source.IsValid() {
		c.Source = old.Source
	}
	if c.equal(old) {
		return
	}
	r.config, r.addresses = c, sorted(c.Addresses)
	clear(r.noticed)
	if c.Source != old.Source || !slices.Equal(c.Peers, old.Peers) {
		r.sourceChanged(c.Source)
	}
	if c.Priority != old.Priority {
		r.setPriority(now, c.Priority)
	}
	switch {
	case r.state == Init && r.startAt != 0:
		r.startAt = max(r.startAt.Add(c.StartDelay-old.StartDelay), now)
	case r.state == Backup:
		r.reconfiguredBackup(now, old)
	case r.state == Master && r.handover != nil:
		r.repace(now, old, pace)
		if r.handover.unanswered && !c.Grouped {
			r.handover.answerBy = now // the timer takes it back
		}
	case r.state == Master && !r.leaving:
		r.announceAt.changed(now, old.Announcing(), c.Announcing())
		r.repace(now, old, pace)
	}
}

func (r *Router) reconfiguredBackup(now Instant, old Config) {
	if r.preemptAt != 0 {
		r.preemptAt = max(r.preemptAt.Add(r.config.PreemptDelay-old.PreemptDelay), min(r.preemptAt, now))
	}
	if r.master.followed && !r.config.listens(r.master.source) {
		r.unfollow()
		r.master = heardMaster{}
	}
	r.awaitLonger(now)
	if r.ready != nil && !r.config.Grouped {
		// The timer promotes it, after the look at the stamps.
		r.ready, r.downAt = nil, now
	}
	r.reconsider(now)
}

// awaitLonger gives a router that follows nobody the time to hear adverts at the
// new interval, if that is longer. If it is shorter the wait that has begun goes
// on: other routers may have the old one still.
func (r *Router) awaitLonger(now Instant) {
	if r.master.followed || r.left || r.ready != nil || r.config.Interval <= r.activeInterval {
		return
	}
	before := r.ActiveDownInterval()
	r.activeInterval = r.config.Interval
	r.moveDownTimer(now, r.ActiveDownInterval()-before)
}

// repace tells the backups of another interval at once. A lease may not last
// longer than they wait: a shorter one begins now, a longer one when they know.
func (r *Router) repace(now Instant, old Config, pace time.Duration) {
	changed := r.config.Interval != old.Interval
	if changed {
		r.activeInterval = r.config.Interval
		r.hurry = hurry{}
		if r.config.Interval > pace {
			r.hurry = hurry{interval: pace, adverts: activeDownAdverts}
		}
	}
	r.cutLease(now.Add(r.leaseLength()))
	if changed && !r.leaving {
		r.do(SendAdvert{Priority: r.priority})
		r.advertAt = now.Add(r.pace())
	}
}
