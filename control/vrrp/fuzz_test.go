package vrrp

import (
	"bytes"
	"net/netip"
	"testing"
)

// FuzzParse holds that Parse never panics, and that what it accepts encodes to
// the bytes that it came from. Two bits of freedom are taken out first: the
// reserved bits, which are ignored, and a checksum of ffff, which one's
// complement arithmetic cannot tell from 0000.
func FuzzParse(f *testing.F) {
	for i, v := range vectors {
		f.Add(v.family == IPv6, uint8(255), false, packetOf(f, i).PDU)
		f.Add(v.family == IPv6, uint8(255), true, packetOf(f, i).PDU)
		f.Add(v.family == IPv6, uint8(255), true, packetOf(f, i).PDU[:8])
	}
	f.Add(false, uint8(64), false, []byte{})
	f.Fuzz(func(t *testing.T, six bool, ttl uint8, mendChecksum bool, pdu []byte) {
		p := Packet{Family: IPv4, Source: netip.MustParseAddr("192.168.1.2"), TTL: ttl, PDU: pdu}
		if six {
			p.Family, p.Source = IPv6, netip.MustParseAddr("fe80::2")
		}
		p.Destination = GroupAddress(p.Family)
		if mendChecksum && len(pdu) >= 8 {
			mend(&p)
		}
		advert, err := Parse(p)
		if err != nil {
			if reason, ok := err.(Reason); !ok || reason.String() == "unknown" || !advert.Equal(Advert{}) {
				t.Fatalf("refused with %v and %+v", err, advert)
			}
			return
		}
		if advert.Version == V3 && p.PDU[4]&0xf0 != 0 {
			return
		}
		if p.PDU[6] == 0xff && p.PDU[7] == 0xff {
			p.PDU[6], p.PDU[7] = 0, 0
		}
		again, err := advert.AppendBinary(nil, p.Source, p.Destination)
		if err != nil {
			t.Fatalf("accepted, but cannot be encoded: %v", err)
		}
		if !bytes.Equal(again, p.PDU) {
			t.Fatalf("encoded differently\n got %x\nfrom %x", again, p.PDU)
		}
	})
}
