package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// plan is how much is measured.
type plan struct {
	repeat, rounds int
	proportional   bool // hold that half the repeats take half the time
}

var (
	full  = plan{repeat: 1_000_000, rounds: 15, proportional: true}
	quick = plan{repeat: 5_000, rounds: 3}
)

const (
	attempts  = 10  // an interrupted run counts too much, a disturbed one is too slow: again
	tolerance = 0.1 // of proportionality
)

// cost is what a scenario came to, by round, in ns per packet.
type cost struct {
	scenario
	gross, empty, net []float64
}

// spread is the least, the middle and the greatest of several values.
type spread struct{ min, median, max float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]}
}

// cost measures a scenario.
func (h *host) cost(s scenario, p plan) (c cost, err error) {
	m, err := h.programs(s)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	h.lease(s.owned)
	for range attempts {
		if c, err = h.rounds(m, s, p); err != nil || !p.proportional {
			return c, err
		}
		if err = h.checkProportional(m, c, p); err == nil {
			return c, nil
		}
	}
	return c, err
}

// rounds runs the empty program before and after each time that it runs the
// subject: what changes on the machine meanwhile changes all of them.
func (h *host) rounds(m *measured, s scenario, p plan) (cost, error) {
	c := cost{scenario: s}
	before, err := h.time(m.empty, s, p.repeat)
	if err != nil {
		return c, err
	}
	for range p.rounds {
		gross, err := h.subject(m, s, p.repeat)
		if err != nil {
			return c, err
		}
		after, err := h.time(m.empty, s, p.repeat)
		if err != nil {
			return c, err
		}
		empty := (before.perPacket + after.perPacket) / 2
		c.gross = append(c.gross, gross)
		c.empty = append(c.empty, empty)
		c.net = append(c.net, gross-empty)
		before = after
	}
	return c, nil
}

// checkProportional holds that the time is that of the repeats, and of nothing
// else: half of them take half of it.
func (h *host) checkProportional(m *measured, c cost, p plan) error {
	var half []float64
	for range 3 {
		t, err := h.subject(m, c.scenario, p.repeat/2)
		if err != nil {
			return err
		}
		half = append(half, t)
	}
	ratio := spreadOf(c.gross).min / spreadOf(half).min
	if ratio < 1-tolerance || ratio > 1+tolerance {
		return fmt.Errorf("%d runs take %.2f times as long as half of them: the machine is not idle", p.repeat, 2*ratio)
	}
	return nil
}

// subject times the subject, and holds that each run took the path that the
// scenario names, and no other.
func (h *host) subject(m *measured, s scenario, n int) (float64, error) {
	var fault error
	for range attempts {
		before, err := h.counts()
		if err != nil {
			return 0, err
		}
		t, err := h.time(m.subject, s, n)
		if err != nil {
			return 0, err
		}
		after, err := h.counts()
		if err != nil {
			return 0, err
		}
		if fault = s.check(before, after, t, n); fault == nil {
			return t.perPacket, nil
		}
	}
	return 0, fault
}

// check holds that the counters moved by n, and only those of the scenario.
func (s scenario) check(before, after map[string]uint64, t timing, n int) error {
	want, events := maps.Clone(before), 0
	for _, name := range s.counted {
		want[name] += uint64(n)
	}
	if s.events {
		events = n
	}
	switch {
	case !maps.Equal(after, want):
		return fmt.Errorf("the counters after %d runs are %v, want %v", n, after, want)
	case t.code != s.code:
		return fmt.Errorf("the program returned %d, want %d", int32(t.code), int32(s.code))
	case t.events != events:
		return fmt.Errorf("%d runs left %d events, want %d", n, t.events, events)
	}
	return nil
}
