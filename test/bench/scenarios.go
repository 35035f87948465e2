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

// unrelated is the name of what nearly every packet is.
const unrelated = "unrelated packet"

func scenarios() []scenario {
	all := receiving(datapath.HookXDP, xdpPass, xdpDrop, xdpTX)
	all = append(all, receiving(datapath.HookIngress, tcNext, tcShot, tcRedirect)...)
	ask := arp(broadcast, deviceMAC, vip, client)
	return append(all,
		scenario{hook: datapath.HookAccept, name: unrelated, frame: tcp(deviceMAC, clientMAC), code: tcNext},
		scenario{hook: datapath.HookAccept, name: "frame to the virtual MAC", frame: tcp(virtualMAC, clientMAC), owned: true, code: tcNext},
		scenario{hook: datapath.HookEgress, name: unrelated, frame: tcp(clientMAC, deviceMAC), code: tcNext},
		scenario{hook: datapath.HookEgress, name: "own ARP for a VIP, with the lease: rewritten", frame: ask, owned: true, code: tcNext,
			counted: []string{"guard rewritten"}, rewritten: true},
		scenario{hook: datapath.HookEgress, name: "own ARP for a VIP, without: dropped", frame: ask, code: tcShot,
			counted: []string{"guard refused"}},
	)
}

// receiving is what the two programs that receive have in common.
func receiving(hook datapath.Hook, pass, drop, reply uint32) []scenario {
	return []scenario{
		{hook: hook, name: unrelated, frame: tcp(deviceMAC, clientMAC), code: pass},
		{hook: hook, name: "frame to the virtual MAC, with the lease: accepted", frame: tcp(virtualMAC, clientMAC), owned: true, code: pass,
			counted: []string{"vmac accepted"}},
		{hook: hook, name: "frame to the virtual MAC, without: dropped", frame: tcp(virtualMAC, clientMAC), code: drop,
			counted: []string{"vmac refused"}},
		{hook: hook, name: "ARP request for a VIP, with the lease: answered", frame: arp(broadcast, clientMAC, client, vip), owned: true, code: reply,
			counted: []string{"arp answered"}, rewritten: true},
		{hook: hook, name: "ARP request for a VIP, without: dropped", frame: arp(broadcast, clientMAC, client, vip), code: drop,
			counted: []string{"arp refused"}},
		{hook: hook, name: "unchanged advert of the master", frame: advert(followed), code: pass,
			counted: []string{"received", "unchanged"}},
		{hook: hook, name: "any other advert: event", frame: advert(followed + 1), code: pass,
			counted: []string{"received"}, events: true},
	}
}
