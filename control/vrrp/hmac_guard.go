package vrrp

import (
	"net/netip"
	"time"
)

// mostMarks is how many senders of one virtual router are remembered: far more
// than there are. Only who has a key can add one.
const mostMarks = 32

// Guard authenticates the adverts of one virtual router, and remembers what
// keeps each from being accepted twice. It is to live as long as the keys do:
// whoever starts anew tells it first what was known. The zero Guard knows nothing.
type Guard struct {
	marks map[netip.Addr]Sequence // the last that was accepted of each sender
	sent  Sequence
	spoke bool // sent has a meaning
}

// Check authenticates an advert that Parse has accepted, which arrived at that
// time of day, since 1970. The error is a Reason. Of an advert that it accepts it
// accepts no second one, nor an earlier one of that sender.
func (g *Guard) Check(a *Auth, p Packet, wall time.Duration) (Proof, error) {
	proof, err := a.verify(p, wall)
	if err != nil || !proof.Signed {
		return proof, err
	}
	mark, known := g.marks[p.Source]
	if known && !a.expired(mark, wall) && !proof.Sequence.After(mark) {
		return proof, ReasonAuthReplay
	}
	g.Remember(p.Source, proof.Sequence)
	return proof, nil
}

// expired reports whether a sequence is of a future that the clock does not know
// any more: it was set back since. To insist on it would be to hear and be heard
// by nobody until the clock is there again.
func (a *Auth) expired(s Sequence, wall time.Duration) bool {
	return !a.Monotonic && s.secondsAfter(SequenceAt(wall)) > a.Window
}

// Remember tells what was accepted last of a sender.
func (g *Guard) Remember(sender netip.Addr, s Sequence) {
	if g.marks == nil {
		g.marks = make(map[netip.Addr]Sequence)
	}
	if _, known := g.marks[sender]; !known && len(g.marks) >= mostMarks {
		delete(g.marks, g.oldest())
	}
	g.marks[sender] = s
}

// oldest is the sender that was silent for the longest time.
func (g *Guard) oldest() netip.Addr {
	var oldest netip.Addr
	for sender, s := range g.marks {
		if last := g.marks[oldest]; !oldest.IsValid() || last.After(s) || last == s && sender.Less(oldest) {
			oldest = sender
		}
	}
	return oldest
}

// RememberSent tells what was sent last.
func (g *Guard) RememberSent(s Sequence) { g.sent, g.spoke = s, true }

// Next is the sequence of the next advert to be sent, at that time of day: that
// time, or if it is not later than the last one, the one after that.
func (g *Guard) Next(a *Auth, wall time.Duration) Sequence {
	next := SequenceAt(wall)
	if g.spoke && !next.After(g.sent) && !a.expired(g.sent, wall) {
		next = g.sent + 1
	}
	g.RememberSent(next)
	return next
}
