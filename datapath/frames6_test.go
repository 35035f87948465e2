package datapath

import (
	"encoding/binary"
	"net/netip"
)

// Frames of IPv6 for the tests.

var (
	vip6         = netip.MustParseAddr("fe80::1:2:3:4")
	global6      = netip.MustParseAddr("2001:db8:5::6789")
	client6      = netip.MustParseAddr("fe80::77")
	peer6        = netip.MustParseAddr("fe80::3")
	virtualMAC6  = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x02, 0x0a}
	groupMAC6    = [6]byte{0x33, 0x33, 0x00, 0x00, 0x00, 0x12}
	allNodesMAC  = [6]byte{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}
	group6       = netip.MustParseAddr("ff02::12")
	allNodes     = netip.MustParseAddr("ff02::1")
	unspecified6 = netip.IPv6Unspecified()
)

// packet6 is an IPv6 packet with an upper-layer checksum at a given place.
type packet6 struct {
	to, from            [6]byte
	source, destination netip.Addr
	hopLimit            byte
	next                byte
	payload             []byte
	checksumAt          int
}

func (p packet6) frame() []byte {
	payload := append([]byte(nil), p.payload...)
	if p.checksumAt > 0 && p.checksumAt+2 <= len(payload) {
		payload[p.checksumAt], payload[p.checksumAt+1] = 0, 0
		length := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
		sum := internetSum(p.source.AsSlice(), p.destination.AsSlice(), length, []byte{0, 0, 0, p.next}, even(payload))
		binary.BigEndian.PutUint16(payload[p.checksumAt:], sum)
	}
	header := []byte{0x60, 0, 0, 0, byte(len(payload) >> 8), byte(len(payload)), p.next, p.hopLimit}
	return join(ethernetHeader(p.to, p.from, 0x86dd), header, p.source.AsSlice(), p.destination.AsSlice(), payload)
}

func even(b []byte) []byte {
	if len(b)%2 == 0 {
		return b
	}
	return append(append([]byte(nil), b...), 0)
}

func solicitedNode(a netip.Addr) netip.Addr {
	b := netip.MustParseAddr("ff02::1:ff00:0").As16()
	from := a.As16()
	copy(b[13:], from[13:])
	return netip.AddrFrom16(b)
}

// multicastMAC is the Ethernet address of an IPv6 group, RFC 2464 §7.
func multicastMAC(a netip.Addr) [6]byte {
	b := a.As16()
	return [6]byte{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

func option(kind byte, mac [6]byte) []byte { return join([]byte{kind, 1}, mac[:]) }

func sourceOption(mac [6]byte) []byte { return option(1, mac) }
func targetOption(mac [6]byte) []byte { return option(2, mac) }

var nonce = []byte{14, 1, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6}

// neighborMessage is a solicitation (135) or advertisement (136).
func neighborMessage(kind, flags byte, target netip.Addr, options ...[]byte) []byte {
	return join([]byte{kind, 0, 0, 0, flags, 0, 0, 0}, target.AsSlice(), join(options...))
}

// solicitation is one as a host sends it that resolves the target.
func solicitation(target netip.Addr) packet6 {
	group := solicitedNode(target)
	return packet6{to: multicastMAC(group), from: clientMAC, source: client6, destination: group, hopLimit: 255, next: 58,
		payload: neighborMessage(135, 0, target, sourceOption(clientMAC)), checksumAt: 2}
}

// probe is one as a host sends it that makes sure (RFC 4861 §7.3.1), without option.
func unicastProbe(target netip.Addr) packet6 {
	p := solicitation(target)
	p.to, p.destination, p.payload = virtualMAC6, target, neighborMessage(135, 0, target)
	return p
}

const (
	flagsSolicited   = 0xe0 // router, solicited, override
	flagsUnsolicited = 0xa0 // router, override
)

// advertised is the answer to a solicitation.
func advertised(target netip.Addr, options ...[]byte) packet6 {
	return packet6{to: clientMAC, from: virtualMAC6, source: target, destination: client6, hopLimit: 255, next: 58,
		payload: neighborMessage(136, flagsSolicited, target, options...), checksumAt: 2}
}

// with6 changes one thing of a packet and puts the checksum right.
func with6(p packet6, change func(*packet6)) []byte {
	change(&p)
	return p.frame()
}

func advert6() packet6 {
	return packet6{to: groupMAC6, from: virtualMAC6, source: peer6, destination: group6, hopLimit: 255, next: 112,
		payload: pdu6(100, vip6, global6), checksumAt: 6}
}

func pdu6(interval uint16, addresses ...netip.Addr) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x31, 10, 120, byte(len(addresses))}, interval)
	b = append(b, 0, 0)
	for _, a := range addresses {
		b = append(b, a.AsSlice()...)
	}
	return b
}
