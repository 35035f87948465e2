package parsers

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const mostAddresses6 = 92 // of an advert in IPv6: 1,480 bytes

// advertFrame is random bytes one time in ten, else a valid advert, with up to
// three changes; its checksums are put right afterwards, or not.
func (s source) advertFrame() []byte {
	family, vlan := pick(s, vrrp.IPv4, vrrp.IPv4, vrrp.IPv6), s.vlan()
	p, damages := s.advertPacket(family, vlan), s.IntN(4)
	if s.oneIn(10) {
		p.payload = s.bytes(s.payloadLength())
		damages++
	}
	p.mendLength()
	p.mendIP()
	for range damages {
		pick(s, s.advertChanges()...)(p)
	}
	if damages > 0 && s.IntN(4) > 0 {
		p.mendPayload(len(p.ip) == ipv6Length && !s.oneIn(10) || s.oneIn(2))
	}
	return s.finish(p, damages)
}

// payloadLength is mostly short, and sometimes all that a frame carries, and more.
func (s source) payloadLength() int {
	if s.oneIn(4) {
		return s.IntN(1600)
	}
	return s.IntN(40)
}

func (s source) advertPacket(f vrrp.Family, vlan uint16) *packet {
	vrid := pick(s, s.router(f, vlan).vrid, s.router(f, vlan).vrid, s.router(f, vlan).vrid, uint8(1+s.IntN(255)))
	from := s.advertSource(f)
	mac := vrrp.VirtualMAC(f, vrid)
	if s.oneIn(4) {
		mac = pick(s, senderMAC, vrrp.VirtualMAC(vrrp.IPv4, vrid), [6]byte(s.bytes(6)))
	}
	header, protocol := ipv6Header, uint16(etherIPv6)
	if f == vrrp.IPv4 {
		header, protocol = ipv4Header, etherIPv4
	}
	p := &packet{ethernet: s.ethernet(vrrp.GroupMAC(f), mac, vlan, protocol), ip: header(from, vrrp.GroupAddress(f), vrrp.Protocol)}
	if from == followedSource && s.oneIn(2) {
		p.payload = slices.Clone(followed)
		return p
	}
	r := configured[identity{vlan, vrid, f}]
	p.payload = encodeLong(s.advert(r, f, vrid), from)
	return p
}

// advertSource is a neighbour, often the one that a router follows.
func (s source) advertSource(f vrrp.Family) netip.Addr {
	if f == vrrp.IPv6 {
		return s.linkLocal()
	}
	return pick(s, followedSource, netip.AddrFrom4([4]byte{192, 168, s.byte(), s.byte()}))
}

// advert is a valid one, mostly as its virtual router, which may be nil, would send it.
func (s source) advert(r *virtualRouter, f vrrp.Family, vrid uint8) vrrp.Advert {
	a := vrrp.Advert{Version: vrrp.V3, VRID: vrid, Priority: pick(s, 0, 100, 120, 255, s.byte()), Checksum: vrrp.ChecksumForm(s.IntN(2))}
	if r != nil {
		a.Version, a.Interval = r.version, r.interval
	}
	if f == vrrp.IPv4 && (r == nil || s.oneIn(12)) {
		a.Version = pick(s, vrrp.V2, vrrp.V3)
	}
	if unit := unitOf(a.Version); a.Interval%unit != 0 || a.Interval < unit || a.Interval > 255*unit || s.oneIn(4) {
		a.Interval = time.Duration(1+s.IntN(255)) * unit
	}
	if a.Version == vrrp.V3 && s.oneIn(8) {
		a.Interval = time.Duration(1+s.IntN(4095)) * unitOf(vrrp.V3)
	}
	if a.Version == vrrp.V2 && s.oneIn(2) {
		a.AuthType, a.AuthData = uint8(s.IntN(3)), [8]byte(s.bytes(8))
	}
	a.Addresses = s.addresses(r, f)
	return a
}

// addresses are the configured ones in any order, or others.
func (s source) addresses(r *virtualRouter, f vrrp.Family) []netip.Addr {
	if r != nil && s.IntN(3) > 0 {
		list := slices.Clone(r.addresses)
		s.Shuffle(len(list), func(i, j int) { // the first one stays
			if f == vrrp.IPv4 || i*j > 0 {
				list[i], list[j] = list[j], list[i]
			}
		})
		return list
	}
	count := 1 + s.IntN(4)
	if s.oneIn(8) {
		count = 1 + s.IntN(map[vrrp.Family]int{vrrp.IPv4: 255, vrrp.IPv6: mostAddresses6 + 60}[f])
	}
	list := make([]netip.Addr, 0, count)
	for range count {
		if f == vrrp.IPv4 {
			list = append(list, netip.AddrFrom4([4]byte(s.bytes(4))))
		} else {
			list = append(list, netip.AddrFrom16([16]byte(s.bytes(16))))
		}
	}
	if f == vrrp.IPv6 && !s.oneIn(4) {
		list[0] = s.linkLocal()
	}
	return list
}

// encodeLong encodes also what is longer than may be sent.
func encodeLong(a vrrp.Advert, from netip.Addr) []byte {
	most := min(len(a.Addresses), mostAddresses6)
	if from.Is4() || most == len(a.Addresses) {
		return encode(a, from)
	}
	rest := a.Addresses[most:]
	a.Addresses = a.Addresses[:most]
	pdu := encode(a, from)
	for _, address := range rest {
		pdu = append(pdu, address.AsSlice()...)
	}
	pdu[3] += byte(len(rest))
	p := packet{ethernet: make([]byte, ethernetLength), ip: ipv6Header(from, vrrp.GroupAddress(vrrp.IPv6), vrrp.Protocol), payload: pdu}
	binary.BigEndian.PutUint16(p.ethernet[12:], etherIPv6)
	p.mendPayload(true)
	return p.payload
}

func (s source) advertChanges() []func(*packet) {
	return append(s.commonChanges(), s.flipBit, s.flipBit,
		s.changeCount, s.changeCount, s.changeVersion, s.changeType, s.changeInterval, s.changeVRID, s.changeFirstAddress)
}

// set writes b where the payload reaches that far.
func (p *packet) set(at int, b byte) {
	if at < len(p.payload) {
		p.payload[at] = b
	}
}

func (p *packet) at(i int) byte {
	if i < len(p.payload) {
		return p.payload[i]
	}
	return 0
}

func (s source) changeCount(p *packet) {
	p.set(3, pick(s, 0, 0, p.at(3)+1, p.at(3)-1, mostAddresses6, mostAddresses6+1, s.byte()))
	if s.oneIn(3) {
		return
	}
	each, trailer := 4, 0
	if len(p.ip) == ipv6Length {
		each = 16
	}
	if p.at(0)>>4 == 2 {
		trailer = 8
	}
	length := min(headerLength+each*int(p.at(3))+trailer, longestFrame-200)
	p.payload = append(p.payload, make([]byte, max(0, length-len(p.payload)))...)[:length]
	p.mendLength()
}

func (s source) changeVersion(p *packet) {
	p.set(0, pick(s, 2, 3, byte(s.IntN(16)))<<4|p.at(0)&0x0f)
}

func (s source) changeType(p *packet) { p.set(0, p.at(0)&0xf0|byte(s.IntN(16))) }

func (s source) changeInterval(p *packet) {
	b := binary.BigEndian.AppendUint16(nil, pick(s, 0, 0xf000, 0x0100, 1, 0xf064, uint16(s.Uint32())))
	p.set(4, b[0])
	p.set(5, b[1])
}

func (s source) changeVRID(p *packet) { p.set(1, pick(s, 0, 1, 2, 4, 5, 255, s.byte())) }

func (s source) changeFirstAddress(p *packet) {
	p.set(headerLength, pick(s, 0xfe, 0x20, 0xff, s.byte()))
	p.set(headerLength+1, pick(s, 0x80, 0xbf, 0xc0, s.byte()))
}
