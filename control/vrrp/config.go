package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config is what a virtual router is told to be.
type Config struct {
	VRID     uint8 // 1..255
	Family   Family
	Version  Version       // IPv6: V3 only
	Priority uint8         // 1..254, or 255 for the address owner
	Interval time.Duration // V3: 10 ms..40.95 s in steps of 10 ms; V2: 1..255 s, whole seconds
	// NoPreempt keeps a backup quiet behind a master of lower priority. An
	// address owner preempts whatever it says, RFC 9568 §6.1.
	NoPreempt bool
	// Addresses are the virtual addresses in the order in which they are
	// advertised, 1..255 of Family; for IPv6 the first is link-local.
	Addresses []netip.Addr
	// Source is the interface's own address that adverts are sent from: its
	// primary IPv4 address, or its link-local one. It may be unknown at
	// first; SourceChanged tells it later.
	Source netip.Addr
	// LeaseAdverts is the length of a lease in advertisement intervals, 2 or
	// 3; 0 means 3. A longer one would outlive Active_Down_Interval of the
	// backups, a shorter one would end whenever an advert is due.
	LeaseAdverts int
	// Checksum is the form to send in version 3 over IPv4.
	Checksum ChecksumForm
}

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
	if c.Checksum > MessageOnly || c.Family == IPv6 && c.Checksum != PseudoHeader {
		fault("checksum: %v does not exist for %v", c.Checksum, c.Family)
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
		case i == 0 && c.Family == IPv6 && !a.IsLinkLocalUnicast():
			errs = append(errs, fmt.Errorf("address %v: the first address must be link-local (fe80::/10)", a))
		case seen[a]:
			errs = append(errs, fmt.Errorf("address %v: listed twice", a))
		}
		seen[a] = true
	}
	if c.Source.IsValid() && (FamilyOf(c.Source) != c.Family || c.Family == IPv6 && !c.Source.IsLinkLocalUnicast()) {
		errs = append(errs, fmt.Errorf("source %v: adverts need an IPv4 or a link-local IPv6 address of the interface", c.Source))
	}
	return errors.Join(errs...)
}

// mostAddresses is how many addresses an advert can list: the count is a byte,
// and IPv6 adverts must fit behind a 40-byte header into 1500 bytes.
func (c Config) mostAddresses() int {
	if c.Family == IPv6 {
		return (1460 - headerLength) / 16
	}
	return 255
}

func (c Config) owner() bool { return c.Priority == OwnerPriority }

// leaseLength is how long an advert keeps a lease.
func (c Config) leaseLength() time.Duration {
	if c.LeaseAdverts == 0 {
		return activeDownAdverts * c.Interval
	}
	return time.Duration(c.LeaseAdverts) * c.Interval
}
