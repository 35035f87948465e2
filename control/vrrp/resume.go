package vrrp

import "net/netip"

// resumed goes on where the process before this one ended. Nobody else can be
// master before that lease has run out: its backups wait longer. So this is no
// election; but who has waited for it this long is told at once that the master
// is there.
//
// The lease is the former one, and no longer than an advert of now would grant:
// it is renewed by an advert that has left, as ever.
func (r *Router) resumed(now Instant, ev Resumed) {
	if r.state != Init || r.startAt != 0 {
		return
	}
	if _, faulty := r.faults.first(); faulty || r.hold != nil || !now.Before(ev.Until) {
		r.do(SetLease{Until: 0})
		r.startup(now)
		return
	}
	if ev.Priority != 0 && ev.Priority != OwnerPriority && !r.config.owner() {
		r.priority = ev.Priority
	}
	r.lease = min(ev.Until, now.Add(r.leaseLength()))
	r.advertAt = now.Add(r.pace())
	r.announceAt.promotedAt(now, r.config.Announcing())
	r.do(SetLease{Until: r.lease}, r.sendAdvert())
	// What the process before had asked for may not have been done.
	r.do(Announce{Repeat: r.config.Announcing().Repeat}, InstallAddresses{})
	r.enter(Master, WasMaster, netip.Addr{}, 0)
}
