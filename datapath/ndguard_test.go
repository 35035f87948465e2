package datapath

import (
	"net/netip"
	"testing"
)

// leaving is a message that leaves the host.
func leaving(from [6]byte, source netip.Addr, payload []byte) []byte {
	return packet6{to: allNodesMAC, from: from, source: source, destination: allNodes, hopLimit: 255, next: 58,
		payload: payload, checksumAt: 2}.frame()
}

func routerSolicitation(options ...[]byte) []byte {
	return join([]byte{133, 0, 0, 0, 0, 0, 0, 0}, join(options...))
}

func routerAdvertisement(options ...[]byte) []byte {
	return join([]byte{134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0}, join(options...))
}

func redirect(target netip.Addr) []byte {
	return join([]byte{137, 0, 0, 0, 0, 0, 0, 0}, target.AsSlice(), global6.AsSlice(), targetOption(strangeMAC))
}

func runEgress(t *testing.T, cases []programCase) {
	t.Helper()
	b := newBench(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { b.check(t, HookEgress, c) })
	}
}

var prefixOption = join([]byte{3, 4, 64, 0xc0}, make([]byte, 28))

func TestTheEgressGuardPutsTheVirtualMACIntoWhatTheHostSaysForItsAddress(t *testing.T) {
	messages := map[string]func(link [6]byte) []byte{
		"solicitation": func(link [6]byte) []byte { return neighborMessage(135, 0, client6, sourceOption(link)) },
		"solicitation with a nonce first": func(link [6]byte) []byte {
			return neighborMessage(135, 0, client6, nonce, sourceOption(link))
		},
		"solicitation without option": func([6]byte) []byte { return neighborMessage(135, 0, client6) },
		"advertisement":               func(link [6]byte) []byte { return neighborMessage(136, flagsSolicited, vip6, targetOption(link)) },
		"advertisement without option": func([6]byte) []byte {
			return neighborMessage(136, flagsSolicited, vip6)
		},
		"router solicitation":                  func(link [6]byte) []byte { return routerSolicitation(sourceOption(link)) },
		"router advertisement":                 func(link [6]byte) []byte { return routerAdvertisement(sourceOption(link)) },
		"router advertisement with prefixes":   func(link [6]byte) []byte { return routerAdvertisement(prefixOption, prefixOption, sourceOption(link)) },
		"router advertisement without address": func([6]byte) []byte { return routerAdvertisement(prefixOption) },
		"redirect to another router":           func([6]byte) []byte { return redirect(peer6) },
	}
	var cases []programCase
	for name, message := range messages {
		kernels, ours := leaving(deviceMAC, vip6, message(deviceMAC)), leaving(virtualMAC6, vip6, message(virtualMAC6))
		cases = append(cases,
			programCase{name: name, frame: kernels, out: ours, verdict: Pass, counted: once("six guard rewritten")},
			programCase{name: name + " in a VLAN", frame: tagged(kernels, 30), out: tagged(ours, 30), verdict: Pass, counted: once("vlan six guard rewritten")},
			programCase{name: name + " without a lease", backup: true, frame: kernels, verdict: Drop, counted: once("six guard refused")},
			programCase{name: name + " of our daemon", frame: ours, verdict: Pass},
			programCase{name: name + " of our daemon without a lease", backup: true, frame: ours, verdict: Drop, counted: once("six guard refused")},
		)
	}
	runEgress(t, cases)
}

func TestTheEgressGuardKeepsBackDADForAVirtualAddress(t *testing.T) {
	dad := neighborMessage(135, 0, vip6, nonce)
	runEgress(t, []programCase{
		{name: "without a lease", backup: true, frame: leaving(deviceMAC, unspecified6, dad), verdict: Drop, counted: once("six guard refused")},
		{name: "with a lease", frame: leaving(deviceMAC, unspecified6, dad), out: leaving(virtualMAC6, unspecified6, dad), verdict: Pass, counted: once("six guard rewritten")},
	})
}

func TestTheEgressGuardDropsWhatItCannotPutRight(t *testing.T) {
	many := routerAdvertisement()
	for range 16 {
		many = join(many, nonce)
	}
	cut := leaving(deviceMAC, vip6, neighborMessage(135, 0, client6, sourceOption(deviceMAC)))
	cases := map[string][]byte{
		"an empty option":            leaving(deviceMAC, vip6, neighborMessage(135, 0, client6, []byte{1, 0, 2, 0, 0, 0, 0, 2})),
		"an option beyond the end":   leaving(deviceMAC, vip6, neighborMessage(135, 0, client6, []byte{14, 2, 0, 0, 0, 0, 0, 0})),
		"half an option":             leaving(deviceMAC, vip6, neighborMessage(135, 0, client6, []byte{1, 1, 2, 0})),
		"more options than it reads": leaving(deviceMAC, vip6, join(many, sourceOption(deviceMAC))),
		"less than IP promises":      cut[:len(cut)-4],
	}
	var all []programCase
	for name, frame := range cases {
		all = append(all, programCase{name: name, frame: frame, verdict: Drop, counted: once("six guard refused")})
	}
	runEgress(t, all)
}

func TestTheEgressGuardLetsThroughWhatSpeaksForNoVirtualAddress(t *testing.T) {
	ask := neighborMessage(135, 0, vip6, sourceOption(deviceMAC))
	echo := join([]byte{128, 0, 0, 0}, make([]byte, 40))
	cases := map[string][]byte{
		"a backup's own question for the address": leaving(deviceMAC, peer6, ask),
		"a question for another address":          leaving(deviceMAC, peer6, neighborMessage(135, 0, client6, sourceOption(deviceMAC))),
		"an advertisement of another address":     leaving(deviceMAC, vip6, neighborMessage(136, 0, peer6, targetOption(deviceMAC))),
		"a router advertisement of its own":       leaving(deviceMAC, peer6, routerAdvertisement(sourceOption(deviceMAC))),
		"in a VLAN without the address":           tagged(leaving(deviceMAC, vip6, routerSolicitation(sourceOption(deviceMAC))), 31),
		"an echo request":                         leaving(deviceMAC, vip6, echo),
		"a report of membership":                  leaving(deviceMAC, vip6, join([]byte{143, 0, 0, 0}, make([]byte, 24))),
		"UDP":                                     packet6{to: clientMAC, from: deviceMAC, source: vip6, destination: client6, next: 17, payload: echo}.frame(),
		"an advertisement that is cut off":        leaving(deviceMAC, vip6, neighborMessage(136, 0, vip6))[:14+40+20],
	}
	var all []programCase
	for name, frame := range cases {
		all = append(all, programCase{name: name, frame: frame, backup: true, verdict: Pass})
	}
	runEgress(t, all)
}
