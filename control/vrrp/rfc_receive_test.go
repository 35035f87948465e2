package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// RFC 9568 §7.1, row by row, in the order in which a packet with two faults is
// counted. That what is refused moves nothing is looked at in refuse_test.go;
// never to forward the group, and the rows of other protocols, are the fast
// path's.

// How a packet is damaged. The checksum is made right again where what comes
// after it is to be reached.
func set(offset int, value byte) func(*Packet) {
	return func(p *Packet) { p.PDU[offset] = value }
}

func mended(offset int, value byte) func(*Packet) {
	return func(p *Packet) { p.PDU[offset] = value; mend(p) }
}

func cut(length int) func(*Packet) {
	return func(p *Packet) { p.PDU = p.PDU[:length] }
}

func pad(n int) func(*Packet) {
	return func(p *Packet) { p.PDU = append(p.PDU, make([]byte, n)...) }
}

func count(n, length int) func(*Packet) {
	return func(p *Packet) {
		p.PDU = append(p.PDU, make([]byte, 5000)...)[:length]
		p.PDU[3] = byte(n)
		mend(p)
	}
}

// damage is one packet that Parse refuses, and why.
type damage struct {
	name   string
	vector int
	change func(*Packet)
	want   Reason
}

func refusedByParse(t *testing.T, damages []damage) {
	t.Helper()
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			p := packetOf(t, d.vector)
			if _, err := Parse(p); err != nil {
				t.Fatalf("the unchanged packet is refused: %v", err)
			}
			d.change(&p)
			if got, err := Parse(p); err != d.want {
				t.Errorf("got %+v, %v; want %v", got, err, d.want)
			}
		})
	}
}

// Row 1: TTL or hop limit is 255, RFC 9568 §5.1.1.3 and §5.1.2.3.
func TestRow1AnotherTTLThan255IsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"TTL 254", vectorV3, func(p *Packet) { p.TTL = 254 }, ReasonTTL},
		{"hop limit 254", vectorV6, func(p *Packet) { p.TTL = 254 }, ReasonTTL},
		{"TTL 0", vectorV2, func(p *Packet) { p.TTL = 0 }, ReasonTTL},
	})
}

// Row 2: the version is one of the family, and the configured one, RFC 9568 §5.2.1.
func TestRow2AnotherVersionIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"version 1", vectorV3, set(0, 0x11), ReasonVersion},
		{"version 4", vectorV3, set(0, 0x41), ReasonVersion},
		{"version 2 over IPv6", vectorV6, set(0, 0x21), ReasonVersion},
		{"no known family", vectorV3, func(p *Packet) { p.Family = 5 }, ReasonVersion},
	})
	for _, config := range []func(*Config){version2, func(*Config) {}} {
		r := newBackup(t, config)
		a := r.advert(200)
		a.Version = V2 + V3 - a.Version
		r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)}),
			Notice{Kind: VersionRefused, Source: higher, Version: a.Version}, Discard{Reason: ReasonVersion, Source: higher})
	}
}

// Row 3: the type is ADVERTISEMENT, RFC 9568 §5.2.2.
func TestRow3AnotherTypeIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"type 0", vectorV3, set(0, 0x30), ReasonType},
		{"type 2", vectorV2, set(0, 0x22), ReasonType},
	})
}

// Row 4: the fixed part and the list of addresses are complete, and nothing
// follows them.
func TestRow4AnotherLengthIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
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
	})
}

// Row 5: the checksum, RFC 9568 §5.2.8.
func TestRow5AWrongChecksumIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"checksum off by one", vectorV3, set(7, 0xad), ReasonChecksum},
		{"checksum off by one, version 2", vectorV2, set(7, 0xa2), ReasonChecksum},
		{"checksum off by one, IPv6", vectorV6, set(7, 0x1b), ReasonChecksum},
		{"checksum over the message only, IPv6", vectorV6, func(p *Packet) { p.PDU[6], p.PDU[7] = 0x2a, 0x4a }, ReasonChecksum},
		{"checksum over a pseudo-header, version 2", vectorV2, func(p *Packet) { p.PDU[6], p.PDU[7] = 0x40, 0x5c }, ReasonChecksum},
		{"another source than the checksum's", vectorV3, func(p *Packet) { p.Source = netip.MustParseAddr("192.168.1.3") }, ReasonChecksum},
		{"authentication data not in the checksum", vectorV2, set(23, 1), ReasonChecksum},
	})
}

// Row 6: the VRID is configured.
func TestRow6AnotherVRIDIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"VRID 0", vectorV3, mended(1, 0), ReasonVRID},
	})
	r := newBackup(t)
	a := r.advert(200)
	a.VRID++
	r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)}), Discard{Reason: ReasonVRID, Source: higher})
}

// Row 7, erratum 8298: two owners are an error of configuration, to be logged;
// the advert is not refused.
func TestRow7OwnerAgainstOwnerIsSaidAndNotRefused(t *testing.T) {
	r := newRouter(t, priority(255))
	r.Step(after(0), Startup{})
	r.does(r.hear(after(0), lower, 255), Notice{Kind: TwoOwners, Source: lower}, SendAdvert{Priority: 255}, Announce{Repeat: 5})
}

// Row 8, erratum 8299: at least one address, RFC 9568 §5.2.5.
func TestRow8AnAdvertWithoutAddressesIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"count 0", vectorV3, count(0, 8), ReasonCount},
		{"count 0, version 2", vectorV2, count(0, 16), ReasonCount},
		{"count 0, IPv6", vectorV6, count(0, 8), ReasonCount},
	})
}

// Row 9, erratum 8300: the first IPv6 address is link-local, RFC 9568 §5.2.9.
func TestRow9AFirstAddressThatIsNotLinkLocalIsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"first address global", vectorV6, mended(8, 0x20), ReasonFirstAddress},
		{"first address outside fe80::/10", vectorV6, mended(9, 0xc0), ReasonFirstAddress},
	})
}

// Deviates from erratum 8300 where it is asked to, as keepalived does.
func TestAFirstAddressThatIsNotLinkLocalIsAcceptedOnRequest(t *testing.T) {
	p := packetOf(t, vectorV6)
	p.PDU[8] = 0x20
	mend(&p)
	p.AnyFirstAddress = true
	if _, err := Parse(p); err != nil {
		t.Error(err)
	}
	c := valid6()
	c.Addresses, c.AnyFirstAddress = addrs("2001:db8::1", "fe80::a"), true
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	c.Source = netip.MustParseAddr("2001:db8::2")
	if c.Validate() == nil {
		t.Error("a source that is not link-local is valid")
	}
}

// Row 10, erratum 8301: the interval is not 0. More than 4095 cannot be said.
func TestRow10AnIntervalOf0IsRefused(t *testing.T) {
	refusedByParse(t, []damage{
		{"interval 0", vectorV3, mended(5, 0), ReasonInterval},
		{"interval 0 below reserved bits", vectorV3, func(p *Packet) { p.PDU[4], p.PDU[5] = 0xf0, 0; mend(p) }, ReasonInterval},
		{"interval 0, version 2", vectorV2, mended(5, 0), ReasonInterval},
	})
}

// Row 11: the interval is the configured one, RFC 9568 §5.2.7: version 2 drops,
// version 3 logs and keeps.
func TestRow11AnotherIntervalIsRefusedInVersion2Only(t *testing.T) {
	for _, test := range []struct {
		config func(*Config)
		want   []Action
	}{
		{version2, []Action{Notice{Kind: IntervalRefused, Source: higher, Interval: 3 * interval}, Discard{Reason: ReasonInterval, Source: higher}}},
		{func(*Config) {}, []Action{Notice{Kind: IntervalDiffers, Source: higher, Interval: 3 * interval}, SendAdvert{Priority: 100}, Announce{Repeat: 5}}},
	} {
		r := newMaster(t, test.config)
		a := r.advert(99)
		a.Interval = 3 * interval
		r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)}), test.want...)
	}
}

// Row 12: the addresses are the configured ones: version 2 drops, but not from
// the owner; version 3 logs and keeps.
func TestRow12OtherAddressesAreRefusedInVersion2Only(t *testing.T) {
	for _, test := range []struct {
		config   func(*Config)
		priority uint8
		kind     NoticeKind
		refused  bool
	}{
		{version2, 99, AddressesRefused, true},
		{version2, 255, AddressesDiffer, false},
		{func(*Config) {}, 99, AddressesDiffer, false},
	} {
		r := newMaster(t, test.config)
		a := r.advert(test.priority)
		a.Addresses = virtual[:1]
		got := r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)})
		r.does(got[:1], Notice{Kind: test.kind, Source: higher, Addresses: virtual[:1]})
		if discard, refused := got[1].(Discard); refused != test.refused || refused && discard.Reason != ReasonAddressList {
			t.Errorf("priority %d: %#v", test.priority, got[1])
		}
	}
}

// Two faults count as the earlier one.
func TestTwoFaultsOfAPacketCountAsTheEarlierOne(t *testing.T) {
	refusedByParse(t, []damage{
		{"TTL before length", vectorV3, func(p *Packet) { p.TTL, p.PDU = 1, nil }, ReasonTTL},
		{"version before type", vectorV3, set(0, 0x42), ReasonVersion},
		{"version before length", vectorV3, func(p *Packet) { p.PDU = []byte{0x11} }, ReasonVersion},
		{"type before length", vectorV3, func(p *Packet) { p.PDU = []byte{0x32} }, ReasonType},
		{"length before checksum", vectorV3, func(p *Packet) { p.PDU[7]++; p.PDU = p.PDU[:10] }, ReasonLength},
		{"checksum before count", vectorV3, func(p *Packet) { count(0, 8)(p); p.PDU[7]++ }, ReasonChecksum},
		{"count before interval", vectorV3, func(p *Packet) { p.PDU[5] = 0; count(0, 8)(p) }, ReasonCount},
		{"first address before interval", vectorV6, func(p *Packet) { p.PDU[5], p.PDU[8] = 0, 0x20; mend(p) }, ReasonFirstAddress},
	})
}

// The same of what the router looks for: each case has all the faults of those
// below it.
func TestTwoFaultsThatTheRouterFindsCountAsTheEarlierOne(t *testing.T) {
	base := func(c *Config) { password(c); unicast(c) }
	faults := []struct {
		want  Reason
		spoil func(*AdvertReceived)
	}{
		{ReasonTTL, func(ev *AdvertReceived) { ev.TTL = 1 }},
		{ReasonVersion, func(ev *AdvertReceived) { ev.Advert.Version = V3 }},
		{ReasonVRID, func(ev *AdvertReceived) { ev.Advert.VRID++ }},
		{ReasonOwnSource, func(ev *AdvertReceived) { ev.Source = self }},
		{ReasonPeer, func(ev *AdvertReceived) { ev.Source = stranger }},
		{ReasonAuthType, func(ev *AdvertReceived) { ev.Advert.AuthType = 0 }},
		{ReasonAuth, func(ev *AdvertReceived) { ev.Advert.AuthData[0]++ }},
		{ReasonInterval, func(ev *AdvertReceived) { ev.Advert.Interval += time.Second }},
		{ReasonAddressList, func(ev *AdvertReceived) { ev.Advert.Addresses = addrs("192.168.1.250") }},
	}
	for i := range faults {
		r := newBackup(t, base)
		ev := AdvertReceived{Advert: r.advert(200), Source: higher, At: after(0), TTL: 64}
		for j := len(faults) - 1; j >= i; j-- {
			faults[j].spoil(&ev)
		}
		r.does(butNotices(r.Step(after(0), ev)), Discard{Reason: faults[i].want, Source: ev.Source})
	}
}

// The reserved bits are ignored, RFC 9568 §5.2.6.
func TestReservedBitsAreIgnored(t *testing.T) {
	p := packetOf(t, vectorV3)
	p.PDU[4] |= 0xf0
	mend(&p)
	a, err := Parse(p)
	if err != nil || a.Interval != time.Second {
		t.Errorf("got %v, %v; want 1s", a.Interval, err)
	}
}
