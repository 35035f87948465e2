package parsers

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const etherARP = 0x0806 // not for this test

// packet is a frame in parts that can be changed.
type packet struct {
	ethernet []byte // with tags
	ip       []byte // the header, or nothing
	payload  []byte
	padding  []byte
}

func (p *packet) frame() []byte {
	return bytes.Join([][]byte{p.ethernet, p.ip, p.payload, p.padding}, nil)
}

// split takes apart what frame puts together. Where there is no sense in the
// bytes, all that is left is payload.
func split(frame []byte) *packet {
	v := see(slices.Clone(frame))
	p := &packet{ethernet: v.frame[:v.network:v.network], payload: v.rest()}
	if v.family() == 0 {
		return p
	}
	d := v.datagram()
	header := len(v.rest()) - len(d.rest)
	p.ip, p.payload = v.rest()[:header:header], d.rest
	if d.promised >= 0 && !d.truncated() {
		p.payload, p.padding = d.rest[:d.promised:d.promised], d.rest[d.promised:]
	}
	return p
}

// datagram is the packet with the checksums as they are, false if it is none.
func (p *packet) datagram() (datagram, bool) {
	v := see(p.frame())
	if v.family() == 0 || len(p.ip) == 0 {
		return datagram{}, false
	}
	return v.datagram(), true
}

// checksumAt is where the payload has its checksum: as VRRP, or as ICMPv6.
func (p *packet) checksumAt() int {
	if len(p.payload) > 0 && (p.payload[0] == solicitation || p.payload[0] == advertisement) {
		return 2
	}
	return 6
}

// mend puts the checksums right; that of an advert of IPv4 over the message alone.
func (p *packet) mend() {
	d, ok := p.datagram()
	p.mendPayload(ok && d.family == vrrp.IPv6)
	p.mendIP()
}

// mendPayload puts the checksum of the payload right, over the message alone or
// over a pseudo-header too.
func (p *packet) mendPayload(pseudo bool) {
	d, ok := p.datagram()
	at := p.checksumAt()
	if !ok || len(p.payload) < at+2 {
		return
	}
	p.payload[at], p.payload[at+1] = 0, 0
	covered := [][]byte{p.payload}
	if pseudo {
		covered = append(covered, d.pseudoHeader(len(p.payload)))
	}
	binary.BigEndian.PutUint16(p.payload[at:], ^sum(covered...))
}

// mendIP puts the checksum of an IPv4 header right.
func (p *packet) mendIP() {
	if len(p.ip) == ipv4Length {
		p.ip[10], p.ip[11] = 0, 0
		binary.BigEndian.PutUint16(p.ip[10:], ^sum(p.ip))
	}
}

// mendLength makes the IP header promise the payload that there is.
func (p *packet) mendLength() {
	switch len(p.ip) {
	case ipv4Length:
		binary.BigEndian.PutUint16(p.ip[2:], uint16(ipv4Length+len(p.payload)))
	case ipv6Length:
		binary.BigEndian.PutUint16(p.ip[4:], uint16(len(p.payload)))
	}
}
