package forge

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var sources = map[vrrp.Family]netip.Addr{vrrp.IPv4: netip.MustParseAddr("192.0.2.1"), vrrp.IPv6: netip.MustParseAddr("fe80::1")}

// good is a packet that nothing has been done to.
func good(t *testing.T, family vrrp.Family) Packet {
	t.Helper()
	a := vrrp.Advert{Version: vrrp.V3, VRID: 10, Priority: 100, Interval: time.Second, Addresses: []netip.Addr{sources[family]}}
	p := Packet{To: lab.MAC(vrrp.GroupMAC(family)), From: lab.MAC(vrrp.VirtualMAC(family, 10)),
		Source: sources[family], Destination: vrrp.GroupAddress(family), TTL: vrrp.TTL}
	var err error
	if p.PDU, err = a.AppendBinary(nil, p.Source, p.Destination); err != nil {
		t.Fatal(err)
	}
	return p
}

func forBoth(t *testing.T, test func(t *testing.T, p Packet)) {
	for family := range sources {
		t.Run(family.String(), func(t *testing.T) { test(t, good(t, family)) })
	}
}

func TestAPacketThatNobodyTouchedIsGood(t *testing.T) {
	forBoth(t, func(t *testing.T, p Packet) {
		got, ok := lab.ParseVRRP(p.Frame())
		if !ok || got.Source != p.From || got.SourceIP != p.Source || got.DestinationIP != p.Destination || got.TTL != p.TTL || !bytes.Equal(got.PDU, p.PDU) {
			t.Errorf("read %+v, %v", got, ok)
		}
	})
}

func TestAnIPv4HeaderHasItsChecksum(t *testing.T) {
	p := good(t, vrrp.IPv4)
	p.Options = []byte{148, 4, 0, 0}
	if sum := lab.Checksum(p.Frame()[14 : 14+24]); sum != 0 {
		t.Errorf("it sums up to %#x, want 0", sum)
	}
}

func TestSumIsWhatASenderWouldCompute(t *testing.T) {
	forBoth(t, func(t *testing.T, p Packet) {
		want := bytes.Clone(p.PDU)
		p.PDU[6] ^= 0x5a
		if p.Sum(); !bytes.Equal(p.PDU, want) {
			t.Errorf("the advert is % x, want % x", p.PDU, want)
		}
	})
}

func TestAFrameIsCutPaddedAndTagged(t *testing.T) {
	forBoth(t, func(t *testing.T, p Packet) {
		plain := p.Frame()
		p.Missing, p.Padding, p.Tags = 3, 7, []Tag{Service(30), Customer(20)}
		got := p.Frame()
		want := append(bytes.Clone(plain[:12]), 0x88, 0xa8, 0, 30, 0x81, 0, 0, 20)
		want = append(append(want, plain[12:len(plain)-3]...), make([]byte, 7)...)
		if !bytes.Equal(got, want) {
			t.Errorf("the frame is % x, want % x", got, want)
		}
	})
}

func TestExtensionHeadersNameWhatFollowsThem(t *testing.T) {
	p := good(t, vrrp.IPv6)
	p.Extensions = []Extension{Padded(HopByHop), {Kind: FragmentHeader}}
	ip := p.Frame()[14:]
	if ip[6] != HopByHop || ip[40] != FragmentHeader || ip[48] != vrrp.Protocol {
		t.Errorf("the headers name %d, %d and %d", ip[6], ip[40], ip[48])
	}
	if length := int(ip[4])<<8 | int(ip[5]); length != 16+len(p.PDU) || !bytes.Equal(ip[56:], p.PDU) {
		t.Errorf("the payload has %d bytes, want %d, and ends with % x", length, 16+len(p.PDU), ip[56:])
	}
}
