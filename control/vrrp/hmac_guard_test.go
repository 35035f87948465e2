package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// hears is what becomes of an advert that was signed at one time and arrives at another.
func (g *Guard) hears(t *testing.T, a *Auth, source netip.Addr, s Sequence, wall time.Duration) error {
	t.Helper()
	pdu, err := a.Sign(nil, images[0].advert, source, GroupAddress(IPv4), s)
	if err != nil {
		t.Fatal(err)
	}
	return g.receive(a, Packet{Family: IPv4, Source: source, Destination: GroupAddress(IPv4), TTL: TTL, MayBeSigned: true, PDU: pdu}, wall)
}

func TestOnlyWhatIsLaterThanTheLastIsAccepted(t *testing.T) {
	for _, a := range []*Auth{authOf(t), authOf(t, monotonic)} {
		var g Guard
		s := SequenceAt(imageWall)
		for _, step := range []struct {
			s    Sequence
			want error
		}{
			{s, nil}, {s, ReasonAuthReplay}, {s - 1, ReasonAuthReplay}, {s + 1, nil}, {s, ReasonAuthReplay},
			{s + 1<<32, nil}, {s + 1<<31, ReasonAuthReplay}, {s + 1<<32 + 1, nil},
		} {
			if err := g.hears(t, a, self, step.s, imageWall); err != step.want {
				t.Errorf("%x after %x: %v, want %v", step.s, s, err, step.want)
			}
		}
		if err := g.hears(t, a, higher, s, imageWall); err != nil {
			t.Errorf("another sender: %v", err)
		}
	}
}

// RFC 1982: 2106 is not the end.
func TestSequencesGoOnWhenTheSecondsWrapAround(t *testing.T) {
	var g Guard
	last, first := Sequence(0xffffffff_ffff0000), Sequence(0x00000000_80000000)
	for _, s := range []Sequence{last, first} {
		if err := g.hears(t, authOf(t), self, s, time.Duration(0xffffffff)*time.Second+time.Second); err != nil {
			t.Errorf("%x: %v", s, err)
		}
	}
	if err := g.hears(t, authOf(t), self, last, time.Duration(0xffffffff)*time.Second); err != ReasonAuthReplay {
		t.Errorf("the one before: %v", err)
	}
}

func TestWhatWasRememberedForANewGuardIsNotAcceptedAgain(t *testing.T) {
	var g Guard
	s := SequenceAt(imageWall)
	g.Remember(self, s)
	if err := g.hears(t, authOf(t), self, s, imageWall); err != ReasonAuthReplay {
		t.Error(err)
	}
	if err := g.hears(t, authOf(t), self, s+1, imageWall); err != nil {
		t.Error(err)
	}
}

// Both hosts had a clock that was an hour ahead, and it was set right.
func TestAClockThatIsSetBackDoesNotMakeAPairDeafForAsLong(t *testing.T) {
	a := authOf(t)
	var sender, receiver Guard
	for _, wall := range []time.Duration{imageWall + time.Hour, imageWall, imageWall + time.Millisecond} {
		if err := receiver.hears(t, a, self, sender.Next(a, wall), wall); err != nil {
			t.Errorf("at %v: %v", wall-imageWall, err)
		}
	}
	// Without a common clock it is the order that counts, whatever the clock says.
	sender, receiver, a = Guard{}, Guard{}, authOf(t, monotonic)
	for _, wall := range []time.Duration{imageWall + time.Hour, imageWall} {
		if err := receiver.hears(t, a, self, sender.Next(a, wall), wall); err != nil {
			t.Errorf("monotonic, at %v: %v", wall-imageWall, err)
		}
	}
}

func TestTheSequenceOfWhatIsSentIsTheClockOrElseOneMore(t *testing.T) {
	var g Guard
	a, s := authOf(t), SequenceAt(imageWall)
	if s != imageSequence {
		t.Errorf("%v is %x", imageWall, uint64(s))
	}
	for i, step := range []struct {
		wall time.Duration
		want Sequence
	}{
		{imageWall, s}, {imageWall, s + 1}, {imageWall - 4*time.Second, s + 2}, {imageWall + time.Second, s + 1<<32},
	} {
		if got := g.Next(a, step.wall); got != step.want {
			t.Errorf("%d: got %x, want %x", i, uint64(got), uint64(step.want))
		}
	}
	var again Guard
	again.RememberSent(s + 7)
	if got := again.Next(a, imageWall); got != s+8 {
		t.Errorf("after a restart: %x", uint64(got))
	}
	var first Guard // in 2040 the sequence is more than half of all
	if late := 0x88888888 * time.Second; first.Next(a, late) != SequenceAt(late) {
		t.Error("the first of all is not the clock")
	}
}

func TestWhoIsSilentForTheLongestTimeIsForgottenFirst(t *testing.T) {
	var g Guard
	a, sender := authOf(t), self
	for i := range Sequence(mostMarks + 1) {
		if err := g.hears(t, a, sender, imageSequence+i, imageWall); err != nil {
			t.Fatal(err)
		}
		sender = sender.Next()
	}
	if _, known := g.marks[self]; len(g.marks) != mostMarks || known {
		t.Errorf("%d senders are remembered, the oldest: %v", len(g.marks), known)
	}
}

func TestKeysAreChangedWithoutASilence(t *testing.T) {
	first, second := key(t, 0), key(t, 100)
	both := func(active uint8) *Auth {
		return authOf(t, func(a *Auth) { a.Keys, a.Active = map[uint8]Key{1: first, 2: second}, active })
	}
	only := func(id uint8, k Key) *Auth {
		return authOf(t, func(a *Auth) { a.Keys, a.Active = map[uint8]Key{id: k}, id })
	}
	var sender, receiver Guard
	stages := []*Auth{only(1, first), both(1), both(2), only(2, second)}
	for i, auth := range stages {
		// The other router is at the same stage, or at one beside it.
		for _, at := range []int{i - 1, i, i + 1} {
			if at < 0 || at == len(stages) {
				continue
			}
			pdu, err := auth.Sign(nil, images[0].advert, self, GroupAddress(IPv4), sender.Next(auth, imageWall))
			if err != nil {
				t.Fatal(err)
			}
			p := Packet{Family: IPv4, Source: self, Destination: GroupAddress(IPv4), TTL: TTL, MayBeSigned: true, PDU: pdu}
			receiver.must(t, stages[at], p, imageWall, nil)
			receiver.must(t, stages[at], p, imageWall, ReasonAuthReplay)
		}
	}
	var g Guard
	pdu, _ := only(1, first).Sign(nil, images[0].advert, self, GroupAddress(IPv4), imageSequence)
	g.must(t, only(2, second), Packet{Family: IPv4, Source: self, Destination: GroupAddress(IPv4), TTL: TTL, MayBeSigned: true, PDU: pdu}, imageWall, ReasonAuthKey)
}
