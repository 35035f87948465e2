package lab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Types of ICMPv6 messages of Neighbor Discovery (RFC 4861 §4).
const (
	NeighborSolicitation  uint8 = 135
	NeighborAdvertisement uint8 = 136
)

// Option types of a source and a target link-layer address (RFC 4861 §4.6.1).
const (
	sourceLinkLayer = 1
	targetLinkLayer = 2
)

const (
	ipv6Header = 40
	ndMessage  = 24  // without options
	ndHopLimit = 255 // of every valid message, RFC 4861 §7.1
)

// ND is an Ethernet frame with a Neighbor Solicitation or Advertisement.
type ND struct {
	Destination, Source           MAC // Ethernet
	SourceIP, DestinationIP       netip.Addr
	Type                          uint8
	Router, Solicited, Overriding bool // flags of an advertisement
	Target                        netip.Addr
	LinkLayer                     MAC // source link-layer option of a solicitation, target one of an advertisement; zero: none
}

// Solicit is the question of a host for the address target, sent to the target's solicited-node group. With the
// unspecified address as its source it is a probe for duplicates, without an option (RFC 4862 §5.4.2).
func Solicit(from MAC, source, target netip.Addr) ND {
	t := target.As16()
	group := netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: t[13], 14: t[14], 15: t[15]})
	n := ND{
		Destination: MAC{0x33, 0x33, 0xff, t[13], t[14], t[15]}, Source: from, SourceIP: source, DestinationIP: group,
		Type: NeighborSolicitation, Target: target, LinkLayer: from,
	}
	if source.IsUnspecified() {
		n.LinkLayer = MAC{}
	}
	return n
}

// Frame writes the message as an untagged frame with hop limit 255 and a right checksum.
func (n ND) Frame() []byte {
	m := make([]byte, 8, ndMessage+8)
	m[0] = n.Type
	for bit, set := range map[byte]bool{0x80: n.Router, 0x40: n.Solicited, 0x20: n.Overriding} {
		if set {
			m[4] |= bit
		}
	}
	m = append(m, n.Target.AsSlice()...)
	if !n.LinkLayer.IsZero() {
		m = append(m, n.option(), 1)
		m = append(m, n.LinkLayer[:]...)
	}
	b := append(append([]byte{}, n.Destination[:]...), n.Source[:]...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_IPV6)
	b = append(b, 0x60, 0, 0, 0, 0, byte(len(m)), unix.IPPROTO_ICMPV6, ndHopLimit)
	b = append(append(b, n.SourceIP.AsSlice()...), n.DestinationIP.AsSlice()...)
	binary.BigEndian.PutUint16(m[2:], Checksum(icmp6Covered(b[14:], m)))
	return append(b, m...)
}

func (n ND) option() byte {
	if n.Type == NeighborAdvertisement {
		return targetLinkLayer
	}
	return sourceLinkLayer
}

// icmp6Covered is what the checksum of a message covers: the pseudo-header (RFC 8200 §8.1) and the message.
func icmp6Covered(ip, message []byte) []byte {
	covered := append([]byte{}, ip[8:ipv6Header]...)
	covered = binary.BigEndian.AppendUint32(covered, uint32(len(message)))
	covered = append(covered, 0, 0, 0, unix.IPPROTO_ICMPV6)
	return append(covered, message...)
}

// ParseND reads an untagged frame; ok is false when it is no Neighbor Solicitation or Advertisement, or one that a host
// must ignore: hop limit, checksum, lengths (RFC 4861 §7.1).
func ParseND(frame []byte) (n ND, ok bool) {
	if len(frame) < 14+ipv6Header+ndMessage || binary.BigEndian.Uint16(frame[12:]) != unix.ETH_P_IPV6 {
		return ND{}, false
	}
	ip := frame[14:]
	length := int(binary.BigEndian.Uint16(ip[4:]))
	if ip[6] != unix.IPPROTO_ICMPV6 || ip[7] != ndHopLimit || length < ndMessage || length%2 != 0 || len(ip) < ipv6Header+length {
		return ND{}, false
	}
	m := ip[ipv6Header : ipv6Header+length]
	if m[0] != NeighborSolicitation && m[0] != NeighborAdvertisement || m[1] != 0 || Checksum(icmp6Covered(ip, m)) != 0 {
		return ND{}, false
	}
	n = ND{
		Destination: MAC(frame[0:6]), Source: MAC(frame[6:12]),
		SourceIP: netip.AddrFrom16([16]byte(ip[8:24])), DestinationIP: netip.AddrFrom16([16]byte(ip[24:40])),
		Type: m[0], Router: m[4]&0x80 != 0, Solicited: m[4]&0x40 != 0, Overriding: m[4]&0x20 != 0,
		Target: netip.AddrFrom16([16]byte(m[8:24])),
	}
	return n, n.readOptions(m[ndMessage:])
}

func (n *ND) readOptions(options []byte) bool {
	for len(options) > 0 {
		if len(options) < 8 || options[1] == 0 || len(options) < 8*int(options[1]) {
			return false
		}
		if options[0] == n.option() {
			n.LinkLayer = MAC(options[2:8])
		}
		options = options[8*int(options[1]):]
	}
	return true
}
