package datapath

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func grouped(name string, vrid uint8, family uint8) RouterSpec {
	s := benchSpec(family, 3, 40)
	s.VRID, s.Group = vrid, name
	s.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, vrid})}
	if family == 6 {
		s.Addresses = []netip.Addr{netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: vrid})}
	}
	return s
}

func TestRoutersOfAGroupShareALease(t *testing.T) {
	b := newBench(t)
	four, six := b.add(t, grouped("lan", 1, 4)), b.add(t, grouped("lan", 1, 6))
	wan, alone, alone2 := b.add(t, grouped("wan", 2, 4)), b.add(t, grouped("", 3, 4)), b.add(t, grouped("", 4, 4))
	until := Now() + time.Hour
	six.SetLease(until)
	if four.Lease() != until {
		t.Errorf("the lease of one member is %v, of the other %v", until, four.Lease())
	}
	for name, r := range map[string]*Router{"another group": wan, "a router alone": alone, "another one": alone2} {
		if r.Lease() != 0 {
			t.Errorf("%s has the lease as well", name)
		}
	}
	ask := tagged(arpFrame(broadcast, clientMAC, request(client, four.spec.Addresses[0])), 40)
	if o, err := b.Run(HookXDP, ask, 1); err != nil || o.Verdict != Reply {
		t.Errorf("a question to the other member: %s, %v; want an answer", o.Verdict, err)
	}
}

func TestABetterAdvertForOneMemberEndsTheOwnershipOfTheGroup(t *testing.T) {
	b := newBench(t)
	four, six := b.add(t, grouped("lan", 1, 4)), b.add(t, grouped("lan", 1, 6))
	four.SetLease(Now() + time.Hour)
	four.YieldTo(101)
	b.mustRun(t, HookXDP, tagged(with(v3(), func(a *advertPacket) { a.vrid = 1 }), 40))
	if !six.Yielded() {
		t.Error("the other member goes on")
	}
	six.Resume(0)
	if four.Yielded() {
		t.Error("not resumed")
	}
}

func TestTheLeaseOfAGroupOutlivesAMemberAndNotTheLast(t *testing.T) {
	b := newBench(t)
	four, six := b.add(t, grouped("lan", 1, 4)), b.add(t, grouped("lan", 1, 6))
	until := Now() + time.Hour
	four.SetLease(until)
	if err := four.Remove(); err != nil {
		t.Fatal(err)
	}
	if six.Lease() != until {
		t.Error("the lease ended with the first member")
	}
	joined := b.add(t, grouped("lan", 5, 4))
	if joined.Lease() != until {
		t.Error("the lease ended because a member joined")
	}
	for _, r := range []*Router{six, joined} {
		if err := r.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	if lease := b.leases.load(int(six.group.index) * wordsOfLease); lease != 0 {
		t.Error("a lease without members is valid")
	}
	if again := b.add(t, grouped("lan", 1, 4)); again.Lease() != 0 {
		t.Error("a new group of that name has the lease of the old")
	}
}

func TestARouterThatCannotBeInstalledLeavesNoGroup(t *testing.T) {
	b := newBench(t)
	four := b.add(t, grouped("lan", 1, 4))
	taken := grouped("lan", 2, 4)
	taken.Addresses = four.spec.Addresses
	for range 2 {
		if _, err := b.AddRouter(taken); err == nil {
			t.Fatal("two routers have one address")
		}
	}
	if four.group.members != 1 {
		t.Errorf("%d members, want 1", four.group.members)
	}
}

func TestASpecThatTheFastPathCannotExpressIsRefused(t *testing.T) {
	cases := map[string]struct {
		change func(*RouterSpec)
		says   string
	}{
		"no family":                  {func(s *RouterSpec) { s.Family = 0 }, "family 0"},
		"version 2 for IPv6":         {func(s *RouterSpec) { s.Version = 2 }, "version 2 does not exist for IPv6"},
		"version 4":                  {func(s *RouterSpec) { s.Version = 4 }, "version 4"},
		"an address of IPv4":         {func(s *RouterSpec) { s.Addresses = []netip.Addr{vip} }, vip.String()},
		"an address with a zone":     {func(s *RouterSpec) { s.Addresses = []netip.Addr{vip6.WithZone("lo")} }, "zone"},
		"half a centisecond":         {func(s *RouterSpec) { s.Interval = 5 * time.Millisecond }, "5ms"},
		"more than 12 bits":          {func(s *RouterSpec) { s.Interval = 40960 * time.Millisecond }, "40.96s"},
		"a negative interval":        {func(s *RouterSpec) { s.Interval = -time.Second }, "-1s"},
		"more than 8 bits, version2": {func(s *RouterSpec) { s.Family, s.Version, s.Addresses, s.Interval = 4, 2, nil, 256*time.Second }, "4m16s"},
	}
	b := newBench(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := grouped("", 77, 6)
			c.change(&s)
			if _, err := b.AddRouter(s); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestASlotComesBackAsLateAsCanBe(t *testing.T) {
	s := slots{limit: 4}
	take := func(want uint32) {
		t.Helper()
		if got, err := s.take(); got != want || err != nil {
			t.Errorf("slot %d, %v; want %d", got, err, want)
		}
	}
	take(0)
	take(1)
	s.give(0)
	take(2)
	s.give(2)
	take(3)
	s.give(1)
	for _, longestFree := range []uint32{0, 2, 1} {
		take(longestFree)
	}
	if _, err := s.take(); err == nil {
		t.Error("there are more slots than the limit")
	}
	s.give(3)
	take(3)
}
