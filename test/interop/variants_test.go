package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// variant is a way to speak, to somebody who speaks it.
type variant struct {
	name    string
	advert  vrrp.Advert
	flags   []string // ours, besides what the advert says
	source  string   // what the addresses of adverts begin with, where they are told to either
	unicast bool
	unlike  bool          // theirs does not use the virtual MAC
	late    time.Duration // how long theirs is master before it says so
	// peer makes theirs; it is told the last numbers of its own address and of ours.
	peer func(nic *lab.NIC, own, other int) peer
}

const (
	ipv4Source, ipv6Source = "192.0.2.", "2001:db8::"
	frrSource              = "fe80::f22:" // where the lab's FRR sends from
)

// course is variants that go through a case in step: their waits overlap, and while
// a takeover is measured none is at work.
type course struct {
	name     string
	variants []variant
}

var courses = []course{
	{"version 2", []variant{
		{name: "keepalived v2", advert: v2, unlike: true, peer: kept(v2)},
		{name: "keepalived v2 with password", advert: withPassword(v2, "s3cret"), unlike: true, flags: []string{"--auth-pass", "s3cret"}, peer: kept(v2, password...)},
		{name: "FRR v2", advert: v2, peer: routed(v2)},
	}},
	{"keepalived, version 3", []variant{
		{name: "keepalived v3 IPv4", advert: v3, unlike: true, peer: kept(v3)},
		{name: "keepalived v3 IPv6", advert: v3IPv6, unlike: true, peer: kept(v3IPv6)},
	}},
	{"keepalived, unicast", []variant{
		{name: "keepalived unicast IPv4", advert: v3, unlike: true, source: ipv4Source, unicast: true, peer: keptUnicast(v3, ipv4Source)},
		{name: "keepalived unicast IPv6", advert: v3IPv6, unlike: true, source: ipv6Source, unicast: true, peer: keptUnicast(v3IPv6, ipv6Source)},
	}},
	{"keepalived, use_vmac", []variant{
		{name: "keepalived use_vmac IPv4", advert: v3, peer: kept(v3, "use_vmac")},
		{name: "keepalived use_vmac IPv6", advert: v3IPv6, peer: kept(v3IPv6, "use_vmac")},
	}},
	{"FRR, version 3", []variant{
		{name: "FRR v3 IPv4", advert: v3, peer: routed(v3)},
		// The first advert of a new FRR master is lost: its socket is bound to an address that its macvlan does not have yet.
		// After our farewell we serve until we hear it, so for an interval both answer, with the same MAC.
		{name: "FRR v3 IPv6", advert: v3IPv6, source: frrSource, late: v3IPv6.Interval, peer: routed(v3IPv6)},
	}},
}

// variantOf is the variant of that name.
func variantOf(t testing.TB, name string) variant {
	t.Helper()
	for _, c := range courses {
		for _, v := range c.variants {
			if v.name == name {
				return v
			}
		}
	}
	t.Fatalf("there is no variant %q", name)
	return variant{}
}

func kept(advert vrrp.Advert, lines ...string) func(*lab.NIC, int, int) peer {
	return func(nic *lab.NIC, _, _ int) peer {
		nic.OnlyOwnARP()
		return &keptPeer{nic: nic, advert: advert, lines: lines}
	}
}

func keptUnicast(advert vrrp.Advert, prefix string) func(*lab.NIC, int, int) peer {
	return func(nic *lab.NIC, own, other int) peer {
		return kept(advert, fmt.Sprint("unicast_src_ip ", prefix, own), "unicast_peer {", fmt.Sprint(prefix, other), "}")(nic, own, other)
	}
}

func routed(advert vrrp.Advert) func(*lab.NIC, int, int) peer {
	return func(nic *lab.NIC, _, _ int) peer { return &frrPeer{nic: nic, advert: advert} }
}

// ourFlags are what ours is told besides the advert.
func (v variant) ourFlags(own, other int) []string {
	flags := v.flags[:len(v.flags):len(v.flags)]
	if v.source != "" {
		flags = append(flags, "--source", fmt.Sprint(v.source, own))
	}
	if v.unicast {
		flags = append(flags, "--peer", fmt.Sprint(v.source, other))
	}
	return flags
}
