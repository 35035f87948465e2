package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// What the values of flags mean. Each adds what is wrong to errs.

func numberFlag(o *once, errs *[]error) uint8 {
	const most = 255
	n, err := strconv.Atoi(o.value)
	if err != nil || n < 1 || n > most {
		*errs = append(*errs, fmt.Errorf("--%s %s: must be a number from 1 to %d", o.name, o.value, most))
		return 0
	}
	return uint8(n)
}

func parseVersion(s string, errs *[]error) vrrp.Version {
	switch s {
	case "2":
		return vrrp.V2
	case "3":
		return vrrp.V3
	}
	*errs = append(*errs, fmt.Errorf("--version %s: must be 2 or 3", s))
	return vrrp.V3
}

func parseInterval(s string, v vrrp.Version, errs *[]error) time.Duration {
	fault := func(must string) time.Duration {
		*errs = append(*errs, fmt.Errorf("--advert-int %s: %s", s, must))
		return 0
	}
	d, err := parseTime(s)
	if err != nil {
		return fault("must be a time, such as 100ms or 1s")
	}
	switch {
	case v == vrrp.V2 && (d < time.Second || d > 255*time.Second || d%time.Second != 0):
		return fault("must be a whole number of seconds from 1s to 255s in version 2")
	case v == vrrp.V3 && (d < 10*time.Millisecond || d > 40950*time.Millisecond || d%(10*time.Millisecond) != 0):
		return fault("must be from 10ms to 40.95s, in steps of 10ms, in version 3")
	}
	return d
}

func parseVIPs(texts []string, errs *[]error) []netip.Prefix {
	fault := func(format string, args ...any) { *errs = append(*errs, fmt.Errorf(format, args...)) }
	if len(texts) == 0 {
		fault("--vip is missing: which address is the virtual router to have? such as --vip 192.168.1.1/24")
	}
	var list []netip.Prefix
	seen := make(map[netip.Addr]bool)
	for _, text := range texts {
		p, err := parseVIP(text)
		switch {
		case err != nil || p.Addr().Is4In6():
			fault("--vip %s: must be an address with its prefix length, such as 192.168.1.1/24 or 2001:db8::1/64", text)
		case p.Addr().IsMulticast() || p.Addr().IsUnspecified() || p.Addr().IsLoopback():
			fault("--vip %s: not an address that a host can have", text)
		case p.Bits() < p.Addr().BitLen()-1 && p.Masked().Addr() == p.Addr():
			fault("--vip %s: that is the subnet's own address", text)
		case seen[p.Addr()]:
			fault("--vip %s: listed twice", text)
		default:
			seen[p.Addr()] = true
			list = append(list, p)
		}
	}
	return list
}

// parseVIP reads ADDRESS or ADDRESS/LENGTH; without a length the address stands
// alone, as in keepalived.
func parseVIP(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}

// parseTime reads a time as Go writes it; a bare number is seconds, as in keepalived.
func parseTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	return d, err
}

func parseDelay(o *once, most time.Duration, errs *[]error) time.Duration {
	return parseRange(o, 0, most, errs)
}

func parseRange(o *once, least, most time.Duration, errs *[]error) time.Duration {
	d, err := parseTime(o.value)
	if err != nil || d < least || d > most {
		*errs = append(*errs, fmt.Errorf("--%s %s: must be a time from %v to %v", o.name, o.value, least, most))
		return least
	}
	return d
}

func parseChecksum(s string, errs *[]error) vrrp.ChecksumPolicy {
	switch s {
	case "auto":
		return vrrp.ChecksumAuto
	case "pseudo-header":
		return vrrp.ChecksumPseudoHeader
	case "message-only":
		return vrrp.ChecksumMessageOnly
	}
	*errs = append(*errs, fmt.Errorf("--checksum %s: must be auto, pseudo-header or message-only", s))
	return vrrp.ChecksumAuto
}

func parseAddresses(flag string, texts []string, errs *[]error) []netip.Addr {
	var list []netip.Addr
	for _, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Is4In6() || a.Zone() != "" || a.IsMulticast() || a.IsUnspecified() {
			*errs = append(*errs, fmt.Errorf("--%s %s: must be the address of a host, such as 192.168.1.3 or fe80::3", flag, text))
			continue
		}
		list = append(list, a)
	}
	return list
}
