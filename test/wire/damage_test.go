package wire

import (
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// What tests do to good adverts. The checksum is right again afterwards, so that
// there is one fault; badSum comes last.

type damage = func(s *site, p *packet)

func both(first, second damage) damage {
	return func(s *site, p *packet) {
		first(s, p)
		second(s, p)
	}
}

func ttl(n byte) damage { return func(_ *site, p *packet) { p.ttl = n } }

func version(n byte) damage {
	return func(_ *site, p *packet) {
		p.pdu[0] = n<<4 | p.pdu[0]&0x0f
		p.sum()
	}
}

// otherVersion is sound but for the version: IPv6 has one only.
func otherVersion(s *site, p *packet) {
	a := s.advert(p.pdu[2])
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
	p.pdu = s.pack(a).pdu
}

func type2(_ *site, p *packet) {
	p.pdu[0] = p.pdu[0]&0xf0 | 2
	p.sum()
}

func cut(n int) damage {
	return func(_ *site, p *packet) {
		p.pdu = p.pdu[:len(p.pdu)-n]
		p.sum()
	}
}

func keep(n int) damage { return func(_ *site, p *packet) { p.pdu = p.pdu[:n] } }

func grow(n int) damage {
	return func(_ *site, p *packet) {
		p.pdu = append(p.pdu, make([]byte, n)...)
		p.sum()
	}
}

func count(more int) damage {
	return func(_ *site, p *packet) {
		p.pdu[3] = byte(int(p.pdu[3]) + more)
		p.sum()
	}
}

func badSum(_ *site, p *packet) { p.pdu[6] ^= 0x5a }

func vridOf(n byte) damage {
	return func(_ *site, p *packet) {
		p.pdu[1] = n
		p.sum()
	}
}

// addressLength is that of an address of the packet's family.
func addressLength(p *packet) int { return p.source.BitLen() / 8 }

func noAddress(_ *site, p *packet) {
	n := int(p.pdu[3]) * addressLength(p)
	p.pdu = append(p.pdu[:8], p.pdu[8+n:]...)
	p.pdu[3] = 0
	p.sum()
}

func globalFirst(_ *site, p *packet) {
	p.pdu[8] = 0x20
	p.sum()
}

func setInterval(n int) damage {
	return func(_ *site, p *packet) {
		if p.pdu[0]>>4 == 2 {
			p.pdu[5] = byte(n)
		} else {
			p.pdu[4], p.pdu[5] = byte(n>>8), byte(n)
		}
		p.sum()
	}
}

func interval0(s *site, p *packet) { setInterval(0)(s, p) }

// otherInterval is one of 2 s in version 2, of 100 ms in version 3.
func otherInterval(s *site, p *packet) {
	if s.version == vrrp.V2 {
		setInterval(2)(s, p)
		return
	}
	setInterval(10)(s, p)
}

// otherAddress changes the last byte of the last address.
func otherAddress(_ *site, p *packet) {
	p.pdu[8+int(p.pdu[3])*addressLength(p)-1] ^= 0x0f
	p.sum()
}

// oneMore repeats the last address.
func oneMore(_ *site, p *packet) {
	n, end := addressLength(p), 8+int(p.pdu[3])*addressLength(p)
	p.pdu = slices.Insert(p.pdu, end, p.pdu[end-n:end]...)
	p.pdu[3]++
	p.sum()
}
