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
	want := "ttl version type length checksum vrid count first_address interval own_source peer sender owner auth_type auth address_list " +
		"auth_missing auth_malformed auth_key auth_stale auth_hmac auth_replay"
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
