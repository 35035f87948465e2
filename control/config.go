package control

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// InstanceConfig is one virtual router as the user wants it.
type InstanceConfig struct {
	Name      string
	Interface string
	// Router is what the state machine is told. Its Source is found by the engine.
	Router vrrp.Config
	// Addresses are Router.Addresses, in that order, as they stand on interfaces.
	Addresses []iproute.Address
	// Excluded are served and put on interfaces like Addresses, of whatever
	// family, but not advertised.
	Excluded []iproute.Address
	// Routes and Rules are the host's while it is master.
	Routes []iproute.Route
	Rules  []iproute.Rule
	// Group names what moves together: instances of the same non-empty group
	// share one lease, and are master together or not at all.
	Group string
	// Source is what adverts are sent from; the zero Addr leaves the choice to
	// the engine: the interface's primary IPv4 address, or its link-local one.
	Source netip.Addr
	// NoAccept keeps a master that is not the owner from accepting packets to
	// the virtual addresses: Accept_Mode False, RFC 9568 §6.1. They are not put
	// on the interface then.
	NoAccept bool
	// StrictMAC refuses adverts whose Ethernet source is not the virtual MAC.
	StrictMAC bool
	// MayBeMissing lets the instance wait, in FAULT, for its interfaces.
	MayBeMissing bool
	// IgnoreLink lets the instance go on while its interface is down.
	IgnoreLink bool
	// Tracks move its priority, or are its faults.
	Tracks []track.Use
	// Pace is the least time between two announcements on an interface.
	Pace time.Duration
	// ExtraRefresh is how often addresses on other interfaces are announced; 0: never.
	ExtraRefresh time.Duration
	// Advertise are the router advertisements that an IPv6 master sends; nil: none.
	Advertise *Advertise
}

// unicast reports whether adverts go to listed peers and not to everybody.
func (c InstanceConfig) unicast() bool { return len(c.Router.Peers) > 0 }

// accepts reports whether the addresses are put on the interface.
func (c InstanceConfig) accepts() bool {
	return !c.NoAccept || c.Router.Priority == vrrp.OwnerPriority
}

// key is what makes it the virtual router that it is, RFC 9568 §1.7.
func (c InstanceConfig) key() routerKey {
	return routerKey{c.Interface, c.Router.VRID, c.Router.Family}
}

// placeSpec is where an instance serves addresses, and which.
type placeSpec struct {
	iface               string
	family              vrrp.Family
	addresses, excluded []netip.Addr
}

// places lists where the instance serves addresses. The first is its own
// interface and family; there it serves all that it advertises, as a Linux host
// answers on every interface for every address that it has.
func (c InstanceConfig) places() []placeSpec {
	list := []placeSpec{{iface: c.Interface, family: c.Router.Family, addresses: c.Router.Addresses}}
	for i, a := range slices.Concat(c.Addresses, c.Excluded) {
		iface, family, address := c.interfaceOf(a), vrrp.FamilyOf(a.Prefix.Addr()), a.Prefix.Addr()
		at := slices.IndexFunc(list, func(p placeSpec) bool { return p.iface == iface && p.family == family })
		switch {
		case at < 0:
			list = append(list, placeSpec{iface: iface, family: family, addresses: []netip.Addr{address}})
		case at > 0:
			list[at].addresses = append(list[at].addresses, address)
		case i >= len(c.Addresses):
			list[0].excluded = append(list[0].excluded, address)
		}
	}
	return list
}

// Interfaces lists the interfaces that the instances serve addresses on, in the
// order in which they come.
func Interfaces(instances []InstanceConfig) []string {
	var list []string
	for _, c := range instances {
		for _, p := range c.places() {
			if !slices.Contains(list, p.iface) {
				list = append(list, p.iface)
			}
		}
	}
	return list
}

func (c InstanceConfig) interfaceOf(a iproute.Address) string {
	if a.Interface != "" {
		return a.Interface
	}
	return c.Interface
}

// Validate returns all that is wrong with a set of instances, joined.
func Validate(instances []InstanceConfig) error {
	var errs []error
	taken := make(map[any]string) // by whom
	take := func(c InstanceConfig, key any, format string, args ...any) {
		if other, ok := taken[key]; ok {
			errs = append(errs, fmt.Errorf("instance %q: %s is already that of instance %q", c.Name, fmt.Sprintf(format, args...), other))
			return
		}
		taken[key] = c.Name
	}
	for _, c := range instances {
		if err := c.Router.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("instance %q: %w", c.Name, err))
		}
		if err := c.Advertise.validate(c.Router); err != nil {
			errs = append(errs, fmt.Errorf("instance %q: %w", c.Name, err))
		}
		take(c, c.Name, "the name")
		for _, p := range c.places() {
			take(c, routerKey{p.iface, c.Router.VRID, p.family}, "vrid %d (%v) on %s", c.Router.VRID, p.family, p.iface)
			for _, a := range unique(p.addresses, p.excluded) {
				take(c, addressOn{p.iface, a}, "address %v on %s", a, p.iface)
			}
		}
	}
	return errors.Join(errs...)
}

func unique(lists ...[]netip.Addr) []netip.Addr {
	return slices.Compact(slices.SortedFunc(slices.Values(slices.Concat(lists...)), netip.Addr.Compare))
}

// routerKey and addressOn are what only one instance can have.
type (
	routerKey struct {
		iface  string
		vrid   uint8
		family vrrp.Family
	}
	addressOn struct {
		iface   string
		address netip.Addr
	}
)
