package netio

import (
	"encoding/binary"
	"net/netip"
)

// MulticastGroup4 is where IPv4 adverts go and what a router joins to hear them (RFC 9568 §5.1.1.2).
var MulticastGroup4 = netip.AddrFrom4([4]byte{224, 0, 0, 18})

const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806

	ipv4HeaderLen  = 20
	ipv4VersionIHL = 0x45
	dscpCS6        = 0xc0 // network control, so that congestion drops adverts last
	dontFragment   = 0x4000
	ttl            = 255 // RFC 9568 §5.1.1.3: proves to the receiver that no router forwarded the advert
	protocolVRRP   = 112 // RFC 9568 §5.1.1.4
)

var broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// AppendAdvert4 appends to b the Ethernet frame that carries pdu, a complete VRRP advertisement, from source to
// 224.0.0.18. mac is the virtual router MAC: it must be the Ethernet source, because adverts teach switches where the
// virtual router is (RFC 9568 §7.3). source must be an IPv4 address, and pdu at most 65,515 bytes.
func AppendAdvert4(b []byte, mac [6]byte, source netip.Addr, pdu []byte) []byte {
	b = appendEthernet(b, groupMAC(MulticastGroup4), mac, etherTypeIPv4)
	b = appendIPv4(b, source, MulticastGroup4, len(pdu))
	return append(b, pdu...)
}

// AppendGratuitousARP4 appends to b the broadcast ARP request by which the virtual router with MAC mac claims vip, an
// IPv4 address (RFC 9568 §6.4.1).
func AppendGratuitousARP4(b []byte, mac [6]byte, vip netip.Addr) []byte {
	b = appendEthernet(b, broadcast, mac, etherTypeARP)
	b = append(b,
		0, 1, // hardware type: Ethernet
		0x08, 0x00, // protocol type: IPv4
		6, 4, // address lengths
		0, 1) // operation: request
	address := vip.As4()
	b = append(b, mac[:]...)
	b = append(b, address[:]...)
	b = append(b, broadcast[:]...)
	return append(b, address[:]...)
}

func appendEthernet(b []byte, destination, source [6]byte, etherType uint16) []byte {
	b = append(b, destination[:]...)
	b = append(b, source[:]...)
	return binary.BigEndian.AppendUint16(b, etherType)
}

// appendIPv4 leaves the identification 0: a datagram that cannot be fragmented needs none (RFC 6864 §4.1), and the
// same advert is then the same frame every time.
func appendIPv4(b []byte, source, destination netip.Addr, payloadLen int) []byte {
	start := len(b)
	b = append(b, ipv4VersionIHL, dscpCS6)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4HeaderLen+payloadLen))
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint16(b, dontFragment)
	b = append(b, ttl, protocolVRRP, 0, 0)
	from, to := source.As4(), destination.As4()
	b = append(b, from[:]...)
	b = append(b, to[:]...)
	binary.BigEndian.PutUint16(b[start+10:], internetChecksum(b[start:]))
	return b
}

// internetChecksum is the checksum of RFC 1071 over a header of even length.
func internetChecksum(header []byte) uint16 {
	var sum uint32
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// groupMAC maps a multicast group to its Ethernet address (RFC 1112 §6.4, RFC 2464 §7).
func groupMAC(group netip.Addr) [6]byte {
	if group.Is4() {
		g := group.As4()
		return [6]byte{0x01, 0x00, 0x5e, g[1] & 0x7f, g[2], g[3]}
	}
	g := group.As16()
	return [6]byte{0x33, 0x33, g[12], g[13], g[14], g[15]}
}
