package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

// advertiseFlags say what router advertisements a master sends.
type advertiseFlags struct {
	on                 bool
	interval, lifetime *once
	prefixes           []string
	managed, other     bool
	flags              *pflag.FlagSet
}

// Lifetimes of an advertised prefix, RFC 4861 §6.2.1.
const (
	prefixValid     = 30 * 24 * time.Hour
	prefixPreferred = 7 * 24 * time.Hour
)

func (f *advertiseFlags) add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.BoolVar(&f.on, "router-advertisement", false, "IPv6: while master, send router advertisements from the virtual link-local address")
	f.interval = addOnce(flags, "ra-interval", "time", "30s", "time between router advertisements, 4s to 1800s")
	f.lifetime = addOnce(flags, "ra-lifetime", "time", "1800s", "how long hosts keep the default router; 0: it is none")
	flags.StringArrayVar(&f.prefixes, "ra-prefix", nil, "`prefix` that is on the link and from which hosts make addresses, such as 2001:db8::/64; may be repeated")
	flags.BoolVar(&f.managed, "ra-managed", false, "hosts get addresses by DHCPv6 (the M flag)")
	flags.BoolVar(&f.other, "ra-other", false, "hosts get other settings by DHCPv6 (the O flag)")
}

// parse returns nil if no router advertisements are to be sent.
func (f *advertiseFlags) parse(errs *[]error) *control.Advertise {
	if !f.on {
		for _, name := range []string{"ra-interval", "ra-lifetime", "ra-prefix", "ra-managed", "ra-other"} {
			if f.flags.Changed(name) {
				*errs = append(*errs, fmt.Errorf("--%s needs --router-advertisement", name))
			}
		}
		return nil
	}
	a := &control.Advertise{
		Interval: parseDelay(f.interval, 1800*time.Second, errs),
		RouterAdvertisement: netio.RouterAdvertisement{
			Lifetime:    parseDelay(f.lifetime, 9000*time.Second, errs),
			Managed:     f.managed,
			OtherConfig: f.other,
		},
	}
	for _, text := range f.prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Masked() != p {
			*errs = append(*errs, fmt.Errorf("--ra-prefix %s: must be an IPv6 prefix, such as 2001:db8::/64", text))
			continue
		}
		a.Prefixes = append(a.Prefixes, netio.AdvertisedPrefix{Prefix: p, OnLink: true, Autonomous: p.Bits() == 64, Valid: prefixValid, Preferred: prefixPreferred})
	}
	return a
}
