package control

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// InstanceConfig is one virtual router as the user wants it.
type InstanceConfig struct {
	Name      string
	Interface string
	// Router is what the state machine is told. Its Source is found by the engine.
	Router vrrp.Config
	// Prefixes are Router.Addresses with the length that they get on the interface.
	Prefixes []netip.Prefix
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
	// Advertise are the router advertisements that an IPv6 master sends; nil: none.
	Advertise *Advertise
}

// unicast reports whether adverts go to listed peers and not to everybody.
func (c InstanceConfig) unicast() bool { return len(c.Router.Peers) > 0 }

// accepts reports whether the addresses are put on the interface.
func (c InstanceConfig) accepts() bool {
	return !c.NoAccept || c.Router.Priority == vrrp.OwnerPriority
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
		if err := c.Advertise.validate(c.Router.Family); err != nil {
			errs = append(errs, fmt.Errorf("instance %q: %w", c.Name, err))
		}
		take(c, c.Name, "the name")
		take(c, routerKey{c.Interface, c.Router.VRID, c.Router.Family}, "vrid %d (%v) on %s", c.Router.VRID, c.Router.Family, c.Interface)
		for _, a := range slices.Compact(slices.SortedFunc(slices.Values(c.Router.Addresses), netip.Addr.Compare)) {
			take(c, addressOn{c.Interface, a}, "address %v on %s", a, c.Interface)
		}
	}
	return errors.Join(errs...)
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
