package chaos

import (
	"fmt"
	"slices"
	"time"
)

// overlap is a time with two owners.
type overlap struct {
	span
	family        int
	winner, loser int           // by priority: the loser has to give way
	seen          string        // in what
	healed        time.Duration // how much of it was after the path had healed
}

// overlaps are those of the leases.
func (r *record) overlaps() []overlap {
	var list []overlap
	for family := range families {
		for winner := range routers {
			for loser := winner + 1; loser < routers; loser++ {
				for _, w := range r.owned[owner{winner, family}] {
					for _, l := range r.owned[owner{loser, family}] {
						if both := w.meet(l); both.length() > 0 {
							list = append(list, overlap{span: both, family: family, winner: winner, loser: loser, seen: "leases"})
						}
					}
				}
			}
		}
	}
	return list
}

// joined is how far apart two questions may be that several routers answered, to
// be one overlap.
const joined = 20 * time.Millisecond

// doubleAnswers are the overlaps of answers to one question.
func (r *record) doubleAnswers() []overlap {
	var list []overlap
	for family := range families {
		for i, a := range r.answers[family] {
			for _, b := range r.answers[family][i+1 : min(len(r.answers[family]), i+1+routers*2)] {
				if a.asked != b.asked || a.router == b.router {
					continue
				}
				o := overlap{span: span{min(a.at, b.at), max(a.at, b.at)}, family: family, winner: min(a.router, b.router),
					loser: max(a.router, b.router), seen: "answers"}
				list = addOverlap(list, o)
			}
		}
	}
	return list
}

func addOverlap(list []overlap, o overlap) []overlap {
	for i := len(list) - 1; i >= 0; i-- {
		l := &list[i]
		if l.family == o.family && l.winner == o.winner && l.loser == o.loser {
			if o.from-l.to < joined {
				l.to = max(l.to, o.to)
				return list
			}
			break
		}
	}
	return append(list, o)
}

// judgeOverlap says what is wrong with an overlap, and by how much; "" if it is
// one that cannot be helped:
//
//   - The better one comes back. Its first advert and its lease are an instant
//     apart; the other gives way when the advert arrives.
//   - The lesser one rises, because it has heard no advert of the better one for
//     its Active_Down_Interval, and there was a fault between them.
//   - One leaves, and serves until it hears its successor. If it hears none it
//     stays, and from then on it is as if it had not left.
//
// Each ends when an advert arrives, and one comes within an interval after the
// path between the two has healed.
func (r *record) judgeOverlap(o *overlap) (what string, excess time.Duration) {
	for _, leaver := range []int{o.winner, o.loser} {
		left, ok := r.leaves(leaver, o.family, o.from)
		if !ok {
			continue
		}
		going, stayed := *o, *o
		going.to, stayed.from = min(o.to, left.to), left.to
		what, excess = r.judgeEnd(&going, o.winner+o.loser-leaver, leaver)
		if what == "" && stayed.length() > 0 {
			what, excess = r.judgeEnd(&stayed, o.winner, o.loser)
		}
		o.healed = max(going.healed, stayed.healed)
		return what, excess
	}
	if what, excess = r.judgeStart(o); what != "" {
		return what, excess
	}
	return r.judgeEnd(o, o.winner, o.loser)
}

// leaves is the time, if at is in it, from when the router was told to leave until
// it was told otherwise, or stayed because nobody answered.
func (r *record) leaves(router, family int, at time.Duration) (span, bool) {
	for _, f := range r.faults {
		for _, s := range f.left[family] {
			if f.router == router && s.holds(at) {
				return s, true
			}
		}
	}
	return span{}, false
}

// judgeStart looks at the beginning, where it is the lesser one that rises. One
// that rose after a farewell had every reason, also where it is seen beside the
// other only later.
func (r *record) judgeStart(o *overlap) (string, time.Duration) {
	w, l := r.began(o.winner, o), r.began(o.loser, o)
	if _, succeeds := r.leaves(o.winner, o.family, l); l < w || succeeds {
		return "", 0
	}
	quiet := span{max(w, o.from-r.setup.activeDown(o.loser)) + margin, o.from - margin}
	if heard := r.delivered(o.family, o.winner, o.loser, quiet); len(heard) > 0 {
		last := o.from - heard[len(heard)-1].at
		return fmt.Sprintf("%s had heard %s %v before", nameOf(o.loser), nameOf(o.winner), round(last)), r.setup.activeDown(o.loser) - last
	}
	if known := o.from - w; known > margin && !meets(r.path(o.winner, o.loser), span{max(w, o.from-r.setup.activeDown(o.loser)-margin), o.from}) {
		return fmt.Sprintf("nothing was between them, and %s had been owner for %v", nameOf(o.winner), round(known)), known
	}
	return "", 0
}

// began is when a router became what it is in an overlap: by its lease, or by its
// answers if it has none.
func (r *record) began(router int, o *overlap) time.Duration {
	for _, s := range r.owned[owner{router, o.family}] {
		if s.holds(o.from) {
			return s.from
		}
	}
	began := o.from
	for _, a := range slices.Backward(r.answers[o.family]) {
		if a.router != router || a.at > o.from {
			continue
		}
		if began-a.at > r.setup.interval {
			break
		}
		began = a.at
	}
	return began
}

// judgeEnd looks at how long it goes on once the one that has to give way can
// hear the other.
func (r *record) judgeEnd(o *overlap, heard, hears int) (string, time.Duration) {
	if told := r.delivered(o.family, heard, hears, o.span); len(told) > 0 {
		if late := o.to - told[0].at; late > margin {
			return fmt.Sprintf("%s went on for %v after it had heard %s", nameOf(hears), round(late), nameOf(heard)), late - margin
		}
	}
	o.healed = r.sinceHealed(o, heard, hears)
	if bound := r.setup.interval + margin; o.healed > bound {
		return fmt.Sprintf("%v of it with nothing between them, want at most %v", round(o.healed), bound), o.healed - bound
	}
	return "", 0
}

// sinceHealed is how much of an overlap was after the one that is to be heard
// could send, and the other could hear.
func (r *record) sinceHealed(o *overlap, heard, hears int) time.Duration {
	healed := o.from
	for _, s := range join(append(r.path(heard, hears), r.affected(heard, func(k *kind) bool { return k.down })...)) {
		if s.from <= o.to {
			healed = max(healed, min(s.to, o.to))
		}
	}
	return o.to - healed
}
