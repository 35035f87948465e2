package datapath

import (
	"net/netip"
	"testing"
	"time"
)

func TestWithoutAcceptModeNothingReachesTheVirtualAddressesButNeighborDiscovery(t *testing.T) {
	four := func(to [6]byte, destination netip.Addr) []byte {
		return withIP(frameTo(to), func(h []byte) { h[9] = 6; copy(h[16:], destination.AsSlice()) })
	}
	six := func(to [6]byte, destination netip.Addr) []byte {
		return packet6{to: to, from: clientMAC, source: client6, destination: destination, hopLimit: 64, next: 6, payload: make([]byte, 20)}.frame()
	}
	echo := with6(unicastProbe(vip6), func(p *packet6) { p.payload = join([]byte{128, 0, 0, 0}, make([]byte, 24)) })
	neighbor := with6(unicastProbe(vip6), func(p *packet6) { p.payload = neighborMessage(136, 0x40, client6) })
	options := withIP(four(virtualMAC, vip), func(h []byte) { h[0] = 0x46 })
	cases := []programCase{
		{name: "IPv4 to the address", frame: four(virtualMAC, vip), verdict: Drop, counted: once("vmac not_accepted")},
		{name: "IPv4 with options to the address", frame: options, verdict: Drop, counted: once("vmac not_accepted")},
		{name: "IPv4 through the router", frame: four(virtualMAC, client), verdict: Pass, counted: once("vmac accepted")},
		{name: "IPv4 to the address, of a backup", backup: true, frame: four(virtualMAC, vip), verdict: Drop, counted: once("vmac refused")},
		{name: "IPv6 to the address", frame: six(virtualMAC6, vip6), verdict: Drop, counted: once("six vmac not_accepted")},
		{name: "IPv6 to the other address", frame: six(virtualMAC6, global6), verdict: Drop, counted: once("six vmac not_accepted")},
		{name: "IPv6 through the router", frame: six(virtualMAC6, netip.MustParseAddr("2001:db8:7::1")), verdict: Pass, counted: once("six vmac accepted")},
		{name: "a ping", frame: echo, verdict: Drop, counted: once("six vmac not_accepted")},
		{name: "a solicitation", frame: unicastProbe(vip6).frame(), verdict: Reply, out: advertised(vip6).frame(), counted: once("six nd answered")},
		{name: "a neighbour's advertisement", frame: neighbor, verdict: Pass, counted: once("six vmac accepted")},
		{name: "in a VLAN where everything is accepted", frame: tagged(six(virtualMAC6, vip6), 30), verdict: Pass, counted: once("vlan six vmac accepted")},
		{name: "ARP for the address", frame: arpFrame(virtualMAC, clientMAC, request(client, vip)), verdict: Reply, out: answer(clientMAC, client), counted: once("arp answered")},
	}
	b := newBench(t)
	for _, router := range []**Router{&b.v3, &b.six} {
		b.replace(t, router, func(s *RouterSpec) { s.NoAccept = true })
	}
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, c := range cases {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

// Two virtual routers on one interface: a host may reach the address of one by
// the MAC of the other.
func TestTheAddressSaysWhetherItAccepts(t *testing.T) {
	second, secondMAC := netip.MustParseAddr("192.168.1.2"), virtualMAC
	secondMAC[5] = 11
	to := func(mac [6]byte, destination netip.Addr) []byte {
		return withIP(frameTo(mac), func(h []byte) { h[9] = 6; copy(h[16:], destination.AsSlice()) })
	}
	b := newBench(t)
	b.replace(t, &b.v3, func(s *RouterSpec) { s.NoAccept = true })
	accepting := benchSpec(4, 3, 0)
	accepting.VRID, accepting.VirtualMAC, accepting.Addresses = 11, secondMAC, []netip.Addr{second}
	b.add(t, accepting).SetLease(Now() + time.Hour)
	for _, hook := range []Hook{HookXDP, HookIngress} {
		b.check(t, hook, programCase{name: "an accepting address by the other's MAC", frame: to(virtualMAC, second), verdict: Pass, counted: once("vmac accepted")})
		b.check(t, hook, programCase{name: "its own", frame: to(virtualMAC, vip), verdict: Drop, counted: once("vmac not_accepted")})
	}
}
