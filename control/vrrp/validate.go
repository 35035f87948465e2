package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Validate returns everything that is wrong with c, one error each, joined.
func (c Config) Validate() error {
	errs := []error{c.validateAddresses()}
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.VRID == 0 {
		fault("vrid: 0 is outside 1..255")
	}
	if c.Priority == 0 {
		fault("priority: 0 is outside 1..255")
	}
	if c.Version != V2 && c.Version != V3 {
		fault("version: %d is neither 2 nor 3", c.Version)
	} else if err := checkInterval(c.Version, c.Interval); err != nil {
		errs = append(errs, err)
	}
	if c.Family == IPv6 && c.Version == V2 {
		fault("version: 2 does not exist for ipv6")
	}
	if c.LeaseAdverts != 0 && (c.LeaseAdverts < 2 || c.LeaseAdverts > activeDownAdverts) {
		fault("lease: %d adverts is outside 2..%d", c.LeaseAdverts, activeDownAdverts)
	}
	if choice := c.Version == V3 && c.Family == IPv4; c.Checksum > ChecksumMessageOnly || c.Checksum != ChecksumAuto && !choice {
		fault("checksum: %v does not exist for version %d over %v, use auto", c.Checksum, c.Version, c.Family)
	}
	if c.Password != "" && c.Version != V2 {
		fault("password: version %d has no authentication", c.Version)
	}
	if len(c.Password) > authLength {
		fault("password: %d bytes are more than %d", len(c.Password), authLength)
	}
	if c.Password != "" && c.Auth != nil {
		fault("password: hmac authenticates already")
	}
	return errors.Join(append(errs, c.Auth.validate(), c.validateDelays(), c.validatePeers(), c.validateSenders(), c.validateAnnouncements())...)
}

// maxPreemptDelay is keepalived's.
const maxPreemptDelay = 1000 * time.Second

func (c Config) validateDelays() error {
	var errs []error
	if c.PreemptDelay < 0 || c.PreemptDelay > maxPreemptDelay {
		errs = append(errs, fmt.Errorf("preempt delay: %v is outside 0s..%v", c.PreemptDelay, maxPreemptDelay))
	}
	if c.StartDelay < 0 {
		errs = append(errs, fmt.Errorf("start delay: %v is negative", c.StartDelay))
	}
	return errors.Join(errs...)
}

// validatePeers looks at all that makes adverts unicast.
func (c Config) validatePeers() error {
	var errs []error
	seen := make(map[netip.Addr]bool)
	for _, p := range c.Peers {
		switch {
		case FamilyOf(p) != c.Family || p.Is4In6():
			errs = append(errs, fmt.Errorf("peer %v: not an %v address", p, c.Family))
		case p.IsUnspecified() || p.IsMulticast() || p.Zone() != "":
			errs = append(errs, fmt.Errorf("peer %v: not the address of one host, without a zone", p))
		case p == c.Source.WithZone(""):
			errs = append(errs, fmt.Errorf("peer %v: the source of this router itself", p))
		case seen[p]:
			errs = append(errs, fmt.Errorf("peer %v: listed twice", p))
		}
		seen[p] = true
	}
	if !c.unicast() && (c.MinTTL != 0 || c.MaxTTL != 0) {
		errs = append(errs, errors.New("ttl: bounds are for unicast peers only, multicast adverts have 255"))
	}
	if c.MaxTTL != 0 && c.MinTTL > c.MaxTTL {
		errs = append(errs, fmt.Errorf("ttl: %d..%d is empty", c.MinTTL, c.MaxTTL))
	}
	return errors.Join(errs...)
}

// validateAddresses looks at the family and at everything that must be of it.
func (c Config) validateAddresses() error {
	if c.Family != IPv4 && c.Family != IPv6 {
		return fmt.Errorf("family: %v is neither ipv4 nor ipv6", c.Family)
	}
	var errs []error
	if most := c.mostAddresses(); len(c.Addresses) == 0 || len(c.Addresses) > most {
		errs = append(errs, fmt.Errorf("addresses: %d is outside 1..%d", len(c.Addresses), most))
	}
	seen := make(map[netip.Addr]bool)
	for i, a := range c.Addresses {
		switch {
		case FamilyOf(a) != c.Family || a.Is4In6():
			errs = append(errs, fmt.Errorf("address %v: not an %v address", a, c.Family))
		case a.IsUnspecified() || a.IsMulticast() || a.Zone() != "":
			errs = append(errs, fmt.Errorf("address %v: not the address of one host", a))
		case i == 0 && c.Family == IPv6 && !a.IsLinkLocalUnicast() && !c.AnyFirstAddress:
			errs = append(errs, fmt.Errorf("address %v: the first address must be link-local (fe80::/10)", a))
		case seen[a]:
			errs = append(errs, fmt.Errorf("address %v: listed twice", a))
		}
		seen[a] = true
	}
	if err := c.validateSource(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// mostAddresses is how many addresses an advert can list: the count is a byte,
// and IPv6 adverts must fit behind a 40-byte header into 1500 bytes, with the
// trailer if they are signed.
func (c Config) mostAddresses() int {
	if c.Family != IPv6 {
		return 255
	}
	room := 1460 - headerLength
	if c.Auth.Signs() {
		room -= TrailerLength
	}
	return room / 16
}

// validateSource lets unicast IPv6 come from any address: unlike multicast, it
// may be routed.
func (c Config) validateSource() error {
	switch {
	case !c.Source.IsValid():
	case c.unicast() && FamilyOf(c.Source) != c.Family:
		return fmt.Errorf("source %v: adverts need an %v address of this host", c.Source, c.Family)
	case !c.unicast() && (FamilyOf(c.Source) != c.Family || c.Family == IPv6 && !c.Source.IsLinkLocalUnicast()):
		return fmt.Errorf("source %v: adverts need an IPv4 or a link-local IPv6 address of the interface", c.Source)
	case !c.owner() && slices.Contains(c.Addresses, c.Source.WithZone("")):
		return fmt.Errorf("source %v: it is a virtual address; adverts need an address of this router's own", c.Source)
	}
	return nil
}
