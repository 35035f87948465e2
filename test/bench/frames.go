package main

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const vrid = 10

var (
	vip        = netip.MustParseAddr("192.168.1.1")
	peer       = netip.MustParseAddr("192.168.1.3")
	client     = netip.MustParseAddr("192.168.1.77")
	server     = netip.MustParseAddr("203.0.113.5")
	virtualMAC = vrrp.VirtualMAC(vrrp.IPv4, vrid)
	deviceMAC  = [6]byte{0x02, 0, 0, 0, 0, 0x02}
	clientMAC  = [6]byte{0x02, 0, 0, 0, 0, 0x77}
	broadcast  = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
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
	var sum uint32
	for i := 0; i < len(h); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum>>16+sum))
	return append(h, payload...)
}

// tcp is a frame of somebody's connection through the router.
func tcp(to, from [6]byte) []byte {
	segment := []byte{0x9c, 0x40, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0x20, 0, 0, 0, 0, 0}
	return ethernet(to, from, etherIPv4, ipv4(client, server, 64, 6, segment))
}

// arp asks on behalf of sender for target.
func arp(to, senderMAC [6]byte, sender, target netip.Addr) []byte {
	b := append([]byte{0, 1, 8, 0, 6, 4, 0, 1}, senderMAC[:]...)
	b = append(append(b, sender.AsSlice()...), make([]byte, 6)...)
	return ethernet(to, senderMAC, etherARP, append(b, target.AsSlice()...))
}

// advertPDU is the peer's advert for the VIP.
func advertPDU(priority uint8) []byte {
	a := vrrp.Advert{Version: vrrp.V3, VRID: vrid, Priority: priority, Interval: time.Second, Addresses: []netip.Addr{vip}}
	pdu, err := a.AppendBinary(nil, peer, vrrp.GroupAddress(vrrp.IPv4))
	if err != nil {
		panic(err) // every field is in range
	}
	return pdu
}

func advert(priority uint8) []byte {
	packet := ipv4(peer, vrrp.GroupAddress(vrrp.IPv4), vrrp.TTL, vrrp.Protocol, advertPDU(priority))
	return ethernet(vrrp.GroupMAC(vrrp.IPv4), virtualMAC, etherIPv4, packet)
}
