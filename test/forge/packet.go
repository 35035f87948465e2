// Package forge makes packets that a sound router would not send: adverts, each
// byte of which a test can change.
package forge

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// Next headers of IPv6, RFC 8200 §4.
const (
	HopByHop           = 0
	FragmentHeader     = 44
	DestinationOptions = 60
)

// Tag is a VLAN tag: Ethernet type, and priority with VLAN.
type Tag struct{ Kind, VLAN uint16 }

// Customer is a tag of 802.1Q.
func Customer(vlan uint16) Tag { return Tag{0x8100, vlan} }

// Service is a tag of 802.1ad.
func Service(vlan uint16) Tag { return Tag{0x88a8, vlan} }

// Extension is an IPv6 extension header of 8 bytes.
type Extension struct {
	Kind byte
	Body [6]byte // what follows next header and length
}

// Padded is an extension header of options that has padding only (PadN).
func Padded(kind byte) Extension { return Extension{Kind: kind, Body: [6]byte{1, 4}} }

// Packet is an advert on its way to being a frame: a good one until a test
// damages it.
type Packet struct {
	To, From            lab.MAC
	Tags                []Tag
	Source, Destination netip.Addr
	TTL                 byte        // or hop limit
	Options             []byte      // IPv4: of the header, a multiple of 4 bytes
	Fragment            uint16      // IPv4: flags and offset
	Extensions          []Extension // IPv6: headers before the advert
	PDU                 []byte      // the advert, with its checksum
	Missing             int         // bytes of the IP packet that the frame ends before
	Padding             int         // zeros behind the IP packet
}

// Frame is the packet on the wire, from the Ethernet destination on.
func (p Packet) Frame() []byte {
	b := append(append([]byte{}, p.To[:]...), p.From[:]...)
	for _, t := range p.Tags {
		b = binary.BigEndian.AppendUint16(b, t.Kind)
		b = binary.BigEndian.AppendUint16(b, t.VLAN)
	}
	if p.Source.Is4() {
		b = p.appendIPv4(b)
	} else {
		b = p.appendIPv6(b)
	}
	b = append(b, p.PDU...)
	return append(b[:len(b)-p.Missing], make([]byte, p.Padding)...)
}

func (p Packet) appendIPv4(b []byte) []byte {
	b = append(b, 0x08, 0x00)
	length := 20 + len(p.Options)
	ip := make([]byte, 12, length)
	ip[0] = 0x40 | byte(length/4)
	binary.BigEndian.PutUint16(ip[2:], uint16(length+len(p.PDU)))
	binary.BigEndian.PutUint16(ip[6:], p.Fragment)
	ip[8], ip[9] = p.TTL, vrrp.Protocol
	ip = append(append(ip, p.Source.AsSlice()...), p.Destination.AsSlice()...)
	ip = append(ip, p.Options...)
	binary.BigEndian.PutUint16(ip[10:], lab.Checksum(ip))
	return append(b, ip...)
}

func (p Packet) appendIPv6(b []byte) []byte {
	b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(8*len(p.Extensions)+len(p.PDU)))
	b = append(b, p.next(0), p.TTL)
	b = append(append(b, p.Source.AsSlice()...), p.Destination.AsSlice()...)
	for i, e := range p.Extensions {
		b = append(b, p.next(i+1), 0)
		b = append(b, e.Body[:]...)
	}
	return b
}

// next is the number of the header that follows the first i extension headers.
func (p Packet) next(i int) byte {
	if i < len(p.Extensions) {
		return p.Extensions[i].Kind
	}
	return vrrp.Protocol
}

// Sum puts the advert's checksum right, after a test has changed the message or the addresses.
func (p *Packet) Sum() {
	p.PDU[6], p.PDU[7] = 0, 0
	covered := p.PDU
	if p.PDU[0]>>4 != 2 {
		covered = append(append([]byte{}, p.Source.AsSlice()...), p.Destination.AsSlice()...)
		covered = binary.BigEndian.AppendUint32(covered, uint32(len(p.PDU)))
		covered = append(append(covered, 0, 0, 0, vrrp.Protocol), p.PDU...)
	}
	binary.BigEndian.PutUint16(p.PDU[6:], lab.Checksum(covered))
}
