package datapath

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func manyAddresses6(n int) []netip.Addr {
	list := []netip.Addr{vip6}
	for i := range n - 1 {
		b := global6.As16()
		b[14], b[15] = byte(i>>8), byte(i)
		list = append(list, netip.AddrFrom16(b))
	}
	return list
}

// message6 is an advert with another PDU.
func message6(pdu []byte) []byte { return with6(advert6(), func(p *packet6) { p.payload = pdu }) }

// byte6 is an advert with one byte of its PDU changed, and its checksum right.
func byte6(at int, to byte) []byte {
	return with6(advert6(), func(p *packet6) { p.payload = changed(p.payload, at, to) })
}

func TestAnAdvertOfIPv6IsCheckedInTheOrderOfTheRFC(t *testing.T) {
	good := advert6().frame()
	mine := func(frame []byte, reason string) programCase {
		return programCase{frame: frame, verdict: Drop, counted: once("six dropped " + reason)}
	}
	others := func(frame []byte, reason string) programCase {
		return programCase{frame: frame, verdict: Pass, counted: once("port dropped " + reason)}
	}
	valid := func(frame []byte, and ...string) programCase {
		return programCase{frame: frame, verdict: Pass, counted: once(append(and, "six received")...)}
	}
	behind := func(next byte, extension ...byte) []byte {
		return with6(advert6(), func(p *packet6) {
			p.next, p.checksumAt, p.payload = next, 0, join(extension, p.payload)
		})
	}
	badSum := with6(advert6(), func(p *packet6) { p.checksumAt = 0 })
	messageOnly := with6(advert6(), func(p *packet6) {
		sum := internetSum(p.payload)
		p.checksumAt, p.payload[6], p.payload[7] = 0, byte(sum>>8), byte(sum)
	})
	// Two faults each, to show the order: the later one is in every frame.
	cases := map[string]programCase{
		"valid":                                   valid(good),
		"valid, in a VLAN":                        {frame: tagged(good, 30), verdict: Pass, counted: once("vlan six received")},
		"valid, with Ethernet padding":            valid(join(good, make([]byte, 9))),
		"valid, 92 addresses":                     valid(message6(pdu6(100, manyAddresses6(92)...)), "six odd address_list"),
		"valid, reserved bits set":                valid(message6(pdu6(0xf000|100, vip6, global6))),
		"truncated":                               others(good[:len(good)-1], "ip_header"),
		"IP version 4":                            others(changed(good, 14, 0x40), "ip_header"),
		"hop-by-hop header":                       others(behind(0, 112, 0, 5, 2, 0, 0, 1, 0), "ip_header"),
		"destination header":                      others(behind(60, 112, 0, 1, 4, 0, 0, 0, 0), "ip_header"),
		"two headers":                             others(behind(0, 43, 0, 5, 2, 0, 0, 1, 0), "ip_header"),
		"first fragment":                          others(behind(44, 112, 0, 0, 1, 0, 0, 0, 9), "fragment"),
		"later fragment":                          others(behind(44, 112, 0, 5, 0, 0, 0, 0, 9), "fragment"),
		"1. hop limit 254 before the version":     mine(with6(advert6(), func(p *packet6) { p.hopLimit = 254; p.payload[0] = 0x21 }), "ttl"),
		"2. version 2 does not exist for IPv6":    mine(byte6(0, 0x22), "version"),
		"2. version 4":                            mine(byte6(0, 0x41), "version"),
		"3. type 2 before the length":             mine(message6(changed(advert6().payload, 0, 0x32)[:8]), "type"),
		"4. half an address":                      mine(message6(advert6().payload[:32]), "length"),
		"4. an address missing, before checksum":  mine(changed(message6(changed(advert6().payload, 3, 3)), 60, 1), "length"),
		"4. more addresses than a frame carries":  mine(message6(pdu6(100, manyAddresses6(93)...)), "length"),
		"4. seven bytes":                          others(message6(advert6().payload[:7]), "length"),
		"4. nothing":                              others(with6(advert6(), func(p *packet6) { p.payload, p.checksumAt = nil, 0 }), "length"),
		"5. checksum wrong":                       mine(badSum, "checksum"),
		"5. checksum over the message only":       mine(messageOnly, "checksum"),
		"6. a VRID that is not ours":              others(byte6(1, 11), "vrid"),
		"6. our VRID in another VLAN":             others(tagged(good, 31), "vrid"),
		"8. no address, before the interval":      mine(message6(pdu6(0)), "count"),
		"9. first address global, before that":    mine(message6(pdu6(0, global6, vip6)), "first_address"),
		"10. interval 0":                          mine(message6(pdu6(0xf000, vip6, global6)), "interval"),
		"another's fault is not ours to drop":     others(with6(advert6(), func(p *packet6) { p.payload[1] = 11; p.hopLimit = 1 }), "ttl"),
		"VRRP to another group is none of ours":   {frame: with6(advert6(), func(p *packet6) { p.destination = allNodes }), verdict: Pass, counted: once("six spoofed")},
		"VRRP by unicast is none of ours":         {frame: with6(advert6(), func(p *packet6) { p.to, p.destination = deviceMAC, peer6 }), verdict: Pass, counted: once("six spoofed")},
		"UDP to the group is none of ours":        {frame: with6(advert6(), func(p *packet6) { p.next = 17 }), verdict: Pass, counted: once("six spoofed")},
		"a report of membership (MLD) is neither": {frame: behind(0, 58, 0, 5, 2, 0, 0, 1, 0), verdict: Pass, counted: once("six spoofed")},
	}
	b := newBench(t)
	for name, c := range cases {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

func TestAnAdvertOfIPv6IsReportedWholeFollowedAndStamped(t *testing.T) {
	b := newBench(t)
	events := b.openEvents(t)
	for _, hook := range []Hook{HookXDP, HookIngress} {
		frame := advert6().frame()
		pdu := frame[54:]
		b.six.Unfollow()
		b.mustRun(t, hook, frame)
		got := drained(t, events)
		if len(got) != 1 {
			t.Fatalf("%s: %d events, want 1", hook, len(got))
		}
		got[0].At = 0
		want := Event{Kind: EventAdvert, Slot: b.six.Slot(), Source: peer6, Hardware: virtualMAC6, TTL: 255, PDU: pdu}
		if diff := cmp.Diff(want, got[0], cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", hook, diff)
		}
		b.six.Follow(peer6, header(pdu))
		from, to := b.mustRun(t, hook, frame)
		if heard := b.six.Heard(); heard < from || heard > to || len(drained(t, events)) != 0 {
			t.Errorf("%s: heard at %v, want between %v and %v, and no event", hook, heard, from, to)
		}
		stamped := b.six.Heard()
		// Differs from the followed sender in its last bytes only, and has the same checksum and header.
		b.six.Follow(netip.MustParseAddr("fe80::1:3"), header(pdu))
		b.mustRun(t, hook, frame)
		if len(drained(t, events)) != 1 || b.six.Heard() != stamped {
			t.Errorf("%s: the advert of another sender passes for the followed one", hook)
		}
	}
}

func TestAnyFirstAddressIsAcceptedWhereThatIsAskedFor(t *testing.T) {
	b := newBench(t)
	spec := b.six.spec
	spec.AnyFirstAddress = true
	if err := b.six.Update(spec); err != nil {
		t.Fatal(err)
	}
	events := b.openEvents(t)
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.mustRun(t, hook, message6(pdu6(100, global6, vip6)))
		if got := drained(t, events); len(got) != 1 {
			t.Errorf("%s: %d events, want the advert", hook, len(got))
		}
	}
}

func TestABackupOfOneFamilyDoesNotYieldForTheOther(t *testing.T) {
	b := newBench(t)
	b.own()
	b.v3.YieldTo(1)
	b.six.YieldTo(1)
	b.mustRun(t, HookXDP, advert6().frame())
	if !b.six.Yielded() || b.v3.Yielded() {
		t.Errorf("yielded: IPv6 %v, IPv4 %v; want only IPv6", b.six.Yielded(), b.v3.Yielded())
	}
}

func TestOthersOfIPv6AreObserved(t *testing.T) {
	b := newBench(t)
	b.mustRun(t, HookXDP, byte6(1, 99))
	o := b.onlyOther(t)
	want := Other{Interface: loopback, VRID: 99, Family: 6, Source: peer6, Hardware: virtualMAC6,
		Version: 3, Priority: 120, Interval: time.Second, Addresses: 2, Address: vip6, Adverts: 1}
	if o != want {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}
}

// onlyOther is the one virtual router observed, without times.
func (b *bench) onlyOther(t *testing.T) Other {
	t.Helper()
	got, err := b.Others()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d others, want 1: %+v", len(got), got)
	}
	o := got[0]
	o.First, o.Last, o.Shortest, o.Longest = 0, 0, 0, 0
	return o
}
