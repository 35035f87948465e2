package interop

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

func readCapture(t *testing.T, s speaker) []lab.Frame {
	t.Helper()
	frames, err := lab.ReadPcap(captureFile(s))
	must(t, err)
	if len(frames) != recorded+1 {
		t.Fatalf("%d frames in %s, want %d", len(frames), captureFile(s), recorded+1)
	}
	return frames
}

// wanted is what frame number i of the speaker's capture says: the last one is the farewell.
func (s speaker) wanted(i int) vrrp.Advert {
	a := s.advert
	if i == recorded {
		a.Priority = 0
	}
	return a
}

var compareAddresses = cmpopts.EquateComparable(netip.Addr{})

func TestTheGoParserReadsWhatOthersSend(t *testing.T) {
	for _, s := range speakers {
		for i, f := range readCapture(t, s) {
			seen, ok := lab.ParseVRRP(f.Data)
			if !ok || seen.Source != s.mac || seen.SourceIP != s.source || seen.TTL != s.ttl {
				t.Errorf("%s, frame %d: from %s, %s, TTL %d, want %s, %s, %d", s.name, i, seen.Source, seen.SourceIP, seen.TTL, s.mac, s.source, s.ttl)
			}
			got, err := vrrp.Parse(packetOf(seen, s.unicast))
			if err != nil {
				t.Errorf("%s, frame %d: refused: %v\n%s", s.name, i, err, hex.Dump(f.Data))
				continue
			}
			if d := cmp.Diff(s.wanted(i), got, compareAddresses); d != "" {
				t.Errorf("%s, frame %d (-want +got):\n%s", s.name, i, d)
			}
		}
	}
}

func packetOf(v lab.VRRP, unicast bool) vrrp.Packet {
	return vrrp.Packet{
		Family: vrrp.FamilyOf(v.SourceIP), Source: v.SourceIP, Destination: v.DestinationIP, TTL: v.TTL, PDU: v.PDU,
		Unicast: unicast,
	}
}

func TestTsharkReadsTheCapturesAsWeDo(t *testing.T) {
	for _, s := range speakers {
		dissected, err := lab.Dissect(readCapture(t, s), lab.WithPseudoHeader)
		must(t, err)
		for i, got := range dissected {
			a := s.wanted(i)
			want := lab.Dissection{
				Number: i, Protocol: "vrrp", Source: s.mac, SourceIP: s.source, TTL: int(s.ttl),
				Version: int(a.Version), VRID: int(a.VRID), Priority: int(a.Priority), AuthType: int(a.AuthType),
				AuthString: authString(a), Interval: a.Interval, ChecksumGood: true, Addresses: a.Addresses,
			}
			if d := cmp.Diff(want, got, compareAddresses); d != "" {
				t.Errorf("%s, frame %d (-want +got):\n%s", s.name, i, d)
			}
		}
	}
}

// authString is how tshark shows a password: without the zeros behind it.
func authString(a vrrp.Advert) string {
	if i := slices.Index(a.AuthData[:], 0); i >= 0 {
		return string(a.AuthData[:i])
	}
	return string(a.AuthData[:])
}

// labNetworks hold every address of the lab: documentation (RFC 5737, RFC 3849), link-local, and VRRP's groups.
var labNetworks = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("224.0.0.18/32"), netip.MustParsePrefix("ff02::12/128"),
}

func TestTheCapturesHoldNothingButTheLab(t *testing.T) {
	for _, s := range speakers {
		for i, f := range readCapture(t, s) {
			seen, _ := lab.ParseVRRP(f.Data)
			for _, a := range append([]netip.Addr{seen.SourceIP, seen.DestinationIP}, s.advert.Addresses...) {
				if !slices.ContainsFunc(labNetworks, func(p netip.Prefix) bool { return p.Contains(a) }) {
					t.Errorf("%s, frame %d: %s is not of the lab", s.name, i, a)
				}
			}
			if family := vrrp.FamilyOf(seen.SourceIP); !s.unicast && seen.Destination != lab.MAC(vrrp.GroupMAC(family)) {
				t.Errorf("%s, frame %d: to %s, want the group", s.name, i, seen.Destination)
			}
		}
	}
}
