package datapath

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// companions puts companions of the two untagged routers of a bench into VLAN 50.
func (b *bench) companions(t *testing.T) (four, six *Router) {
	t.Helper()
	add := func(of *Router, group string, address netip.Addr) *Router {
		update(t, of, func(s *RouterSpec) { s.Group = group })
		spec := of.spec
		spec.VLAN, spec.Addresses, spec.Excluded, spec.Companion = 50, nil, []netip.Addr{address}, true
		return b.add(t, spec)
	}
	return add(b.v3, "four", second), add(b.six, "six", second6)
}

func TestACompanionServesItsAddressesWhileTheLeaseOfItsGroupIsValid(t *testing.T) {
	b := newBench(t)
	b.companions(t)
	answer4 := arpFrame(clientMAC, virtualMAC, arpPacket{operation: 2, senderMAC: virtualMAC, sender: second, targetMAC: clientMAC, target: client})
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.own() // by the routers that have VRRP
		for _, c := range []programCase{
			{name: "ARP", frame: tagged(question(second), 50), verdict: Reply, out: tagged(answer4, 50)},
			{name: "ND", frame: tagged(question(second6), 50), verdict: Reply, out: tagged(advertised(second6, targetOption(virtualMAC6)).frame(), 50)},
			{name: "a frame to the virtual MAC", frame: tagged(frameTo(virtualMAC), 50), verdict: Pass},
			{name: "ARP, of a backup", backup: true, frame: tagged(question(second), 50), verdict: Drop},
			{name: "ND, of a backup", backup: true, frame: tagged(question(second6), 50), verdict: Drop},
			{name: "a frame to the virtual MAC, of a backup", backup: true, frame: tagged(frameTo(virtualMAC), 50), verdict: Drop},
		} {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
		b.own()
		b.checkAnswered(t, Pass, question(second), question(second6)) // not where the routers are
	}
}

func TestAnAdvertToACompanionIsThatOfAnUnknownRouter(t *testing.T) {
	b := newBench(t)
	four, six := b.companions(t)
	events := b.openEvents(t)
	for _, r := range []*Router{four, six} {
		r.SetLease(Now() + time.Hour)
		r.YieldTo(1)
	}
	four.Follow(peer, [8]byte(v3().pdu()))
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, c := range []programCase{
			{name: "sound", frame: v3().frame(), counted: once("port dropped vrid")},
			{name: "of another version", frame: v2().frame(), counted: once("port dropped vrid")},
			{name: "IPv6", frame: advert6().frame(), counted: once("port dropped vrid")},
			{name: "broken", frame: broken(v3().frame(), 6), counted: once("port dropped checksum")},
			{name: "too short", frame: with(v3(), func(a *advertPacket) { a.addresses = nil; a.trailer = make([]byte, 3) }), counted: once("port dropped length")},
		} {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) {
				b.forgetOthers(t)
				c.verdict, c.frame = Pass, tagged(c.frame, 50)
				b.check(t, hook, c)
				sound := c.counted["port dropped vrid"] == 1
				list, err := b.Others()
				if err != nil || (len(list) == 1) != sound {
					t.Errorf("others heard: %v, %v", list, err)
				}
				if sound && (list[0].VLAN != 50 || list[0].VRID != 10) {
					t.Errorf("heard %+v", list[0])
				}
			})
		}
	}
	if got := drained(t, events); len(got) != 0 {
		t.Errorf("events %+v", got)
	}
	for _, r := range []*Router{four, six} {
		if r.Heard() != 0 || r.Yielded() {
			t.Errorf("heard %v, yielded %v: an advert had an effect", r.Heard(), r.Yielded())
		}
		c, err := r.Counters()
		if err != nil || c.AdvertsReceived != 0 {
			t.Errorf("%d adverts, %v", c.AdvertsReceived, err)
		}
		for reason, n := range c.AdvertsDropped {
			if n != 0 {
				t.Errorf("%d adverts dropped for %s", n, reason)
			}
		}
	}
}

func TestACompanionHasAGroupAndNoRouterBesideIt(t *testing.T) {
	b := newBench(t)
	alone := grouped("", 1, 4)
	alone.Companion = true
	if _, err := b.AddRouter(alone); err == nil || !strings.Contains(err.Error(), "group") {
		t.Errorf("error is %v, want one about the group", err)
	}
	beside := b.v3.spec
	beside.Group, beside.Companion, beside.Addresses = "lan", true, nil
	if _, err := b.AddRouter(beside); err == nil || !strings.Contains(err.Error(), "another virtual router") {
		t.Errorf("error is %v, want one about the other router", err)
	}
}

func TestExcludedAddressesAreServedAndNotExpectedInAdverts(t *testing.T) {
	b := newBench(t)
	b.replace(t, &b.v3, func(s *RouterSpec) { s.Excluded = []netip.Addr{second} })
	b.replace(t, &b.six, func(s *RouterSpec) { s.Excluded = []netip.Addr{second6} })
	both := with(v3(), func(a *advertPacket) { a.addresses = []netip.Addr{vip, second} })
	b.own()
	b.checkAnswered(t, Reply, question(vip), question(second), question(vip6), question(second6))
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, c := range []programCase{
			{name: "an advert without it", frame: v3().frame(), counted: once("received", "checksum pseudo-header")},
			{name: "IPv6, without it", frame: advert6().frame(), counted: once("six received")},
			{name: "an advert with it", frame: both, counted: once("received", "checksum pseudo-header", "odd address_list")},
		} {
			c.verdict = Pass
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
	// To list it, or not to list it, is no reason to be absent for a moment.
	update(t, b.v3, func(s *RouterSpec) { s.Addresses, s.Excluded = []netip.Addr{second}, []netip.Addr{vip} })
	b.own()
	b.checkAnswered(t, Reply, question(vip), question(second))
	b.disown()
	b.checkAnswered(t, Drop, question(second), question(second6))
	for _, r := range []*Router{b.v3, b.six} {
		if err := r.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	b.checkAnswered(t, Pass, question(vip), question(second), question(vip6), question(second6))
}
