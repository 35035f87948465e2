package chaos

import (
	"cmp"
	"slices"
	"time"
)

// Families, as numbers and names.
const (
	ipv4 = iota
	ipv6
	families
)

var familyNames = [families]string{"IPv4", "IPv6"}

// routers is how many there are. Number 0 has the highest priority.
const routers = 3

// everybody stands for the machine in a fault, and for the wire in an advert.
const everybody = -1

// Times of a record are since its beginning.

// span is a piece of time.
type span struct{ from, to time.Duration }

func (s span) length() time.Duration { return s.to - s.from }

func (s span) holds(at time.Duration) bool { return s.from <= at && at <= s.to }

// meet is the common part; empty if its length is not positive.
func (s span) meet(o span) span { return span{max(s.from, o.from), min(s.to, o.to)} }

// fault is what was done to a router or to the machine: from just before it
// began until all of it was over, a restarted daemon ready again.
type fault struct {
	span
	kind   *kind
	router int // or everybody
	detail string
	left   [families][]span // when it left, or was kept out, by command
}

// advert is one that entered the switch (to is everybody), or left it to a router.
type advert struct {
	at       time.Duration
	family   int
	from, to int
	priority uint8
}

// answer is one to the client's questions.
type answer struct {
	asked, at time.Duration
	router    int
}

// owner is one router's lease of one family, as the programs see it. Both ends
// are sure: the first and the last look that found it, or its own end.
type owner struct {
	router, family int
}

// record is what was done and seen in one episode.
type record struct {
	setup   setup
	length  time.Duration // the end of the record
	settled time.Duration // when all was well again, and had been for long enough
	faults  []fault
	owned   map[owner][]span
	asked   [families][]time.Duration
	answers [families][]answer // by arrival
	adverts []advert           // by time
	pauses  []pause
	log     []logLine
	found   []violation // while it ran
}

// pause is a time in which a CPU did not run, or the leases were not looked at.
type pause struct {
	span
	of string
}

// logLine is one that a daemon wrote.
type logLine struct {
	at     time.Duration
	router int
	text   string
}

// affected lists, in order and joined, when faults had an effect on a router.
func (r *record) affected(router int, effect func(*kind) bool) []span {
	var list []span
	for _, f := range r.faults {
		if f.router == router && effect(f.kind) {
			list = append(list, f.span)
		}
	}
	return join(list)
}

// byArrival sorts answers.
func byArrival(list []answer) {
	slices.SortStableFunc(list, func(a, b answer) int { return cmp.Compare(a.at, b.at) })
}

// join sorts spans and makes one of those that touch.
func join(list []span) []span {
	slices.SortFunc(list, func(a, b span) int { return int(a.from - b.from) })
	var joined []span
	for _, s := range list {
		if n := len(joined) - 1; n >= 0 && s.from <= joined[n].to {
			joined[n].to = max(joined[n].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// without is what is left of whole between spans that are joined.
func without(whole span, gone []span) []span {
	var left []span
	at := whole.from
	for _, g := range gone {
		if g.from > at {
			left = append(left, span{at, min(g.from, whole.to)})
		}
		at = max(at, g.to)
	}
	if at < whole.to {
		left = append(left, span{at, whole.to})
	}
	return slices.DeleteFunc(left, func(s span) bool { return s.length() <= 0 })
}

// healthy is when nothing was wrong with a router that could keep it from taking over.
func (r *record) healthy(router int) []span {
	return without(span{0, r.length}, r.affected(router, func(k *kind) bool { return k.in || k.out || k.down }))
}

// path is when faults were between two routers in this direction.
func (r *record) path(from, to int) []span {
	return join(append(r.affected(from, func(k *kind) bool { return k.out }), r.affected(to, func(k *kind) bool { return k.in })...))
}

// delivered lists the adverts, priority 0 apart, that reached a router within a span.
func (r *record) delivered(family, from, to int, within span) []advert {
	var list []advert
	for _, a := range r.adverts {
		if a.family == family && a.from == from && a.to == to && a.priority > 0 && within.holds(a.at) {
			list = append(list, a)
		}
	}
	return list
}

// paused is how long the machine did not run within a span.
func (r *record) paused(within span) (sum time.Duration) {
	for _, p := range r.pauses {
		sum += max(0, p.meet(within).length())
	}
	return sum
}

// meets reports whether one of the spans has a part in within.
func meets(list []span, within span) bool {
	return slices.ContainsFunc(list, func(s span) bool { return s.meet(within).length() >= 0 })
}
