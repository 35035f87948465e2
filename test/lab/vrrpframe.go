package lab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

const vrrpProtocol = 112 // IP protocol number, RFC 9568 §5.1.1.4

// VRRP is a frame with an advert, of either family and version, valid or not.
type VRRP struct {
	Destination, Source     MAC // Ethernet
	SourceIP, DestinationIP netip.Addr
	TTL                     uint8  // or hop limit
	PDU                     []byte // the IP payload without padding, at least 8 bytes; not to be changed
}

// Version is the protocol version that the advert claims.
func (v VRRP) Version() int { return int(v.PDU[0] >> 4) }

// VRID is the virtual router that the advert is for.
func (v VRRP) VRID() uint8 { return v.PDU[1] }

// Priority is the advert's; 0 says that its sender leaves.
func (v VRRP) Priority() uint8 { return v.PDU[2] }

// ParseVRRP reads a frame with any number of VLAN tags; ok is false when it is no packet of protocol 112 with at least 8
// bytes of payload. IPv4 fragments and IPv6 extension headers are not looked behind.
func ParseVRRP(frame []byte) (v VRRP, ok bool) {
	etherType, ip := network(frame)
	switch etherType {
	case unix.ETH_P_IP:
		v, ok = parseVRRP4(ip)
	case unix.ETH_P_IPV6:
		v, ok = parseVRRP6(ip)
	}
	if !ok || len(v.PDU) < 8 {
		return VRRP{}, false
	}
	v.Destination, v.Source = MAC(frame[0:6]), MAC(frame[6:12])
	return v, true
}

// IsVRRP selects adverts in Sniff and Await.
func IsVRRP(f Frame) bool {
	_, ok := ParseVRRP(f.Data)
	return ok
}

// SentVRRP selects adverts as they enter the switch: each one once, whoever else hears it.
func SentVRRP(f Frame) bool { return f.Direction == In && IsVRRP(f) }

// network skips the Ethernet header and VLAN tags.
func network(frame []byte) (etherType uint16, packet []byte) {
	for at := 12; len(frame) >= at+2; at += 4 {
		etherType = binary.BigEndian.Uint16(frame[at:])
		if etherType != unix.ETH_P_8021Q && etherType != unix.ETH_P_8021AD {
			return etherType, frame[at+2:]
		}
	}
	return 0, nil
}

func parseVRRP4(ip []byte) (VRRP, bool) {
	if len(ip) < 20 || ip[9] != vrrpProtocol || binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 {
		return VRRP{}, false
	}
	header, total := 4*int(ip[0]&0x0f), int(binary.BigEndian.Uint16(ip[2:]))
	if header < 20 || total < header || total > len(ip) {
		return VRRP{}, false
	}
	return VRRP{
		SourceIP: netip.AddrFrom4([4]byte(ip[12:16])), DestinationIP: netip.AddrFrom4([4]byte(ip[16:20])),
		TTL: ip[8], PDU: ip[header:total],
	}, true
}

func parseVRRP6(ip []byte) (VRRP, bool) {
	if len(ip) < ipv6Header || ip[6] != vrrpProtocol {
		return VRRP{}, false
	}
	end := ipv6Header + int(binary.BigEndian.Uint16(ip[4:]))
	if end > len(ip) {
		return VRRP{}, false
	}
	return VRRP{
		SourceIP: netip.AddrFrom16([16]byte(ip[8:24])), DestinationIP: netip.AddrFrom16([16]byte(ip[24:40])),
		TTL: ip[7], PDU: ip[ipv6Header:end],
	}, true
}
