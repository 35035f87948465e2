package lab

import (
	"encoding/binary"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// advert3 is an advert of version 3 over IPv4, VRID 51, priority 200, every 100 ms, from 192.0.2.1 with TTL 255.
func advert3(form V3Checksum, addresses ...string) []byte {
	pdu := []byte{0x31, 51, 200, byte(len(addresses)), 0, 10, 0, 0}
	for _, a := range addresses {
		pdu = append(pdu, netip.MustParseAddr(a).AsSlice()...)
	}
	covered := pdu
	if form == WithPseudoHeader {
		covered = append([]byte{192, 0, 2, 1, 224, 0, 0, 18, 0, vrrpProtocol, 0, byte(len(pdu))}, pdu...)
	}
	binary.BigEndian.PutUint16(pdu[6:], Checksum(covered))
	ip := []byte{0x45, 0xc0, 0, byte(20 + len(pdu)), 0, 0, 0, 0, 255, vrrpProtocol, 0, 0, 192, 0, 2, 1, 224, 0, 0, 18}
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip))
	frame := append(slices.Clone([]byte{0x01, 0, 0x5e, 0, 0, 0x12}), VirtualMAC4(51).slice()...)
	return append(append(append(frame, 0x08, 0x00), ip...), pdu...)
}

func (m MAC) slice() []byte { return m[:] }

func dissect(t *testing.T, form V3Checksum, frames ...[]byte) []Dissection {
	t.Helper()
	var captured []Frame
	for i, data := range frames {
		captured = append(captured, Frame{At: time.Unix(1, int64(i)), Data: data})
	}
	all, err := Dissect(captured, form)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTsharkReadsEveryFieldOfAnAdvert(t *testing.T) {
	want := Dissection{
		Number: 1, Protocol: "vrrp", Source: VirtualMAC4(51), SourceIP: netip.MustParseAddr("192.0.2.1"), TTL: 255,
		Version: 3, VRID: 51, Priority: 200, Interval: 100 * time.Millisecond, ChecksumGood: true,
		Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.101")},
	}
	arp := ARP{Source: MAC{2, 0, 0, 0, 0, 1}, Operation: ARPRequest, SenderMAC: MAC{2, 0, 0, 0, 0, 1},
		SenderIP: netip.MustParseAddr("192.0.2.1"), TargetIP: netip.MustParseAddr("192.0.2.2")}.Frame()
	got := dissect(t, WithPseudoHeader, arp, advert3(WithPseudoHeader, "192.0.2.100", "192.0.2.101"))
	if d := cmp.Diff(want, got[1], compareAddresses); d != "" {
		t.Errorf("advert (-want +got):\n%s", d)
	}
	if got[0].IsVRRP() || got[0].Protocol != "arp" || got[0].Source != (MAC{2, 0, 0, 0, 0, 1}) {
		t.Errorf("the ARP packet is %+v", got[0])
	}
}

func TestTsharkWarnsOfTheOtherChecksumForm(t *testing.T) {
	for _, form := range []V3Checksum{WithPseudoHeader, MessageOnly} {
		got := dissect(t, form, advert3(WithPseudoHeader, "192.0.2.100"), advert3(MessageOnly, "192.0.2.100"))
		for i, sent := range []V3Checksum{WithPseudoHeader, MessageOnly} {
			d := got[i]
			if d.ChecksumGood != (sent == form) || (len(d.Expert) == 0) != (sent == form) {
				t.Errorf("sent %s, read %s: checksum good is %v, remarks %+v", sent, form, d.ChecksumGood, d.Expert)
			}
			if sent != form && d.Expert[0].Severity != Warning {
				t.Errorf("remarks %+v, want a warning", d.Expert)
			}
		}
	}
}

func TestFramesSurviveAPcapFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pcap")
	want := []Frame{
		{At: time.Unix(1, 999_999_999), Data: advert3(MessageOnly, "192.0.2.100")},
		{At: time.Unix(2, 0), Data: advert3(MessageOnly, "192.0.2.101", "192.0.2.102")},
	}
	if err := WritePcap(file, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPcap(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("frames (-want +got):\n%s", d)
	}
}

func TestAnAdvertIsReadBehindVLANTagsAndWithoutPadding(t *testing.T) {
	plain := advert3(MessageOnly, "192.0.2.100")
	want, ok := ParseVRRP(plain)
	if !ok || want.Version() != 3 || want.VRID() != 51 || want.Priority() != 200 || len(want.PDU) != 12 || want.TTL != 255 {
		t.Fatalf("got %+v, %v", want, ok)
	}
	tagged := slices.Concat(plain[:12], []byte{0x88, 0xa8, 0, 7, 0x81, 0, 0, 30}, plain[12:], make([]byte, 14))
	got, ok := ParseVRRP(tagged)
	if d := cmp.Diff(want, got, compareAddresses); !ok || d != "" {
		t.Errorf("behind two tags, %v (-want +got):\n%s", ok, d)
	}
	for _, other := range [][]byte{plain[:len(plain)-1], plain[:13], nil} {
		if v, ok := ParseVRRP(other); ok {
			t.Errorf("% x was read as %+v", other, v)
		}
	}
}
