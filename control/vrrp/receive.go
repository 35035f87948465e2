package vrrp

import (
	"net/netip"
	"slices"
)

// refuse makes the checks of RFC 9568 §7.1 that Parse cannot make.
func (r *Router) refuse(ev AdvertReceived) (Reason, bool) {
	a := ev.Advert
	switch {
	case !r.config.acceptsTTL(ev.TTL):
		return ReasonTTL, true
	case a.Version != r.config.Version:
		return ReasonVersion, true
	case a.VRID != r.config.VRID:
		return ReasonVRID, true
	case ev.Source == r.config.Source:
		return ReasonOwnSource, true
	case r.config.unicast() && !slices.Contains(r.config.Peers, ev.Source):
		return ReasonPeer, true
	}
	if reason, refused := r.config.refuseSender(ev.Source, a.Priority); refused {
		return reason, true
	}
	if a.Version == V2 {
		return r.refuseV2(ev)
	}
	return 0, false
}

// refuseV2 makes the checks that only version 2 has, RFC 3768 §7.1. What is
// followed already has passed them, be it before a Reconfigured: as long as
// nothing in it changes it is as good as its stamp, which is not checked either.
func (r *Router) refuseV2(ev AdvertReceived) (Reason, bool) {
	a, follows := ev.Advert, r.master.followed && r.master.source == ev.Source
	if follows && r.followed.Equal(a) {
		return 0, false
	}
	if reason, refused := r.config.refuseAuth(a); refused {
		return reason, true
	}
	if a.Interval != r.config.Interval {
		return ReasonInterval, true
	}
	if !r.Lists(a.Addresses) && a.Priority != OwnerPriority && !(follows && r.config.SkipAddressCheck) {
		return ReasonAddressList, true
	}
	return 0, false
}

// Lists reports whether these are the configured addresses, in any order.
func (r *Router) Lists(addresses []netip.Addr) bool {
	return slices.Equal(sorted(addresses), r.addresses)
}
