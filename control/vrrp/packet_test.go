package vrrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func addrs(list ...string) []netip.Addr {
	var addresses []netip.Addr
	for _, a := range list {
		addresses = append(addresses, netip.MustParseAddr(a))
	}
	return addresses
}

// vectors are computed by hand: the words of the message, the words of the
// pseudo-header, and the complement of their sum.
var vectors = []struct {
	name   string
	family Family
	source string
	advert Advert
	pdu    string
}{
	{
		// 210a+7802+0001+c0a8+0101+c0a8+01fe = 1d5e.
		name: "version 2", family: IPv4, source: "192.168.1.2",
		advert: Advert{Version: V2, VRID: 10, Priority: 120, Interval: time.Second,
			Addresses: addrs("192.168.1.1", "192.168.1.254"), Checksum: MessageOnly},
		pdu: "210a 7802 0001 e2a1 c0a80101 c0a801fe 00000000 00000000",
	},
	{
		// 210a+7801+0103+c0a8+0101 = 5bb8; 7061+7373+7764 = 5b39; together b6f1.
		name: "version 2 with a password", family: IPv4, source: "192.168.1.2",
		advert: Advert{Version: V2, VRID: 10, Priority: 120, Interval: 3 * time.Second, AuthType: 1,
			AuthData: [8]byte{'p', 'a', 's', 's', 'w', 'd'}, Addresses: addrs("192.168.1.1"), Checksum: MessageOnly},
		pdu: "210a 7801 0103 490e c0a80101 70617373 77640000",
	},
	{
		// 310a+7801+0064+c0a8+0101 = 6b19; c0a8+0102+e000+0012+0070+000c = a239.
		name: "version 3 with pseudo-header", family: IPv4, source: "192.168.1.2",
		advert: Advert{Version: V3, VRID: 10, Priority: 120, Interval: time.Second,
			Addresses: addrs("192.168.1.1"), Checksum: PseudoHeader},
		pdu: "310a 7801 0064 f2ac c0a80101",
	},
	{
		name: "version 3, message only", family: IPv4, source: "192.168.1.2",
		advert: Advert{Version: V3, VRID: 10, Priority: 120, Interval: time.Second,
			Addresses: addrs("192.168.1.1"), Checksum: MessageOnly},
		pdu: "310a 7801 0064 94e6 c0a80101",
	},
	{
		// 310a+7802+0064+fe80+000a+2001+0db8+0001 = d5b5;
		// fe80+0002+ff02+0012+0028+0070 = fe2f.
		name: "version 3 over IPv6", family: IPv6, source: "fe80::2",
		advert: Advert{Version: V3, VRID: 10, Priority: 120, Interval: time.Second,
			Addresses: addrs("fe80::a", "2001:db8::1"), Checksum: PseudoHeader},
		pdu: "310a 7802 0064 2c1a fe80000000000000000000000000000a 20010db8000000000000000000000001",
	},
}

func packetOf(t testing.TB, i int) Packet {
	v := vectors[i]
	return Packet{Family: v.family, Source: netip.MustParseAddr(v.source), Destination: GroupAddress(v.family),
		TTL: 255, PDU: unhex(t, v.pdu)}
}

func TestAdvertsAreEncodedByteForByte(t *testing.T) {
	for i, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			p := packetOf(t, i)
			got, err := v.advert.AppendBinary([]byte("before"), p.Source, p.Destination)
			if err != nil {
				t.Fatal(err)
			}
			if want := append([]byte("before"), p.PDU...); !bytes.Equal(got, want) {
				t.Errorf("got  %x\nwant %x", got, want)
			}
		})
	}
}

func TestAdvertsAreDecodedToWhatWasEncoded(t *testing.T) {
	for i, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			got, err := Parse(packetOf(t, i))
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(v.advert) {
				t.Errorf("got  %+v\nwant %+v", got, v.advert)
			}
		})
	}
}

const (
	vectorV2   = 0
	vectorV3   = 2
	vectorOnly = 3
	vectorV6   = 4
)

// mend makes the checksum of p right, so that what comes after it is reached.
func mend(p *Packet) {
	binary.BigEndian.PutUint16(p.PDU[6:], 0)
	covered := sum(p.PDU)
	if Version(p.PDU[0]>>4) == V3 {
		pseudo, _ := pseudoHeaderSum(p.Family, p.Source, p.Destination, len(p.PDU))
		covered += pseudo
	}
	binary.BigEndian.PutUint16(p.PDU[6:], ^fold(covered))
}

func TestAdvertsAreRefusedForTheirFirstFault(t *testing.T) {
	set := func(offset int, value byte) func(*Packet) {
		return func(p *Packet) { p.PDU[offset] = value }
	}
	mended := func(offset int, value byte) func(*Packet) {
		return func(p *Packet) { p.PDU[offset] = value; mend(p) }
	}
	cut := func(length int) func(*Packet) {
		return func(p *Packet) { p.PDU = p.PDU[:length] }
	}
	pad := func(n int) func(*Packet) {
		return func(p *Packet) { p.PDU = append(p.PDU, make([]byte, n)...) }
	}
	count := func(n, length int) func(*Packet) {
		return func(p *Packet) {
			p.PDU = append(p.PDU, make([]byte, 5000)...)[:length]
			p.PDU[3] = byte(n)
			mend(p)
		}
	}
	tests := []struct {
		name   string
		vector int
		change func(*Packet)
		want   Reason
	}{
		// The rows of RFC 9568 §7.1, in their order.
		{"TTL 254", vectorV3, func(p *Packet) { p.TTL = 254 }, ReasonTTL},
		{"hop limit 254", vectorV6, func(p *Packet) { p.TTL = 254 }, ReasonTTL},
		{"TTL 0", vectorV2, func(p *Packet) { p.TTL = 0 }, ReasonTTL},
		{"version 1", vectorV3, set(0, 0x11), ReasonVersion},
		{"version 4", vectorV3, set(0, 0x41), ReasonVersion},
		{"version 2 over IPv6", vectorV6, set(0, 0x21), ReasonVersion},
		{"no known family", vectorV3, func(p *Packet) { p.Family = 5 }, ReasonVersion},
		{"type 0", vectorV3, set(0, 0x30), ReasonType},
		{"type 2", vectorV2, set(0, 0x22), ReasonType},
		{"empty", vectorV3, cut(0), ReasonLength},
		{"one byte", vectorV3, cut(1), ReasonLength},
		{"seven bytes", vectorV3, cut(7), ReasonLength},
		{"header only", vectorV3, cut(8), ReasonLength},
		{"a byte short", vectorV3, cut(11), ReasonLength},
		{"a byte long", vectorV3, pad(1), ReasonLength},
		{"an address more than counted", vectorV3, pad(4), ReasonLength},
		{"an address less than counted", vectorV3, set(3, 2), ReasonLength},
		{"version 2 without authentication data", vectorV2, cut(16), ReasonLength},
		{"version 2, a byte long", vectorV2, pad(1), ReasonLength},
		{"IPv6, an address short", vectorV6, cut(24), ReasonLength},
		{"IPv6, with an HMAC trailer that nobody asked for", vectorV6, pad(28), ReasonLength},
		{"longer than a frame, though as long as it says", vectorV6, count(93, 8+93*16), ReasonLength},
		{"checksum off by one", vectorV3, set(7, 0xad), ReasonChecksum},
		{"checksum off by one, version 2", vectorV2, set(7, 0xa2), ReasonChecksum},
		{"checksum off by one, IPv6", vectorV6, set(7, 0x1b), ReasonChecksum},
		{"checksum over the message only, IPv6", vectorV6, func(p *Packet) { p.PDU[6], p.PDU[7] = 0x2a, 0x4a }, ReasonChecksum},
		{"checksum over a pseudo-header, version 2", vectorV2, func(p *Packet) { p.PDU[6], p.PDU[7] = 0x40, 0x5c }, ReasonChecksum},
		{"another source than the checksum's", vectorV3, func(p *Packet) { p.Source = netip.MustParseAddr("192.168.1.3") }, ReasonChecksum},
		{"authentication data not in the checksum", vectorV2, set(23, 1), ReasonChecksum},
		{"VRID 0", vectorV3, mended(1, 0), ReasonVRID},
		{"count 0", vectorV3, count(0, 8), ReasonCount},
		{"count 0, version 2", vectorV2, count(0, 16), ReasonCount},
		{"count 0, IPv6", vectorV6, count(0, 8), ReasonCount},
		{"first address global", vectorV6, mended(8, 0x20), ReasonFirstAddress},
		{"first address outside fe80::/10", vectorV6, mended(9, 0xc0), ReasonFirstAddress},
		{"interval 0", vectorV3, mended(5, 0), ReasonInterval},
		{"interval 0 below reserved bits", vectorV3, func(p *Packet) { p.PDU[4], p.PDU[5] = 0xf0, 0; mend(p) }, ReasonInterval},
		{"interval 0, version 2", vectorV2, mended(5, 0), ReasonInterval},

		// Two faults count as the earlier one.
		{"TTL before length", vectorV3, func(p *Packet) { p.TTL, p.PDU = 1, nil }, ReasonTTL},
		{"version before type", vectorV3, set(0, 0x42), ReasonVersion},
		{"version before length", vectorV3, func(p *Packet) { p.PDU = []byte{0x11} }, ReasonVersion},
		{"type before length", vectorV3, func(p *Packet) { p.PDU = []byte{0x32} }, ReasonType},
		{"length before checksum", vectorV3, func(p *Packet) { p.PDU[7]++; p.PDU = p.PDU[:10] }, ReasonLength},
		{"checksum before count", vectorV3, func(p *Packet) { count(0, 8)(p); p.PDU[7]++ }, ReasonChecksum},
		{"count before interval", vectorV3, func(p *Packet) { p.PDU[5] = 0; count(0, 8)(p) }, ReasonCount},
		{"first address before interval", vectorV6, func(p *Packet) { p.PDU[5], p.PDU[8] = 0, 0x20; mend(p) }, ReasonFirstAddress},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := packetOf(t, test.vector)
			if _, err := Parse(p); err != nil {
				t.Fatalf("the unchanged packet is refused: %v", err)
			}
			test.change(&p)
			if got, err := Parse(p); err != test.want {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestReservedBitsAreIgnored(t *testing.T) {
	p := packetOf(t, vectorV3)
	p.PDU[4] |= 0xf0
	mend(&p)
	a, err := Parse(p)
	if err != nil || a.Interval != time.Second {
		t.Errorf("got %v, %v; want 1s", a.Interval, err)
	}
}

func TestIntervalsKeepTheirUnits(t *testing.T) {
	tests := []struct {
		version  Version
		interval time.Duration
		wire     [2]byte
	}{
		{V3, 10 * time.Millisecond, [2]byte{0x00, 0x01}},
		{V3, 40950 * time.Millisecond, [2]byte{0x0f, 0xff}},
		{V2, time.Second, [2]byte{0x00, 0x01}},
		{V2, 255 * time.Second, [2]byte{0x00, 0xff}},
	}
	for _, test := range tests {
		a := Advert{Version: test.version, VRID: 1, Interval: test.interval, Addresses: addrs("10.0.0.1")}
		source := netip.MustParseAddr("10.0.0.2")
		pdu, err := a.AppendBinary(nil, source, GroupAddress(IPv4))
		if err != nil {
			t.Fatal(err)
		}
		if [2]byte(pdu[4:6]) != test.wire {
			t.Errorf("version %d, %v: got % x, want % x", test.version, test.interval, pdu[4:6], test.wire)
		}
		back, err := Parse(Packet{Family: IPv4, Source: source, Destination: GroupAddress(IPv4), TTL: 255, PDU: pdu})
		if err != nil || back.Interval != test.interval {
			t.Errorf("version %d, %v: came back as %v, %v", test.version, test.interval, back.Interval, err)
		}
	}
}

func TestWhatDoesNotFitAPacketIsNotEncoded(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Advert)
	}{
		{"no address", func(a *Advert) { a.Addresses = nil }},
		{"256 addresses", func(a *Advert) { a.Addresses = make([]netip.Addr, 256) }},
		{"an invalid address", func(a *Advert) { a.Addresses = []netip.Addr{{}} }},
		{"two families", func(a *Advert) { a.Addresses = addrs("10.0.0.1", "fe80::1") }},
		{"another family than the IP header", func(a *Advert) { a.Addresses = addrs("fe80::1") }},
		{"version 1", func(a *Advert) { a.Version = 1 }},
		{"VRID 0", func(a *Advert) { a.VRID = 0 }},
		{"interval 0", func(a *Advert) { a.Interval = 0 }},
		{"interval of 5 ms", func(a *Advert) { a.Interval = 5 * time.Millisecond }},
		{"interval of 15 ms", func(a *Advert) { a.Interval = 15 * time.Millisecond }},
		{"interval of 40.96 s", func(a *Advert) { a.Interval = 40960 * time.Millisecond }},
		{"version 2 below a second", func(a *Advert) { a.Version, a.Interval = V2, 100*time.Millisecond }},
		{"version 2 of 1.5 s", func(a *Advert) { a.Version, a.Interval = V2, 1500*time.Millisecond }},
		{"version 2 of 256 s", func(a *Advert) { a.Version, a.Interval = V2, 256*time.Second }},
		{"version 2 over IPv6", func(a *Advert) { a.Version, a.Addresses = V2, addrs("fe80::1") }},
		{"more than a frame holds", func(a *Advert) {
			a.Addresses = nil
			for range 93 {
				a.Addresses = append(a.Addresses, netip.MustParseAddr("fe80::1"))
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := vectors[vectorV3].advert
			test.change(&a)
			source := netip.MustParseAddr("192.168.1.2")
			if b, err := a.AppendBinary([]byte("x"), source, GroupAddress(IPv4)); err == nil || string(b) != "x" {
				t.Errorf("got %x, %v; want an error and the buffer as it was", b, err)
			}
		})
	}
}

func TestEveryFieldCountsForEquality(t *testing.T) {
	a := vectors[1].advert
	for i, change := range []func(*Advert){
		func(b *Advert) { b.Version = V3 },
		func(b *Advert) { b.VRID++ },
		func(b *Advert) { b.Priority++ },
		func(b *Advert) { b.Interval++ },
		func(b *Advert) { b.AuthType++ },
		func(b *Advert) { b.AuthData[7]++ },
		func(b *Advert) { b.Addresses = addrs("192.168.1.9") },
		func(b *Advert) { b.Checksum = PseudoHeader },
	} {
		b := a
		change(&b)
		if a.Equal(b) || !a.Equal(a) {
			t.Errorf("change %d: equal to the original", i)
		}
	}
}

func TestVirtualRoutersHaveTheAddressesOfTheRFC(t *testing.T) {
	for _, test := range []struct {
		family     Family
		group      string
		vmac, gmac [6]byte
	}{
		{IPv4, "224.0.0.18", [6]byte{0, 0, 0x5e, 0, 1, 0x0a}, [6]byte{1, 0, 0x5e, 0, 0, 0x12}},
		{IPv6, "ff02::12", [6]byte{0, 0, 0x5e, 0, 2, 0x0a}, [6]byte{0x33, 0x33, 0, 0, 0, 0x12}},
	} {
		if got := GroupAddress(test.family).String(); got != test.group {
			t.Errorf("%v: group %v, want %v", test.family, got, test.group)
		}
		if got := VirtualMAC(test.family, 10); got != test.vmac {
			t.Errorf("%v: virtual MAC %x, want %x", test.family, got, test.vmac)
		}
		if got := GroupMAC(test.family); got != test.gmac {
			t.Errorf("%v: group MAC %x, want %x", test.family, got, test.gmac)
		}
	}
}

func TestNamesAreThoseOfLogsAndMetrics(t *testing.T) {
	var reasons []string
	for _, r := range Reasons() {
		reasons = append(reasons, r.Error())
	}
	want := "ttl version type length checksum vrid count first_address interval auth address_list own_source"
	if got := strings.Join(reasons, " "); got != want {
		t.Errorf("reasons: got %s, want %s", got, want)
	}
	for got, want := range map[string]string{
		IPv4.String(): "ipv4", IPv6.String(): "ipv6",
		Init.String(): "INIT", Backup.String(): "BACKUP", Master.String(): "MASTER", Fault.String(): "FAULT",
		Reason(0).String(): "unknown", Reason(200).String(): "unknown",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
