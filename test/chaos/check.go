package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// margin is what the promises allow beyond the protocol's own times.
const margin = 10 * time.Millisecond

// glance is how exactly leases are compared with what is on the wire: they are
// looked at every millisecond, and a frame takes its time through a veth.
const glance = 3 * time.Millisecond

// violation is a promise that was not kept.
type violation struct {
	span
	what string
	// excess is by how much: a machine that did not run for so long is the cause.
	excess time.Duration
	void   bool
}

// verdict is what a record comes to.
type verdict struct {
	violations []violation
	two        []overlap
	none       []outage
}

// check holds the promises against a record.
func (r *record) check() verdict {
	v := verdict{violations: slices.Clone(r.found)}
	v.two = append(r.overlaps(), r.doubleAnswers()...)
	for i := range v.two {
		o := &v.two[i]
		if what, excess := r.judgeOverlap(o); what != "" {
			v.violations = append(v.violations, violation{o.span, fmt.Sprintf("two owners of %s (%s), %s and %s, for %v: %s",
				familyNames[o.family], o.seen, nameOf(o.winner), nameOf(o.loser), round(o.length()), what), excess, false})
		}
	}
	for family := range families {
		for _, g := range r.gaps(family) {
			o := r.judgeOutage(family, g)
			v.none = append(v.none, o)
			if o.what != "" {
				v.violations = append(v.violations, violation{g, fmt.Sprintf("no owner of %s for %v: %s",
					familyNames[family], round(g.length()), o.what), o.excess, false})
			}
		}
		v.violations = append(v.violations, r.answersWithoutLease(family)...)
		v.violations = append(v.violations, r.unsettled(family)...)
	}
	for i := range v.violations {
		w := &v.violations[i]
		w.void = w.excess > 0 && r.paused(span{w.from - r.setup.activeDown(routers-1), w.to + margin}) >= w.excess
	}
	slices.SortFunc(v.violations, func(a, b violation) int { return cmp.Compare(a.from, b.from) })
	return v
}

// answersWithoutLease lists the answers of routers that do not own the address. A
// lease may come and go between two looks: a router that has just said that it is
// master had one, for that moment.
func (r *record) answersWithoutLease(family int) []violation {
	var list []violation
	for _, a := range r.answers[family] {
		around := span{a.at - glance, a.at + glance}
		if meets(r.owned[owner{a.router, family}], around) || r.says(family, a.router, around) {
			continue
		}
		n := len(list) - 1
		if n >= 0 && a.at-list[n].to < 100*time.Millisecond {
			list[n].to = a.at
			continue
		}
		list = append(list, violation{span: span{a.at, a.at}, excess: glance,
			what: fmt.Sprintf("%s answers for %s without a lease", nameOf(a.router), familyNames[family])})
	}
	return list
}

// says reports whether the router has sent an advert of a master within a span.
func (r *record) says(family, router int, within span) bool {
	return len(r.delivered(family, router, everybody, within)) > 0
}

// unsettled wants the best router, and it alone, to serve when all has been well
// for long enough.
func (r *record) unsettled(family int) []violation {
	end := span{r.settled, r.length}
	fail := func(format string, args ...any) []violation {
		return []violation{{span: end, what: fmt.Sprintf("at the end, with all well, "+format, args...), excess: margin}}
	}
	answered := 0
	for _, a := range r.answers[family] {
		if !end.holds(a.asked) {
			continue
		}
		if a.router != 0 {
			return fail("%s answers for %s, not %s alone", nameOf(a.router), familyNames[family], nameOf(0))
		}
		answered++
	}
	asked := 0
	for _, at := range r.asked[family] {
		if end.holds(at) {
			asked++
		}
	}
	if answered == 0 || answered < asked {
		return fail("%s answers %d of %d questions for %s", nameOf(0), answered, asked, familyNames[family])
	}
	for router := 1; router < routers; router++ {
		if meets(r.owned[owner{router, family}], end) {
			return fail("%s has a lease of %s", nameOf(router), familyNames[family])
		}
	}
	return nil
}

func nameOf(router int) string {
	if router == everybody {
		return "the machine"
	}
	return fmt.Sprintf("r%d", router+1)
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
