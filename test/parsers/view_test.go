package parsers

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const (
	etherIPv4 = 0x0800
	etherVLAN = 0x8100
	etherQinQ = 0x88a8
	etherIPv6 = 0x86dd

	ethernetLength = 14
	tagLength      = 4
	ipv4Length     = 20
	ipv6Length     = 40
)

// view is a frame as an Ethernet interface sees it.
type view struct {
	frame    []byte
	to, from [6]byte
	vlan     uint16 // 0: none
	protocol uint16
	network  int  // where what follows Ethernet begins
	foreign  bool // in a service VLAN, with two tags, or cut off within one: somebody else's
}

// see takes the tag of a VLAN off.
func see(frame []byte) view {
	v := view{
		frame: frame, to: [6]byte(frame), from: [6]byte(frame[6:]),
		protocol: binary.BigEndian.Uint16(frame[12:]), network: ethernetLength,
	}
	if v.protocol == etherVLAN && len(frame) >= ethernetLength+tagLength {
		v.vlan = binary.BigEndian.Uint16(frame[14:]) & 0x0fff
		v.protocol = binary.BigEndian.Uint16(frame[16:])
		v.network += tagLength
	}
	v.foreign = v.protocol == etherVLAN || v.protocol == etherQinQ
	return v
}

func (v view) toGroup() bool { return v.to[0]&1 == 1 }

// rest is the packet, and the padding if there is any.
func (v view) rest() []byte { return v.frame[v.network:] }

// family is that of a frame with a whole IP header, 0 of any other.
func (v view) family() vrrp.Family {
	switch {
	case v.protocol == etherIPv4 && len(v.rest()) >= ipv4Length:
		return vrrp.IPv4
	case v.protocol == etherIPv6 && len(v.rest()) >= ipv6Length:
		return vrrp.IPv6
	}
	return 0
}

// datagram is what the header of an IP packet says.
type datagram struct {
	family              vrrp.Family
	source, destination netip.Addr
	ttl, protocol       byte
	promised            int    // length of the payload
	rest                []byte // the payload, and padding
}

// datagram reads the header of a packet of a family.
func (v view) datagram() datagram {
	b := v.rest()
	if v.family() == vrrp.IPv4 {
		return datagram{
			family: vrrp.IPv4,
			source: netip.AddrFrom4([4]byte(b[12:])), destination: netip.AddrFrom4([4]byte(b[16:])),
			ttl: b[8], protocol: b[9],
			promised: int(binary.BigEndian.Uint16(b[2:])) - ipv4Length, rest: b[ipv4Length:],
		}
	}
	return datagram{
		family: vrrp.IPv6,
		source: netip.AddrFrom16([16]byte(b[8:])), destination: netip.AddrFrom16([16]byte(b[24:])),
		ttl: b[7], protocol: b[6],
		promised: int(binary.BigEndian.Uint16(b[4:])), rest: b[ipv6Length:],
	}
}

// truncated says that the frame ends before the packet.
func (d datagram) truncated() bool { return d.promised > len(d.rest) }

// payload is what the header promises; of a truncated packet there is none.
func (d datagram) payload() []byte { return d.rest[:d.promised] }

// pseudoHeader is that of RFC 8200 §8.1, and of RFC 793 for IPv4: the order of
// its fields does not matter to a sum.
func (d datagram) pseudoHeader(length int) []byte {
	b := append(d.source.AsSlice(), d.destination.AsSlice()...)
	return append(binary.BigEndian.AppendUint32(b, uint32(length)), 0, 0, 0, d.protocol)
}

// sum is the one's complement sum of 16-bit words, RFC 1071; an odd last byte
// is the high half of a word.
func sum(parts ...[]byte) uint16 {
	var s uint32
	for _, b := range parts {
		for i, value := range b {
			if i%2 == 0 {
				s += uint32(value) << 8
			} else {
				s += uint32(value)
			}
		}
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
