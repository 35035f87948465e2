package datapath

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// with changes one thing of an advert and puts the checksum right.
func with(a advertPacket, change func(*advertPacket)) []byte {
	change(&a)
	return a.frame()
}

// broken changes one byte of the PDU and leaves the checksum as it was.
func broken(frame []byte, at int) []byte { return changed(frame, 34+at, frame[34+at]^0x40) }

func manyAddresses(n int) []netip.Addr {
	list := make([]netip.Addr, n)
	for i := range list {
		list[i] = netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
	}
	return list
}

func TestAnAdvertIsCheckedInTheOrderOfTheRFC(t *testing.T) {
	good := v3().frame()
	plain := with(v3(), func(a *advertPacket) { a.pseudo = false })
	many := with(v3(), func(a *advertPacket) { a.addresses = manyAddresses(255) })
	mine := func(frame []byte, reason string) programCase {
		return programCase{frame: frame, verdict: Drop, counted: once("dropped " + reason)}
	}
	others := func(frame []byte, reason string) programCase {
		return programCase{frame: frame, verdict: Pass, counted: once("port dropped " + reason)}
	}
	valid := func(frame []byte, and ...string) programCase {
		return programCase{frame: frame, verdict: Pass, counted: once(append(and, "received")...)}
	}
	inVLAN := func(frame []byte, and ...string) programCase {
		return programCase{frame: tagged(frame, 30), verdict: Pass, counted: once(append(and, "vlan received")...)}
	}
	// Two faults each, to show the order: the later one is in every frame.
	cases := map[string]programCase{
		"valid v3, pseudo-header":                       valid(good, "checksum pseudo-header"),
		"valid v3, message only":                        valid(plain, "checksum message-only"),
		"valid v3, 255 addresses":                       valid(many, "checksum pseudo-header", "odd address_list"),
		"valid, reserved bits set":                      valid(with(v3(), func(a *advertPacket) { a.interval |= 0xf000 }), "checksum pseudo-header"),
		"valid v2 in its VLAN":                          inVLAN(v2().frame()),
		"v2, 255 addresses":                             inVLAN(with(v2(), func(a *advertPacket) { a.addresses = manyAddresses(255) })),
		"truncated IP packet":                           others(good[:40], "ip_header"),
		"IP version 5":                                  others(withIP(good, func(h []byte) { h[0] = 0x55 }), "ip_header"),
		"IP options":                                    others(withIP(good, func(h []byte) { h[0] = 0x46 }), "ip_header"),
		"IP checksum wrong":                             others(changed(good, 15, 0xc1), "ip_header"),
		"first fragment":                                others(withIP(good, func(h []byte) { h[6] = 0x20 }), "fragment"),
		"later fragment":                                others(withIP(good, func(h []byte) { h[7] = 1 }), "fragment"),
		"1. TTL 254 before the version":                 mine(with(v3(), func(a *advertPacket) { a.ttl = 254; a.versionType = 0x21 }), "ttl"),
		"2. version 2 of a v3 router before the type":   mine(with(v3(), func(a *advertPacket) { a.versionType = 0x22 }), "version"),
		"2. version 4":                                  mine(with(v3(), func(a *advertPacket) { a.versionType = 0x41 }), "version"),
		"3. type 2 before the length":                   mine(frameAround(changed(v3().pdu(), 0, 0x32)[:8], peer, 255), "type"),
		"4. an address missing, before the checksum":    mine(frameAround(changed(v3().pdu(), 3, 2), peer, 255), "length"),
		"4. an address too many":                        mine(frameAround(append(v3().pdu(), 1, 2, 3, 4), peer, 255), "length"),
		"4. v2 without authentication data":             {frame: tagged(with(v2(), func(a *advertPacket) { a.trailer = nil }), 30), verdict: Drop, counted: once("vlan dropped length")},
		"4. seven bytes":                                others(frameAround(v3().pdu()[:7], peer, 255), "length"),
		"4. one byte":                                   others(frameAround(v3().pdu()[:1], peer, 255), "length"),
		"4. nothing":                                    others(frameAround(nil, peer, 255), "length"),
		"5. checksum wrong, before the count":           mine(broken(with(v3(), func(a *advertPacket) { a.addresses = nil }), 6), "checksum"),
		"5. checksum of v2 with a pseudo-header":        {frame: tagged(with(v2(), func(a *advertPacket) { a.pseudo = true }), 30), verdict: Drop, counted: once("vlan dropped checksum")},
		"6. a VRID that is not ours":                    others(with(v3(), func(a *advertPacket) { a.vrid = 11 }), "vrid"),
		"6. our VRID in another VLAN":                   others(tagged(good, 31), "vrid"),
		"8. no address, before the interval":            mine(with(v3(), func(a *advertPacket) { a.addresses = nil; a.interval = 0 }), "count"),
		"10. interval 0":                                mine(with(v3(), func(a *advertPacket) { a.interval = 0xf000 }), "interval"),
		"10. v2, interval 0":                            {frame: tagged(with(v2(), func(a *advertPacket) { a.interval = 0x0100 }), 30), verdict: Drop, counted: once("vlan dropped interval")},
		"a fault in another's advert is not ours drop":  others(with(v3(), func(a *advertPacket) { a.vrid = 11; a.ttl = 1 }), "ttl"),
		"VRRP to another group is none of ours":         {frame: withIP(good, func(h []byte) { h[19] = 19 }), verdict: Pass, counted: once("spoofed")},
		"another protocol to the group is none of ours": {frame: withIP(good, func(h []byte) { h[9] = 17 }), verdict: Pass, counted: once("spoofed")},
	}
	b := newBench(t)
	for name, c := range cases {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

func drained(t *testing.T, e *Events) []Event {
	t.Helper()
	var list []Event
	err := e.Drain(func(event Event) {
		event.PDU = append([]byte(nil), event.PDU...)
		list = append(list, event)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (b *bench) openEvents(t *testing.T) *Events {
	t.Helper()
	e, err := b.Events()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// mustRun runs a frame and tells when, at the earliest and the latest, it arrived.
func (b *bench) mustRun(t *testing.T, hook Hook, frame []byte) (from, to time.Duration) {
	t.Helper()
	from = Now()
	if _, err := b.Run(hook, frame, 1); err != nil {
		t.Fatal(err)
	}
	return from, Now()
}

func TestAnAdvertReachesGoWholeWithItsArrivalTime(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, a := range []advertPacket{v3(), {versionType: 0x31, vrid: 10, priority: 7, interval: 9, addresses: manyAddresses(255), source: client, ttl: 255}} {
			from, to := b.mustRun(t, hook, a.frame())
			got := drained(t, events)
			if len(got) != 1 {
				t.Fatalf("%s: %d events, want 1", hook, len(got))
			}
			if at := got[0].At; at < from || at > to {
				t.Errorf("%s: arrived at %v, want between %v and %v", hook, at, from, to)
			}
			got[0].At = 0
			want := Event{Kind: EventAdvert, Slot: b.v3.Slot(), Source: a.source, Hardware: virtualMAC, TTL: 255, PDU: a.pdu()}
			if diff := cmp.Diff(want, got[0], cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("%s (-want +got):\n%s", hook, diff)
			}
		}
	}
}

func header(pdu []byte) [8]byte { return [8]byte(pdu[:8]) }

func TestAnUnchangedAdvertIsStampedAndWakesNobody(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	if b.v3.Heard() != 0 {
		t.Error("heard before anything came")
	}
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.v3.Follow(peer, header(v3().pdu()))
		from, to := b.mustRun(t, hook, v3().frame())
		if heard := b.v3.Heard(); heard < from || heard > to {
			t.Errorf("%s: heard at %v, want between %v and %v", hook, heard, from, to)
		}
		if got := drained(t, events); len(got) != 0 {
			t.Errorf("%s: %d events, want none", hook, len(got))
		}
	}
}

func TestAnythingButTheFollowedAdvertIsAnEventAndNotStamped(t *testing.T) {
	changes := map[string]func(*advertPacket){
		"another priority": func(a *advertPacket) { a.priority = 121 },
		"priority 0":       func(a *advertPacket) { a.priority = 0 },
		"another interval": func(a *advertPacket) { a.interval = 101 },
		"another address":  func(a *advertPacket) { a.addresses = []netip.Addr{client} },
		"one more address": func(a *advertPacket) { a.addresses = []netip.Addr{vip, client} },
		"another checksum": func(a *advertPacket) { a.pseudo = false },
		"another sender":   func(a *advertPacket) { a.source = client },
	}
	b := newBench(t)
	events := b.openEvents(t)
	b.v3.Follow(peer, header(v3().pdu()))
	for name, change := range changes {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			b.mustRun(t, hook, with(v3(), change))
			if got := drained(t, events); len(got) != 1 {
				t.Errorf("%s: %s: %d events, want 1", hook, name, len(got))
			}
			if b.v3.Heard() != 0 {
				t.Errorf("%s: %s: stamped", hook, name)
			}
		}
	}
}

func TestARefusedAdvertIsNeitherStampedNorAnEvent(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	b.v3.Follow(peer, header(v3().pdu()))
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.mustRun(t, hook, with(v3(), func(a *advertPacket) { a.ttl = 254 }))
		b.mustRun(t, hook, broken(v3().frame(), 9))
	}
	if got := drained(t, events); len(got) != 0 || b.v3.Heard() != 0 {
		t.Errorf("%d events, heard at %v; want nothing", len(got), b.v3.Heard())
	}
}

func TestAnOverfullRingIsCounted(t *testing.T) {
	b := newBench(t)
	_ = b.openEvents(t)
	long := with(v3(), func(a *advertPacket) { a.addresses = manyAddresses(255) })
	for range 1 << 20 / 1096 * 2 {
		b.mustRun(t, HookXDP, long)
	}
	c, err := b.v3.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.EventsLost == 0 {
		t.Error("no event was counted as lost")
	}
}

func TestAConflictIsReportedWithItsEvidence(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	claim := arpFrame(broadcast, strangeMAC, arpPacket{operation: 1, senderMAC: strangeMAC, sender: vip, target: vip})
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.mustRun(t, hook, claim)
		got := drained(t, events)
		if len(got) != 1 {
			t.Fatalf("%s: %d events, want 1", hook, len(got))
		}
		if e := got[0]; e.Kind != EventConflict || e.Source != vip || e.Hardware != strangeMAC || e.Slot != b.v3.Slot() {
			t.Errorf("%s: %+v", hook, e)
		}
	}
}

func TestVirtualRoutersOfOthersAreObserved(t *testing.T) {
	b := newBench(t)
	other := advertPacket{versionType: 0x21, vrid: 99, priority: 150, interval: 3, addresses: manyAddresses(2), trailer: make([]byte, 8), source: client, ttl: 255}
	first, _ := b.mustRun(t, HookXDP, tagged(other.frame(), 7))
	other.priority = 151
	_, last := b.mustRun(t, HookIngress, tagged(other.frame(), 7))
	got, err := b.Others()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d others, want 1", len(got))
	}
	o := got[0]
	if o.First < first || o.Last > last || o.Shortest == 0 || o.Shortest != o.Longest || o.Last-o.First != o.Longest {
		t.Errorf("times do not fit: %+v", o)
	}
	o.First, o.Last, o.Shortest, o.Longest = 0, 0, 0, 0
	want := Other{Interface: loopback, VLAN: 7, VRID: 99, Family: 4, Source: client, Hardware: virtualMAC,
		Version: 2, Priority: 151, Interval: 3 * time.Second, Addresses: 2, Address: manyAddresses(1)[0], Adverts: 2}
	if o != want {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}
}

func TestTheFirstEightBytesTellEveryChangeOfAnAdvert(t *testing.T) {
	// Follow compares the header only: the checksum in it must stand for the rest.
	a, b := v3(), v3()
	b.addresses = []netip.Addr{client}
	if binary.BigEndian.Uint64(a.pdu()) == binary.BigEndian.Uint64(b.pdu()) {
		t.Error("two address lists have the same first eight bytes")
	}
}

func TestReadyWakesOncePerDrain(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	for range 3 {
		b.mustRun(t, HookXDP, v3().frame())
		select {
		case <-events.Ready():
		case <-time.After(5 * time.Second):
			t.Fatal("no wake-up")
		}
		if n := len(drained(t, events)); n != 1 {
			t.Fatalf("%d events, want 1", n)
		}
	}
	b.mustRun(t, HookXDP, v3().frame())
	if n := len(drained(t, events)); n != 1 { // without waiting for Ready
		t.Fatalf("%d events, want 1", n)
	}
}

func TestArrivalsOfTheFollowedAdvertMakeAHistogram(t *testing.T) {
	b := newBench(t)
	b.v3.Follow(peer, header(v3().pdu()))
	first, ran := b.mustRun(t, HookXDP, v3().frame())
	for Now() < ran+3*time.Millisecond {
		time.Sleep(100 * time.Microsecond)
	}
	_, last := b.mustRun(t, HookXDP, v3().frame())
	a, err := b.v3.Arrivals()
	if err != nil {
		t.Fatal(err)
	}
	if a.All != 1 || a.Sum < 3*time.Millisecond || a.Sum > last-first {
		t.Errorf("%d arrivals, %v apart; want 1, at least 3ms, at most %v", a.All, a.Sum, last-first)
	}
	for bound, n := range a.Below {
		if want := a.Sum < bound; want != (n == 1) {
			t.Errorf("%d below %v, with one of %v", n, bound, a.Sum)
		}
	}
}

func TestAMasterIsSilentFromTheArrivalOfABetterRoutersAdvert(t *testing.T) {
	ask := arpFrame(broadcast, clientMAC, request(client, vip))
	cases := []struct {
		name     string
		yieldsTo uint8
		priority uint8
		want     Verdict
	}{
		{"a better one", 121, 121, Drop},
		{"an equal one, left to the control plane", 121, 120, Reply},
		{"the least that it is told to", 1, 1, Drop},
		{"one that leaves itself", 1, 0, Reply},
		{"nothing ends what never yields", 0, 255, Reply},
	}
	b := newBench(t)
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, c := range cases {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) {
				b.own()
				b.v3.Resume(0)
				b.v3.YieldTo(c.yieldsTo)
				b.mustRun(t, hook, with(v3(), func(a *advertPacket) { a.priority = c.priority }))
				o, err := b.Run(hook, ask, 1)
				if err != nil {
					t.Fatal(err)
				}
				if o.Verdict != c.want || b.v3.Yielded() != (c.want == Drop) {
					t.Errorf("a question is answered with %s, yielded %v; want %s", o.Verdict, b.v3.Yielded(), c.want)
				}
				b.v3.Resume(0)
				if o, err := b.Run(hook, ask, 1); err != nil || o.Verdict != Reply {
					t.Errorf("after Resume: %s, %v", o.Verdict, err)
				}
			})
		}
	}
}

func TestNoYieldForAnAdvertThatTheControlPlaneWillNotHear(t *testing.T) {
	b := newBench(t)
	b.own()
	long := with(v3(), func(a *advertPacket) { a.addresses = manyAddresses(255) })
	for range 1 << 20 / 1096 * 2 { // nobody drains
		b.mustRun(t, HookXDP, long)
	}
	b.v3.YieldTo(121)
	b.mustRun(t, HookXDP, with(v3(), func(a *advertPacket) { a.priority = 200; a.addresses = manyAddresses(255) }))
	if b.v3.Yielded() {
		t.Error("yielded, and nobody will know")
	}
}

func TestResumeTakesBackOnlyTheYieldToThatAdvert(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	b.own()
	b.v3.YieldTo(121)
	for _, priority := range []byte{200, 201} {
		b.mustRun(t, HookXDP, with(v3(), func(a *advertPacket) { a.priority = priority }))
	}
	got := drained(t, events)
	if b.v3.Resume(got[0].At); !b.v3.Yielded() {
		t.Error("the yield to the second advert was taken back with the first")
	}
	if b.v3.Resume(got[1].At); b.v3.Yielded() {
		t.Error("the yield was not taken back")
	}
}

func TestAFloodOfClaimsLeavesRoomForAdverts(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	claim := arpFrame(broadcast, strangeMAC, arpPacket{operation: 1, senderMAC: strangeMAC, sender: vip, target: vip})
	for range 1 << 20 / 64 {
		b.mustRun(t, HookXDP, claim)
	}
	b.mustRun(t, HookXDP, v3().frame())
	got := drained(t, events)
	if last := got[len(got)-1]; last.Kind != EventAdvert {
		t.Errorf("of %d events the last is of kind %d: the advert found no room", len(got), last.Kind)
	}
}
