package config

import (
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// advertisement is a router_advertisement while it is read.
type advertisement struct {
	RouterAdvertisement
	n                  *node
	interval, lifetime *time.Duration
	mtu, hopLimit      *int
}

func (in *instance) takeAdvertisement(n *node) {
	in.advertise = &advertisement{n: n}
	n.inside(in.advertise)
}

// The times of RFC 4861 §6.2.1 and §4.6.2; the usual ones of the command line.
const (
	leastAdvertisementInterval = 4 * time.Second
	mostAdvertisementInterval  = 1800 * time.Second
	usualAdvertisementInterval = 30 * time.Second
	usualRouterLifetime        = 1800 * time.Second
	mostRouterLifetime         = 9000 * time.Second
	usualValid                 = 720 * time.Hour
	usualPreferred             = 168 * time.Hour
	mostPrefixLifetime         = (1<<32 - 2) * time.Second
)

func advertisementKeywords() []keyword {
	return []keyword{
		{name: "interval", mark: ours, args: "4..1800", def: "30", means: "seconds between them", take: seconds(leastAdvertisementInterval, mostAdvertisementInterval, func(a *advertisement) **time.Duration { return &a.interval })},
		{name: "lifetime", mark: ours, args: "0..9000", def: "1800", means: "seconds for which hosts keep the default router; 0: it is none", take: seconds(0, mostRouterLifetime, func(a *advertisement) **time.Duration { return &a.lifetime })},
		{name: "prefix", mark: ours, args: "PREFIX [valid SECONDS] [preferred SECONDS] [off_link] [no_autoconf]", def: "none; valid 2592000, preferred 604800", means: "subnet of the link, from which hosts make addresses if it is a /64", repeats: true, take: of((*advertisement).takePrefix)},
		{name: "mtu", mark: ours, args: "1280..65535", def: "not said", means: "MTU of the link", take: number(1280, 65535, func(a *advertisement) **int { return &a.mtu })},
		{name: "hop_limit", mark: ours, args: "0..255", def: "not said", means: "hop limit for hosts to use", take: number(0, 255, func(a *advertisement) **int { return &a.hopLimit })},
		{name: "managed", mark: ours, means: "hosts get addresses by DHCPv6", take: is(func(a *advertisement) *bool { return &a.Managed })},
		{name: "other_config", mark: ours, means: "hosts get other settings by DHCPv6", take: is(func(a *advertisement) *bool { return &a.OtherConfig })},
		{name: "preference", mark: ours, args: "low|medium|high", def: "medium", means: "among several default routers", take: of((*advertisement).takePreference)},
		{name: "dns", mark: ours, args: "ADDRESS [… ADDRESS]", def: "not said", means: "name servers", repeats: true, take: of((*advertisement).takeDNS)},
	}
}

func (a *advertisement) takePreference(n *node) {
	switch p := n.arg(0); p {
	case "low", "medium", "high":
		a.Preference = p
	default:
		n.fail("preference: %s is none of low, medium, high", p)
	}
}

func (a *advertisement) takeDNS(n *node) {
	for i := range n.Args() {
		if server, ok := n.address(i); ok && server.Is6() {
			a.DNS = append(a.DNS, server)
		} else if ok {
			n.fail("dns: %v is no IPv6 address", server)
		}
	}
}

func (a *advertisement) takePrefix(n *node) {
	prefix, err := netip.ParsePrefix(n.arg(0))
	address := prefix.Addr()
	if err != nil || prefix.Masked() != prefix || !address.Is6() || address.IsLinkLocalUnicast() || address.IsMulticast() || address.Is4In6() {
		n.fail("prefix: %s is no IPv6 prefix that hosts can use, such as 2001:db8::/64", n.arg(0))
		return
	}
	p := AdvertisedPrefix{Prefix: prefix, Valid: usualValid, Preferred: usualPreferred, OnLink: true, Autonomous: prefix.Bits() == 64}
	if !p.takeOptions(n) {
		return
	}
	if p.Preferred > p.Valid {
		n.fail("prefix: preferred for %v, which is longer than it is valid (%v)", p.Preferred, p.Valid)
		return
	}
	a.Prefixes = append(a.Prefixes, p)
}

func (p *AdvertisedPrefix) takeOptions(n *node) bool {
	for i := 1; i < len(n.Args()); i++ {
		switch word := n.arg(i); word {
		case "off_link":
			p.OnLink = false
		case "no_autoconf":
			p.Autonomous = false
		case "valid", "preferred":
			i++
			v, ok := n.seconds(i, 0, mostPrefixLifetime)
			if !ok {
				return false
			}
			*map[string]*time.Duration{"valid": &p.Valid, "preferred": &p.Preferred}[word] = v
		default:
			n.fail("prefix: %s is none of valid, preferred, off_link, no_autoconf", word)
			return false
		}
	}
	return true
}

// finishAdvertise fills in what was not said.
func (in *instance) finishAdvertise() {
	a := in.advertise
	if a == nil {
		return
	}
	if in.Router.Family != vrrp.IPv6 || !in.Router.Addresses[0].IsLinkLocalUnicast() {
		a.n.fail("router_advertisement needs IPv6, and a link-local address (fe80::/10) as the first virtual one")
		return
	}
	a.Interval = first(usualAdvertisementInterval, a.interval)
	a.Lifetime = first(usualRouterLifetime, a.lifetime)
	a.MTU, a.HopLimit = uint32(first(0, a.mtu)), uint8(first(0, a.hopLimit))
	if a.Preference == "" {
		a.Preference = "medium"
	}
	if a.Lifetime != 0 && a.Lifetime < a.Interval {
		a.n.fail("router_advertisement: a lifetime of %v is shorter than the interval of %v", a.Lifetime, a.Interval)
		return
	}
	in.Advertise = &a.RouterAdvertisement
}
