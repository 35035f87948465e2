package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrp-xdp/vrrp-xdp/control"
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
	name, checksum, password          *once
	preemptDelay, startDelay          *once
	minTTL, maxTTL                    *once
	vips, peers, sources              []string
	noPreempt, noAccept, strictMAC    bool
	together                          bool
	advertise                         advertiseFlags
	ofInstance                        []string // flags that mean nothing without --vrid
}

func addInstanceFlags(flags *pflag.FlagSet) *instanceFlags {
	f := &instanceFlags{flags: flags}
	f.vrid = addOnce(flags, "vrid", "1..255", "", "virtual router ID; without it, attach only observes")
	own := pflag.NewFlagSet("instance", pflag.ContinueOnError)
	f.add(own)
	flags.AddFlagSet(own)
	own.VisitAll(func(o *pflag.Flag) { f.ofInstance = append(f.ofInstance, o.Name) })
	return f
}

// add adds the flags that mean nothing without --vrid.
func (f *instanceFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.vips, "vip", nil, "virtual `address` with its prefix length, such as 192.168.1.1/24; may be repeated. Of IPv6 the first is link-local")
	f.priority = addOnce(flags, "priority", "1..255", "100", "priority; 255: this router owns the addresses")
	f.interval = addOnce(flags, "advert-int", "time", "1s", "time between adverts, such as 100ms or 1s; a bare number is seconds")
	f.version = addOnce(flags, "version", "2|3", "3", "protocol version")
	f.name = addOnce(flags, "name", "text", "", "name of the instance in logs, status and metrics (default vr and the VRID)")
	flags.BoolVar(&f.noPreempt, "no-preempt", false, "do not take over from a master of lower priority")
	f.preemptDelay = addOnce(flags, "preempt-delay", "time", "0s", "how long a master of lower priority is left alone, up to 1000s")
	f.startDelay = addOnce(flags, "start-delay", "time", "0s", "how long to wait before taking part")
	flags.BoolVar(&f.noAccept, "no-accept", false, "a master does not accept packets to the virtual addresses (Accept_Mode off); they are not put on the interface")
	flags.BoolVar(&f.strictMAC, "strict-mac", false, "refuse adverts whose Ethernet source is not the virtual MAC (keepalived without use_vmac sends such)")
	flags.BoolVar(&f.together, "together", false, "both families, and all interfaces, are master together or not at all")
	f.checksum = addOnce(flags, "checksum", "auto|pseudo-header|message-only", "auto", "what the checksum of version 3 over IPv4 covers when sending; both are accepted")
	f.password = addOnce(flags, "auth-pass", "text", "", "version 2: password of up to 8 bytes, sent in the clear: against mistakes, not against attacks")
	flags.StringArrayVar(&f.peers, "peer", nil, "send adverts to, and accept them from, this `address` only, by unicast; may be repeated")
	flags.StringArrayVar(&f.sources, "source", nil, "`address` to send adverts from; once per family (default: the interface's primary or link-local one)")
	f.minTTL = addOnce(flags, "min-ttl", "1..255", "", "least TTL of a peer's adverts (default: any; keepalived's IPv6 unicast has 64)")
	f.maxTTL = addOnce(flags, "max-ttl", "1..255", "", "greatest TTL of a peer's adverts (default: any)")
	f.advertise.add(flags)
}

// instance is what the flags say of a virtual router; nil if they say nothing.
// All that is wrong is said at once.
func (f *instanceFlags) instance() (*flagInstance, error) {
	if !f.vrid.set {
		for _, name := range f.ofInstance {
			if f.flags.Changed(name) {
				return nil, usage(fmt.Errorf("--%s needs --vrid, the virtual router that it is about", name))
			}
		}
		return nil, nil
	}
	var errs []error
	i := &flagInstance{
		name:      f.name.value,
		together:  f.together,
		noAccept:  f.noAccept,
		strictMAC: f.strictMAC,
		vips:      parseVIPs(f.vips, &errs),
		peers:     parseAddresses("peer", f.peers, &errs),
		sources:   parseAddresses("source", f.sources, &errs),
		router: vrrp.Config{
			VRID:         numberFlag(f.vrid, &errs),
			Priority:     numberFlag(f.priority, &errs),
			Version:      parseVersion(f.version.value, &errs),
			NoPreempt:    f.noPreempt,
			PreemptDelay: parseDelay(f.preemptDelay, 1000*time.Second, &errs),
			StartDelay:   parseDelay(f.startDelay, 1000*time.Second, &errs),
			Checksum:     parseChecksum(f.checksum.value, &errs),
			Password:     f.password.value,
		},
	}
	if i.name == "" {
		i.name = "vr" + f.vrid.value
	}
	i.router.Interval = parseInterval(f.interval.value, i.router.Version, &errs)
	f.parseTTLs(i, &errs)
	i.advertise = f.advertise.parse(&errs)
	if f.password.set && f.password.value == "" {
		errs = append(errs, errors.New("--auth-pass is empty: adverts would go without a password"))
	}
	return i, usage(errors.Join(errs...))
}

func (f *instanceFlags) parseTTLs(i *flagInstance, errs *[]error) {
	if f.minTTL.set {
		i.router.MinTTL = numberFlag(f.minTTL, errs)
	}
	if f.maxTTL.set {
		i.router.MaxTTL = numberFlag(f.maxTTL, errs)
	}
}

// flagInstance is a virtual router before it is known on which interfaces and
// in which families.
type flagInstance struct {
	name                string
	router              vrrp.Config
	vips                []netip.Prefix
	peers, sources      []netip.Addr
	together            bool
	noAccept, strictMAC bool
	advertise           *control.Advertise
}
