package vrrp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// tied is a LAN of two hosts that are equal but for their addresses: the first
// has the higher one on leg 0, the second on leg 1.
func tied(t *testing.T, high4, low4, low6, high6 netip.Addr) *lan {
	l := &lan{rng: rand.New(rand.NewPCG(1, 112)), start: after(0), now: after(0), legs: 2, calm: true, trace: t.Logf}
	l.latency = func(*leg) time.Duration { return 100 * time.Microsecond }
	l.check.lan = l
	for id, sources := range [][2]netip.Addr{{high4, low6}, {low4, high6}} {
		h := &host{lan: l, id: id}
		for k, c := range []Config{
			{VRID: 10, Family: IPv4, Version: V3, Priority: 100, Interval: simInterval, Addresses: virtual, Source: sources[0], Grouped: true},
			{VRID: 10, Family: IPv6, Version: V3, Priority: 100, Interval: simInterval, Addresses: addrs("fe80::a"), Source: sources[1], Grouped: true},
		} {
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			h.legs = append(h.legs, &leg{host: h, id: k, config: c, linkUp: true, to: make([]wire, 2)})
		}
		l.hosts = append(l.hosts, h)
	}
	for _, h := range l.hosts {
		l.in(0, h.boot)
	}
	return l
}

// eachOrder calls with two tied hosts on a LAN, once for every order in which the
// adverts of one can reach the legs of the other: each way of each leg is fast or
// slow.
func eachOrder(t *testing.T, do func(*testing.T, *lan)) {
	for slow := range 16 {
		t.Run(fmt.Sprintf("%04b", slow), func(t *testing.T) {
			l := tied(t, netip.MustParseAddr("192.168.1.3"), netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fe80::2"), netip.MustParseAddr("fe80::3"))
			l.latency = func(from *leg) time.Duration {
				isSlow := slow >> (2*from.host.id + from.id) & 1
				return time.Duration(1+isSlow) * 100 * time.Microsecond
			}
			do(t, l)
		})
	}
}

// hasOneOwner plays for a minute from settled on, in which one host has to be
// the owner, and always the same.
func (l *lan) hasOneOwner(t *testing.T, settled Instant) {
	t.Helper()
	var owner *host
	looks := 0
	l.play(settled.Add(time.Minute), func() {
		if l.now.Before(settled) {
			return
		}
		looks++
		one, two := l.hosts[0], l.hosts[1]
		switch {
		case one.owns() && two.owns():
			l.check.fail("two owners")
		case !one.owns() && !two.owns():
			l.check.fail("no owner")
		case owner != nil && !owner.owns():
			l.check.fail("%v is not the owner any more", owner)
		case one.owns():
			owner = one
		default:
			owner = two
		}
	})
	if l.check.violation != nil || looks < 100 {
		t.Fatalf("after %d looks: %v", looks, l.check.violation)
	}
}

func TestTiedGroupsThatStartTogetherComeToOneOwner(t *testing.T) {
	eachOrder(t, func(t *testing.T, l *lan) { l.hasOneOwner(t, after(3*down)) })
}

func TestTiedGroupsComeToOneOwnerAfterAPartition(t *testing.T) {
	const parted = 20 * interval
	eachOrder(t, func(t *testing.T, l *lan) {
		cut := func(cut bool) {
			for _, g := range l.hosts[0].legs {
				g.cutSwitches(cut)
			}
		}
		cut(true)
		l.in(parted, func() {
			if !l.hosts[0].owns() || !l.hosts[1].owns() {
				t.Error("not two owners while they cannot hear each other")
			}
			cut(false)
		})
		l.hasOneOwner(t, after(parted+3*down))
	})
}

// With one fraction per address, these would meet each time.
func TestTiedGroupsWhoseFractionsAreTheSameMeetOnceMoreOnly(t *testing.T) {
	high4, high6 := netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("fe80::3")
	for scatter(high4, 1) != scatter(high6, 1) {
		high4 = high4.Next()
	}
	l := tied(t, high4, netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fe80::2"), high6)
	l.hasOneOwner(t, after(4*down))
	if met := l.check.seen[GroupLeft]; met != 4 {
		t.Errorf("%d members stepped down, want 2 twice", met)
	}
}

func TestAMemberThatSteppedDownWaitsForAFractionOfAnIntervalMore(t *testing.T) {
	seen := map[time.Duration]bool{}
	for _, source := range addrs("192.168.1.2", "192.168.1.3", "192.168.1.4", "10.0.0.1") {
		r := newReady(t, func(c *Config) { c.Source = source })
		r.Step(after(0), Promote{})
		r.Step(after(1), StepDown{})
		deadline, _ := r.Deadline()
		more := deadline.Sub(after(1 + down))
		if more < 0 || more >= interval {
			t.Errorf("%v waits for %v more", source, more)
		}
		seen[more.Round(interval/100)] = true
	}
	if len(seen) != 4 {
		t.Errorf("of four addresses some are close together: %v", seen)
	}
}

func TestAMemberWithoutASourceStepsDownForActiveDownInterval(t *testing.T) {
	r := newReady(t, func(c *Config) { c.Source = none })
	r.Step(after(0), Promote{})
	r.Step(after(1), StepDown{})
	r.wakes(after(1 + down))
}

func TestAMemberThatGivesWayItselfWaitsForNoFraction(t *testing.T) {
	r := newReady(t)
	r.Step(after(0), Promote{})
	r.hear(after(1), higher, 200)
	r.wakes(after(1 + down))
}

// The fraction is for hosts that fall together, and of two priorities only the
// lesser one does.
func TestAMemberWhoseGroupWasOutrankedWaitsForNoFraction(t *testing.T) {
	r := newReady(t)
	r.Step(after(0), Promote{})
	r.Step(after(1), StepDown{Outranked: true})
	r.wakes(after(1 + down))
}

func TestOnlyAHigherPriorityOutranksAGroup(t *testing.T) {
	for priority, outranked := range map[uint8]bool{100: false, 101: true} {
		a, b := newReady(t), newReady(t)
		g := NewGroup(a.Router, b.Router)
		settle(t, g, after(0))
		b.hear(after(1), higher, priority)
		expect(t, settle(t, g, after(1)), StepDown{Outranked: outranked})
	}
}

func TestTheFractionsAreSpreadEvenly(t *testing.T) {
	var sixteenths [16]int
	a := netip.MustParseAddr("192.168.0.1")
	for range 16000 {
		sixteenths[scatter(a, 1)>>12]++
		a = a.Next()
	}
	for i, n := range sixteenths {
		if n < 800 || n > 1200 {
			t.Errorf("%d of 16000 addresses in sixteenth %d", n, i)
		}
	}
}
