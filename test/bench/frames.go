package main

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const vrid = 10

var (
	vip        = netip.MustParseAddr("192.168.1.1")
	peer       = netip.MustParseAddr("192.168.1.3")
	client     = netip.MustParseAddr("192.168.1.77")
	server     = netip.MustParseAddr("203.0.113.5")
	virtualMAC = vrrp.VirtualMAC(vrrp.IPv4, vrid)

	vip6        = netip.MustParseAddr("fe80::1")
	peer6       = netip.MustParseAddr("fe80::3")
	client6     = netip.MustParseAddr("fe80::77")
	server6     = netip.MustParseAddr("2001:db8:113::5")
	virtualMAC6 = vrrp.VirtualMAC(vrrp.IPv6, vrid)

	deviceMAC = [6]byte{0x02, 0, 0, 0, 0, 0x02}
	clientMAC = [6]byte{0x02, 0, 0, 0, 0, 0x77}
	broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
	shortest  = 60 // of an Ethernet frame, without its checksum
)

func ethernet(to, from [6]byte, protocol uint16, payload []byte) []byte {
	f := append(to[:], from[:]...)
	f = append(binary.BigEndian.AppendUint16(f, protocol), payload...)
	return append(f, make([]byte, max(0, shortest-len(f)))...)
}

func ipv4(from, to netip.Addr, ttl, protocol byte, payload []byte) []byte {
	h := []byte{0x45, 0xc0, 0, 0, 0x12, 0x34, 0x40, 0, ttl, protocol, 0, 0}
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(payload)))
	h = append(append(h, from.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], lab.Checksum(h))
	return append(h, payload...)
}

func ipv6(from, to netip.Addr, hopLimit, protocol byte, payload []byte) []byte {
	h := []byte{0x60, 0, 0, 0, 0, byte(len(payload)), protocol, hopLimit}
	return append(append(append(h, from.AsSlice()...), to.AsSlice()...), payload...)
}

// segment is of somebody's connection through the router.
var segment = []byte{0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0x20, 0, 0, 0, 0, 0}

func tcp(to, from [6]byte) []byte {
	return ethernet(to, from, etherIPv4, ipv4(client, server, 64, 6, segment))
}

func tcp6(to, from [6]byte) []byte {
	return ethernet(to, from, etherIPv6, ipv6(client6, server6, 64, 6, segment))
}

// arp asks on behalf of sender for target.
func arp(to, senderMAC [6]byte, sender, target netip.Addr) []byte {
	b := append([]byte{0, 1, 8, 0, 6, 4, 0, 1}, senderMAC[:]...)
	b = append(append(b, sender.AsSlice()...), make([]byte, 6)...)
	return ethernet(to, senderMAC, etherARP, append(b, target.AsSlice()...))
}

// solicitation asks on behalf of sender for target, with the address of the sender.
func solicitation(senderMAC [6]byte, sender, target netip.Addr) []byte {
	t := target.As16()
	group := netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: t[13], 14: t[14], 15: t[15]})
	message := append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, t[:]...)
	message = append(append(message, 1, 1), senderMAC[:]...)
	const icmpv6 = 58
	covered := append(append(sender.AsSlice(), group.AsSlice()...), 0, byte(len(message)), 0, icmpv6)
	binary.BigEndian.PutUint16(message[2:], lab.Checksum(append(covered, message...)))
	to := [6]byte{0x33, 0x33, 0xff, t[13], t[14], t[15]}
	return ethernet(to, senderMAC, etherIPv6, ipv6(sender, group, 255, icmpv6, message))
}

// advertPDU is the peer's advert for the VIP.
func advertPDU(priority uint8, from, address netip.Addr) []byte {
	a := vrrp.Advert{Version: vrrp.V3, VRID: vrid, Priority: priority, Interval: time.Second, Addresses: []netip.Addr{address}}
	pdu, err := a.AppendBinary(nil, from, vrrp.GroupAddress(vrrp.FamilyOf(from)))
	if err != nil {
		panic(err) // every field is in range
	}
	return pdu
}

func advert(priority uint8) []byte {
	packet := ipv4(peer, vrrp.GroupAddress(vrrp.IPv4), vrrp.TTL, vrrp.Protocol, advertPDU(priority, peer, vip))
	return ethernet(vrrp.GroupMAC(vrrp.IPv4), virtualMAC, etherIPv4, packet)
}

func advert6(priority uint8) []byte {
	packet := ipv6(peer6, vrrp.GroupAddress(vrrp.IPv6), vrrp.TTL, vrrp.Protocol, advertPDU(priority, peer6, vip6))
	return ethernet(vrrp.GroupMAC(vrrp.IPv6), virtualMAC6, etherIPv6, packet)
}
