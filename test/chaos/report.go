package chaos

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is a line of a time line.
type event struct {
	at   time.Duration
	text string
}

// timeline tells what was done and seen around a span.
func (r *record) timeline(around span) string {
	around = span{around.from - time.Second, around.to + 300*ms}
	var events []event
	add := func(at time.Duration, format string, args ...any) {
		if around.holds(at) {
			events = append(events, event{at, fmt.Sprintf(format, args...)})
		}
	}
	for _, f := range r.faults {
		if f.meet(around).length() >= 0 {
			events = append(events, event{f.from, fmt.Sprintf("FAULT begins  %s: %s: %s", nameOf(f.router), f.kind.name, f.detail)},
				event{f.to, fmt.Sprintf("FAULT is over %s: %s", nameOf(f.router), f.kind.name)})
		}
	}
	for o, list := range r.owned {
		for _, s := range list {
			add(s.from, "lease         %s owns %s", nameOf(o.router), familyNames[o.family])
			add(s.to, "lease         %s owns %s no more", nameOf(o.router), familyNames[o.family])
		}
	}
	for family := range families {
		r.answering(family, add)
		for _, g := range r.gaps(family) {
			if g.length() < joined {
				continue
			}
			add(g.from, "wire          nobody answers for %s", familyNames[family])
		}
	}
	for _, a := range r.adverts {
		add(a.at, "advert        %s, priority %d, from %s to %s", familyNames[a.family], a.priority, nameOf(a.from),
			strings.Replace(nameOf(a.to), "machine", "switch", 1))
	}
	for _, p := range r.pauses {
		add(p.from, "PAUSE         of %s: %v", p.of, round(p.length()))
	}
	for _, l := range r.log {
		add(l.at, "log           %s: %s", nameOf(l.router), l.text)
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "  %10.4f %s\n", e.at.Seconds(), e.text)
	}
	return b.String()
}

// answering tells who begins and ends to answer.
func (r *record) answering(family int, add func(time.Duration, string, ...any)) {
	last := map[int]time.Duration{}
	for _, a := range r.answers[family] {
		before, known := last[a.router]
		if known && a.at-before > joined {
			add(before, "wire          %s's last answer for %s", nameOf(a.router), familyNames[family])
		}
		if !known || a.at-before > joined {
			add(a.at, "wire          %s answers for %s", nameOf(a.router), familyNames[family])
		}
		last[a.router] = a.at
	}
	for router, at := range last {
		add(at, "wire          %s's last answer for %s", nameOf(router), familyNames[family])
	}
}

// summary is what a run comes to.
type summary struct {
	episodes, void, violations int
	whole                      time.Duration
	byKind                     map[*kind]int
	questions                  int
	overlaps                   int
	longestTwo, longestHealed  time.Duration
	longestNone                time.Duration
	mostExhausted              outage // of those with a healthy router
	longestPause               map[string]time.Duration
	changes                    int // of owner
	bound                      time.Duration
}

// add counts an episode.
func (s *summary) add(r *record, v verdict) {
	s.episodes++
	s.whole += r.length
	if s.byKind == nil {
		s.byKind = map[*kind]int{}
	}
	for _, f := range r.faults {
		s.byKind[f.kind]++
	}
	for family := range families {
		s.questions += len(r.asked[family])
	}
	s.bound = r.setup.interval + margin
	for _, w := range v.violations {
		if w.void {
			s.void++
		} else {
			s.violations++
		}
	}
	for _, list := range r.owned {
		s.changes += len(list)
	}
	s.overlaps += len(v.two)
	for _, o := range v.two {
		s.longestTwo = max(s.longestTwo, o.length())
		s.longestHealed = max(s.longestHealed, o.healed)
	}
	for _, o := range v.none {
		s.longestNone = max(s.longestNone, o.length())
		if o.bound > 0 && o.what == "" && (s.mostExhausted.bound == 0 || o.waited-o.bound > s.mostExhausted.waited-s.mostExhausted.bound) {
			s.mostExhausted = o
		}
	}
	if s.longestPause == nil {
		s.longestPause = map[string]time.Duration{}
	}
	for _, p := range r.pauses {
		of := strings.TrimRight(p.of, ", 0123456789") // any CPU
		s.longestPause[of] = max(s.longestPause[of], p.length())
	}
}

// trips is how many faults there were.
func (s *summary) trips() (n int) {
	for _, count := range s.byKind {
		n += count
	}
	return n
}

// write makes tables of it, for docs/reliability.md.
func (s *summary) write(w io.Writer) {
	fmt.Fprintf(w, "| fault | times |\n|---|--:|\n")
	for _, k := range kinds {
		fmt.Fprintf(w, "| %s | %d |\n", k.name, s.byKind[k])
	}
	fmt.Fprintf(w, "| **all** | **%d** |\n\n", s.trips())
	row := func(what, figure, bound string) { fmt.Fprintf(w, "| %s | %s | %s |\n", what, figure, bound) }
	fmt.Fprintf(w, "| figure | measured | bound |\n|---|--:|--:|\n")
	row("episodes, each with routers of its own", fmt.Sprint(s.episodes), "")
	row("time under observation", s.whole.Round(time.Second).String(), "")
	row("questions of the client, IPv4 and IPv6", fmt.Sprint(s.questions), "")
	row("times that a router became owner", fmt.Sprint(s.changes), "")
	row("overlaps of two owners, each with a fault between them or a handover", fmt.Sprint(s.overlaps), "")
	row("longest overlap", round(s.longestTwo).String(), "as long as the fault")
	row("longest overlap after the path had healed", round(s.longestHealed).String(), round(s.bound).String())
	row("longest time without an answer", round(s.longestNone).String(), "as long as the fault")
	row("of those that a healthy router was to end, the longest wait for its bound", round(s.mostExhausted.waited).String(), round(s.mostExhausted.bound).String())
	for _, of := range slices.Sorted(maps.Keys(s.longestPause)) {
		row("longest pause of "+of, round(s.longestPause[of]).String(), "")
	}
	row("trips void because the machine paused", fmt.Sprint(s.void), "")
	row("violations", fmt.Sprint(s.violations), "0")
}
