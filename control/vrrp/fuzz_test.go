package vrrp

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

// FuzzStep holds that no sequence of events brings a router into a state that
// contradicts itself, or that it cannot leave: two bytes are one event, and how
// long it came after the last.
func FuzzStep(f *testing.F) {
	f.Add(uint8(100), uint8(0), []byte{0, 0, 9, 255, 12, 255, 13, 255, 16, 1})
	f.Add(uint8(255), uint8(7), []byte{0, 0, 7, 40, 1, 0, 2, 0, 3, 0})
	f.Fuzz(func(t *testing.T, priority, flags uint8, events []byte) {
		c := valid4()
		c.Priority, c.NoPreempt, c.Grouped = max(priority, 1), flags&1 != 0, flags&2 != 0
		c.PartingAdvert, c.SilentToLesser = flags&8 != 0, flags&16 != 0
		if flags&4 != 0 {
			c.PreemptDelay, c.StartDelay = 2*interval, interval
		}
		r, now := NewRouter(c), after(0)
		for ; len(events) >= 2; events = events[2:] {
			now = now.Add(time.Duration(events[1]) * interval / 50)
			draws := int(events[0])
			r.Step(now, fuzzEvent(draws, r, now))
			sane(t, r, now)
		}
	})
}

func fuzzEvent(draws int, r *Router, now Instant) Event {
	switch draws % 26 {
	case 21:
		return Promote{}
	case 22:
		return StepDown{}
	case 23:
		return []Event{GroupFault{}, GroupRestored{}}[draws/26%2]
	case 24:
		c := r.Config()
		c.Grouped = !c.Grouped
		return Reconfigured{Config: c}
	}
	return randomEvent(func(n int) int {
		draw := draws % n
		draws /= 2
		return draw
	}, r, now)
}

func sane(t *testing.T, r *Router, now Instant) {
	t.Helper()
	if (r.Lease() != 0) != (r.State() == Master) || r.Leaving() && r.State() != Master || r.Ready() && r.State() != Backup {
		t.Fatalf("%v with a lease of %d, leaving %v, ready %v", r.State(), r.Lease(), r.Leaving(), r.Ready())
	}
	if isOwner := r.Config().Priority == OwnerPriority; r.Priority() == 0 || isOwner != (r.Priority() == OwnerPriority) {
		t.Fatalf("priority %d, configured %d", r.Priority(), r.Config().Priority)
	}
	if r.State() == Master && !r.Leaving() && r.Lease().After(now.Add(3*r.Config().Interval)) {
		t.Fatalf("a lease of %v at an interval of %v", r.Lease().Sub(now), r.Config().Interval)
	}
	if _, ok := r.Deadline(); !ok && (r.State() == Master || r.State() == Backup && !r.Ready()) {
		t.Fatalf("in %v without a deadline", r.State())
	}
	// Timers that are due come to an end, or the caller's loop would not.
	for range 5 {
		if at, ok := r.Deadline(); !ok || now.Before(at) {
			return
		}
		r.Step(now, Timer{})
	}
	t.Fatalf("in %v: a timer is due for ever", r.State())
}

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

// FuzzTrailer holds that no bytes behind an advert make it panic, and that none
// are accepted but those that whoever has the key has made.
func FuzzTrailer(f *testing.F) {
	for i, v := range images {
		f.Add(v.family == IPv6, uint8(0), int64(0), imagePacket(f, i).PDU)
		f.Add(v.family == IPv6, uint8(2), int64(4), imagePacket(f, i).PDU[:13])
	}
	f.Add(false, uint8(1), int64(-1), []byte{})
	f.Fuzz(func(t *testing.T, six bool, flags uint8, seconds int64, pdu []byte) {
		v := images[0]
		if six {
			v = images[1]
		}
		a := authOf(t, inMode(AuthMode(flags%3)), func(a *Auth) { a.Monotonic = flags&4 != 0 })
		p := Packet{Family: v.family, Source: v.source, Destination: v.destination, TTL: TTL, MayBeSigned: true, PDU: pdu}
		if flags&8 != 0 && len(pdu) >= headerLength {
			mendSigned(&p)
		}
		advert, err := Parse(p)
		if err != nil {
			return
		}
		var g Guard
		wall := imageWall + time.Duration(seconds%1e9)*time.Second
		proof, err := g.Check(a, p, wall)
		switch {
		case err != nil:
			if reason, ok := err.(Reason); !ok || reason < ReasonAuthMissing || g.marks != nil {
				t.Fatalf("refused with %v, and remembered %v", err, g.marks)
			}
		case proof.Signed:
			again, err := a.Sign(nil, advert, p.Source, p.Destination, proof.Sequence)
			if err != nil || !bytes.Equal(again[len(again)-TrailerLength:], p.PDU[len(p.PDU)-TrailerLength:]) {
				t.Fatalf("accepted without the key: %x", p.PDU)
			}
		case a.Mode == AuthEnforce:
			t.Fatal("accepted unsigned")
		}
	})
}
