package vrrp

import (
	"net/netip"
	"time"
)

// stepDown follows the group out of Master. Nothing is sent: where a better
// router took over it has been heard by all, and where a member lost its lease
// the silence says the same of all.
func (r *Router) stepDown(now Instant, ev StepDown) {
	if r.state == Master && !r.leaving {
		r.electAgain(now, GroupLeft, 0)
		r.stepDowns++
		r.notBefore = r.downAt
		if !ev.Outranked {
			r.notBefore = r.downAt.Add(r.stagger())
		}
		r.downAt = r.notBefore
	}
}

// stagger is how much longer than Active_Down_Interval a router waits that has
// stepped down: 0..1 advertisement interval, see Group. Waiting longer is always
// safe. It has to outlast the last adverts of the other that steps down, which
// are on their way still: hence notBefore. The count is for two addresses whose fractions are closer together than
// the latency between the hosts: next time they are others.
func (r *Router) stagger() time.Duration {
	if !r.config.Source.IsValid() {
		return 0
	}
	return r.pace() * time.Duration(scatter(r.config.Source, r.stepDowns)) / (1 << 16)
}

// scatter is FNV-1a of both, with the finalizer of MurmurHash3: without it
// neighbouring addresses have neighbouring values.
func scatter(a netip.Addr, round uint8) uint16 {
	const offsetBasis, prime = 2166136261, 16777619
	h := (offsetBasis ^ uint32(round)) * prime
	for _, b := range a.As16() {
		h = (h ^ uint32(b)) * prime
	}
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return uint16(h >> 16)
}
