package vrrp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The images of the appendix of draft-cassen-vrrp-auth-hmac, as keepalived has
// them since 2.4.2: key 00..1f with id 1, VRID 51, priority 200.
var images = []struct {
	name                string
	family              Family
	source, destination netip.Addr
	advert              Advert
	image               string
}{
	{
		name: "IPv4", family: IPv4, source: netip.MustParseAddr("198.51.100.10"), destination: GroupAddress(IPv4),
		advert: Advert{Version: V3, VRID: 51, Priority: 200, Interval: time.Second, Addresses: addrs("192.0.2.100"), Checksum: MessageOnly},
		image:  "3133c80100644402 c0000264 01010000 6800000080000000 1b84bc4e8e43892dc6d98448f8ee2265",
	},
	{
		name: "IPv6", family: IPv6, source: netip.MustParseAddr("fe80::10"), destination: netip.MustParseAddr("fe80::20"),
		advert: Advert{Version: V3, VRID: 51, Priority: 200, Interval: time.Second, Addresses: addrs("fe80::100")},
		image:  "3133c8010064a2e9 fe800000000000000000000000000100 01010000 6800000080000000 c8c56146ebfd66ee10ec4d8186461b78",
	},
}

const (
	imageSequence = Sequence(0x6800000080000000)
	imageWall     = 0x68000000*time.Second + 500*time.Millisecond
)

func imagePacket(t testing.TB, i int) Packet {
	v := images[i]
	return Packet{Family: v.family, Source: v.source, Destination: v.destination, TTL: TTL, MayBeSigned: true, PDU: unhex(t, v.image)}
}

// key is a key that begins with that byte, and counts on.
func key(t testing.TB, first byte) Key {
	t.Helper()
	var secret []byte
	for i := range byte(32) {
		secret = append(secret, first+i)
	}
	k, err := NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func authOf(t testing.TB, changes ...func(*Auth)) *Auth {
	a := &Auth{Keys: map[uint8]Key{1: key(t, 0)}, Active: 1, Window: 5 * time.Second}
	for _, change := range changes {
		change(a)
	}
	return a
}

func monotonic(a *Auth) { a.Monotonic = true }

func inMode(m AuthMode) func(*Auth) { return func(a *Auth) { a.Mode = m } }

// signed is for configurations: with a key, and nothing special.
func signed(c *Config) {
	k, _ := NewKey(make([]byte, 32))
	c.Auth = &Auth{Keys: map[uint8]Key{1: k}, Active: 1, Window: 5 * time.Second}
}

// receive is all that a packet goes through before it reaches the state machine.
func (g *Guard) receive(a *Auth, p Packet, wall time.Duration) error {
	if _, err := Parse(p); err != nil {
		return err
	}
	_, err := g.Check(a, p, wall)
	return err
}

func (g *Guard) must(t *testing.T, a *Auth, p Packet, wall time.Duration, want error) {
	t.Helper()
	if err := g.receive(a, p, wall); err != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestTheImagesOfTheDraftAreMadeByteForByte(t *testing.T) {
	for i, v := range images {
		t.Run(v.name, func(t *testing.T) {
			p := imagePacket(t, i)
			got, err := authOf(t).Sign([]byte("before"), v.advert, v.source, v.destination, imageSequence)
			if want := append([]byte("before"), p.PDU...); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v\ngot  %x\nwant %x", err, got, want)
			}
		})
	}
}

func TestTheImagesOfTheDraftAreAcceptedOnce(t *testing.T) {
	for i, v := range images {
		t.Run(v.name, func(t *testing.T) {
			var g Guard
			p := imagePacket(t, i)
			advert, err := Parse(p)
			if err != nil || advert.Priority != 200 || advert.Addresses[0] != v.advert.Addresses[0] {
				t.Fatalf("%+v, %v", advert, err)
			}
			proof, err := g.Check(authOf(t), p, imageWall+2*time.Second)
			if want := (Proof{Signed: true, Key: 1, Sequence: imageSequence, Behind: 2 * time.Second}); err != nil || proof != want {
				t.Errorf("got %+v, %v", proof, err)
			}
			g.must(t, authOf(t), p, imageWall, ReasonAuthReplay)
		})
	}
}

// Every bit of every byte, in both ways of looking at the clock. With the
// checksum mended, it is the HMAC that has to find it.
func TestNoMutationOfAnImageIsAccepted(t *testing.T) {
	for i, v := range images {
		t.Run(v.name, func(t *testing.T) {
			image := imagePacket(t, i).PDU
			for at := range image {
				for change := 1; change < 256; change++ {
					for _, a := range []*Auth{authOf(t), authOf(t, monotonic)} {
						p := imagePacket(t, i)
						p.PDU[at] ^= byte(change)
						var g Guard
						if g.receive(a, p, imageWall) == nil {
							t.Fatalf("byte %d changed by %#x is accepted", at, change)
						}
						if at == 6 || at == 7 {
							continue // it is what is mended
						}
						mendSigned(&p)
						if g.receive(a, p, imageWall) == nil {
							t.Fatalf("byte %d changed by %#x is accepted, with the checksum mended", at, change)
						}
					}
				}
			}
		})
	}
}

// mendSigned makes the checksum of a packet with a trailer right.
func mendSigned(p *Packet) {
	message := p.PDU
	if p.Family == IPv4 && len(message) > headerLength+TrailerLength {
		message = message[:len(message)-TrailerLength]
	}
	version := Version(p.PDU[0] >> 4)
	if version.speaks(p.Family) {
		_ = putChecksum(message, version, p.Family, MessageOnly, p.Source, p.Destination)
	}
}

// What the packet does not say is signed too.
func TestAnAdvertIsOfItsSenderOnly(t *testing.T) {
	for i, other := range []string{"198.51.100.11", "fe80::11"} {
		p := imagePacket(t, i)
		p.Source = netip.MustParseAddr(other)
		mendSigned(&p)
		var g Guard
		g.must(t, authOf(t), p, imageWall, ReasonAuthHMAC)
	}
}

func TestWhatIsWrongWithATrailerIsSaid(t *testing.T) {
	const trailer = 12
	for _, test := range []struct {
		name   string
		change func(*Packet)
		wall   time.Duration
		want   Reason
	}{
		{"another type", func(p *Packet) { p.PDU[trailer] = 2 }, imageWall, ReasonAuthMalformed},
		{"type 0", func(p *Packet) { p.PDU[trailer] = 0 }, imageWall, ReasonAuthMalformed},
		{"reserved", func(p *Packet) { p.PDU[trailer+3] = 1 }, imageWall, ReasonAuthMalformed},
		{"an unknown key", func(p *Packet) { p.PDU[trailer+1] = 2 }, imageWall, ReasonAuthKey},
		{"key 0", func(p *Packet) { p.PDU[trailer+1] = 0 }, imageWall, ReasonAuthKey},
		{"another HMAC", func(p *Packet) { p.PDU[trailer+27] ^= 1 }, imageWall, ReasonAuthHMAC},
		{"another sequence", func(p *Packet) { p.PDU[trailer+11]++ }, imageWall, ReasonAuthHMAC},
		{"too old", func(*Packet) {}, imageWall + 6*time.Second, ReasonAuthStale},
		{"ahead", func(*Packet) {}, imageWall - 6*time.Second, ReasonAuthStale},
		{"an unknown key before too old", func(p *Packet) { p.PDU[trailer+1] = 2 }, imageWall + 6*time.Second, ReasonAuthKey},
		{"of no type before too old", func(p *Packet) { p.PDU[trailer] = 2 }, imageWall + 6*time.Second, ReasonAuthMalformed},
		{"half a lifetime of the clock away", func(*Packet) {}, imageWall + 1<<31*time.Second, ReasonAuthStale},
		{"cut short", func(p *Packet) { p.PDU = p.PDU[:len(p.PDU)-1] }, imageWall, ReasonLength},
		{"too long", func(p *Packet) { p.PDU = append(p.PDU, 0) }, imageWall, ReasonLength},
		{"a trailer that nobody asked for", func(p *Packet) { p.MayBeSigned = false }, imageWall, ReasonLength},
		{"without a trailer", func(p *Packet) { p.PDU = p.PDU[:trailer] }, imageWall, ReasonAuthMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := imagePacket(t, 0)
			test.change(&p)
			var g Guard
			g.must(t, authOf(t), p, test.wall, test.want)
			if g.marks != nil {
				t.Error("what was refused has left a trace")
			}
		})
	}
}

func TestTheWindowIsInclusiveAndInWholeSeconds(t *testing.T) {
	for _, off := range []time.Duration{-5 * time.Second, 0, 5 * time.Second} {
		var g Guard
		g.must(t, authOf(t), imagePacket(t, 0), imageWall+off, nil)
	}
}

func TestWithoutACommonClockOnlyTheOrderCounts(t *testing.T) {
	var g Guard
	g.must(t, authOf(t, monotonic), imagePacket(t, 0), imageWall+1000*time.Hour, nil)
	g.must(t, authOf(t, monotonic), imagePacket(t, 0), imageWall+1000*time.Hour, ReasonAuthReplay)
}

// What a router of each mode sends, and what the others say to it.
func TestModesAreAWayToAuthenticationWithoutASilence(t *testing.T) {
	wants := map[AuthMode]map[bool]error{ // by whether it is signed
		AuthEnforce:     {true: nil, false: ReasonAuthMissing},
		AuthPermissive:  {true: nil, false: nil},
		AuthReceiveOnly: {true: nil, false: nil},
	}
	for mode, want := range wants {
		a := authOf(t, inMode(mode))
		if a.Signs() != (mode != AuthReceiveOnly) {
			t.Errorf("%v: signs: %v", mode, a.Signs())
		}
		for isSigned, err := range want {
			p := imagePacket(t, 0)
			if !isSigned {
				p.PDU = p.PDU[:12]
			}
			var g Guard
			if got := g.receive(a, p, imageWall); got != err {
				t.Errorf("%v, signed %v: %v, want %v", mode, isSigned, got, err)
			}
		}
		p := imagePacket(t, 0)
		p.PDU[39] ^= 1
		var g Guard
		g.must(t, a, p, imageWall, ReasonAuthHMAC)
	}
	var none *Auth
	if none.Signs() {
		t.Error("without Auth adverts are signed")
	}
}

// eachVersion does it for all that can be signed.
func eachVersion(t *testing.T, do func(t *testing.T, a Advert, source, destination netip.Addr)) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			do(t, v.advert, netip.MustParseAddr(v.source), GroupAddress(v.family))
		})
	}
}

func TestWhatOneSignsTheOtherAccepts(t *testing.T) {
	eachVersion(t, func(t *testing.T, advert Advert, source, destination netip.Addr) {
		a := authOf(t)
		pdu, err := a.Sign(nil, advert, source, destination, SequenceAt(imageWall))
		if err != nil {
			t.Fatal(err)
		}
		p := Packet{Family: FamilyOf(source), Source: source, Destination: destination, TTL: TTL, MayBeSigned: true, PDU: pdu}
		got, err := Parse(p)
		if err != nil || !got.Equal(advert) {
			t.Fatalf("got %+v, %v", got, err)
		}
		var g Guard
		g.must(t, a, p, imageWall, nil)
		g.must(t, authOf(t, func(a *Auth) { a.Keys[1] = key(t, 9) }), p, imageWall, ReasonAuthHMAC)
	})
}

// One signature is good for all peers.
func TestTheSignatureDoesNotDependOnTheDestination(t *testing.T) {
	a, v := authOf(t), images[0]
	advert := v.advert
	advert.Checksum = PseudoHeader
	one, err1 := a.Sign(nil, advert, v.source, addrs("192.0.2.1")[0], imageSequence)
	two, err2 := a.Sign(nil, advert, v.source, addrs("192.0.2.2")[0], imageSequence)
	if err1 != nil || err2 != nil || !bytes.Equal(one[12:], two[12:]) || bytes.Equal(one, two) {
		t.Errorf("%v %v\n%x\n%x", err1, err2, one, two)
	}
}

func TestAnAdvertThatCannotBeSignedIsNotHalfWritten(t *testing.T) {
	full := Advert{Version: V3, VRID: 1, Priority: 1, Interval: time.Second, Addresses: manyAddresses(IPv6, 91)}
	b, err := authOf(t).Sign([]byte("before"), full, images[1].source, GroupAddress(IPv6), imageSequence)
	if err == nil || string(b) != "before" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err = authOf(t).Sign([]byte("before"), Advert{}, images[1].source, GroupAddress(IPv6), 0); err == nil || string(b) != "before" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestASecretIsNotShown(t *testing.T) {
	k, err := NewKey([]byte("correct horse battery staple 1234"))
	if err != nil {
		t.Fatal(err)
	}
	a := authOf(t, func(a *Auth) { a.Keys[7] = k })
	text, err := json.Marshal(a)
	shown := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		shown += fmt.Sprintf(verb, k) + fmt.Sprintf(verb, *a) + fmt.Sprintf(verb, a)
	}
	for _, leak := range []string{"horse", "686f727365", "104 111"} {
		if strings.Contains(shown, leak) || err != nil {
			t.Errorf("%s shows %s; %v", shown, leak, err)
		}
	}
}

func TestAKeyHas32To64Bytes(t *testing.T) {
	for length, good := range map[int]bool{0: false, 31: false, 32: true, 64: true, 65: false} {
		if _, err := NewKey(make([]byte, length)); (err == nil) != good {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}
