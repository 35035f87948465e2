package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// noticeRefusal tells of a refused advert. A pair that is told different things
// makes two masters: the operator has to hear of it. An advert of another VRID
// is none of our business, whatever else is wrong with it.
func (r *Router) noticeRefusal(reason Reason, ev AdvertReceived) {
	a := ev.Advert
	if a.VRID != r.config.VRID {
		return
	}
	switch reason {
	case ReasonTTL:
		r.notice(Notice{Kind: TTLRefused, Source: ev.Source, TTL: ev.TTL})
	case ReasonVersion:
		r.notice(Notice{Kind: VersionRefused, Source: ev.Source, Version: a.Version})
	case ReasonOwnSource:
		r.notice(Notice{Kind: OwnSourceRefused, Source: ev.Source})
	case ReasonPeer:
		r.notice(Notice{Kind: PeerRefused, Source: ev.Source})
	case ReasonSender:
		r.notice(Notice{Kind: SenderRefused, Source: ev.Source})
	case ReasonOwner:
		r.notice(Notice{Kind: OwnerRefused, Source: ev.Source})
	case ReasonAuthType, ReasonAuth:
		r.notice(Notice{Kind: AuthDiffers, Source: ev.Source, AuthType: a.AuthType})
	case ReasonInterval:
		r.notice(Notice{Kind: IntervalRefused, Source: ev.Source, Interval: a.Interval})
	case ReasonAddressList:
		r.notice(Notice{Kind: AddressesRefused, Source: ev.Source, Addresses: a.Addresses})
	}
}

// noticeOddities tells of what is odd about an advert that is not refused.
func (r *Router) noticeOddities(a Advert, source netip.Addr) {
	if !r.Lists(a.Addresses) {
		r.notice(Notice{Kind: AddressesDiffer, Source: source, Addresses: a.Addresses})
	}
	if a.Priority == OwnerPriority && r.config.owner() {
		r.notice(Notice{Kind: TwoOwners, Source: source})
	}
	if a.Checksum != r.config.Checksum.form(a.Checksum) {
		r.notice(Notice{Kind: ChecksumDiffers, Source: source, Form: a.Checksum})
	}
}

// noticeAdopted tells of an interval that is not the configured one, and of which
// the timers take this for it.
func (r *Router) noticeAdopted(ev AdvertReceived, taken time.Duration) {
	kind, said := IntervalAdopted, ev.Advert.Interval
	switch {
	case said != taken:
		kind = IntervalLimited
	case said == r.activeInterval || said == r.config.Interval:
		return
	}
	r.notice(Notice{Kind: kind, Source: ev.Source, Interval: said})
}

// noticeInterval tells of the interval of a master that is not followed. Where it
// was followed before, the same was said when it was adopted.
func (r *Router) noticeInterval(ev AdvertReceived) {
	interval := ev.Advert.Interval
	if interval != r.config.Interval && interval != r.noticed[IntervalAdopted][ev.Source].notice.Interval {
		r.notice(Notice{Kind: IntervalDiffers, Source: ev.Source, Interval: interval})
	}
}

// said is the last Notice of its kind about a sender.
type said struct {
	notice Notice
	times  int
}

// What is remembered and said is bounded: anyone on the link can invent senders,
// and say something else every time.
const (
	mostNoticed = 16 // senders of each kind: strangers must not use up what is to be said of peers
	mostSaid    = 16 // about each of them
)

// notice says something once, and again when the sender says something else.
func (r *Router) notice(n Notice) {
	senders := r.noticed[n.Kind]
	if senders == nil {
		senders = make(map[netip.Addr]said)
		r.noticed[n.Kind] = senders
	}
	before, known := senders[n.Source]
	switch {
	case !known && len(senders) == mostNoticed:
	case known && (before.times == mostSaid || before.notice.equal(n)):
	default:
		senders[n.Source] = said{n, before.times + 1}
		r.do(n)
	}
}

func (n Notice) equal(m Notice) bool {
	return n.Kind == m.Kind && n.Source == m.Source && n.Version == m.Version && n.TTL == m.TTL &&
		n.Interval == m.Interval && n.Form == m.Form && n.AuthType == m.AuthType && slices.Equal(n.Addresses, m.Addresses)
}
