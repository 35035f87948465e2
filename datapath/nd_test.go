package datapath

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASolicitationForAVirtualAddressIsAnsweredInPlace(t *testing.T) {
	answer := advertised(vip6, targetOption(virtualMAC6)).frame()
	toAll := with6(advertised(vip6, targetOption(virtualMAC6)), func(p *packet6) {
		p.to, p.destination, p.payload[4] = allNodesMAC, allNodes, flagsUnsolicited
	})
	dad := with6(solicitation(vip6), func(p *packet6) {
		p.source, p.payload = unspecified6, neighborMessage(135, 0, vip6, nonce)
	})
	unicast := func(to [6]byte, options ...[]byte) []byte {
		return with6(unicastProbe(vip6), func(p *packet6) { p.to, p.payload = to, neighborMessage(135, 0, vip6, options...) })
	}
	cases := []programCase{
		{name: "resolution, with the asker's address", frame: solicitation(vip6).frame(), out: answer},
		{name: "resolution, with another option", frame: with6(solicitation(vip6), func(p *packet6) { p.payload = neighborMessage(135, 0, vip6, nonce) }), out: answer},
		{name: "resolution of another address of the router", frame: solicitation(global6).frame(), out: advertised(global6, targetOption(virtualMAC6)).frame()},
		{name: "DAD", frame: dad, out: toAll},
		{name: "a unicast probe with the asker's address", frame: unicast(virtualMAC6, sourceOption(clientMAC)), out: answer},
		{name: "a unicast probe to the interface's own MAC", frame: unicast(deviceMAC, sourceOption(clientMAC)), out: answer},
		{name: "a unicast probe without option", frame: unicast(virtualMAC6), out: advertised(vip6).frame()},
		{name: "reserved bits set", frame: with6(solicitation(vip6), func(p *packet6) { p.payload[5] = 0xff }), out: answer},
		{name: "Ethernet padding", frame: join(solicitation(vip6).frame(), make([]byte, 7)), out: join(answer, make([]byte, 7))},
	}
	for i := range cases {
		cases[i].verdict, cases[i].counted = Reply, once("six nd answered")
	}
	for _, c := range cases[:len(cases)-1] {
		c.name, c.frame, c.out, c.counted = c.name+", in a VLAN", tagged(c.frame, 30), tagged(c.out, 30), once("vlan six nd answered")
		cases = append(cases, c)
	}
	runBoth(t, cases)
}

func TestWithoutALeaseASolicitationIsDropped(t *testing.T) {
	longer := with6(solicitation(vip6), func(p *packet6) { p.payload = join(p.payload, nonce) })
	runBoth(t, []programCase{
		{name: "resolution", backup: true, frame: solicitation(vip6).frame(), verdict: Drop, counted: once("six nd refused")},
		{name: "a unicast probe", backup: true, frame: unicastProbe(vip6).frame(), verdict: Drop, counted: once("six nd refused")},
		{name: "one that is not answered in place", backup: true, frame: longer, verdict: Drop, counted: once("six nd refused")},
		{name: "in a VLAN", backup: true, frame: tagged(solicitation(vip6).frame(), 30), verdict: Drop, counted: once("vlan six nd refused")},
	})
}

func TestASolicitationThatIsNotForUsIsLeftAlone(t *testing.T) {
	cases := map[string][]byte{
		"for another address":              solicitation(client6).frame(),
		"in a VLAN without the address":    tagged(solicitation(vip6).frame(), 31),
		"to another station's MAC":         with6(unicastProbe(vip6), func(p *packet6) { p.to = strangeMAC }),
		"from the virtual MAC (reflected)": with6(solicitation(vip6), func(p *packet6) { p.from = virtualMAC6; p.payload = neighborMessage(135, 0, vip6, nonce) }),
		"behind a hop-by-hop header": with6(solicitation(vip6), func(p *packet6) {
			p.next, p.checksumAt, p.payload = 0, 0, join([]byte{58, 0, 5, 2, 0, 0, 1, 0}, p.payload)
		}),
		"in a fragment": with6(solicitation(vip6), func(p *packet6) {
			p.next, p.checksumAt, p.payload = 44, 0, join([]byte{58, 0, 0, 1, 0, 0, 0, 9}, p.payload)
		}),
		"that is an echo request":    with6(solicitation(vip6), func(p *packet6) { p.payload[0] = 128 }),
		"of another IP version":      changed(solicitation(vip6).frame(), 14, 0x40),
		"that is UDP":                with6(solicitation(vip6), func(p *packet6) { p.next = 17 }),
		"cut off within the target":  solicitation(vip6).frame()[:14+40+23],
		"cut off within the options": solicitation(vip6).frame()[:14+40+30],
		"cut off within the header":  tagged(solicitation(vip6).frame(), 30)[:18+39],
	}
	var all []programCase
	for name, frame := range cases {
		c := programCase{name: name, frame: frame, verdict: Pass}
		if [6]byte(frame[6:]) == virtualMAC6 {
			c.counted = once("six spoofed")
		}
		all = append(all, c)
	}
	runBoth(t, all)
}

// One test per sentence of RFC 4861 §7.1.1.
func TestAnInvalidSolicitationIsDropped(t *testing.T) {
	message := func(options ...[]byte) func(*packet6) {
		return func(p *packet6) { p.payload = neighborMessage(135, 0, vip6, options...) }
	}
	dad := func(change func(*packet6)) func(*packet6) {
		return func(p *packet6) {
			p.source, p.payload = unspecified6, neighborMessage(135, 0, vip6, nonce)
			change(p)
		}
	}
	cases := map[string]func(*packet6){
		"hop limit 254":                      func(p *packet6) { p.hopLimit = 254 },
		"checksum 0":                         func(p *packet6) { p.checksumAt = 0 },
		"code 1":                             func(p *packet6) { p.payload[1] = 1 },
		"an option of length 0":              message([]byte{1, 0, 2, 0, 0, 0, 0, 0x77}),
		"a second option of length 0":        message(sourceOption(clientMAC), []byte{14, 0, 0, 0, 0, 0, 0, 0}),
		"an option beyond the end":           message([]byte{1, 2, 2, 0, 0, 0, 0, 0x77}),
		"half an option":                     message([]byte{1, 1, 2, 0}),
		"two bytes of an option":             message([]byte{1, 1}),
		"DAD with the asker's address":       dad(message(sourceOption(clientMAC))),
		"DAD with two options, one of these": dad(message(nonce, sourceOption(clientMAC))),
		"DAD by unicast":                     dad(func(p *packet6) { p.to, p.destination = virtualMAC6, vip6 }),
		"DAD to all nodes":                   dad(func(p *packet6) { p.to, p.destination = allNodesMAC, allNodes }),
		"as long as a jumbo frame":           message(manyOptions(183)),
		"from a group":                       func(p *packet6) { p.source = allNodes },
		"from the loopback address":          func(p *packet6) { p.source = netip.IPv6Loopback() },
		"from a group's MAC": func(p *packet6) {
			p.from, p.payload = allNodesMAC, neighborMessage(135, 0, vip6, sourceOption(allNodesMAC))
		},
	}
	var all []programCase
	for name, change := range cases {
		all = append(all, programCase{name: name, frame: with6(solicitation(vip6), change), verdict: Drop, counted: once("six nd invalid")})
	}
	short := solicitation(vip6).frame()
	short[19] = 23 // of payload; the rest of the target is padding, as far as IP knows
	all = append(all, programCase{name: "23 bytes", frame: short, verdict: Drop, counted: once("six nd invalid")})
	damaged := solicitation(vip6).frame()
	damaged[60] ^= 0x40
	all = append(all, programCase{name: "a bit flipped", frame: damaged, verdict: Drop, counted: once("six nd invalid")})
	runBoth(t, all)
}

func TestASolicitationToAGroupAddressAsTargetIsNobodys(t *testing.T) {
	runBoth(t, []programCase{{name: "ff02::12", frame: solicitation(group6).frame(), verdict: Pass}})
}

func manyOptions(n int) []byte {
	b := sourceOption(clientMAC)
	for range n - 1 {
		b = join(b, nonce)
	}
	return b
}

func TestWhatCannotBeAnsweredInPlaceIsLeftToGo(t *testing.T) {
	change := func(f func(*packet6)) []byte { return with6(solicitation(vip6), f) }
	message := func(options ...[]byte) []byte {
		return change(func(p *packet6) { p.payload = neighborMessage(135, 0, vip6, options...) })
	}
	cases := map[string]struct {
		frame  []byte
		source netip.Addr
	}{
		"by multicast without option":      {message(), client6},
		"two options":                      {message(sourceOption(clientMAC), nonce), client6},
		"one long option":                  {message(join([]byte{11, 3}, make([]byte, 22))), client6},
		"as many options as a frame holds": {message(manyOptions(179)), client6},
		"asked through another station":    {message(sourceOption(strangeMAC)), client6},
		"to the group of another address":  {change(func(p *packet6) { p.destination = solicitedNode(client6) }), client6},
		"to all nodes":                     {change(func(p *packet6) { p.destination = allNodes }), client6},
		"to another address of ours":       {change(func(p *packet6) { p.to, p.destination = virtualMAC6, global6 }), client6},
		"DAD without option":               {change(func(p *packet6) { p.source, p.payload = unspecified6, neighborMessage(135, 0, vip6) }), unspecified6},
		"DAD to another group": {change(func(p *packet6) {
			p.source, p.destination, p.payload = unspecified6, solicitedNode(client6), neighborMessage(135, 0, vip6, nonce)
		}), unspecified6},
	}
	b := newBench(t)
	events := b.openEvents(t)
	for name, c := range cases {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+name, func(t *testing.T) {
				from := Now()
				b.check(t, hook, programCase{frame: c.frame, verdict: Drop, counted: once("six nd passed_on")})
				got := drained(t, events)
				if len(got) != 1 {
					t.Fatalf("%d events, want 1", len(got))
				}
				if got[0].At < from || got[0].At > Now() {
					t.Errorf("arrived at %v, not after %v and before now", got[0].At, from)
				}
				got[0].At = 0
				want := Event{Kind: EventSolicitation, Slot: b.six.Slot(), Source: c.source, Target: vip6, Hardware: clientMAC, TTL: 255}
				if diff := cmp.Diff(want, got[0], cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestAFloodOfQuestionsLeavesRoomForAdverts(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	b.own()
	question := with6(solicitation(vip6), func(p *packet6) { p.payload = neighborMessage(135, 0, vip6) })
	for range 1 << 20 / 64 {
		b.mustRun(t, HookXDP, question)
	}
	b.mustRun(t, HookXDP, advert6().frame())
	got := drained(t, events)
	if last := got[len(got)-1]; last.Kind != EventAdvert {
		t.Errorf("of %d events the last is of kind %d: the advert found no room", len(got), last.Kind)
	}
}

func TestAClaimOfAVirtualIPv6AddressByAnotherStationIsReported(t *testing.T) {
	claim := func(options ...[]byte) packet6 {
		return packet6{to: allNodesMAC, from: strangeMAC, source: vip6, destination: allNodes, hopLimit: 255, next: 58,
			payload: neighborMessage(136, 0x20, vip6, options...), checksumAt: 2}
	}
	asks := func(options ...[]byte) packet6 {
		p := solicitation(client6)
		p.from, p.source, p.payload = strangeMAC, vip6, neighborMessage(135, 0, client6, options...)
		return p
	}
	cases := map[string]struct {
		packet   packet6
		claimant [6]byte // zero: it is no claim
	}{
		"an advertisement":                       {claim(targetOption(strangeMAC)), strangeMAC},
		"an advertisement without option":        {claim(), strangeMAC},
		"an advertisement with many options":     {claim(nonce, targetOption(clientMAC), nonce), clientMAC},
		"a question in the name of the address":  {asks(sourceOption(strangeMAC)), strangeMAC},
		"such a question with two options":       {asks(nonce, sourceOption(strangeMAC)), strangeMAC},
		"the master's advertisement is none":     {claim(targetOption(virtualMAC6)), [6]byte{}},
		"nor one without option":                 {func() packet6 { p := claim(); p.from = virtualMAC6; return p }(), [6]byte{}},
		"the master's question is none":          {asks(sourceOption(virtualMAC6)), [6]byte{}},
		"a question without option names no MAC": {asks(), [6]byte{}},
		"an advertisement from afar is invalid":  {func() packet6 { p := claim(); p.hopLimit = 64; return p }(), [6]byte{}},
		"a question from afar is invalid":        {func() packet6 { p := asks(sourceOption(strangeMAC)); p.hopLimit = 64; return p }(), [6]byte{}},
		"a solicited one to a group is invalid":  {func() packet6 { p := claim(); p.payload[4] = 0x40; return p }(), [6]byte{}},
		"one with a wrong checksum is invalid":   {func() packet6 { p := claim(); p.checksumAt = 0; return p }(), [6]byte{}},
		"one with an empty option is invalid":    {claim([]byte{2, 0, 2, 0, 0, 0, 0, 0x99}), [6]byte{}},
		"a claim of another address is none":     {func() packet6 { p := claim(); p.payload = neighborMessage(136, 0x20, client6); return p }(), [6]byte{}},
	}
	b := newBench(t)
	events := b.openEvents(t)
	for name, c := range cases {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			for _, backup := range []bool{false, true} {
				t.Run(string(hook)+"/"+name, func(t *testing.T) {
					counted := once()
					if c.claimant != [6]byte{} {
						counted = once("six nd conflict")
					} else if c.packet.from == virtualMAC6 && !backup {
						counted = once("six spoofed")
					}
					b.check(t, hook, programCase{frame: c.packet.frame(), backup: backup, verdict: Pass, counted: counted})
					b.checkClaim(t, drained(t, events), c.claimant)
				})
			}
		}
	}
}

func (b *bench) checkClaim(t *testing.T, got []Event, claimant [6]byte) {
	t.Helper()
	if claimant == [6]byte{} {
		if len(got) != 0 {
			t.Errorf("%d events, want none", len(got))
		}
		return
	}
	if len(got) != 1 {
		t.Fatalf("%d events, want 1", len(got))
	}
	if e := got[0]; e.Kind != EventConflict || e.Source != vip6 || e.Hardware != claimant || e.Slot != b.six.Slot() || e.Target.IsValid() {
		t.Errorf("%+v", e)
	}
}

func TestOneWhoClaimsAVirtualAddressAndAsksForAnotherIsReportedAndAnswered(t *testing.T) {
	p := solicitation(global6)
	p.source = vip6
	out := advertised(global6, targetOption(virtualMAC6))
	out.destination = vip6
	runBoth(t, []programCase{{name: "both", frame: p.frame(), verdict: Reply, out: out.frame(), counted: once("six nd conflict", "six nd answered")}})
}
