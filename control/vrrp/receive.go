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
	case a.Version == V2:
		return r.refuseV2(a, ev.Source)
	}
	return 0, false
}

// refuseV2 makes the checks that only version 2 has, RFC 3768 §7.1. A pair that
// is told different things makes two masters: the operator has to hear of it.
func (r *Router) refuseV2(a Advert, source netip.Addr) (Reason, bool) {
	if reason, refused := r.config.refuseAuth(a); refused {
		r.notice(Notice{Kind: AuthDiffers, Source: source, AuthType: a.AuthType})
		return reason, true
	}
	if a.Interval != r.config.Interval {
		r.notice(Notice{Kind: IntervalRefused, Source: source, Interval: a.Interval})
		return ReasonInterval, true
	}
	if !r.lists(a.Addresses) && a.Priority != OwnerPriority {
		r.notice(Notice{Kind: AddressesRefused, Source: source, Addresses: a.Addresses})
		return ReasonAddressList, true
	}
	return 0, false
}

// noticeOddities tells of what is odd about an advert that is not refused.
func (r *Router) noticeOddities(a Advert, source netip.Addr) {
	if !r.lists(a.Addresses) {
		r.notice(Notice{Kind: AddressesDiffer, Source: source, Addresses: a.Addresses})
	}
	if a.Priority == OwnerPriority && r.config.owner() {
		r.notice(Notice{Kind: TwoOwners, Source: source})
	}
	if a.Checksum != r.config.Checksum.form(a.Checksum) {
		r.notice(Notice{Kind: ChecksumDiffers, Source: source, Form: a.Checksum})
	}
}

// lists reports whether these are the configured addresses, in any order.
func (r *Router) lists(addresses []netip.Addr) bool {
	return slices.Equal(sorted(addresses), r.addresses)
}

// noticed is what a Notice is about, but for what it said.
type noticed struct {
	kind   NoticeKind
	source netip.Addr
}

// said is the last Notice of its kind about a sender.
type said struct {
	notice Notice
	times  int
}

// What is remembered and said is bounded: anyone on the link can invent senders,
// and say something else every time.
const (
	mostNoticed = 16 // kinds and senders
	mostSaid    = 16 // about each of them
)

// notice says something once, and again when the sender says something else.
func (r *Router) notice(n Notice) {
	about := noticed{n.Kind, n.Source}
	before, known := r.noticed[about]
	switch {
	case !known && len(r.noticed) == mostNoticed:
	case known && (before.times == mostSaid || before.notice.equal(n)):
	default:
		r.noticed[about] = said{n, before.times + 1}
		r.do(n)
	}
}

func (n Notice) equal(m Notice) bool {
	return n.Kind == m.Kind && n.Source == m.Source && n.Interval == m.Interval && n.Form == m.Form &&
		n.AuthType == m.AuthType && slices.Equal(n.Addresses, m.Addresses)
}
