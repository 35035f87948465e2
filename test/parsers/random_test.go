package parsers

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// source makes packets, the same ones for the same seed.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 0))} }

func (s source) oneIn(n int) bool { return s.IntN(n) == 0 }

func (s source) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.Uint32())
	}
	return b
}

// packet is random bytes one time in ten, else a valid advert with up to three
// changes; its checksum is put right afterwards, or not.
func (s source) packet() packet {
	p := packet{
		vlan:   []uint16{0, 0, 0, 30, 30, 2048 + 30}[s.IntN(6)],
		source: [4]byte{192, 168, byte(s.Uint32()), byte(s.Uint32())},
		ttl:    vrrp.TTL,
	}
	if s.oneIn(10) {
		p.pdu = s.bytes(s.length())
	} else {
		p.pdu = s.advert(netip.AddrFrom4(p.source), p.vlan)
	}
	for range s.IntN(4) {
		s.change(&p)
	}
	if s.IntN(3) > 0 {
		p.mend(s.oneIn(2))
	}
	s.frameLength(&p)
	return p
}

// length is mostly short, and sometimes up to all that a frame carries.
func (s source) length() int {
	if s.oneIn(4) {
		return s.IntN(longestPDU + 1)
	}
	return s.IntN(40)
}

func (s source) vrid() uint8 {
	return []uint8{1, 1, 2, 2, 255, 255, 3, uint8(1 + s.IntN(255))}[s.IntN(8)]
}

// advert is a valid one, of any version, VRID, length and checksum; mostly of
// the version that its virtual router has.
func (s source) advert(from netip.Addr, vlan uint16) []byte {
	a := vrrp.Advert{
		Version:  vrrp.V3,
		VRID:     s.vrid(),
		Priority: uint8(s.Uint32()),
		Interval: time.Duration(1+s.IntN(4095)) * 10 * time.Millisecond,
		Checksum: vrrp.ChecksumForm(s.IntN(2)),
	}
	version := configured[identity{vlan, a.VRID}]
	if version == 0 || s.oneIn(8) {
		version = vrrp.Version(2 + s.IntN(2))
	}
	if version == vrrp.V2 {
		a.Version, a.Interval = vrrp.V2, time.Duration(1+s.IntN(255))*time.Second
		a.AuthType, a.AuthData = uint8(s.IntN(3)), [8]byte(s.bytes(8))
	}
	count := 1 + s.IntN(4)
	if s.oneIn(8) {
		count = 1 + s.IntN(255)
	}
	for range count {
		a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(s.bytes(4))))
	}
	pdu, err := a.AppendBinary(nil, from, vrrp.GroupAddress(vrrp.IPv4))
	if err != nil {
		panic(err) // every field is in range
	}
	return pdu
}

// change changes one thing.
func (s source) change(p *packet) {
	changes := []func(*packet){
		s.flipBit, s.truncate, s.extend, s.changeCount, s.changeVersion, s.changeType, s.changeInterval, s.changeTTL, s.changeVRID,
	}
	changes[s.IntN(len(changes))](p)
}

// set writes b where the PDU reaches that far.
func (p *packet) set(at int, b byte) {
	if at < len(p.pdu) {
		p.pdu[at] = b
	}
}

func (p *packet) at(i int) byte {
	if i < len(p.pdu) {
		return p.pdu[i]
	}
	return 0
}

func (s source) flipBit(p *packet) {
	if len(p.pdu) > 0 {
		p.pdu[s.IntN(len(p.pdu))] ^= 1 << s.IntN(8)
	}
}

func (s source) truncate(p *packet) {
	p.pdu = p.pdu[:s.IntN(len(p.pdu)+1)]
}

func (s source) extend(p *packet) {
	p.pdu = append(p.pdu, s.bytes(min(1+s.IntN(12), longestPDU-len(p.pdu)))...)
}

func (s source) changeCount(p *packet) {
	p.set(3, []byte{0, p.at(3) + 1, p.at(3) - 1, byte(s.Uint32())}[s.IntN(4)])
	if s.oneIn(2) { // and the length with it
		trailer := 0
		if p.at(0)>>4 == 2 {
			trailer = 8
		}
		length := headerLength + 4*int(p.at(3)) + trailer
		p.pdu = append(p.pdu, make([]byte, max(0, length-len(p.pdu)))...)[:length]
	}
}

func (s source) changeVersion(p *packet) {
	p.set(0, byte([]int{2, 3, s.IntN(16)}[s.IntN(3)])<<4|p.at(0)&0x0f)
}

func (s source) changeType(p *packet) { p.set(0, p.at(0)&0xf0|byte(s.IntN(16))) }

func (s source) changeInterval(p *packet) {
	b := binary.BigEndian.AppendUint16(nil, []uint16{0, 0xf000, 0x0100, 1, uint16(s.Uint32())}[s.IntN(5)])
	p.set(4, b[0])
	p.set(5, b[1])
}

func (s source) changeTTL(p *packet) { p.ttl = []byte{254, 0, byte(s.Uint32())}[s.IntN(3)] }

func (s source) changeVRID(p *packet) { p.set(1, []byte{0, s.vrid(), byte(s.Uint32())}[s.IntN(3)]) }

// frameLength makes the frame shorter or longer than the IP packet, or, mostly, leaves it.
func (s source) frameLength(p *packet) {
	switch s.IntN(16) {
	case 0:
		p.missing = uint16(1 + s.IntN(64))
	case 1, 2:
		p.padding = s.IntN(64)
	default: // as Ethernet does
		p.padding = max(0, 60-ethernetLength-ipLength-len(p.pdu))
	}
}
