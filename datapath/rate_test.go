package datapath

import (
	"net/netip"
	"testing"
	"time"
)

const (
	testPace = 10 * time.Millisecond
	burst    = 32 // BURST of bpf/abi.h
)

// newPaced is a bench whose routers have a pace.
func newPaced(t *testing.T, change func(*RouterSpec)) *bench {
	b := newBench(t)
	for _, r := range []**Router{&b.v3, &b.v2, &b.six, &b.vlanSix} {
		b.replace(t, r, func(s *RouterSpec) { s.Pace = testPace; change(s) })
	}
	return b
}

func unlisted(*RouterSpec) {}

// slowly fills no bucket while a test runs.
func slowly(s *RouterSpec) { s.Pace = 4 * time.Second }

// flood runs each of the frames as often as that, and tells how many events came
// of it, and how many there may have been, in that time, of one bucket.
func (b *bench) flood(t *testing.T, events *Events, frames [][]byte, times int) (got, most int) {
	t.Helper()
	began := Now()
	for _, f := range frames {
		if _, err := b.Run(HookXDP, f, times); err != nil {
			t.Fatal(err)
		}
		got += len(drained(t, events))
	}
	return got, burst + 1 + int((Now()-began)/testPace) + 1
}

// senders invents some.
func senders(n int, priority byte) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = from(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), priority)
	}
	return frames
}

func TestOneSenderIsHeardNoMoreOftenThanItsPaceAllows(t *testing.T) {
	for name, change := range map[string]func(*RouterSpec){
		"a stranger":      unlisted,
		"one on the list": func(s *RouterSpec) { s.Senders = []Sender{{Source: netip.MustParseAddr("10.9.0.0")}} },
	} {
		t.Run(name, func(t *testing.T) {
			b := newPaced(t, func(*RouterSpec) {})
			b.replace(t, &b.v3, change)
			events := b.openEvents(t)
			got, most := b.flood(t, events, senders(1, 110), 50_000)
			if got < burst || got > most {
				t.Errorf("%d events, want %d..%d", got, burst, most)
			}
			c, err := b.v3.Counters()
			if err != nil {
				t.Fatal(err)
			}
			if n := c.AdvertsDropped["rate"]; n != uint64(50_000-got) || c.AdvertsReceived != uint64(got) {
				t.Errorf("%d events, %d received and %d refused of 50,000", got, c.AdvertsReceived, n)
			}
		})
	}
}

// Whoever invents senders has no more of the loop's time than one with a name.
func TestInventedSendersShareOneBucket(t *testing.T) {
	b := newPaced(t, unlisted)
	events := b.openEvents(t)
	got, most := b.flood(t, events, senders(3000, 100), 1)
	if most += 100; got > most { // their credit grows with their priority
		t.Errorf("%d events of 3,000 senders, want at most %d", got, most)
	}
}

// A lesser advert changes nothing, a better one who is master.
func TestABetterAdvertIsHeardThroughAFloodOfLesserOnes(t *testing.T) {
	b := newPaced(t, slowly)
	events := b.openEvents(t)
	b.flood(t, events, senders(1000, 100), 1)
	b.mustRun(t, HookXDP, from(client, 100))
	if n := len(drained(t, events)); n != 0 {
		t.Errorf("%d events of one more that is no better, want none", n)
	}
	b.mustRun(t, HookXDP, from(client, 101))
	if n := len(drained(t, events)); n != 1 {
		t.Errorf("%d events of a better one, want 1", n)
	}
}

func TestTheFollowedMasterIsHeardThroughAnyFloodOfStrangers(t *testing.T) {
	b := newPaced(t, unlisted)
	events := b.openEvents(t)
	b.v3.Follow(peer, header(v3().pdu()))
	for _, frames := range [][][]byte{senders(2000, 254), senders(1, 254)} {
		b.flood(t, events, frames, 100)
		if at, _ := b.mustRun(t, HookXDP, v3().frame()); b.v3.Heard() < at {
			t.Error("its advert is not stamped")
		}
		b.mustRun(t, HookXDP, from(peer, 0))
		if got := drained(t, events); len(got) != 1 || got[0].PDU[2] != 0 {
			t.Errorf("of its farewell came %+v", got)
		}
	}
}

// What is forged is counted and refused by Go, one by one; nothing here can tell it from
// the master's own but the address that it comes from.
func TestTheFollowedMasterThatSignsIsHeardThroughAFloodOfForgeries(t *testing.T) {
	b := newPaced(t, func(s *RouterSpec) { s.Auth = &Auth{Required: true, KeyIDs: []uint8{1}} })
	events := b.openEvents(t)
	b.v3.Follow(peer, header(v3().pdu()))
	forged := func(source netip.Addr, priority byte) []byte {
		p := v3()
		p.priority = priority
		return frameAround(append(p.pdu(), signature(1, 0)...), source, 255)
	}
	var flood [][]byte
	for i := range 2000 {
		flood = append(flood, forged(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 254))
	}
	got, _ := b.flood(t, events, flood, 10)
	if most := burst + 2 + int(time.Second/testPace); got > most {
		t.Errorf("%d forgeries have come to Go, want %d at most", got, most)
	}
	for range 3 {
		b.mustRun(t, HookXDP, forged(peer, 120))
		if got := drained(t, events); len(got) != 1 || got[0].PDU[2] != 120 {
			t.Errorf("of the master's advert came %+v", got)
		}
	}
}

// Its advert is stamped even if somebody sends others in its name.
func TestTheFollowedAdvertItselfHasNoLimit(t *testing.T) {
	b := newPaced(t, unlisted)
	events := b.openEvents(t)
	b.v3.Follow(peer, header(v3().pdu()))
	b.flood(t, events, [][]byte{from(peer, 7)}, 10_000)
	if at, _ := b.mustRun(t, HookXDP, v3().frame()); b.v3.Heard() < at {
		t.Error("it is not stamped")
	}
}

// Nobody would hear of it, so nobody would take it back.
func TestAnAdvertThatIsRefusedForItsRateYieldsNothing(t *testing.T) {
	b := newPaced(t, slowly)
	events := b.openEvents(t)
	b.own()
	b.flood(t, events, [][]byte{from(client, 200)}, 1000)
	b.v3.YieldTo(200)
	b.v3.Resume(0)
	b.mustRun(t, HookXDP, from(client, 200))
	if b.v3.Yielded() {
		t.Error("yielded")
	}
}

func claims(n int) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		mac := [6]byte{2, 0, 0, 1, byte(i >> 8), byte(i)}
		frames[i] = arpFrame(broadcast, mac, arpPacket{operation: 1, senderMAC: mac, sender: vip, target: vip})
	}
	return frames
}

// questions are such as only Go can answer.
func questions(n int) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		q := solicitation(vip6)
		q.payload = q.payload[:24]
		q.from = [6]byte{2, 0, 0, 2, byte(i >> 8), byte(i)}
		frames[i] = q.frame()
	}
	return frames
}

func TestClaimsAndQuestionsHaveBucketsToo(t *testing.T) {
	for name, frames := range map[string]func(int) [][]byte{"claims": claims, "questions": questions} {
		t.Run(name, func(t *testing.T) {
			b := newPaced(t, unlisted)
			b.own()
			events := b.openEvents(t)
			for what, flood := range map[string]struct {
				frames [][]byte
				times  int
			}{"one station": {frames(1), 20_000}, "invented stations": {frames(3000), 1}} {
				got, most := b.flood(t, events, flood.frames, flood.times)
				if got > most {
					t.Errorf("%s: %d events, want at most %d", what, got, most)
				}
			}
			b.mustRun(t, HookXDP, from(client, 100))
			if n := len(drained(t, events)); n != 1 {
				t.Errorf("%d events of an advert, want 1", n)
			}
		})
	}
}

// What nobody drains is what a stopped daemon looks like.
func TestStrangersLeaveRoomInTheRingForThoseWeKnow(t *testing.T) {
	b := newBench(t) // without a pace: only the ring holds them back
	_ = b.openEvents(t)
	b.v3.Follow(peer, header(v3().pdu()))
	long := with(v3(), func(a *advertPacket) { a.source, a.addresses = client, manyAddresses(255) })
	lost := func() uint64 {
		c, err := b.v3.Counters()
		if err != nil {
			t.Fatal(err)
		}
		return c.EventsLost
	}
	if _, err := b.Run(HookXDP, long, 2000); err != nil {
		t.Fatal(err)
	}
	before := lost()
	if before == 0 {
		t.Fatal("nothing is lost: there was no flood")
	}
	b.mustRun(t, HookXDP, from(peer, 0))
	if n := lost() - before; n != 0 {
		t.Error("the farewell of the master that is followed is lost")
	}
}
