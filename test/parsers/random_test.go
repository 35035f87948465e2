package parsers

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// source makes frames, the same ones for the same seed and stream.
type source struct{ *rand.Rand }

func newSource(seed, stream uint64) source { return source{rand.New(rand.NewPCG(seed, stream))} }

func (s source) oneIn(n int) bool { return s.IntN(n) == 0 }

func (s source) byte() byte { return byte(s.Uint32()) }

func (s source) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = s.byte()
	}
	return b
}

func pick[T any](s source, of ...T) T { return of[s.IntN(len(of))] }

func (s source) mac() [6]byte {
	r := s.router(vrrp.IPv6, 0)
	return pick(s, deviceMAC, senderMAC, r.mac(), r.mac(), allNodesMAC, [6]byte(s.bytes(6)))
}

func (s source) linkLocal() netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: 0xff, 14: s.byte(), 15: s.byte()})
}

// vlan is mostly one with virtual routers.
func (s source) vlan() uint16 { return pick[uint16](s, 0, 0, 0, 0, 30, 30, 30, uint16(s.IntN(4096))) }

// router is one of a family, in the VLAN if there is any.
func (s source) router(f vrrp.Family, vlan uint16) *virtualRouter {
	if vlan != 30 {
		vlan = 0
	}
	for {
		if r := configured[identity{vlan, pick[uint8](s, 1, 2, 4, 5, 255), f}]; r != nil {
			return r
		}
	}
}

// ethernet is a header, with a tag where there is a VLAN, and sometimes where there is none.
func (s source) ethernet(to, from [6]byte, vlan uint16, protocol uint16) []byte {
	b := append(to[:], from[:]...)
	if vlan != 0 || s.oneIn(20) {
		b = binary.BigEndian.AppendUint16(b, etherVLAN)
		b = binary.BigEndian.AppendUint16(b, uint16(s.IntN(16))<<12|vlan)
	}
	return binary.BigEndian.AppendUint16(b, protocol)
}

func ipv4Header(from, to netip.Addr, protocol byte) []byte {
	h := []byte{0x45, 0xc0, 0, 0, 0x12, 0x34, 0x40, 0, vrrp.TTL, protocol, 0, 0}
	return append(append(h, from.AsSlice()...), to.AsSlice()...)
}

func ipv6Header(from, to netip.Addr, protocol byte) []byte {
	h := []byte{0x6c, 0, 0x12, 0x34, 0, 0, protocol, vrrp.TTL}
	return append(append(h, from.AsSlice()...), to.AsSlice()...)
}

// finish mends what is to be right after the changes, and pads the frame, mostly as Ethernet does.
func (s source) finish(p *packet, damages int) []byte {
	if s.IntN(8) > 0 {
		p.mendIP()
	}
	length := len(p.frame())
	switch s.IntN(16) {
	case 0, 1:
		p.padding = s.bytes(s.IntN(80))
	default:
		p.padding = s.bytes(max(0, 60-length))
	}
	frame := p.frame()
	if damages > 0 && s.oneIn(20) {
		frame[s.IntN(len(frame))] ^= 1 << s.IntN(8)
	}
	if damages > 0 && s.oneIn(30) {
		frame = frame[:ethernetLength+s.IntN(len(frame)-ethernetLength+1)]
	}
	if see(frame).protocol == etherARP {
		return s.finish(p, 0)
	}
	return append(frame, make([]byte, max(0, shortest(frame)-len(frame)))...)
}

// The changes that both kinds of packets get.
func (s source) commonChanges() []func(*packet) {
	return []func(*packet){s.flipBit, s.truncate, s.extend, s.changeTTL, s.changeIP, s.changeLength, s.extensionHeader, s.changeEthernet}
}

func (s source) flipBit(p *packet) {
	if len(p.payload) > 0 {
		p.payload[s.IntN(len(p.payload))] ^= 1 << s.IntN(8)
	}
}

// truncate takes from the end of the payload, and mostly tells IP so.
func (s source) truncate(p *packet) {
	p.payload = p.payload[:s.IntN(len(p.payload)+1)]
	s.mostly(p.mendLength)
}

func (s source) extend(p *packet) {
	p.payload = append(p.payload, s.bytes(1+s.IntN(16))...)
	s.mostly(p.mendLength)
}

func (s source) mostly(do func()) {
	if !s.oneIn(4) {
		do()
	}
}

// hopLimitAt is where the header has TTL or hop limit.
func (p *packet) hopLimitAt() int { return map[int]int{ipv4Length: 8, ipv6Length: 7}[len(p.ip)] }

func (s source) changeTTL(p *packet) { p.ip[p.hopLimitAt()] = pick(s, 254, 0, s.byte()) }

// changeIP flips a bit of the IP header, or sets a source that no host has, or what makes a fragment.
func (s source) changeIP(p *packet) {
	if s.oneIn(4) {
		from := s.noHost(len(p.ip) == ipv4Length)
		copy(p.ip[map[int]int{ipv4Length: 12, ipv6Length: 8}[len(p.ip)]:], from.AsSlice())
		return
	}
	if len(p.ip) == ipv4Length && s.oneIn(2) {
		binary.BigEndian.PutUint16(p.ip[6:], pick[uint16](s, 0, 0x2000, 0x0001, 0x8000, uint16(s.Uint32())))
		return
	}
	p.ip[s.IntN(len(p.ip))] ^= 1 << s.IntN(8)
}

func (s source) noHost(v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{pick[byte](s, 0, 127, 224, 240, 255, 223, 126), s.byte(), s.byte(), s.byte()})
	}
	return pick(s, netip.IPv6Unspecified(), netip.IPv6Loopback(), allNodes, netip.AddrFrom16([16]byte{15: 2}))
}

// changeLength makes IP promise more or less than there is.
func (s source) changeLength(p *packet) {
	at := map[int]int{ipv4Length: 2, ipv6Length: 4}[len(p.ip)]
	was := binary.BigEndian.Uint16(p.ip[at:])
	binary.BigEndian.PutUint16(p.ip[at:], pick(s, 0, was+uint16(1+s.IntN(64)), was-uint16(1+s.IntN(16)), uint16(s.Uint32())))
}

// extensionHeader puts one between IPv6 and its payload, or calls another protocol by its name.
func (s source) extensionHeader(p *packet) {
	if len(p.ip) != ipv6Length {
		p.ip[9] = s.byte()
		return
	}
	next := pick[byte](s, 0, 43, 44, 50, 51, 60, 59)
	if s.oneIn(2) {
		header := append([]byte{pick(s, p.ip[6], p.ip[6], 60, 0, 59), 0}, s.bytes(6)...)
		p.payload = append(header, p.payload...)
		p.mendLength()
	}
	p.ip[6] = next
}

// changeEthernet changes an address or the type, or tags the frame.
func (s source) changeEthernet(p *packet) {
	at := len(p.ethernet) - 2
	switch s.IntN(6) {
	case 0:
		copy(p.ethernet[6:], s.bytes(6))
	case 1:
		binary.BigEndian.PutUint16(p.ethernet[at:], pick[uint16](s, etherIPv4, etherIPv6, 0x0801))
	case 2:
		tag := binary.BigEndian.AppendUint16(nil, pick[uint16](s, etherVLAN, etherQinQ))
		tag = binary.BigEndian.AppendUint16(tag, s.vlan())
		p.ethernet = append(append(p.ethernet[:12:12], tag...), p.ethernet[12:]...)
	default:
		to := s.mac()
		copy(p.ethernet, to[:])
	}
}
