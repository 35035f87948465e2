package wire

import (
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"

	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
)

// What tests do to good adverts. The checksum is right again afterwards, so that
// there is one fault; badSum comes last.

type damage = func(s *site, p *forge.Packet)

func both(first, second damage) damage {
	return func(s *site, p *forge.Packet) {
		first(s, p)
		second(s, p)
	}
}

func ttl(n byte) damage { return func(_ *site, p *forge.Packet) { p.TTL = n } }

func version(n byte) damage {
	return func(_ *site, p *forge.Packet) {
		p.PDU[0] = n<<4 | p.PDU[0]&0x0f
		p.Sum()
	}
}

// otherVersion is sound but for the version: IPv6 has one only.
func otherVersion(s *site, p *forge.Packet) {
	a := s.advert(p.PDU[2])
	a.Interval = time.Second
	switch {
	case s.family == vrrp.IPv6:
		version(2)(s, p)
		return
	case s.version == vrrp.V2:
		a.Version = vrrp.V3
	default:
		a.Version = vrrp.V2
	}
	p.PDU = s.pack(a).PDU
}

func type2(_ *site, p *forge.Packet) {
	p.PDU[0] = p.PDU[0]&0xf0 | 2
	p.Sum()
}

func cut(n int) damage {
	return func(_ *site, p *forge.Packet) {
		p.PDU = p.PDU[:len(p.PDU)-n]
		p.Sum()
	}
}

func keep(n int) damage { return func(_ *site, p *forge.Packet) { p.PDU = p.PDU[:n] } }

func grow(n int) damage {
	return func(_ *site, p *forge.Packet) {
		p.PDU = append(p.PDU, make([]byte, n)...)
		p.Sum()
	}
}

func count(more int) damage {
	return func(_ *site, p *forge.Packet) {
		p.PDU[3] = byte(int(p.PDU[3]) + more)
		p.Sum()
	}
}

func badSum(_ *site, p *forge.Packet) { p.PDU[6] ^= 0x5a }

func vridOf(n byte) damage {
	return func(_ *site, p *forge.Packet) {
		p.PDU[1] = n
		p.Sum()
	}
}

// addressLength is that of an address of the packet's family.
func addressLength(p *forge.Packet) int { return p.Source.BitLen() / 8 }

func noAddress(_ *site, p *forge.Packet) {
	n := int(p.PDU[3]) * addressLength(p)
	p.PDU = append(p.PDU[:8], p.PDU[8+n:]...)
	p.PDU[3] = 0
	p.Sum()
}

func globalFirst(_ *site, p *forge.Packet) {
	p.PDU[8] = 0x20
	p.Sum()
}

func setInterval(n int) damage {
	return func(_ *site, p *forge.Packet) {
		if p.PDU[0]>>4 == 2 {
			p.PDU[5] = byte(n)
		} else {
			p.PDU[4], p.PDU[5] = byte(n>>8), byte(n)
		}
		p.Sum()
	}
}

func interval0(s *site, p *forge.Packet) { setInterval(0)(s, p) }

// otherInterval is one of 2 s in version 2, of 100 ms in version 3.
func otherInterval(s *site, p *forge.Packet) {
	if s.version == vrrp.V2 {
		setInterval(2)(s, p)
		return
	}
	setInterval(10)(s, p)
}

// otherAddress changes the last byte of the last address.
func otherAddress(_ *site, p *forge.Packet) {
	p.PDU[8+int(p.PDU[3])*addressLength(p)-1] ^= 0x0f
	p.Sum()
}

// oneMore repeats the last address.
func oneMore(_ *site, p *forge.Packet) {
	n, end := addressLength(p), 8+int(p.PDU[3])*addressLength(p)
	p.PDU = slices.Insert(p.PDU, end, p.PDU[end-n:end]...)
	p.PDU[3]++
	p.Sum()
}
