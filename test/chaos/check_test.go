package chaos

import (
	"strings"
	"testing"
	"time"
)

// well is a record in which r1 answers every question for a second.
func well() *record {
	r := &record{setup: newSetup(1), length: time.Second, settled: 900 * ms, owned: map[owner][]span{}}
	for family := range families {
		for at := time.Duration(0); at < r.length; at += ms {
			r.asked[family] = append(r.asked[family], at)
			r.answers[family] = append(r.answers[family], answer{at, at + 50*time.Microsecond, 0})
		}
		r.owned[owner{0, family}] = []span{{0, r.length}}
		for at := 5 * ms; at < r.length; at += r.setup.interval {
			r.sends(family, 0, at, 1, 2)
		}
	}
	return r
}

// sends is an advert of a router that is delivered to others.
func (r *record) sends(family, from int, at time.Duration, to ...int) {
	for _, t := range append(to, everybody) {
		r.adverts = append(r.adverts, advert{at: at, family: family, from: from, to: t, priority: uint8(r.setup.priorities[from])})
	}
}

// unanswered takes the answers of a span away.
func (r *record) unanswered(s span) {
	for family := range families {
		var kept []answer
		for _, a := range r.answers[family] {
			if !s.holds(a.asked) {
				kept = append(kept, a)
			}
		}
		r.answers[family] = kept
	}
}

func (r *record) had(k *kind, router int, from, to time.Duration) {
	f := fault{span: span{from, to}, kind: k, router: router}
	if k == stop {
		f.left = [families][]span{{f.span}, {f.span}}
	}
	r.faults = append(r.faults, f)
}

// silent takes the adverts away that r1 sent in a span.
func (r *record) silent(s span) {
	var kept []advert
	for _, a := range r.adverts {
		if !s.holds(a.at) {
			kept = append(kept, a)
		}
	}
	r.adverts = kept
}

// instead makes another router answer for IPv4.
func (r *record) instead(router int, s span) {
	for i := range r.answers[ipv4] {
		if a := &r.answers[ipv4][i]; s.holds(a.at) {
			a.router = router
		}
	}
}

// also makes another router answer for IPv4, too.
func (r *record) also(router int, s span) {
	var all []answer
	for _, a := range r.answers[ipv4] {
		all = append(all, a)
		if s.holds(a.at) {
			a.router = router
			all = append(all, a)
		}
	}
	r.answers[ipv4] = all
}

func (r *record) owns(router int, s span) {
	r.owned[owner{router, ipv4}] = append(r.owned[owner{router, ipv4}], s)
}

var judgements = map[string]struct {
	happen func(r *record)
	want   string // "": nothing is wrong
}{
	"all is well": {func(*record) {}, ""},

	"a lesser router rises behind a one-way loss": {func(r *record) {
		r.silent(span{50 * ms, 590 * ms})
		r.had(mute, 0, 50*ms, 590*ms)
		r.owns(1, span{400 * ms, 606 * ms})
	}, ""},
	"a lesser router rises, and nothing was between the two": {func(r *record) {
		r.silent(span{50 * ms, 590 * ms})
		r.owns(1, span{400 * ms, 606 * ms})
	}, "nothing was between them"},
	"a lesser router rises because the owner is stopped, which ends no lease": {func(r *record) {
		r.silent(span{50 * ms, 590 * ms})
		r.had(freeze, 0, 50*ms, 590*ms)
		r.owns(1, span{400 * ms, 606 * ms})
	}, "nothing was between them"},
	"a lesser router rises although it has heard the owner": {func(r *record) {
		r.silent(span{250 * ms, 590 * ms})
		r.had(mute, 0, 250*ms, 590*ms)
		r.owns(1, span{400 * ms, 606 * ms})
	}, "r2 had heard r1 195ms before"},
	"it goes on after it has heard the owner again": {func(r *record) {
		r.silent(span{50 * ms, 590 * ms})
		r.had(mute, 0, 50*ms, 590*ms)
		r.owns(1, span{400 * ms, 630 * ms})
	}, "r2 went on for 25ms after it had heard r1"},
	"it goes on after the path has healed, and hears nothing": {func(r *record) {
		r.silent(span{50 * ms, 800 * ms})
		r.had(deaf, 1, 50*ms, 590*ms)
		r.owns(1, span{400 * ms, 720 * ms})
	}, "130ms of it with nothing between them, want at most 110ms"},
	"a better router comes back": {func(r *record) {
		r.owned[owner{0, ipv4}] = []span{{404 * ms, time.Second}}
		r.owns(1, span{0, 406 * ms})
		r.instead(1, span{0, 405 * ms})
		r.had(killLong, 0, 0, 100*ms)
	}, ""},
	"a better router comes back, and the lesser one does not give way": {func(r *record) {
		r.owned[owner{0, ipv4}] = []span{{404 * ms, time.Second}}
		r.owns(1, span{0, 420 * ms})
		r.had(killLong, 0, 0, 100*ms)
	}, "r2 went on for 15ms after it had heard r1"},
	"one that leaves serves until it has heard its successor": {func(r *record) {
		r.had(stop, 1, 350*ms, 500*ms)
		r.owned[owner{0, ipv4}] = []span{{380 * ms, time.Second}}
		r.instead(1, span{0, 390 * ms})
		r.owns(1, span{0, 409 * ms})
	}, ""},

	"one stays because it hears nobody, and the other rises": {func(r *record) {
		r.silent(span{50 * ms, 590 * ms})
		r.had(mute, 0, 50*ms, 590*ms)
		r.had(handover, 0, 300*ms, 700*ms)
		r.faults[len(r.faults)-1].left[ipv4] = []span{{300 * ms, 450 * ms}}
		r.sends(ipv4, 1, 460*ms, 0)
		r.owns(1, span{400 * ms, 606 * ms})
	}, ""},
	"one stays because it hears nobody, and is seen beside the other from time to time": {func(r *record) {
		r.silent(span{250 * ms, 590 * ms})
		r.had(mute, 0, 310*ms, 590*ms)
		r.had(handover, 0, 300*ms, 700*ms)
		r.faults[len(r.faults)-1].left[ipv4] = []span{{300 * ms, 450 * ms}}
		r.owns(1, span{400 * ms, 606 * ms})
		r.also(1, span{410 * ms, 430 * ms})
		r.also(1, span{480 * ms, 500 * ms})
	}, ""},
	"one that leaves goes on after it has heard its successor": {func(r *record) {
		r.silent(span{50 * ms, 590 * ms})
		r.had(stop, 0, 300*ms, 700*ms)
		r.sends(ipv4, 1, 400*ms, 0)
		r.owns(1, span{400 * ms, 425 * ms})
	}, "r1 went on for 25ms after it had heard r2"},

	"nobody answers for as long as an election takes": {func(r *record) {
		r.unanswered(span{100 * ms, 440 * ms})
		r.silent(span{100 * ms, 440 * ms})
		r.had(cut, 0, 99*ms, 700*ms)
	}, ""},
	"nobody answers for longer, and a router was healthy": {func(r *record) {
		r.unanswered(span{100 * ms, 455 * ms})
		r.silent(span{100 * ms, 455 * ms})
		r.had(cut, 0, 99*ms, 700*ms)
	}, "r2 was healthy and heard nobody for 355ms, want at most 351.4ms"},
	"nobody answers for longer, and only the last router was healthy": {func(r *record) {
		r.unanswered(span{100 * ms, 455 * ms})
		r.silent(span{100 * ms, 455 * ms})
		r.had(cut, 0, 99*ms, 700*ms)
		r.had(freeze, 1, 99*ms, 200*ms)
	}, ""},
	"nobody answers, and no router is healthy for long enough": {func(r *record) {
		r.unanswered(span{100 * ms, 600 * ms})
		r.silent(span{100 * ms, 600 * ms})
		r.had(cut, 0, 99*ms, 700*ms)
		r.had(freeze, 1, 90*ms, 300*ms)
		r.had(silence, 2, 90*ms, 300*ms)
	}, ""},
	"the owner is deaf, and keeps the others quiet": {func(r *record) {
		r.unanswered(span{100 * ms, 600 * ms})
		r.had(deaf, 0, 99*ms, 600*ms)
	}, ""},
	"the owner is well, sends adverts, and does not answer": {func(r *record) {
		r.unanswered(span{100 * ms, 200 * ms})
	}, "r1, with nothing wrong with it, sends adverts and does not answer"},

	"a router answers without a lease": {func(r *record) {
		r.owned[owner{0, ipv6}] = []span{{0, 510 * ms}, {530 * ms, time.Second}}
	}, "r1 answers for IPv6 without a lease"},
	"a lease comes and goes between two looks": {func(r *record) {
		r.sends(ipv4, 1, 500*ms, 0)
		r.instead(1, span{500 * ms, 501 * ms})
	}, ""},
	"a router answers between two adverts without a lease": {func(r *record) {
		r.sends(ipv4, 1, 500*ms, 0)
		r.instead(1, span{500 * ms, 510 * ms})
	}, "r2 answers for IPv4 without a lease"},
	"two routers answer, one of them without a lease": {func(r *record) {
		for at := 400 * ms; at < 600*ms; at += ms {
			r.answers[ipv4] = append(r.answers[ipv4], answer{at, at + 60*time.Microsecond, 1})
		}
		byArrival(r.answers[ipv4])
	}, "two owners of IPv4 (answers), r1 and r2"},
	"another one answers at the end": {func(r *record) {
		r.answers[ipv4][950].router = 1
		r.owns(1, span{945 * ms, 955 * ms})
	}, "at the end, with all well, r2 answers for IPv4, not r1 alone"},
	"nobody answers at the end": {func(r *record) {
		r.unanswered(span{990 * ms, 991 * ms})
	}, "r1 answers 98 of 100 questions"},
}

func TestARecordIsJudged(t *testing.T) {
	for name, j := range judgements {
		t.Run(name, func(t *testing.T) {
			r := well()
			j.happen(r)
			var all []string
			for _, v := range r.check().violations {
				all = append(all, v.what)
			}
			if j.want == "" && len(all) > 0 || !strings.Contains(strings.Join(all, "\n"), j.want) {
				t.Errorf("judged %q, want %q", all, j.want)
			}
		})
	}
}

func TestOnlyAPauseAsLongAsTheExcessMakesATripVoid(t *testing.T) {
	for length, void := range map[time.Duration]bool{3 * ms: false, 5 * ms: true} {
		r := well()
		r.unanswered(span{100 * ms, 455 * ms})
		r.silent(span{100 * ms, 455 * ms})
		r.had(cut, 0, 99*ms, 700*ms)
		r.pauses = []pause{{span{300 * ms, 300*ms + length}, "CPU 0"}, {span{800 * ms, time.Second}, "CPU 1"}}
		for _, v := range r.check().violations {
			if v.void != void {
				t.Errorf("a pause of %v makes it void: %v; %s", length, v.void, v.what)
			}
		}
	}
}

func TestAPlanIsTheSameForTheSameSeed(t *testing.T) {
	all := func(*kind) bool { return true }
	for seed := range uint64(20) {
		first, second := plan(seed, whole, all), plan(seed, whole, all)
		if len(first) < 5 || len(first) != len(second) {
			t.Fatalf("seed %d: %d and %d steps", seed, len(first), len(second))
		}
		for i := range first {
			if first[i] != second[i] {
				t.Errorf("seed %d: %v and %v", seed, first[i], second[i])
			}
		}
	}
}

func TestEveryKindOfFaultIsPlanned(t *testing.T) {
	seen := map[*kind]int{}
	for seed := range uint64(50) {
		for _, s := range plan(seed, whole, func(*kind) bool { return true }) {
			seen[s.kind]++
		}
	}
	for _, k := range kinds {
		if seen[k] < 20 {
			t.Errorf("%s: %d times in 50 plans", k.name, seen[k])
		}
	}
}
