package vrrp

import (
	"net/netip"
	"time"
)

// Config is what a virtual router is told to be.
type Config struct {
	VRID    uint8 // 1..255
	Family  Family
	Version Version // IPv6: V3 only
	// Priority is 1..254, or 255 for the address owner. PriorityChanged may move
	// the effective one away from it: see Router.Priority.
	Priority uint8
	Interval time.Duration // V3: 10 ms..40.95 s in steps of 10 ms; V2: 1..255 s, whole seconds
	// NoPreempt keeps a backup quiet behind a master of lower priority. An
	// address owner preempts whatever it says, RFC 9568 §6.1.
	NoPreempt bool
	// Addresses are the virtual addresses in the order in which they are
	// advertised, 1..255 of Family; for IPv6 the first is link-local.
	Addresses []netip.Addr
	// AnyFirstAddress lets the first address of IPv6 be another than a
	// link-local one. Deviates from RFC 9568 §5.2.9, as keepalived does unless
	// it is told to be strict. Whoever receives such adverts must be as lenient:
	// see Packet.
	AnyFirstAddress bool
	// Source is the interface's own address that adverts are sent from: its
	// primary IPv4 address, or its link-local one. It may be unknown at
	// first; SourceChanged tells it later. Only an address owner may have it
	// among its Addresses.
	Source netip.Addr
	// LeaseAdverts is the length of a lease in advertisement intervals, 2 or
	// 3; 0 means 3. A longer one would outlive Active_Down_Interval of the
	// backups, a shorter one would end whenever an advert is due.
	LeaseAdverts int
	// Checksum is the form to send in version 3 over IPv4; elsewhere there is
	// no choice, and it is ChecksumAuto.
	Checksum ChecksumPolicy
	// Password is the simple text password of version 2, 1..8 bytes; empty:
	// no authentication. RFC 2338 §5.3.6. It protects from mistakes only.
	Password string
	// Auth authenticates adverts; nil: they are not. The router itself takes no
	// notice: see Guard. Not with a Password.
	Auth *Auth
	// Peers makes adverts unicast: they go to these addresses and come from
	// these only. Of Family, without zones, none twice, none the Source. Empty:
	// multicast.
	Peers []netip.Addr
	// Senders are the routers whose adverts are accepted; nil: anybody's. Of
	// Family, none twice, all Peers among them.
	Senders []Sender
	// MinTTL and MaxTTL bound the TTL or hop limit of unicast adverts, both
	// inclusive; 0: no bound.
	MinTTL, MaxTTL uint8
	// PreemptDelay, 0..1000 s, is how long a master of lower priority is left
	// alone after a backup first heard it. Without a meaning for an address
	// owner, and with NoPreempt.
	PreemptDelay time.Duration
	// StartDelay is how long Init lasts after Startup; not negative.
	StartDelay time.Duration
	// Grouped makes promotion wait for Promote: the router is only Ready.
	Grouped bool
	// Announcements is how often a master tells the neighbours where the
	// addresses are; nil means DefaultAnnouncements.
	Announcements *Announcements
	// SilentToLesser keeps a master from answering the advert of a lesser one
	// with an advert out of turn (keepalived: lower_prio_no_advert). It announces
	// its addresses nevertheless.
	SilentToLesser bool
	// PartingAdvert makes a master that gives way to a better one send one last
	// advert, of its own priority: the better one announces its addresses again
	// when it hears of a lesser master (keepalived: higher_prio_send_advert).
	PartingAdvert bool
	// SkipAddressCheck accepts, in version 2, other addresses than the configured
	// ones from the master that is followed already, so that the list can be
	// changed on one router after the other (keepalived: skip_check_adv_addr).
	SkipAddressCheck bool
}

func (c Config) owner() bool { return c.Priority == OwnerPriority }

func (c Config) unicast() bool { return len(c.Peers) > 0 }

// acceptsTTL checks the TTL of a unicast advert; of the others Parse does.
func (c Config) acceptsTTL(ttl uint8) bool {
	return !c.unicast() || ttl >= c.MinTTL && (c.MaxTTL == 0 || ttl <= c.MaxTTL)
}

// leaseAdverts is the length of a lease in intervals.
func (c Config) leaseAdverts() time.Duration {
	if c.LeaseAdverts == 0 {
		return activeDownAdverts
	}
	return time.Duration(c.LeaseAdverts)
}
