package control

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// What goes wrong with every packet is not said for every packet.

// notice says what is odd about another router. A pair that does not agree is a
// pair of masters: what is refused for it is said as loudly as what is accepted.
func (in *instance) notice(n vrrp.Notice) {
	if n.Kind == vrrp.OwnSourceRefused {
		return // a conflict, with more evidence
	}
	attrs := []any{"source", n.Source}
	switch n.Kind {
	case vrrp.VersionRefused:
		attrs = append(attrs, "version", n.Version, "ours", in.router.Config().Version)
	case vrrp.TTLRefused:
		attrs = append(attrs, "ttl", n.TTL, "least", in.router.Config().MinTTL, "most", in.router.Config().MaxTTL)
	case vrrp.IntervalAdopted, vrrp.IntervalRefused, vrrp.IntervalDiffers, vrrp.IntervalLimited:
		attrs = append(attrs, "interval", n.Interval, "ours", in.router.Config().Interval)
	case vrrp.ChecksumDiffers:
		attrs = append(attrs, "form", n.Form, "ours", in.router.Advert(0).Checksum)
	case vrrp.AddressesDiffer, vrrp.AddressesRefused:
		attrs = append(attrs, "addresses", n.Addresses, "ours", in.router.Config().Addresses)
	case vrrp.AuthDiffers:
		attrs = append(attrs, "auth_type", n.AuthType, "ours", in.router.Advert(0).AuthType)
	}
	in.log.Warn(n.Kind.String(), attrs...)
}

// claim is what a station says by ARP or Neighbor Discovery: the address is mine.
type claim struct {
	station [6]byte
	address netip.Addr
}

// mostClaims bounds what a station that makes up addresses can put into the
// log, and into memory. Counters count all of them.
const mostClaims = 16

// expectedClaim tells once per claimant and state that an address of ours is
// claimed while this router is not master: whoever is may not use the virtual MAC.
func (in *instance) expectedClaim(ev FastEvent) {
	c := claim{ev.Hardware, ev.Source}
	if in.claims[c] || len(in.claims) == mostClaims {
		return
	}
	in.claims[c] = true
	in.log.Info("a station claims a virtual address with a MAC that is not the virtual one", "address", ev.Source, "station", FormatMAC(ev.Hardware))
}

// reportRoute says once that there is no way to a peer, and that there is one again.
func (in *instance) reportRoute(peer netip.Addr, err error) {
	missing := errors.Is(err, netio.ErrNoRoute)
	switch {
	case missing && !in.noRoute[peer]:
		in.log.Error("there is no route to a peer: it does not hear this router, and may become master beside it", "peer", peer, "error", err)
	case !missing && in.noRoute[peer]:
		in.log.Info("there is a route to the peer again", "peer", peer)
	}
	in.noRoute[peer] = missing
}

// sendHealth is whether adverts leave.
type sendHealth struct {
	failing bool
	failed  vrrp.Instant // the last time that one did not
	err     error        // why
	left    vrrp.Instant // the last time that one did; 0: never
}

// muteness says why the instance does not become master though its link is up, or "".
func (in *instance) muteness() string {
	if !in.router.Mute() || in.sending.err == nil {
		return ""
	}
	return fmt.Sprintf("adverts cannot be sent: %v", in.sending.err)
}

// sendsAgainAfter is how long adverts must leave without a failure before it is
// said that they do: a queue that drops every other one would fill the log.
const sendsAgainAfter = 10 * time.Second

// reportSend says once that adverts do not leave, and that they leave again. No
// farewell is expected to leave by a link that is down.
func (in *instance) reportSend(err error, at vrrp.Instant) {
	if err == nil {
		in.sending.left = at
	}
	switch {
	case err != nil && in.linkFault != "":
	case err != nil:
		if !in.sending.failing {
			in.log.Error("adverts cannot be sent; without them the lease runs out", "error", err)
		}
		in.sending.failing, in.sending.failed, in.sending.err = true, at, err
	case in.sending.failing && at.Sub(in.sending.failed) >= sendsAgainAfter:
		in.sending.failing = false
		in.log.Info("adverts can be sent again")
	}
}
