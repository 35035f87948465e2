package datapath

import (
	"net/netip"
	"testing"
	"time"
)

// What an advert is counted as beside valid or refused, and what options forbid.

func fromMAC(frame []byte, mac [6]byte) []byte {
	return join(frame[:6], mac[:], frame[12:])
}

func TestAnOddAdvertIsAcceptedAndCounted(t *testing.T) {
	const pseudo = "checksum pseudo-header"
	second := netip.MustParseAddr("192.168.1.2")
	change := func(f func(*advertPacket)) []byte { return with(v3(), f) }
	swapped := with6(advert6(), func(p *packet6) { p.payload = pdu6(100, vip6, client6) })
	b := newBench(t)
	b.replace(t, &b.v3, func(s *RouterSpec) { s.Addresses = []netip.Addr{vip, second} })
	both := func(list ...netip.Addr) []byte { return change(func(a *advertPacket) { a.addresses = list }) }
	as := func(f func(*advertPacket)) []byte {
		return change(func(a *advertPacket) { a.addresses = []netip.Addr{vip, second}; f(a) })
	}
	cases := []programCase{
		{name: "none", frame: both(vip, second), counted: once("received", pseudo)},
		{name: "the same addresses in another order", frame: both(second, vip), counted: once("received", pseudo)},
		{name: "an address less", frame: both(vip), counted: once("received", pseudo, "odd address_list")},
		{name: "another address", frame: both(vip, client), counted: once("received", pseudo, "odd address_list")},
		{name: "an address twice", frame: both(vip, vip), counted: once("received", pseudo, "odd address_list")},
		{name: "another interval", frame: as(func(a *advertPacket) { a.interval = 101 }), counted: once("received", pseudo, "odd interval")},
		{name: "another interval in the high bits", frame: as(func(a *advertPacket) { a.interval = 100 + 256 }), counted: once("received", pseudo, "odd interval")},
		{name: "another Ethernet source", frame: fromMAC(both(vip, second), strangeMAC), counted: once("received", pseudo, "odd source_mac")},
		{name: "all of it", frame: fromMAC(change(func(a *advertPacket) { a.interval = 7 }), strangeMAC), counted: once("received", pseudo, "odd address_list", "odd interval", "odd source_mac")},
		{name: "a farewell", frame: as(func(a *advertPacket) { a.priority = 0 }), counted: once("received", pseudo, "farewell")},
		{name: "the other form of checksum", frame: as(func(a *advertPacket) { a.pseudo = false }), counted: once("received", "checksum message-only")},
		{name: "IPv6: another address", frame: swapped, counted: once("six received", "six odd address_list")},
		{name: "IPv6: the virtual MAC of IPv4", frame: fromMAC(advert6().frame(), virtualMAC), counted: once("six received", "six odd source_mac")},
		{name: "v2: another address, which Go refuses", frame: tagged(with(v2(), func(a *advertPacket) { a.addresses[0] = client }), 30), counted: once("vlan received")},
		{name: "v2: another address of the owner", frame: tagged(with(v2(), func(a *advertPacket) { a.addresses[0], a.priority = client, 255 }), 30), counted: once("vlan received", "vlan odd address_list")},
		{name: "v2: a password is no address", frame: tagged(with(v2(), func(a *advertPacket) { a.trailer = []byte("p4ssword"); a.interval |= 1 << 8 }), 30), counted: once("vlan received")},
	}
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, c := range cases {
			c.verdict = Pass
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

// A source and a length of which the pseudo-header adds up to nothing, in one's complement arithmetic.
func TestAChecksumThatIsRightInBothFormsCountsAsWithPseudoHeader(t *testing.T) {
	b := newBench(t)
	a := v3()
	sum := uint32(0xe000) + 0x12 + 112 + 12
	low := 0xffff - sum - 0x0a01
	a.source = netip.AddrFrom4([4]byte{0x0a, 0x01, byte(low >> 8), byte(low)})
	other := a
	other.pseudo = false
	if [12]byte(a.pdu()) != [12]byte(other.pdu()) {
		t.Fatal("the forms differ: nothing is tested")
	}
	b.check(t, HookXDP, programCase{frame: a.frame(), verdict: Pass, counted: once("received", "checksum pseudo-header")})
}

func TestStrictMACRefusesAnAdvertFromAnotherMACAtTheVeryLast(t *testing.T) {
	b := newBench(t)
	for _, r := range []**Router{&b.v3, &b.six} {
		b.replace(t, r, func(s *RouterSpec) { s.StrictMAC = true })
	}
	strange := func(frame []byte) []byte { return fromMAC(frame, strangeMAC) }
	for _, c := range []programCase{
		{name: "the virtual MAC", frame: v3().frame(), verdict: Pass, counted: once("received", "checksum pseudo-header")},
		{name: "another", frame: strange(v3().frame()), verdict: Drop, counted: once("dropped source_mac")},
		{name: "another, and interval 0", frame: strange(with(v3(), func(a *advertPacket) { a.interval = 0 })), verdict: Drop, counted: once("dropped interval")},
		{name: "IPv6, another", frame: strange(advert6().frame()), verdict: Drop, counted: once("six dropped source_mac")},
	} {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

func TestAUnicastRouterRefusesMulticastAdvertsOnceItsVRIDIsKnown(t *testing.T) {
	b := newBench(t)
	for _, r := range []**Router{&b.v3, &b.six} {
		b.replace(t, r, func(s *RouterSpec) { s.Unicast = true })
	}
	for _, c := range []programCase{
		{name: "before the count", frame: with(v3(), func(a *advertPacket) { a.addresses = nil }), verdict: Drop, counted: once("dropped peer")},
		{name: "behind the checksum", frame: broken(v3().frame(), 6), verdict: Drop, counted: once("dropped checksum")},
		{name: "IPv6", frame: advert6().frame(), verdict: Drop, counted: once("six dropped peer")},
	} {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

func TestVersion2RefusesAnotherInterval(t *testing.T) {
	other := with(v2(), func(a *advertPacket) { a.interval = 2 })
	runBoth(t, []programCase{{name: "2 s for 1 s", frame: tagged(other, 30), verdict: Drop, counted: once("vlan dropped interval")}})
}

func TestARouterToldNoIntervalTakesAny(t *testing.T) {
	b := newBench(t)
	b.replace(t, &b.v2, func(s *RouterSpec) { s.Interval = 0 })
	b.check(t, HookXDP, programCase{frame: tagged(with(v2(), func(a *advertPacket) { a.interval = 2 }), 30), verdict: Pass, counted: once("vlan received")})
}

func TestWhoSpeaksOurVRIDInAnotherVersionOrIntervalIsRecorded(t *testing.T) {
	slow := v2()
	slow.interval = 3
	other := v2()
	other.interval = 2
	base := Other{Interface: loopback, VRID: 10, Family: 4, Source: peer, Hardware: virtualMAC, Priority: 120, Addresses: 1, Address: vip, Adverts: 1}
	want := func(change func(*Other)) *Other { o := base; change(&o); return &o }
	cases := map[string]struct {
		frame []byte
		want  *Other // nil: nobody
	}{
		"version 2 for version 3": {other.frame(), want(func(o *Other) { o.Version, o.Interval = 2, 2*time.Second })},
		"version 3 for version 2": {tagged(v3().frame(), 30), want(func(o *Other) {
			o.VLAN, o.Version, o.Interval, o.Checksum = 30, 3, time.Second, "pseudo-header"
		})},
		"another interval of version 2":        {tagged(slow.frame(), 30), want(func(o *Other) { o.VLAN, o.Version, o.Interval = 30, 2, 3*time.Second })},
		"ours":                                 {v3().frame(), nil},
		"another interval of version 3":        {with(v3(), func(a *advertPacket) { a.interval = 7 }), nil},
		"version 2 with a wrong checksum":      {broken(other.frame(), 6), nil},
		"version 2 of the wrong type":          {with(v2(), func(a *advertPacket) { a.versionType = 0x22 }), nil},
		"version 2 of the wrong length":        {with(v2(), func(a *advertPacket) { a.trailer = nil }), nil},
		"version 4":                            {with(v3(), func(a *advertPacket) { a.versionType = 0x41 }), nil},
		"version 2 from afar":                  {with(v2(), func(a *advertPacket) { a.ttl = 254 }), nil},
		"an interval of 0 with a bad checksum": {tagged(broken(slow.frame(), 5), 30), nil},
	}
	b := newBench(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b.forgetOthers(t)
			b.mustRun(t, HookXDP, c.frame)
			if c.want == nil {
				if got, err := b.Others(); len(got) != 0 || err != nil {
					t.Errorf("%v, %v; want nobody", got, err)
				}
				return
			}
			if got := b.onlyOther(t); got != *c.want {
				t.Errorf("got  %+v\nwant %+v", got, *c.want)
			}
		})
	}
}

// Whatever else is wrong with it, what comes before the version is not.
func TestAnAdvertOfTheOtherVersionIsCountedUnderVersion(t *testing.T) {
	dropped := func(name string, a []byte) programCase {
		return programCase{name: name, frame: a, verdict: Drop, counted: once("dropped version")}
	}
	runBoth(t, []programCase{
		dropped("of the wrong type", with(v2(), func(a *advertPacket) { a.versionType = 0x22 })),
		dropped("of the wrong length", with(v2(), func(a *advertPacket) { a.trailer = nil })),
		dropped("with a wrong checksum", broken(v2().frame(), 6)),
		dropped("without addresses", with(v2(), func(a *advertPacket) { a.addresses = nil })),
	})
}

func (b *bench) forgetOthers(t *testing.T) {
	t.Helper()
	var (
		keys []vrrpOtherKey
		key  vrrpOtherKey
		val  vrrpOther
	)
	it := b.objects.Others.Iterate()
	for it.Next(&key, &val) {
		keys = append(keys, key)
	}
	for _, k := range keys {
		if err := b.objects.Others.Delete(k); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOthersTellTheFormOfTheirChecksum(t *testing.T) {
	b := newBench(t)
	for form, a := range map[string]advertPacket{"pseudo-header": v3(), "message-only": v3(), "": v2()} {
		t.Run(form, func(t *testing.T) {
			b.forgetOthers(t)
			a.vrid, a.pseudo = 99, form == "pseudo-header"
			b.mustRun(t, HookXDP, a.frame())
			if got := b.onlyOther(t); got.Checksum != form {
				t.Errorf("checksum %q, want %q", got.Checksum, form)
			}
		})
	}
}

// RFC 1122 §3.2.1.3, RFC 4291 §2.5: nobody sends from there, and 255.255.255.255
// would win every tie.
func TestAnAdvertFromAnImpossibleSourceIsRefused(t *testing.T) {
	var cases []programCase
	for _, from := range []string{"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.18", "255.255.255.255"} {
		frame := with(v3(), func(a *advertPacket) { a.source = netip.MustParseAddr(from) })
		cases = append(cases, programCase{name: from, frame: frame, verdict: Pass, counted: once("port dropped ip_header")})
	}
	for _, from := range []string{"::", "::1", "ff02::12"} {
		frame := with6(advert6(), func(p *packet6) { p.source = netip.MustParseAddr(from) })
		cases = append(cases, programCase{name: from, frame: frame, verdict: Pass, counted: once("port dropped ip_header")})
	}
	runBoth(t, cases)
}

func TestAnotherOwnerIsCounted(t *testing.T) {
	b := newBench(t)
	b.replace(t, &b.v3, func(s *RouterSpec) { s.Owner = true })
	claim := with(v3(), func(a *advertPacket) { a.priority = 255 })
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.check(t, hook, programCase{name: "255", frame: claim, verdict: Pass, counted: once("received", "checksum pseudo-header", "odd owner")})
	}
}

func TestAFrameWithTwoTagsIsLeftAlone(t *testing.T) {
	toMAC := tagged(tagged(frameTo(virtualMAC), 40), 30)
	runBoth(t, []programCase{
		{name: "to the virtual MAC", frame: toMAC, verdict: Pass},
		{name: "to the virtual MAC, of a backup", backup: true, frame: toMAC, verdict: Pass},
		{name: "behind a priority tag", frame: tagged(tagged(frameTo(virtualMAC), 99), 0), verdict: Pass},
		{name: "with a service tag inside", frame: changed(changed(tagged(tagged(frameTo(virtualMAC), 40), 30), 16, 0x88), 17, 0xa8), verdict: Pass},
	})
}

func TestAFrameFromTheVirtualMACIsCountedByItsOwnerAndGoesOn(t *testing.T) {
	data := func(from [6]byte) []byte { return fromMAC(frameTo(deviceMAC), from) }
	runBoth(t, []programCase{
		{name: "of an owner", frame: data(virtualMAC), verdict: Pass, counted: once("spoofed")},
		{name: "of an owner of IPv6 addresses", frame: data(virtualMAC6), verdict: Pass, counted: once("six spoofed")},
		{name: "of an owner in a VLAN", frame: tagged(data(virtualMAC), 30), verdict: Pass, counted: once("vlan spoofed")},
		{name: "of a backup: it is the master's", backup: true, frame: data(virtualMAC), verdict: Pass},
		{name: "of nobody here", frame: data([6]byte{0, 0, 0x5e, 0, 1, 99}), verdict: Pass},
		{name: "of another MAC", frame: data(strangeMAC), verdict: Pass},
	})
}

func frameTo(mac [6]byte) []byte {
	f := fromMAC(frameAround(make([]byte, 30), client, 64), clientMAC)
	copy(f[:6], mac[:])
	return f
}
