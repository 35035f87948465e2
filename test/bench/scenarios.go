package main

import "github.com/vrrp-xdp/vrrp-xdp/datapath"

// scenario is one kind of packet at one hook.
type scenario struct {
	hook    datapath.Hook
	name    string
	frame   []byte
	owned   bool   // this host has the lease
	code    uint32 // what the program has to return
	counted []string
	// rewritten: the program changes the frame such that it would not do the
	// same to it again.
	rewritten bool
	events    bool // each run leaves an event in the ring buffer
}

// What the programs return.
const (
	xdpDrop, xdpPass, xdpTX    = 1, 2, 3
	tcNext, tcShot, tcRedirect = 1<<32 - 1, 2, 7
)

const followed = 120 // priority of the advert that the router follows

// The names of what nearly every packet is.
const (
	unrelated  = "unrelated IPv4 packet"
	unrelated6 = "unrelated IPv6 packet"
)

func scenarios() []scenario {
	receivers := []receiver{
		{datapath.HookXDP, xdpPass, xdpDrop, xdpTX},
		{datapath.HookIngress, tcNext, tcShot, tcRedirect},
	}
	var all []scenario
	for _, r := range receivers {
		all = append(append(all, r.ipv4()...), r.ipv6()...)
	}
	return append(append(all, accepting()...), leaving()...)
}

// receiver is one of the two programs that receive, and what it returns.
type receiver struct {
	hook              datapath.Hook
	pass, drop, reply uint32
}

func (r receiver) ipv4() []scenario {
	ask := arp(broadcast, clientMAC, client, vip)
	return []scenario{
		{hook: r.hook, name: unrelated, frame: tcp(deviceMAC, clientMAC), code: r.pass},
		{hook: r.hook, name: "frame to the virtual MAC, with the lease: accepted", frame: tcp(virtualMAC, clientMAC), owned: true, code: r.pass,
			counted: []string{"vmac accepted"}},
		{hook: r.hook, name: "frame to the virtual MAC, without: dropped", frame: tcp(virtualMAC, clientMAC), code: r.drop,
			counted: []string{"vmac refused"}},
		{hook: r.hook, name: "ARP request for a VIP, with the lease: answered", frame: ask, owned: true, code: r.reply,
			counted: []string{"arp answered"}, rewritten: true},
		{hook: r.hook, name: "ARP request for a VIP, without: dropped", frame: ask, code: r.drop,
			counted: []string{"arp refused"}},
		{hook: r.hook, name: "unchanged advert of the master", frame: advert(followed), code: r.pass,
			counted: []string{"received", "unchanged"}},
		{hook: r.hook, name: "any other advert: event", frame: advert(followed + 1), code: r.pass,
			counted: []string{"received"}, events: true},
	}
}

func (r receiver) ipv6() []scenario {
	ask := solicitation(clientMAC, client6, vip6)
	return []scenario{
		{hook: r.hook, name: unrelated6, frame: tcp6(deviceMAC, clientMAC), code: r.pass},
		{hook: r.hook, name: "IPv6 to the virtual MAC, with the lease: accepted", frame: tcp6(virtualMAC6, clientMAC), owned: true, code: r.pass,
			counted: []string{"ipv6 vmac accepted"}},
		{hook: r.hook, name: "Neighbor Solicitation for a VIP, with the lease: answered", frame: ask, owned: true, code: r.reply,
			counted: []string{"ipv6 nd answered"}, rewritten: true},
		{hook: r.hook, name: "Neighbor Solicitation for a VIP, without: dropped", frame: ask, code: r.drop,
			counted: []string{"ipv6 nd refused"}},
		{hook: r.hook, name: "unchanged IPv6 advert of the master", frame: advert6(followed), code: r.pass,
			counted: []string{"ipv6 received", "ipv6 unchanged"}},
	}
}

func accepting() []scenario {
	return []scenario{
		{hook: datapath.HookAccept, name: unrelated, frame: tcp(deviceMAC, clientMAC), code: tcNext},
		{hook: datapath.HookAccept, name: unrelated6, frame: tcp6(deviceMAC, clientMAC), code: tcNext},
		{hook: datapath.HookAccept, name: "frame to the virtual MAC", frame: tcp(virtualMAC, clientMAC), owned: true, code: tcNext},
	}
}

func leaving() []scenario {
	ask, solicit := arp(broadcast, deviceMAC, vip, client), solicitation(deviceMAC, vip6, client6)
	return []scenario{
		{hook: datapath.HookEgress, name: unrelated, frame: tcp(clientMAC, deviceMAC), code: tcNext},
		{hook: datapath.HookEgress, name: unrelated6, frame: tcp6(clientMAC, deviceMAC), code: tcNext},
		{hook: datapath.HookEgress, name: "own ARP for a VIP, with the lease: rewritten", frame: ask, owned: true, code: tcNext,
			counted: []string{"guard rewritten"}, rewritten: true},
		{hook: datapath.HookEgress, name: "own ARP for a VIP, without: dropped", frame: ask, code: tcShot,
			counted: []string{"guard refused"}},
		{hook: datapath.HookEgress, name: "own Neighbor Solicitation from a VIP, with the lease: rewritten", frame: solicit, owned: true, code: tcNext,
			counted: []string{"ipv6 guard rewritten"}, rewritten: true},
	}
}
