package lab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ARP operations (RFC 826).
const (
	ARPRequest uint16 = 1
	ARPReply   uint16 = 2
)

// ARP is an Ethernet frame with an ARP packet for IPv4.
type ARP struct {
	Destination, Source  MAC // Ethernet
	Operation            uint16
	SenderMAC, TargetMAC MAC
	SenderIP, TargetIP   netip.Addr // IPv4
}

const arpFrame = 60 // the smallest Ethernet frame, without its checksum

// Frame writes the packet as an untagged frame of 60 bytes.
func (a ARP) Frame() []byte {
	b := make([]byte, 0, arpFrame)
	b = append(b, a.Destination[:]...)
	b = append(b, a.Source[:]...)
	b = binary.BigEndian.AppendUint16(b, unix.ETH_P_ARP)
	b = append(b, 0, 1, 8, 0, 6, 4) // Ethernet, IPv4, their address lengths
	b = binary.BigEndian.AppendUint16(b, a.Operation)
	b = append(b, a.SenderMAC[:]...)
	b = append(b, a.SenderIP.AsSlice()...)
	b = append(b, a.TargetMAC[:]...)
	b = append(b, a.TargetIP.AsSlice()...)
	return b[:arpFrame]
}

// ParseARP reads an untagged frame; ok is false when it is no ARP packet for Ethernet and IPv4.
func ParseARP(frame []byte) (a ARP, ok bool) {
	if len(frame) < 42 || binary.BigEndian.Uint16(frame[12:]) != unix.ETH_P_ARP || [6]byte(frame[14:20]) != [6]byte{0, 1, 8, 0, 6, 4} {
		return ARP{}, false
	}
	return ARP{
		Destination: MAC(frame[0:6]), Source: MAC(frame[6:12]), Operation: binary.BigEndian.Uint16(frame[20:]),
		SenderMAC: MAC(frame[22:28]), SenderIP: netip.AddrFrom4([4]byte(frame[28:32])),
		TargetMAC: MAC(frame[32:38]), TargetIP: netip.AddrFrom4([4]byte(frame[38:42])),
	}, true
}
