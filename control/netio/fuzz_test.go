package netio

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// No packet that comes in by a socket of ours, and nothing that the kernel says
// about it, makes a parser panic or take more than there is.
func FuzzReceived(f *testing.F) {
	solicitation, err := hex.DecodeString("85000000000000000101020000000001")
	if err != nil {
		f.Fatal(err)
	}
	advert := append([]byte{0x45, 0, 0, 32, 0, 0, 0, 0, 255, 112, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}, make([]byte, 12)...)
	told := make([]byte, unix.CmsgSpace(4))
	binary.NativeEndian.PutUint64(told, uint64(unix.CmsgLen(4)))
	binary.NativeEndian.PutUint32(told[8:], unix.IPPROTO_IPV6)
	binary.NativeEndian.PutUint32(told[12:], unix.IPV6_HOPLIMIT)
	f.Add(solicitation, told, uint8(255))
	f.Add(advert, told[:3], uint8(64))
	source := netip.MustParseAddr("fe80::1")
	f.Fuzz(func(t *testing.T, data, control []byte, hopLimit uint8) {
		if validSolicitation(netip.IPv6Unspecified(), hopLimit, data) && !validSolicitation(source, hopLimit, data) {
			t.Errorf("%x is a valid solicitation of a host without an address, and not of one with", data)
		}
		if p, ok := packet4(data, nil, ancillary{}); ok && (len(p.PDU) > len(data)-ipv4HeaderLen || !p.Source.Is4() || !p.Destination.Is4()) {
			t.Errorf("a packet of %d bytes gives %+v", len(data), p)
		}
		said, err := parseAncillary(control)
		if err != nil {
			return
		}
		if p, ok := packet6(data, &unix.SockaddrInet6{Addr: source.As16()}, said); ok && (!p.Destination.IsValid() || len(p.PDU) != len(data)) {
			t.Errorf("a packet of %d bytes gives %+v", len(data), p)
		}
	})
}
