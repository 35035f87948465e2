package lab

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/google/go-cmp/cmp"
)

// foreign is a frame of an EtherType that no stack answers, from alice to bob.
func (p *pair) foreign(payload string) []byte {
	frame := append(append(append([]byte{}, p.bobN.MAC[:]...), p.aliceN.MAC[:]...), 0x88, 0xb5)
	return append(frame, payload...)
}

func isForeign(f Frame) bool { return f.Data[12] == 0x88 && f.Data[13] == 0xb5 }

func TestASentFrameIsSeenAtEachPortThatItPasses(t *testing.T) {
	p := newPair(t)
	s, err := p.lan.Sniff(isForeign)
	if err != nil {
		t.Fatal(err)
	}
	frame := p.foreign("a payload that is no padding")
	before := time.Now()
	if err := p.aliceN.Send(frame); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Await(5*time.Second, func(f Frame) bool { return f.Direction == Out }); err != nil {
		t.Fatal(err)
	}
	type sighting struct{ Port, Host, Direction string }
	var got []sighting
	for _, f := range s.Stop() {
		got = append(got, sighting{f.Port, f.Host, f.Direction.String()})
		if !bytes.Equal(f.Data, frame) || f.Source() != p.aliceN.MAC || f.Destination() != p.bobN.MAC {
			t.Errorf("frame is % x, want % x", f.Data, frame)
		}
		if age := f.At.Sub(before); age < -time.Millisecond || age > 5*time.Second {
			t.Errorf("the frame arrived %v after it was sent", age)
		}
	}
	// A frame to an unknown station is flooded; bob is the only other port.
	if d := cmp.Diff([]sighting{{"alice-eth0", "alice", "in"}, {"bob-eth0", "bob", "out"}}, got); d != "" {
		t.Errorf("sightings (-want +got):\n%s", d)
	}
}

func TestANICsSnifferSeesItsOwnPortOnly(t *testing.T) {
	p := newPair(t)
	s, err := p.bobN.Sniff(isForeign)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.aliceN.Send(p.foreign("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Await(5*time.Second, func(Frame) bool { return true }); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Stop() {
		if f.Port != "bob-eth0" {
			t.Errorf("frame at %s", f.Port)
		}
	}
}

func TestASnifferOfWhatAHostSendsSeesNothingElse(t *testing.T) {
	p := newPair(t)
	s, err := p.bobN.SniffSent(isForeign)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.aliceN.Send(p.foreign("to bob")); err != nil {
		t.Fatal(err)
	}
	if err := p.bobN.Send(p.foreign("from bob")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Await(5*time.Second, func(f Frame) bool { return f.Direction == In }); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Stop()); n != 1 {
		t.Errorf("%d frames were captured, want the one that bob sent", n)
	}
}

func TestAVLANTagIsSeenWhereItWasOnTheWire(t *testing.T) {
	p := newPair(t)
	s, err := p.lan.Sniff(func(f Frame) bool {
		return f.Source() == p.aliceN.MAC && bytes.Contains(f.Data, []byte("tagged payload"))
	})
	if err != nil {
		t.Fatal(err)
	}
	frame := append(append(append([]byte{}, p.bobN.MAC[:]...), p.aliceN.MAC[:]...), 0x81, 0x00, 0x60, 0x14, 0x88, 0xb5)
	frame = append(frame, "tagged payload"...)
	if err := p.aliceN.Send(frame); err != nil {
		t.Fatal(err)
	}
	f, err := s.Await(5*time.Second, func(f Frame) bool { return f.Direction == In })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(f.Data, frame) {
		t.Errorf("frame is % x, want % x", f.Data, frame)
	}
}

func TestARPFramesSurviveWritingAndReading(t *testing.T) {
	want := ARP{
		Destination: MAC{1, 2, 3, 4, 5, 6}, Source: MAC{7, 8, 9, 10, 11, 12}, Operation: ARPReply,
		SenderMAC: MAC{13, 14, 15, 16, 17, 18}, SenderIP: netip.MustParseAddr("192.0.2.1"),
		TargetMAC: MAC{19, 20, 21, 22, 23, 24}, TargetIP: netip.MustParseAddr("198.51.100.2"),
	}
	got, ok := ParseARP(want.Frame())
	if !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	if len(want.Frame()) != 60 {
		t.Errorf("the frame has %d bytes, want 60", len(want.Frame()))
	}
	if _, ok := ParseARP(want.Frame()[:41]); ok {
		t.Error("a truncated frame was read")
	}
}

func TestAFrameSentByXDPTXReachesTheSwitch(t *testing.T) {
	p := newPair(t)
	const xdpTX = 3
	reflect, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpTX), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reflect.Close()
	err = p.bob.Do(func() error {
		attached, err := link.AttachXDP(link.XDPOptions{Program: reflect, Interface: p.bobN.index, Flags: link.XDPDriverMode})
		if err == nil {
			t.Cleanup(func() { attached.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.bobN.Sniff(isForeign)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.aliceN.Send(p.foreign("there and back")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Await(2*time.Second, func(f Frame) bool { return f.Direction == In }); err != nil {
		t.Error(err)
	}
}
