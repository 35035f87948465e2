package lab

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var compareAddresses = cmpopts.EquateComparable(netip.Addr{})

func TestNDFramesSurviveWritingAndReading(t *testing.T) {
	solicitation := Solicit(MAC{2, 3, 4, 5, 6, 7}, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::12:3456"))
	tests := map[string]ND{
		"solicitation": solicitation,
		"probe":        Solicit(MAC{2, 3, 4, 5, 6, 7}, netip.IPv6Unspecified(), netip.MustParseAddr("fe80::100")),
		"advertisement": {
			Destination: MAC{1, 2, 3, 4, 5, 6}, Source: MAC{7, 8, 9, 10, 11, 12}, Type: NeighborAdvertisement,
			SourceIP: netip.MustParseAddr("fe80::7"), DestinationIP: netip.MustParseAddr("fe80::8"),
			Router: true, Solicited: true, Target: netip.MustParseAddr("fe80::9"), LinkLayer: MAC{13, 14, 15, 16, 17, 18},
		},
	}
	for name, want := range tests {
		got, ok := ParseND(want.Frame())
		if d := cmp.Diff(want, got, compareAddresses); !ok || d != "" {
			t.Errorf("%s: ok is %v, frame (-want +got):\n%s", name, ok, d)
		}
	}
	if solicitation.Destination != (MAC{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}) || solicitation.DestinationIP != netip.MustParseAddr("ff02::1:ff12:3456") {
		t.Errorf("solicitation to %s and %s, want the solicited-node group", solicitation.Destination, solicitation.DestinationIP)
	}
}

func TestAnNDMessageThatAHostMustIgnoreIsNotRead(t *testing.T) {
	good := Solicit(MAC{2, 3, 4, 5, 6, 7}, netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::100")).Frame()
	damage := map[string]func(f []byte) []byte{
		"hop limit":        func(f []byte) []byte { f[14+7] = 254; return f },
		"checksum":         func(f []byte) []byte { f[len(f)-1] ^= 1; return f },
		"short":            func(f []byte) []byte { return f[:len(f)-1] },
		"another protocol": func(f []byte) []byte { f[14+6] = 17; return f },
	}
	for name, spoil := range damage {
		if n, ok := ParseND(spoil(slices.Clone(good))); ok {
			t.Errorf("%s: read as %+v", name, n)
		}
	}
}

// addVIP6 gives the host the address without a question to others. It answers when
// it has the route to itself, which the kernel makes a moment later.
func addVIP6(t *testing.T, h *Host) {
	t.Helper()
	mustRun(t, h, "ip", "addr", "add", vip6.String()+"/64", "dev", "eth0", "nodad")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		out, err := h.Run("ip", "-6", "route", "show", "table", "local", vip6.String())
		if err == nil && strings.Contains(out, vip6.String()) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the address has no route: %v, %s", err, out)
		}
	}
}

func watchND(t *testing.T, p *pair) *OwnerReport {
	t.Helper()
	w, err := p.lan.WatchND(p.aliceN, vip6, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.awaitAnswers(t, 200)
	return w.Stop()
}

func TestNDAnswersAreAttributedToThePortTheyCameFrom(t *testing.T) {
	p := newPair(t)
	addVIP6(t, p.bob)
	r := watchND(t, p)
	if r.Unanswered() != 0 || len(r.Answers) != r.Requests || len(r.DoubleAnswers()) != 0 {
		t.Errorf("%d requests, %d answers, %d unanswered, want one answer each", r.Requests, len(r.Answers), r.Unanswered())
	}
	for i, a := range r.Answers {
		if a.RequestSeq != i || a.Host != "bob" || a.Port != "bob-eth0" || a.SenderMAC != p.bobN.MAC || a.SourceMAC != p.bobN.MAC {
			t.Fatalf("answer %d is %+v, want bob's to request %d", i, a, i)
		}
	}
}

func TestTwoHostsWithOneIPv6AddressAreDoubleAnswers(t *testing.T) {
	p := newPair(t)
	eve := p.lab.Host("eve")
	eve.Connect(p.lan, "eth0")
	addVIP6(t, p.bob)
	addVIP6(t, eve)
	r := watchND(t, p)
	if double := r.DoubleAnswers(); len(double) < r.Requests-1 {
		t.Errorf("%d double answers to %d requests, want all", len(double), r.Requests)
	}
}

func TestALinkLocalAddressIsProbedByItsZone(t *testing.T) {
	p := newPair(t)
	target := p.bobN.LinkLocal().WithZone("eth0")
	prober := probe(t, p.alice, ProbeOptions{Target: target})
	answers(t, prober, 10)
	if r := prober.Stop(); r.Lost != 0 || r.Answers[p.bobN.MAC] != r.Sent {
		t.Errorf("lost %d of %d, answers by %v, want %s", r.Lost, r.Sent, r.Answers, p.bobN.MAC)
	}
	if mac, state, ok := p.alice.Neighbour("eth0", target); !ok || mac != p.bobN.MAC || state != "REACHABLE" {
		t.Errorf("neighbour entry is %s %s %v, want %s REACHABLE", mac, state, ok, p.bobN.MAC)
	}
	if _, err := p.alice.Probe(ProbeOptions{Target: p.bobN.LinkLocal().WithZone("eth9")}); err == nil {
		t.Error("a zone that is no interface is no error")
	}
}

func TestAnIPv6NeighbourIsForgotten(t *testing.T) {
	p := newPair(t)
	mustRun(t, p.alice, "ping", "-c1", "-W1", "2001:db8::3")
	p.alice.FlushNeighbours()
	if mac, state, ok := p.alice.Neighbour("eth0", netip.MustParseAddr("2001:db8::3")); ok && state != "FAILED" {
		t.Errorf("neighbour entry is still %s %s", mac, state)
	}
}

// routerAdvertisement says that the sender is a default router for half an hour.
func routerAdvertisement(from *NIC) []byte {
	n := ND{
		Destination: MAC{0x33, 0x33, 0, 0, 0, 1}, Source: from.MAC, SourceIP: from.LinkLocal(),
		DestinationIP: netip.MustParseAddr("ff02::1"), Type: 134, Target: netip.IPv6Unspecified(),
	}
	frame := n.Frame()
	message := frame[14+ipv6Header:][:16] // what follows is the rest of Target
	frame[14+5] = 16
	copy(message[4:], []byte{64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0}) // hop limit, flags, lifetime, timers
	message[2], message[3] = 0, 0
	sum := Checksum(icmp6Covered(frame[14:], message))
	message[2], message[3] = byte(sum>>8), byte(sum)
	return frame[:14+ipv6Header+16]
}

func TestAHostFollowsARouterAdvertisementOnlyWhenAsked(t *testing.T) {
	p := newPair(t)
	p.alice.AcceptRouterAdvertisements()
	eve := p.lab.Host("eve")
	eve.Connect(p.lan, "eth0")
	if err := p.bobN.Send(routerAdvertisement(p.bobN)); err != nil {
		t.Fatal(err)
	}
	defaultRoute := func(h *Host) string {
		out, err := h.Run("ip", "-6", "route", "show", "default")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for deadline := time.Now().Add(2 * time.Second); defaultRoute(p.alice) == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("alice did not take the default route")
		}
	}
	if route := defaultRoute(eve); route != "" {
		t.Errorf("eve took the default route %s", route)
	}
}
