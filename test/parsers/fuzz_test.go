package parsers

import (
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// FuzzParsersAgree lets the fuzzer look for a packet on which the parsers disagree.
func FuzzParsersAgree(f *testing.F) {
	s := newSource(*seed)
	for range 50 {
		p := s.packet()
		f.Add(p.pdu, p.vlan, p.ttl, p.missing, uint8(p.padding), false, false)
	}
	f.Add([]byte{}, uint16(0), uint8(vrrp.TTL), uint16(0), uint8(26), false, false)
	f.Add([]byte{0x31, 1, 100, 1, 0, 100, 0, 0, 192, 168, 1, 1}, uint16(0), uint8(vrrp.TTL), uint16(0), uint8(0), true, true)
	h := newHost(f)
	f.Fuzz(func(t *testing.T, pdu []byte, vlan uint16, ttl uint8, missing uint16, padding uint8, mend, pseudo bool) {
		p := packet{
			vlan:    vlan & 0x0fff,
			source:  [4]byte{192, 168, 1, 3},
			ttl:     ttl,
			pdu:     append([]byte(nil), pdu[:min(len(pdu), longestPDU)]...),
			missing: missing & 0x0fff,
		}
		if p.missing == 0 {
			p.padding = int(padding)
		}
		if mend {
			p.mend(pseudo)
		}
		agree(t, h, []packet{p}, expect(p))
	})
}
