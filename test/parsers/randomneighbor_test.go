package parsers

import (
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// neighborFrame is a solicitation or, less often, an advertisement as hosts
// send it, with up to three changes; its checksum is put right afterwards, or not.
func (s source) neighborFrame() []byte {
	p, damages := s.neighborPacket(), s.IntN(4)
	p.mendLength()
	for range damages {
		pick(s, s.neighborChanges()...)(p)
	}
	if damages == 0 || s.IntN(6) > 0 {
		p.mendPayload(true)
	}
	return s.finish(p, damages)
}

func (s source) neighborPacket() *packet {
	vlan := s.vlan()
	r := s.router(vrrp.IPv6, vlan)
	asked := pick(s, r.addresses[0], pick(s, r.addresses...), pick(s, r.addresses...), s.linkLocal())
	from := pick(s, s.linkLocal(), s.linkLocal(), s.linkLocal(), netip.IPv6Unspecified(), pick(s, s.router(vrrp.IPv6, vlan).addresses...))
	to := pick(s, solicitedNode(asked), solicitedNode(asked), asked)
	mac := senderMAC
	if s.oneIn(20) {
		mac = pick(s, r.mac(), [6]byte(s.bytes(6)))
	}
	p := &packet{ip: ipv6Header(from, to, protocolICMPv6), payload: append(make([]byte, 8), asked.AsSlice()...)}
	p.payload[0] = solicitation
	p.payload = append(p.payload, s.options(from, mac, r)...)
	if s.oneIn(8) {
		p.payload[0], p.payload[4] = advertisement, s.byte()
	}
	p.ethernet = s.ethernet(s.listener(to, r), mac, vlan, etherIPv6)
	return p
}

// listener is where a frame to an address goes.
func (s source) listener(to netip.Addr, r *virtualRouter) [6]byte {
	if to.IsMulticast() {
		b := to.As16()
		return [6]byte{0x33, 0x33, b[12], b[13], b[14], b[15]}
	}
	return pick(s, r.mac(), r.mac(), deviceMAC)
}

// options are what hosts put in: the sender's address, a nonce, nothing, or more.
func (s source) options(from netip.Addr, mac [6]byte, r *virtualRouter) []byte {
	named := pick(s, mac, mac, mac, r.mac(), [6]byte(s.bytes(6)))
	kind := pick[byte](s, sourceLinkLayer, sourceLinkLayer, sourceLinkLayer, targetLinkLayer)
	link := append([]byte{kind, 1}, named[:]...)
	nonce := append([]byte{14, 1}, s.bytes(6)...)
	if from.IsUnspecified() && !s.oneIn(4) {
		return pick(s, nonce, nonce, nil)
	}
	switch s.IntN(12) {
	case 0, 1:
		return nil
	case 2, 3:
		return nonce
	case 4:
		return append(link, nonce...)
	case 5:
		return append(nonce, link...)
	case 6:
		return append(link, append([]byte{sourceLinkLayer, 1}, s.bytes(6)...)...)
	case 7:
		return s.manyOptions()
	}
	return link
}

// manyOptions are well-formed, of any type and length.
func (s source) manyOptions() []byte {
	var b []byte
	for range 1 + s.IntN(4) {
		units := 1 + s.IntN(3)
		if s.oneIn(30) {
			units = 1 + s.IntN(255)
		}
		b = append(append(b, pick(s, sourceLinkLayer, targetLinkLayer, s.byte()), byte(units)), s.bytes(units*optionLength-2)...)
	}
	return b[:min(len(b), 3000)]
}

func (s source) neighborChanges() []func(*packet) {
	return append(s.commonChanges(), s.changeOption, s.changeOption, s.changeTarget, s.changeAddress, s.changeCode, s.changeAddress)
}

// changeOption changes the type or the length of the first option.
func (s source) changeOption(p *packet) {
	p.set(bareLength+s.IntN(2), pick(s, 0, 1, 2, 4, s.byte()))
}

func (s source) changeTarget(p *packet) {
	other := pick(s, allNodes, s.linkLocal(), pick(s, s.router(vrrp.IPv6, 0).addresses...))
	if len(p.payload) >= bareLength {
		copy(p.payload[8:], other.AsSlice())
	}
}

// changeAddress changes where the packet comes from or goes to.
func (s source) changeAddress(p *packet) {
	other := pick(s, allNodes, netip.IPv6Unspecified(), solicitedNode(s.linkLocal()), s.linkLocal(),
		pick(s, s.router(vrrp.IPv6, 0).addresses...))
	if len(p.ip) == ipv6Length {
		copy(p.ip[pick(s, 8, 24):], other.AsSlice())
	}
}

func (s source) changeCode(p *packet) { p.set(1, s.byte()) }
