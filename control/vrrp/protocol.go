package vrrp

import (
	"fmt"
	"net/netip"
)

// Numbers of RFC 9568 that do not depend on family or version.
const (
	Protocol        = 112 // IP protocol number, RFC 9568 §5.1.1.4
	TTL             = 255 // IPv4 TTL and IPv6 hop limit of every advert, RFC 9568 §5.1.1.3
	OwnerPriority   = 255 // priority of the router that owns the addresses, RFC 9568 §5.2.4
	DefaultPriority = 100 // RFC 9568 §6.1
)

// Family is the address family of a virtual router.
type Family uint8

// The address families.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String returns "ipv4" or "ipv6".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	}
	return fmt.Sprintf("family(%d)", uint8(f))
}

// FamilyOf returns the family of a, and 0 for the zero Addr. An IPv4-mapped
// IPv6 address is IPv6: the caller unmaps it first if it means IPv4.
func FamilyOf(a netip.Addr) Family {
	switch {
	case a.Is4():
		return IPv4
	case a.Is6():
		return IPv6
	}
	return 0
}

// Version is the protocol version.
type Version uint8

// The protocol versions: RFC 3768 (IPv4 only), and RFC 5798 with RFC 9568.
const (
	V2 Version = 2
	V3 Version = 3
)

// speaks reports whether version v exists for family f.
func (v Version) speaks(f Family) bool {
	return v == V3 && (f == IPv4 || f == IPv6) || v == V2 && f == IPv4
}

// VirtualMAC returns the virtual router's MAC address, RFC 9568 §7.3.
func VirtualMAC(f Family, vrid uint8) [6]byte {
	if f == IPv6 {
		return [6]byte{0x00, 0x00, 0x5e, 0x00, 0x02, vrid}
	}
	return [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, vrid}
}

// GroupAddress returns the multicast group that adverts are sent to,
// RFC 9568 §5.1.1.2 and §5.1.2.2.
func GroupAddress(f Family) netip.Addr {
	if f == IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
	}
	return netip.AddrFrom4([4]byte{224, 0, 0, 18})
}

// GroupMAC returns the Ethernet address of GroupAddress.
func GroupMAC(f Family) [6]byte {
	if f == IPv6 {
		return [6]byte{0x33, 0x33, 0x00, 0x00, 0x00, 0x12}
	}
	return [6]byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}
}
