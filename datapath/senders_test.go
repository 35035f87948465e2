package datapath

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// from is an advert of a priority from a sender.
func from(source netip.Addr, priority byte) []byte {
	return with(v3(), func(a *advertPacket) { a.source, a.priority = source, priority })
}

func TestWithAListOnlyThoseOnItMaySpeakAndOnlyOwnersOwn(t *testing.T) {
	b := newBench(t)
	b.replace(t, &b.v3, func(s *RouterSpec) { s.Senders = []Sender{{Source: peer}, {Source: client, Owner: true}} })
	local := netip.MustParseAddr("fe80::77")
	b.replace(t, &b.six, func(s *RouterSpec) { s.Senders = []Sender{{Source: local}} })
	refused := func(frame []byte, reason string) programCase {
		return programCase{frame: frame, verdict: Drop, counted: once(reason)}
	}
	valid := programCase{verdict: Pass, counted: once("received", "checksum pseudo-header")}
	heard := func(frame []byte) programCase { c := valid; c.frame = frame; return c }
	stranger := netip.MustParseAddr("192.168.1.66")
	for name, c := range map[string]programCase{
		"one on the list":                         heard(from(peer, 200)),
		"one on the list says 255":                refused(from(peer, 255), "dropped owner"),
		"an owner says 255":                       heard(from(client, 255)),
		"a stranger":                              refused(from(stranger, 200), "dropped sender"),
		"a stranger says 255":                     refused(from(stranger, 255), "dropped sender"),
		"a stranger's wrong checksum comes first": refused(broken(from(stranger, 200), 6), "dropped checksum"),
		"a stranger, before its count":            refused(with(v3(), func(a *advertPacket) { a.source, a.addresses = stranger, nil }), "dropped sender"),
		"IPv6: one on the list":                   {frame: with6(advert6(), func(p *packet6) { p.source = local }), verdict: Pass, counted: once("six received")},
		"IPv6: a stranger":                        refused(with6(advert6(), func(p *packet6) { p.source = netip.MustParseAddr("fe80::66") }), "six dropped sender"),
	} {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

func TestAListIsExchangedWhileItIsUsed(t *testing.T) {
	b := newBench(t)
	hears := func(want bool, source netip.Addr) {
		t.Helper()
		if _, counted := b.run(t, HookXDP, from(source, 200)); (counted["received"] == 1) != want {
			t.Errorf("%s is heard: %v, want %v", source, !want, want)
		}
	}
	update := func(list ...Sender) {
		t.Helper()
		spec := b.v3.spec
		spec.Senders = list
		if err := b.v3.Update(spec); err != nil {
			t.Fatal(err)
		}
	}
	hears(true, client)
	update(Sender{Source: peer})
	hears(true, peer)
	hears(false, client)
	update(Sender{Source: client}, Sender{Source: netip.MustParseAddr("192.168.1.9")})
	hears(false, peer)
	hears(true, client)
	update()
	hears(true, peer)
	var (
		key   vrrpSenderKey
		entry vrrpSender
	)
	for it := b.objects.Senders.Iterate(); it.Next(&key, &entry); {
		t.Errorf("%v is left over", key)
	}
}

// signature is a trailer of that time.
func signature(key byte, at time.Duration) []byte {
	b := []byte{1, key, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(at/time.Second))
	return append(b, make([]byte, 20)...)
}

func TestOnlySignaturesThatMayBeGoodReachGo(t *testing.T) {
	const wall = 1_800_000_000 * time.Second
	b := newBench(t)
	auth := &Auth{Required: true, KeyIDs: []uint8{1, 255}, Window: 5 * time.Second}
	for _, r := range []**Router{&b.v3, &b.v2, &b.six} {
		b.replace(t, r, func(s *RouterSpec) { s.Auth = auth })
	}
	b.SetWallClock(wall - Now())
	signed := func(s []byte) []byte { return frameAround(append(v3().pdu(), s...), peer, 255) }
	changed := func(at int, to byte) []byte { s := signature(1, wall); s[at] = to; return s }
	refused := func(s []byte, reason string) programCase {
		return programCase{frame: signed(s), verdict: Drop, counted: once("dropped " + reason)}
	}
	heard := func(s []byte) programCase {
		return programCase{frame: signed(s), verdict: Pass, counted: once("received", "checksum pseudo-header")}
	}
	six := advert6()
	six.payload = append(slices.Clone(six.payload), signature(1, wall)...)
	odd := with6(six, func(p *packet6) { p.payload[len(p.payload)-1] = 1 })
	for name, c := range map[string]programCase{
		"signed now":                heard(signature(1, wall)),
		"signed with the last key":  heard(signature(255, wall)),
		"signed 5 s ago":            heard(signature(1, wall-5*time.Second)),
		"signed in 5 s":             heard(signature(1, wall+5*time.Second)),
		"signed 8 s ago":            refused(signature(1, wall-8*time.Second), "auth_stale"),
		"signed in 8 s":             refused(signature(1, wall+8*time.Second), "auth_stale"),
		"its key before its age":    refused(signature(2, wall-8*time.Second), "auth_key"),
		"an unknown key":            refused(signature(2, wall), "auth_key"),
		"key 0":                     refused(signature(0, wall), "auth_key"),
		"another type":              refused(changed(0, 2), "auth_malformed"),
		"reserved bits":             refused(changed(3, 1), "auth_malformed"),
		"not signed":                {frame: v3().frame(), verdict: Drop, counted: once("dropped auth_missing")},
		"a byte too many":           refused(append(signature(1, wall), 0), "length"),
		"signed twice":              refused(append(signature(1, wall), signature(1, wall)...), "length"),
		"version 2":                 {frame: tagged(frameAround(append(v2().pdu(), signature(1, wall)...), peer, 255), 30), verdict: Pass, counted: once("vlan received")},
		"IPv6 sums the signature":   {frame: six.frame(), verdict: Pass, counted: once("six received")},
		"IPv6, another signature":   {frame: odd, verdict: Pass, counted: once("six received")},
		"signed, where none may be": {frame: tagged(six.frame(), 30), verdict: Drop, counted: once("vlan six dropped length")},
	} {
		for _, hook := range []Hook{HookXDP, HookIngress} {
			t.Run(string(hook)+"/"+name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

// Anybody may have copied it; and what a router gives way to, only Go can say.
func TestASignedAdvertIsNeverTakenForTheFollowedOne(t *testing.T) {
	b := newBench(t)
	b.replace(t, &b.v3, func(s *RouterSpec) { s.Auth = &Auth{KeyIDs: []uint8{1}} })
	events := b.openEvents(t)
	b.own()
	b.v3.YieldTo(1)
	b.v3.Follow(peer, header(v3().pdu()))
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, frame := range [][]byte{v3().frame(), frameAround(append(v3().pdu(), signature(1, 0)...), peer, 255)} {
			b.mustRun(t, hook, frame)
			if got := drained(t, events); len(got) != 1 || len(got[0].PDU) != len(frame)-34 && len(frame) != 60 {
				t.Errorf("%s: got %+v, want the whole advert", hook, got)
			}
		}
	}
	if b.v3.Heard() != 0 || b.v3.Yielded() {
		t.Errorf("heard at %v, yielded: %v; want neither", b.v3.Heard(), b.v3.Yielded())
	}
}
