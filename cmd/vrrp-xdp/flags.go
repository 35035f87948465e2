package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// once is a flag that may be given only once: the second would silently win.
type once struct {
	name  string
	value string
	kind  string
	set   bool
}

func (o *once) String() string { return o.value }
func (o *once) Type() string   { return o.kind }

func (o *once) Set(s string) error {
	if o.set {
		return fmt.Errorf("--%s is given twice", o.name)
	}
	o.value, o.set = s, true
	return nil
}

func addOnce(flags *pflag.FlagSet, name, kind, value, help string) *once {
	o := &once{name: name, kind: kind, value: value}
	flags.Var(o, name, help)
	return o
}

// instanceFlags describe one virtual router on the command line.
type instanceFlags struct {
	flags                             *pflag.FlagSet
	vrid, priority, interval, version *once
	name                              *once
	vips                              []string
	noPreempt                         bool
}

// ofInstance are the flags that mean nothing without --vrid.
var ofInstance = []string{"vip", "priority", "advert-int", "version", "name", "no-preempt"}

func addInstanceFlags(flags *pflag.FlagSet) *instanceFlags {
	f := &instanceFlags{flags: flags}
	f.vrid = addOnce(flags, "vrid", "1..255", "", "virtual router ID; without it, attach only observes")
	flags.StringArrayVar(&f.vips, "vip", nil, "virtual address with its prefix length, such as 192.168.1.1/24; may be repeated")
	f.priority = addOnce(flags, "priority", "1..255", "100", "priority; 255: this router owns the addresses")
	f.interval = addOnce(flags, "advert-int", "time", "1s", "time between adverts, such as 100ms or 1s; a bare number is seconds")
	f.version = addOnce(flags, "version", "2|3", "3", "protocol version")
	f.name = addOnce(flags, "name", "text", "", "name of the instance in logs, status and metrics (default vr and the VRID)")
	flags.BoolVar(&f.noPreempt, "no-preempt", false, "do not take over from a master of lower priority")
	return f
}

// instance is what the flags say of a virtual router; nil if they say nothing.
// All that is wrong is said at once.
func (f *instanceFlags) instance() (*flagInstance, error) {
	if !f.vrid.set {
		for _, name := range ofInstance {
			if f.flags.Changed(name) {
				return nil, usage(fmt.Errorf("--%s needs --vrid, the virtual router that it is about", name))
			}
		}
		return nil, nil
	}
	var errs []error
	i := &flagInstance{
		name:      f.name.value,
		vrid:      numberFlag(f.vrid, 255, &errs),
		priority:  numberFlag(f.priority, 255, &errs),
		noPreempt: f.noPreempt,
		version:   parseVersion(f.version.value, &errs),
	}
	if i.name == "" {
		i.name = "vr" + f.vrid.value
	}
	i.interval = parseInterval(f.interval.value, i.version, &errs)
	i.vips = parseVIPs(f.vips, &errs)
	return i, usage(errors.Join(errs...))
}

// flagInstance is a virtual router before it is known on which interface.
type flagInstance struct {
	name           string
	vrid, priority uint8
	version        vrrp.Version
	interval       time.Duration
	vips           []netip.Prefix
	noPreempt      bool
}

func numberFlag(o *once, most int, errs *[]error) uint8 {
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
	d, err := time.ParseDuration(s)
	if err != nil {
		if d, err = time.ParseDuration(s + "s"); err != nil {
			return fault("must be a time, such as 100ms or 1s")
		}
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
		case err != nil:
			fault("--vip %s: must be an IPv4 address with its prefix length, such as 192.168.1.1/24", text)
		case !p.Addr().Is4():
			fault("--vip %s: an IPv6 address; this version serves IPv4 virtual addresses only", text)
		case p.Addr().IsMulticast() || p.Addr().IsUnspecified() || p.Addr().IsLoopback():
			fault("--vip %s: not an address that a host can have", text)
		case p.Bits() < 31 && p.Masked().Addr() == p.Addr():
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
