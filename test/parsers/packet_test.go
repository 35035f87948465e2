package parsers

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const (
	ethernetLength = 14
	ipLength       = 20
	headerLength   = 8    // of an advert, both versions
	longestPDU     = 1480 // what an Ethernet frame carries behind an IPv4 header
)

var (
	groupMAC  = vrrp.GroupMAC(vrrp.IPv4)
	senderMAC = [6]byte{0x02, 0, 0, 0, 0, 0x03}
)

// packet is one input: a PDU behind an IPv4 header that is valid but, perhaps,
// for its length.
type packet struct {
	vlan    uint16 // 0: no tag
	source  [4]byte
	ttl     byte
	pdu     []byte
	missing uint16 // how many bytes more the IP header promises
	padding int    // how many bytes follow in the frame; never with missing
}

func (p packet) frame() []byte {
	f := append(groupMAC[:], senderMAC[:]...)
	if p.vlan != 0 {
		f = binary.BigEndian.AppendUint16(append(f, 0x81, 0x00), 0xb000|p.vlan) // priority 5, drop eligible
	}
	f = append(f, 0x08, 0x00)
	f = append(f, p.ipHeader()...)
	f = append(f, p.pdu...)
	for range p.padding {
		f = append(f, 0xa5)
	}
	return f
}

func (p packet) ipHeader() []byte {
	total := ipLength + len(p.pdu) + int(p.missing)
	h := []byte{0x45, 0xc0, byte(total >> 8), byte(total), 0x12, 0x34, 0x40, 0, p.ttl, vrrp.Protocol, 0, 0}
	h = append(h, p.source[:]...)
	h = append(h, vrrp.GroupAddress(vrrp.IPv4).AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], ^sum(h))
	return h
}

// parsed is the packet as a socket gives it to Go.
func (p packet) parsed() vrrp.Packet {
	return vrrp.Packet{
		Family:      vrrp.IPv4,
		Source:      netip.AddrFrom4(p.source),
		Destination: vrrp.GroupAddress(vrrp.IPv4),
		TTL:         p.ttl,
		PDU:         p.pdu,
	}
}

// mend puts the checksum right, over the message alone or over a pseudo-header too.
func (p packet) mend(pseudo bool) {
	if len(p.pdu) < headerLength {
		return
	}
	p.pdu[6], p.pdu[7] = 0, 0
	covered := [][]byte{p.pdu}
	if pseudo {
		group := vrrp.GroupAddress(vrrp.IPv4).AsSlice()
		length := len(p.pdu)
		covered = append(covered, p.source[:], group, []byte{0, vrrp.Protocol, byte(length >> 8), byte(length)})
	}
	binary.BigEndian.PutUint16(p.pdu[6:], ^sum(covered...))
}

// sum is the one's complement sum of 16-bit words, RFC 1071; of an odd length
// the last byte is left out.
func sum(parts ...[]byte) uint16 {
	var s uint32
	for _, b := range parts {
		for ; len(b) >= 2; b = b[2:] {
			s += uint32(b[0])<<8 | uint32(b[1])
		}
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}
