package netio

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	virtualMAC6 = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x02, 0x0a}
	hostMAC     = [6]byte{0x02, 0x00, 0x00, 0x00, 0x00, 0x63}
	linkLocal   = netip.MustParseAddr("fe80::2")
	virtualLL   = netip.MustParseAddr("fe80::100")
	virtual6    = netip.MustParseAddr("2001:db8::1")
	asker       = netip.MustParseAddr("2001:db8::99")

	advertisement = RouterAdvertisement{
		Lifetime: 1800 * time.Second, HopLimit: 64, Managed: true, OtherConfig: true, MTU: 1400,
		Prefixes: []AdvertisedPrefix{
			{Prefix: netip.MustParsePrefix("2001:db8::1/64"), OnLink: true, Valid: 2592000 * time.Second, Preferred: 604800 * time.Second},
			{Prefix: netip.MustParsePrefix("2001:db8:1::/48"), Autonomous: true, Valid: math.MaxInt64, Preferred: 1<<32*time.Second - 2*time.Second},
		},
	}
)

const (
	advert6Hex = "333300000012 00005e00020a 86dd" + // to the group's MAC, from the virtual MAC
		"6c000000 000c 70 ff" + // CS6, no flow, 12 bytes of protocol 112, hop limit 255
		"fe800000000000000000000000000002 ff020000000000000000000000000012" +
		"310a6402 0064beef c0000201"
	unsolicitedHex = "333300000001 00005e00020a 86dd" +
		"6c000000 0020 3a ff" +
		"20010db8000000000000000000000001 ff020000000000000000000000000001" +
		"88 00 1b21 a0000000" + // R and O
		"20010db8000000000000000000000001" +
		"02 01 00005e00020a"
	solicitedHex = "020000000063 00005e00020a 86dd" + // to who asked
		"6c000000 0020 3a ff" +
		"20010db8000000000000000000000001 20010db8000000000000000000000099" +
		"88 00 abd2 e0000000" + // R, S and O
		"20010db8000000000000000000000001" +
		"02 01 00005e00020a"
	advertisementHex = "333300000001 00005e00020a 86dd" +
		"6c000000 0060 3a ff" +
		"fe800000000000000000000000000100 ff020000000000000000000000000001" +
		"86 00 2da8 40 c0 0708 00000000 00000000" + // hop limit 64, M and O, 1800 s
		"01 01 00005e00020a" +
		"05 01 0000 00000578" + // MTU 1400
		"03 04 40 80 00278d00 00093a80 00000000 20010db8000000000000000000000000" + // on link, without its host bits
		"03 04 30 40 ffffffff fffffffe 00000000 20010db8000100000000000000000000" // autonomous, valid for ever
	shortAdvertisementHex = "333300000001 00005e00020a 86dd" +
		"6c000000 0018 3a ff" +
		"fe800000000000000000000000000100 ff020000000000000000000000000001" +
		"86 00 da1c 40 00 0000 00000000 00000000" +
		"01 01 00005e00020a"
)

var ipv6Frames = []struct {
	name string
	got  []byte
	want string
}{
	{"advert", AppendAdvert6(nil, virtualMAC6, linkLocal, advertPDU), advert6Hex},
	{"unsolicited NA", AppendUnsolicitedNA(nil, virtualMAC6, virtual6), unsolicitedHex},
	{"solicited NA", AppendSolicitedNA(nil, virtualMAC6, Solicitation{Source: asker, Hardware: hostMAC, Target: virtual6}), solicitedHex},
	{
		"answer to who has no address", // is an unsolicited one
		AppendSolicitedNA(nil, virtualMAC6, Solicitation{Source: netip.IPv6Unspecified(), Hardware: hostMAC, Target: virtual6}), unsolicitedHex,
	},
	{"router advertisement", AppendRouterAdvertisement(nil, virtualMAC6, virtualLL, advertisement), advertisementHex},
	{"router advertisement that tells nothing", AppendRouterAdvertisement(nil, virtualMAC6, virtualLL, RouterAdvertisement{HopLimit: 64}), shortAdvertisementHex},
}

func TestIPv6FramesAreByteForByteWhatGoesOnTheWire(t *testing.T) {
	for _, tt := range ipv6Frames {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(hex.Dump(unhex(tt.want)), hex.Dump(tt.got)); diff != "" {
				t.Errorf("frame differs (-want +got):\n%s", diff)
			}
		})
	}
}

// A receiver adds up everything, the checksum included, modulo 65535 (RFC 1071 §1).
func TestAReceiverFindsTheICMPv6ChecksumRight(t *testing.T) {
	for _, tt := range ipv6Frames {
		packet := tt.got[ethernetHeaderLen:]
		if packet[6] != protocolICMPv6 {
			continue
		}
		addresses, message := packet[8:40], packet[40:]
		sum := uint64(len(message) + protocolICMPv6)
		for _, part := range [][]byte{addresses, message} {
			for i := 0; i < len(part); i += 2 {
				sum += uint64(part[i])<<8 | uint64(part[i+1])
			}
		}
		if sum%0xffff != 0 {
			t.Errorf("%s: the sum is %d modulo 65535", tt.name, sum%0xffff)
		}
		if length := binary.BigEndian.Uint16(packet[4:]); int(length) != len(message) {
			t.Errorf("%s: payload length %d of %d bytes", tt.name, length, len(message))
		}
	}
}

func TestIPv6FramesAreAppendedToWhatIsThere(t *testing.T) {
	before := []byte("before")
	for _, got := range [][]byte{
		AppendAdvert6(before, virtualMAC6, linkLocal, advertPDU),
		AppendUnsolicitedNA(before, virtualMAC6, virtual6),
		AppendSolicitedNA(before, virtualMAC6, Solicitation{Source: asker, Target: virtual6}),
		AppendRouterAdvertisement(before, virtualMAC6, virtualLL, advertisement),
	} {
		if !bytes.HasPrefix(got, append(before, 0x33, 0x33)) && !bytes.HasPrefix(got, append(before, 0, 0)) {
			t.Errorf("got %x", got)
		}
	}
}

func TestTheSolicitedNodeGroupHoldsTheLow24Bits(t *testing.T) {
	got, want := SolicitedNode(netip.MustParseAddr("2001:db8::aa:bbcc:ddee")), netip.MustParseAddr("ff02::1:ffcc:ddee")
	if got != want {
		t.Errorf("group is %s, want %s", got, want)
	}
	if mac := groupMAC(got); mac != [6]byte{0x33, 0x33, 0xff, 0xcc, 0xdd, 0xee} {
		t.Errorf("its MAC is %x", mac)
	}
}

func TestBuildingAnIPv6AdvertInAReusedBufferAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 128)
	if n := testing.AllocsPerRun(100, func() { AppendAdvert6(b[:0], virtualMAC6, linkLocal, advertPDU) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestARouterAdvertisementTellsPreferenceAndNameServers(t *testing.T) {
	frame := AppendRouterAdvertisement(nil, virtualMAC6, virtualLL, RouterAdvertisement{
		Preference: PreferenceHigh, DNS: []netip.Addr{virtual6}, DNSLifetime: 90 * time.Second,
	})
	message := frame[14+40:]
	if message[5] != 0x08 {
		t.Errorf("the flags are %#02x, want the high preference", message[5])
	}
	want, _ := hex.DecodeString("190300000000005a" + "20010db8000000000000000000000001")
	if option := message[len(message)-len(want):]; !bytes.Equal(option, want) {
		t.Errorf("the option is %x, want %x", option, want)
	}
}
