package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

// advertiseFlags say what router advertisements a master sends.
type advertiseFlags struct {
	on                 bool
	interval, lifetime *once
	valid, preferred   *once
	mtu                *once
	prefixes           []string
	managed, other     bool
	flags              *pflag.FlagSet
}

// usualHopLimit is what every kernel has.
const usualHopLimit = 64

// mostPrefixLifetime is the 32-bit number of seconds of RFC 4861 §4.6.2 below
// "for ever".
const mostPrefixLifetime = (1<<32 - 2) * time.Second

func (f *advertiseFlags) add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.BoolVar(&f.on, "router-advertisement", false, "IPv6: while master, send router advertisements from the virtual link-local address")
	f.interval = addOnce(flags, "ra-interval", "time", "30s", "time between router advertisements, 4s to 1800s")
	f.lifetime = addOnce(flags, "ra-lifetime", "time", "1800s", "how long hosts keep the default router; 0: it is none")
	flags.StringArrayVar(&f.prefixes, "ra-prefix", nil, "`prefix` that is on the link and from which hosts make addresses, such as 2001:db8::/64; may be repeated")
	f.valid = addOnce(flags, "ra-valid", "time", "720h", "how long the prefixes are valid")
	f.preferred = addOnce(flags, "ra-preferred", "time", "168h", "how long addresses of the prefixes are preferred")
	f.mtu = addOnce(flags, "ra-mtu", "bytes", "", "MTU of the link, 1280 to 65535 (default: not said)")
	flags.BoolVar(&f.managed, "ra-managed", false, "hosts get addresses by DHCPv6 (the M flag)")
	flags.BoolVar(&f.other, "ra-other", false, "hosts get other settings by DHCPv6 (the O flag)")
}

// parse returns nil if no router advertisements are to be sent.
func (f *advertiseFlags) parse(errs *[]error) *control.Advertise {
	if !f.on {
		for _, name := range advertiseOptions {
			if f.flags.Changed(name) {
				*errs = append(*errs, fmt.Errorf("--%s needs --router-advertisement", name))
			}
		}
		return nil
	}
	a := &control.Advertise{
		Interval: parseRange(f.interval, 4*time.Second, 1800*time.Second, errs),
		RouterAdvertisement: netio.RouterAdvertisement{
			Lifetime:    parseDelay(f.lifetime, 9000*time.Second, errs),
			HopLimit:    usualHopLimit,
			Managed:     f.managed,
			OtherConfig: f.other,
			MTU:         f.parseMTU(errs),
		},
	}
	valid, preferred := parseDelay(f.valid, mostPrefixLifetime, errs), parseDelay(f.preferred, mostPrefixLifetime, errs)
	for _, text := range f.prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Masked() != p {
			*errs = append(*errs, fmt.Errorf("--ra-prefix %s: must be an IPv6 prefix, such as 2001:db8::/64", text))
			continue
		}
		a.Prefixes = append(a.Prefixes, netio.AdvertisedPrefix{Prefix: p, OnLink: true, Autonomous: p.Bits() == 64, Valid: valid, Preferred: preferred})
	}
	return a
}

// advertiseOptions mean nothing without --router-advertisement.
var advertiseOptions = []string{"ra-interval", "ra-lifetime", "ra-prefix", "ra-valid", "ra-preferred", "ra-mtu", "ra-managed", "ra-other"}

func (f *advertiseFlags) parseMTU(errs *[]error) int {
	if !f.mtu.set {
		return 0
	}
	n, err := strconv.Atoi(f.mtu.value)
	if err != nil || n < 1280 || n > 65535 {
		*errs = append(*errs, fmt.Errorf("--ra-mtu %s: must be a number from 1280 to 65535", f.mtu.value))
	}
	return n
}

// advertiseOn leaves only the prefixes that belong to the interface: those that overlap a
// subnet or a virtual address of it.
func advertiseOn(a *control.Advertise, p port, vips []netip.Prefix) *control.Advertise {
	if a == nil {
		return nil
	}
	own := *a
	own.Prefixes = slices.DeleteFunc(slices.Clone(a.Prefixes), func(prefix netio.AdvertisedPrefix) bool {
		overlaps := func(q netip.Prefix) bool { return prefix.Prefix.Overlaps(q) }
		return !slices.ContainsFunc(p.subnets, overlaps) && !slices.ContainsFunc(vips, overlaps)
	})
	return &own
}

// unplaced lists the prefixes that are advertised on no interface.
func (f *flagInstance) unplaced(list []control.InstanceConfig) []error {
	if f.advertise == nil {
		return nil
	}
	var errs []error
	for _, prefix := range f.advertise.Prefixes {
		if !slices.ContainsFunc(list, func(c control.InstanceConfig) bool {
			return c.Advertise != nil && slices.Contains(c.Advertise.Prefixes, prefix)
		}) {
			errs = append(errs, fmt.Errorf("--ra-prefix %v: no subnet and no virtual address of these interfaces is in it", prefix.Prefix))
		}
	}
	return errs
}
