package netio

import (
	"encoding/binary"
	"net/netip"
	"time"
)

var (
	// MulticastGroup6 is where IPv6 adverts go and what a router joins to hear them (RFC 9568 §5.1.2.2).
	MulticastGroup6 = netip.MustParseAddr("ff02::12")

	allNodes   = netip.IPv6LinkLocalAllNodes()
	allRouters = netip.IPv6LinkLocalAllRouters()
)

const (
	etherTypeIPv6 = 0x86dd

	ipv6HeaderLen  = 40
	ipv6Version    = 6
	protocolICMPv6 = 58

	icmpRouterSolicitation    = 133
	icmpRouterAdvertisement   = 134
	icmpNeighborAdvertisement = 136
	icmpChecksumOffset        = 2

	neighborRouter    = 0x80 // RFC 4861 §4.4
	neighborSolicited = 0x40
	neighborOverride  = 0x20

	routerManaged = 0x80 // RFC 4861 §4.2
	routerOther   = 0x40

	prefixOnLink     = 0x80 // RFC 4861 §4.6.2
	prefixAutonomous = 0x40

	// infiniteLifetime is the value in seconds that never ends (RFC 4861 §4.6.2).
	infiniteLifetime = 1<<32 - 1
)

// Options of Neighbor Discovery, RFC 4861 §4.6. Lengths are in units of eight bytes.
const (
	optionSourceLinkLayer = 1
	optionTargetLinkLayer = 2
	optionPrefix          = 3
	optionMTU             = 5
	optionDNS             = 25
	optionUnit            = 8
)

// SolicitedNode is the group that Neighbor Solicitations for a, an IPv6 address, go to (RFC 4291 §2.7.1).
func SolicitedNode(a netip.Addr) netip.Addr {
	from := a.As16()
	group := [16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff}
	copy(group[13:], from[13:])
	return netip.AddrFrom16(group)
}

// AppendAdvert6 appends to b the Ethernet frame that carries pdu, a complete VRRP advertisement, from source to
// ff02::12. mac is the virtual router MAC, as for AppendAdvert4. source must be the link-local IPv6 address of the
// interface (RFC 9568 §5.1.2.1), and pdu at most 65,535 bytes.
func AppendAdvert6(b []byte, mac [6]byte, source netip.Addr, pdu []byte) []byte {
	b = appendEthernet(b, groupMAC(MulticastGroup6), mac, etherTypeIPv6)
	b = appendIPv6(b, source, MulticastGroup6, protocolVRRP, len(pdu))
	return append(b, pdu...)
}

// AppendUnsolicitedNA appends to b the Neighbor Advertisement to all nodes by which the virtual router with MAC mac
// claims target, one of its IPv6 addresses (RFC 9568 §6.4.1).
func AppendUnsolicitedNA(b []byte, mac [6]byte, target netip.Addr) []byte {
	message := neighborAdvertisement(mac, target, neighborRouter|neighborOverride)
	return appendICMPv6(b, groupMAC(allNodes), mac, target, allNodes, message)
}

// Solicitation is a Neighbor Solicitation that wants an answer.
type Solicitation struct {
	// Source is who asks; :: asks whether Target is free (RFC 4862 §5.4.2).
	Source netip.Addr
	// Hardware is the Ethernet source of the question, and where the answer goes unless Source is ::.
	Hardware [6]byte
	// Target is the IPv6 address that is asked for.
	Target netip.Addr
}

// AppendSolicitedNA appends to b the Neighbor Advertisement of the virtual router with MAC mac that answers s. Who asks
// from :: has no address to be answered at: then it goes to all nodes and is not called solicited (RFC 4861 §7.2.4).
func AppendSolicitedNA(b []byte, mac [6]byte, s Solicitation) []byte {
	if s.Source.IsUnspecified() {
		return AppendUnsolicitedNA(b, mac, s.Target)
	}
	message := neighborAdvertisement(mac, s.Target, neighborRouter|neighborSolicited|neighborOverride)
	return appendICMPv6(b, s.Hardware, mac, s.Target, s.Source, message)
}

// neighborAdvertisement has the format of RFC 4861 §4.4.
func neighborAdvertisement(mac [6]byte, target netip.Addr, flags byte) []byte {
	address := target.As16()
	b := []byte{icmpNeighborAdvertisement, 0, 0, 0, flags, 0, 0, 0}
	b = append(b, address[:]...)
	return appendLinkLayerOption(b, optionTargetLinkLayer, mac)
}

// RouterAdvertisement is what a virtual router tells the hosts on its link (RFC 4861 §4.2). Durations are sent as
// whole seconds; what is left over is cut off.
type RouterAdvertisement struct {
	// Lifetime is how long the hosts may use the router by default, 0..9000 s. 0: not as a default router.
	Lifetime time.Duration
	// Managed tells hosts to ask DHCPv6 for addresses, OtherConfig for everything else.
	Managed, OtherConfig bool
	// HopLimit for the hosts' packets; 0: not told.
	HopLimit uint8
	// Preference among several default routers, RFC 4191 §2.1.
	Preference Preference
	// MTU of the link, at least 1280; 0: not told.
	MTU      int
	Prefixes []AdvertisedPrefix
	// DNS are name servers, for DNSLifetime (RFC 8106 §5.1).
	DNS         []netip.Addr
	DNSLifetime time.Duration
}

// Preference of a default router, as its two bits (RFC 4191 §2.1).
type Preference uint8

// The preferences.
const (
	PreferenceMedium Preference = 0b00
	PreferenceHigh   Preference = 0b01
	PreferenceLow    Preference = 0b11
)

const preferenceShift = 3

// AdvertisedPrefix tells hosts about one IPv6 prefix (RFC 4861 §4.6.2). The address bits after the prefix do not matter.
type AdvertisedPrefix struct {
	Prefix netip.Prefix
	// OnLink says that its addresses are reached without a router.
	OnLink bool
	// Autonomous says that hosts may make themselves addresses in it.
	Autonomous bool
	// Valid and Preferred are lifetimes, at least 0 and Preferred not longer than Valid. From 2^32-1 s on they never end.
	Valid, Preferred time.Duration
}

// AppendRouterAdvertisement appends to b the Router Advertisement ra to all nodes. mac is the virtual router MAC and
// source the virtual link-local IPv6 address, by which hosts know the router (RFC 9568 §6.4.3).
func AppendRouterAdvertisement(b []byte, mac [6]byte, source netip.Addr, ra RouterAdvertisement) []byte {
	flags := flag(ra.Managed, routerManaged) | flag(ra.OtherConfig, routerOther) | byte(ra.Preference<<preferenceShift)
	message := []byte{icmpRouterAdvertisement, 0, 0, 0, ra.HopLimit, flags}
	message = binary.BigEndian.AppendUint16(message, uint16(ra.Lifetime/time.Second))
	message = append(message, make([]byte, 8)...) // reachable time and retransmission timer: not told
	message = appendLinkLayerOption(message, optionSourceLinkLayer, mac)
	if ra.MTU != 0 {
		message = append(message, optionMTU, 1, 0, 0)
		message = binary.BigEndian.AppendUint32(message, uint32(ra.MTU))
	}
	for _, prefix := range ra.Prefixes {
		message = prefix.appendOption(message)
	}
	if len(ra.DNS) > 0 {
		message = append(message, optionDNS, byte(1+2*len(ra.DNS)), 0, 0)
		message = binary.BigEndian.AppendUint32(message, lifetimeSeconds(ra.DNSLifetime))
		for _, server := range ra.DNS {
			address := server.As16()
			message = append(message, address[:]...)
		}
	}
	return appendICMPv6(b, groupMAC(allNodes), mac, source, allNodes, message)
}

func (p AdvertisedPrefix) appendOption(b []byte) []byte {
	flags := flag(p.OnLink, prefixOnLink) | flag(p.Autonomous, prefixAutonomous)
	address := p.Prefix.Masked().Addr().As16()
	b = append(b, optionPrefix, 4, byte(p.Prefix.Bits()), flags)
	b = binary.BigEndian.AppendUint32(b, lifetimeSeconds(p.Valid))
	b = binary.BigEndian.AppendUint32(b, lifetimeSeconds(p.Preferred))
	b = append(b, 0, 0, 0, 0) // reserved
	return append(b, address[:]...)
}

func lifetimeSeconds(d time.Duration) uint32 {
	return uint32(min(d/time.Second, infiniteLifetime))
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

func appendLinkLayerOption(b []byte, kind byte, mac [6]byte) []byte {
	b = append(b, kind, 1)
	return append(b, mac[:]...)
}

// appendICMPv6 fills in the checksum of message, whose length is even.
func appendICMPv6(b []byte, to, mac [6]byte, source, destination netip.Addr, message []byte) []byte {
	checksum := icmpv6Checksum(source, destination, message)
	binary.BigEndian.PutUint16(message[icmpChecksumOffset:], checksum)
	b = appendEthernet(b, to, mac, etherTypeIPv6)
	b = appendIPv6(b, source, destination, protocolICMPv6, len(message))
	return append(b, message...)
}

// icmpv6Checksum covers the pseudo-header of RFC 8200 §8.1 as well.
func icmpv6Checksum(source, destination netip.Addr, message []byte) uint16 {
	from, to := source.As16(), destination.As16()
	covered := append(from[:], to[:]...)
	covered = binary.BigEndian.AppendUint32(covered, uint32(len(message)))
	covered = append(covered, 0, 0, 0, protocolICMPv6)
	return internetChecksum(append(covered, message...))
}

// appendIPv6 sets no flow label: there is no flow to tell apart.
func appendIPv6(b []byte, source, destination netip.Addr, next byte, payloadLen int) []byte {
	b = binary.BigEndian.AppendUint32(b, ipv6Version<<28|dscpCS6<<20)
	b = binary.BigEndian.AppendUint16(b, uint16(payloadLen))
	b = append(b, next, ttl)
	from, to := source.As16(), destination.As16()
	b = append(b, from[:]...)
	return append(b, to[:]...)
}
