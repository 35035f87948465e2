package netio

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	advertPDU = unhex("310a6402 0064beef c0000201") // opaque to this package
	lanSource = netip.MustParseAddr("192.0.2.7")

	advertFrame = unhex("01005e000012 00005e00010a 0800" + // to the group's MAC, from the virtual MAC
		"45c00020 00004000 ff70d893 c0000207 e0000012" + // CS6, DF, TTL 255, protocol 112, to 224.0.0.18
		"310a6402 0064beef c0000201")
	gratuitousFrame = unhex("ffffffffffff 00005e00010a 0806" +
		"0001 0800 06 04 0001" + // a request
		"00005e00010a c0a80101 ffffffffffff c0a80101")
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestFramesAreByteForByteWhatGoesOnTheWire(t *testing.T) {
	tests := []struct {
		name      string
		got, want []byte
	}{
		{"advert", AppendAdvert4(nil, virtualMAC, lanSource, advertPDU), advertFrame},
		{"gratuitous ARP", AppendGratuitousARP4(nil, virtualMAC, netip.MustParseAddr("192.168.1.1")), gratuitousFrame},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(hex.Dump(tt.want), hex.Dump(tt.got)); diff != "" {
				t.Errorf("frame differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFrameIsAppendedToWhatIsThere(t *testing.T) {
	got := AppendAdvert4([]byte("before"), virtualMAC, lanSource, advertPDU)
	if want := append([]byte("before"), advertFrame...); !cmp.Equal(want, got) {
		t.Errorf("got\n%s want\n%s", hex.Dump(got), hex.Dump(want))
	}
}

func TestTheChecksumFoldsACarryThatFoldingMakes(t *testing.T) {
	header := unhex("45c0001c 00004000 ff700000 9aa0ffff e0000012")
	if got := internetChecksum(header); got != 0xfffe {
		t.Errorf("checksum is %#04x, want 0xfffe", got)
	}
}

func TestTheGroupMACHoldsTheLow23BitsOfTheGroup(t *testing.T) {
	want := [6]byte{0x01, 0x00, 0x5e, 0x7f, 0x02, 0x03}
	if got := groupMAC(netip.MustParseAddr("239.255.2.3")); got != want {
		t.Errorf("group MAC is %x, want %x", got, want)
	}
}

func TestBuildingAFrameInAReusedBufferAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 128)
	if n := testing.AllocsPerRun(100, func() { AppendAdvert4(b[:0], virtualMAC, lanSource, advertPDU) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
