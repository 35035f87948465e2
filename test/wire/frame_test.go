package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// Ethernet types of the tags that frames are given here.
const (
	customerTag = 0x8100 // 802.1Q
	serviceTag  = 0x88a8 // 802.1ad
)

// Next headers of IPv6, RFC 8200 §4.
const (
	hopByHop           = 0
	fragmentHeader     = 44
	destinationOptions = 60
)

// tag is a VLAN tag.
type tag struct{ kind, vlan uint16 }

// extension is an IPv6 extension header of 8 bytes.
type extension struct {
	kind byte
	body [6]byte // what follows next header and length
}

// packet is an advert on its way to being a frame: a good one until a test
// damages it.
type packet struct {
	to, from            lab.MAC
	tags                []tag
	source, destination netip.Addr
	ttl                 byte // or hop limit
	options             []byte
	fragment            uint16 // IPv4 flags and offset
	extensions          []extension
	pdu                 []byte
	missing             int // bytes of the IP packet that the frame ends before
	padding             int // zeros behind the IP packet
}

func (p packet) frame() []byte {
	b := append(append([]byte{}, p.to[:]...), p.from[:]...)
	for _, t := range p.tags {
		b = binary.BigEndian.AppendUint16(b, t.kind)
		b = binary.BigEndian.AppendUint16(b, t.vlan)
	}
	if p.source.Is4() {
		b = p.appendIPv4(b)
	} else {
		b = p.appendIPv6(b)
	}
	b = append(b, p.pdu...)
	return append(b[:len(b)-p.missing], make([]byte, p.padding)...)
}

func (p packet) appendIPv4(b []byte) []byte {
	b = append(b, 0x08, 0x00)
	length := 20 + len(p.options)
	ip := make([]byte, 12, length)
	ip[0] = 0x40 | byte(length/4)
	binary.BigEndian.PutUint16(ip[2:], uint16(length+len(p.pdu)))
	binary.BigEndian.PutUint16(ip[6:], p.fragment)
	ip[8], ip[9] = p.ttl, vrrp.Protocol
	ip = append(append(ip, p.source.AsSlice()...), p.destination.AsSlice()...)
	ip = append(ip, p.options...)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip))
	return append(b, ip...)
}

func (p packet) appendIPv6(b []byte) []byte {
	b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(8*len(p.extensions)+len(p.pdu)))
	b = append(b, p.next(0), p.ttl)
	b = append(append(b, p.source.AsSlice()...), p.destination.AsSlice()...)
	for i, e := range p.extensions {
		b = append(b, p.next(i+1), 0)
		b = append(b, e.body[:]...)
	}
	return b
}

// next is the number of the header that follows the first i extension headers.
func (p packet) next(i int) byte {
	if i < len(p.extensions) {
		return p.extensions[i].kind
	}
	return vrrp.Protocol
}

// sum puts the checksum right, after a test has changed the message.
func (p *packet) sum() {
	p.pdu[6], p.pdu[7] = 0, 0
	covered := p.pdu
	if p.pdu[0]>>4 != 2 {
		covered = append(append([]byte{}, p.source.AsSlice()...), p.destination.AsSlice()...)
		covered = binary.BigEndian.AppendUint32(covered, uint32(len(p.pdu)))
		covered = append(append(covered, 0, 0, 0, vrrp.Protocol), p.pdu...)
	}
	binary.BigEndian.PutUint16(p.pdu[6:], checksum(covered))
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// groupOf is where multicast adverts of a family go.
func groupOf(f vrrp.Family) (netip.Addr, lab.MAC) {
	return vrrp.GroupAddress(f), lab.MAC(vrrp.GroupMAC(f))
}
