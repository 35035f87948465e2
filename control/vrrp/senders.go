package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Sender is a router that may speak for a virtual router. RFC 9568 has no such
// list: on its link everybody may.
type Sender struct {
	Address netip.Addr // without a zone
	Owner   bool       // it may say that it owns the addresses: priority 255
}

// refuseSender looks at who sends, where there is a list.
func (c Config) refuseSender(source netip.Addr, priority uint8) (Reason, bool) {
	if c.Senders == nil {
		return 0, false
	}
	at := slices.IndexFunc(c.Senders, func(s Sender) bool { return s.Address == source })
	switch {
	case at < 0:
		return ReasonSender, true
	case priority == OwnerPriority && !c.Senders[at].Owner:
		return ReasonOwner, true
	}
	return 0, false
}

// listens reports whether adverts of the sender can be accepted.
func (c Config) listens(source netip.Addr) bool {
	if c.unicast() && !slices.Contains(c.Peers, source) {
		return false
	}
	reason, _ := c.refuseSender(source, 0)
	return reason == 0
}

// A stranger's interval is believed up to this many times our own, and up to
// credibleInterval in any case.
const (
	credibleTimes    = 10
	credibleInterval = 10 * time.Second
)

// interval is what the timers take for the interval of an advert.
//
// Deviates from RFC 9568 §6.4.2, which adopts whatever is said: anybody could then
// have a backup wait for two minutes and a half, with one advert that says 40.95 s.
// What is on a list, is a peer or must have signed is believed.
func (c Config) interval(a Advert) time.Duration {
	if c.Senders != nil || c.unicast() || c.Auth != nil && c.Auth.Mode == AuthEnforce {
		return a.Interval
	}
	return min(a.Interval, max(credibleTimes*c.Interval, credibleInterval))
}

func (c Config) validateSenders() error {
	var errs []error
	if c.Senders != nil && len(c.Senders) == 0 {
		errs = append(errs, errors.New("senders: the list is empty, nobody could be heard"))
	}
	for i, s := range c.Senders {
		a := s.Address
		switch {
		case FamilyOf(a) != c.Family || a.Is4In6():
			errs = append(errs, fmt.Errorf("sender %v: not an %v address", a, c.Family))
		case a.IsUnspecified() || a.IsMulticast() || a.Zone() != "":
			errs = append(errs, fmt.Errorf("sender %v: not the address of one host, without a zone", a))
		case slices.ContainsFunc(c.Senders[:i], func(t Sender) bool { return t.Address == a }):
			errs = append(errs, fmt.Errorf("sender %v: listed twice", a))
		}
	}
	for _, p := range c.Peers {
		if reason, refused := c.refuseSender(p, 0); refused {
			errs = append(errs, fmt.Errorf("peer %v: its adverts would be refused, %w: it is not among the senders", p, reason))
		}
	}
	return errors.Join(errs...)
}
