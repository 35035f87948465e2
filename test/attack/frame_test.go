package attack

import (
	"encoding/binary"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// packet is an advert, or what looks like one: a good one until an attack says
// otherwise.
type packet struct {
	to, from            lab.MAC
	tags                []uint16 // kind and VLAN, of each
	source, destination netip.Addr
	ttl                 byte // or hop limit
	options             []byte
	fragment            uint16 // IPv4 flags and offset
	extension           byte   // IPv6: an empty header of that kind, if it is not 0
	pdu                 []byte
	missing, padding    int // bytes of the frame
}

func (p packet) frame() []byte {
	b := append(append([]byte{}, p.to[:]...), p.from[:]...)
	for _, t := range p.tags {
		b = binary.BigEndian.AppendUint16(b, t)
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
	length := 20 + len(p.options)
	ip := []byte{0x40 | byte(length/4), 0, 0, 0, 0, 0, 0, 0, p.ttl, vrrp.Protocol, 0, 0}
	binary.BigEndian.PutUint16(ip[2:], uint16(length+len(p.pdu)))
	binary.BigEndian.PutUint16(ip[6:], p.fragment)
	ip = append(append(append(ip, p.source.AsSlice()...), p.destination.AsSlice()...), p.options...)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip))
	return append(append(b, 0x08, 0x00), ip...)
}

func (p packet) appendIPv6(b []byte) []byte {
	next, header := byte(vrrp.Protocol), []byte(nil)
	if p.extension != 0 {
		next, header = p.extension, []byte{vrrp.Protocol, 0, 1, 4, 0, 0, 0, 0} // PadN
	}
	b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(header)+len(p.pdu)))
	b = append(append(append(b, next, p.ttl), p.source.AsSlice()...), p.destination.AsSlice()...)
	return append(b, header...)
}

// sum puts the checksum right, after the message was changed.
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
