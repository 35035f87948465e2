package datapath

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const loopback = 1 // ifindex, in every network namespace; there Run has its frames arrive

// bench is a loaded datapath with virtual router 10 on loopback: of version 3,
// and in VLAN 30 of version 2; and for IPv6 in both.
type bench struct {
	*Datapath
	v3, v2, six, vlanSix *Router
	port                 *Port
}

func benchSpec(family, version uint8, vlan uint16) RouterSpec {
	s := RouterSpec{Interface: loopback, VRID: 10, VLAN: vlan, Family: family, Version: version,
		VirtualMAC: virtualMAC, DeviceMAC: deviceMAC, Addresses: []netip.Addr{vip}, Interval: time.Second}
	if family == 6 {
		s.VirtualMAC, s.Addresses = virtualMAC6, []netip.Addr{vip6, global6}
	}
	return s
}

func newBench(t testing.TB) *bench {
	newNetwork(t)
	b := &bench{Datapath: openOn(t, "lo")}
	for _, r := range []struct {
		router **Router
		spec   RouterSpec
	}{
		{&b.v3, benchSpec(4, 3, 0)}, {&b.v2, benchSpec(4, 2, 30)}, {&b.six, benchSpec(6, 3, 0)}, {&b.vlanSix, benchSpec(6, 3, 30)},
	} {
		*r.router = b.add(t, r.spec)
	}
	b.port = b.Port("lo")
	if err := b.port.makeCounters(); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) add(t testing.TB, spec RouterSpec) *Router {
	t.Helper()
	r, err := b.AddRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// replace puts a virtual router in place of another, with one thing changed.
func (b *bench) replace(t testing.TB, router **Router, change func(*RouterSpec)) {
	t.Helper()
	spec := (*router).spec
	if err := (*router).Remove(); err != nil {
		t.Fatal(err)
	}
	change(&spec)
	*router = b.add(t, spec)
}

func (b *bench) routers() map[string]*Router {
	return map[string]*Router{"": b.v3, "vlan ": b.v2, "six ": b.six, "vlan six ": b.vlanSix}
}

func (b *bench) setLeases(until time.Duration) {
	for _, r := range b.routers() {
		r.SetLease(until)
	}
}

func (b *bench) own()    { b.setLeases(Now() + time.Hour) }
func (b *bench) disown() { b.setLeases(0) }

// run runs a frame, and tells also what was counted meanwhile.
func (b *bench) run(t *testing.T, hook Hook, frame []byte) (Outcome, map[string]uint64) {
	t.Helper()
	before := b.counts(t)
	o, err := b.Run(hook, frame, 1)
	if err != nil {
		t.Fatal(err)
	}
	after := b.counts(t)
	for name, n := range before {
		if after[name] -= n; after[name] == 0 {
			delete(after, name)
		}
	}
	return o, after
}

func (b *bench) counts(t *testing.T) map[string]uint64 {
	t.Helper()
	all := make(map[string]uint64)
	readers := map[string]func() (Counters, error){"port ": b.port.Counters}
	for who, r := range b.routers() {
		readers[who] = r.Counters
	}
	for who, read := range readers {
		c, err := read()
		if err != nil {
			t.Fatal(err)
		}
		flatten(all, who, c)
	}
	return all
}

func flatten(into map[string]uint64, who string, c Counters) {
	into[who+"received"] = c.AdvertsReceived
	into[who+"unchanged"] = c.AdvertsUnchanged
	into[who+"lost"] = c.EventsLost
	into[who+"conflict"] = c.ARPConflicts
	into[who+"nd conflict"] = c.NDConflicts
	into[who+"spoofed"] = c.VirtualMACSpoofed
	into[who+"farewell"] = c.AdvertsPriorityZero
	for prefix, m := range map[string]map[string]uint64{
		"dropped ": c.AdvertsDropped, "arp ": c.ARPRequests, "vmac ": c.VirtualMACFrames, "guard ": c.ClaimsGuarded,
		"checksum ": c.AdvertsByChecksum, "odd ": c.AdvertsOdd, "nd ": c.NDSolicitations,
	} {
		for name, n := range m {
			into[who+prefix+name] = n
		}
	}
}

type programCase struct {
	name    string
	frame   []byte
	backup  bool // no lease
	verdict Verdict
	out     []byte // nil: as it came in
	counted map[string]uint64
}

func (b *bench) check(t *testing.T, hook Hook, c programCase) {
	t.Helper()
	if b.own(); c.backup {
		b.disown()
	}
	o, counted := b.run(t, hook, c.frame)
	if o.Verdict != c.verdict {
		t.Errorf("verdict is %s, want %s", o.Verdict, c.verdict)
	}
	if c.out == nil {
		c.out = c.frame
	}
	if diff := cmp.Diff(c.out, o.Frame); diff != "" {
		t.Errorf("the frame that comes out (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.counted, counted); diff != "" && len(c.counted)+len(counted) > 0 {
		t.Errorf("what is counted (-want +got):\n%s", diff)
	}
}

func once(names ...string) map[string]uint64 {
	m := make(map[string]uint64)
	for _, n := range names {
		m[n] = 1
	}
	return m
}

// answer is the reply to a request for the VIP.
func answer(to [6]byte, target netip.Addr) []byte {
	return arpFrame(to, virtualMAC, arpPacket{operation: 2, senderMAC: virtualMAC, sender: vip, targetMAC: to, target: target})
}

func TestARPForAVirtualAddressIsAnsweredByTheOwnerOnly(t *testing.T) {
	ask := request(client, vip)
	probe := request(netip.IPv4Unspecified(), vip)
	throughOther := arpFrame(broadcast, strangeMAC, ask)
	cases := []programCase{
		{name: "a broadcast request is answered", frame: arpFrame(broadcast, clientMAC, ask), verdict: Reply, out: answer(clientMAC, client), counted: once("arp answered")},
		{name: "a request without a lease is dropped", backup: true, frame: arpFrame(broadcast, clientMAC, ask), verdict: Drop, counted: once("arp refused")},
		{name: "a unicast request to the virtual MAC is answered", frame: arpFrame(virtualMAC, clientMAC, ask), verdict: Reply, out: answer(clientMAC, client), counted: once("arp answered")},
		{name: "a unicast request to the interface is answered", frame: arpFrame(deviceMAC, clientMAC, ask), verdict: Reply, out: answer(clientMAC, client), counted: once("arp answered")},
		{name: "a unicast request to another station is left alone", frame: arpFrame(strangeMAC, clientMAC, ask), verdict: Pass},
		{name: "an RFC 5227 probe is answered", frame: arpFrame(broadcast, clientMAC, probe), verdict: Reply, out: answer(clientMAC, netip.IPv4Unspecified()), counted: once("arp answered")},
		{name: "an RFC 5227 probe without a lease is dropped", backup: true, frame: arpFrame(broadcast, clientMAC, probe), verdict: Drop, counted: once("arp refused")},
		{name: "a request for another address is left alone", frame: arpFrame(broadcast, clientMAC, request(client, peer)), verdict: Pass},
		{name: "a request sent through another station is answered to who asks", frame: throughOther, verdict: Reply, out: answer(clientMAC, client), counted: once("arp answered")},
		{name: "a request from everybody is not answered", frame: arpFrame(broadcast, broadcast, arpPacket{operation: 1, senderMAC: broadcast, sender: client, target: vip}), verdict: Drop, counted: once("arp invalid")},
		{name: "a request from the virtual MAC (reflected) is left alone", frame: arpFrame(broadcast, virtualMAC, arpPacket{operation: 1, senderMAC: virtualMAC, sender: client, target: vip}), verdict: Pass, counted: once("spoofed")},
		{name: "a request sent through another station without a lease is dropped", backup: true, frame: throughOther, verdict: Drop, counted: once("arp refused")},
		{name: "a request in VLAN 30 is answered in VLAN 30", frame: tagged(arpFrame(broadcast, clientMAC, ask), 30), verdict: Reply, out: tagged(answer(clientMAC, client), 30), counted: once("vlan arp answered")},
		{name: "a request in a VLAN without the address is left alone", frame: tagged(arpFrame(broadcast, clientMAC, ask), 31), verdict: Pass},
		{name: "ARP for another hardware type is left alone", frame: changed(arpFrame(broadcast, clientMAC, ask), 15, 6), verdict: Pass},
		{name: "ARP for another protocol type is left alone", frame: changed(arpFrame(broadcast, clientMAC, ask), 16, 9), verdict: Pass},
		{name: "ARP with another hardware length is left alone", frame: changed(arpFrame(broadcast, clientMAC, ask), 18, 8), verdict: Pass},
		{name: "ARP with another protocol length is left alone", frame: changed(arpFrame(broadcast, clientMAC, ask), 19, 16), verdict: Pass},
		{name: "truncated ARP is left alone", frame: arpFrame(broadcast, clientMAC, ask)[:41], verdict: Pass},
	}
	runBoth(t, cases)
}

func TestAClaimOfAVirtualAddressByAnotherStationIsCounted(t *testing.T) {
	claim := arpPacket{operation: 1, senderMAC: strangeMAC, sender: vip, target: vip}
	reply := arpPacket{operation: 2, senderMAC: strangeMAC, sender: vip, targetMAC: clientMAC, target: client}
	asks := arpPacket{operation: 1, senderMAC: strangeMAC, sender: vip, target: client}
	master := arpPacket{operation: 1, senderMAC: virtualMAC, sender: vip, target: vip}
	runBoth(t, []programCase{
		{name: "a gratuitous request", frame: arpFrame(broadcast, strangeMAC, claim), verdict: Pass, counted: once("conflict")},
		{name: "a gratuitous request that a backup hears", backup: true, frame: arpFrame(broadcast, strangeMAC, claim), verdict: Pass, counted: once("conflict")},
		{name: "a reply", frame: arpFrame(clientMAC, strangeMAC, reply), verdict: Pass, counted: once("conflict")},
		{name: "a question asked in the name of the address", frame: arpFrame(broadcast, strangeMAC, asks), verdict: Pass, counted: once("conflict")},
		{name: "the master's gratuitous request is none", backup: true, frame: arpFrame(broadcast, virtualMAC, master), verdict: Pass},
		{name: "a claim of another address is none", frame: arpFrame(broadcast, strangeMAC, request(client, client)), verdict: Pass},
		{name: "a claim in another VLAN is none", frame: tagged(arpFrame(broadcast, strangeMAC, claim), 31), verdict: Pass},
	})
}

func TestFramesToTheVirtualMACAreTheOwnersOnly(t *testing.T) {
	to := func(mac [6]byte) []byte { return join(ethernetHeader(mac, clientMAC, 0x0800), make([]byte, 50)) }
	runBoth(t, []programCase{
		{name: "with a lease", frame: to(virtualMAC), verdict: Pass, counted: once("vmac accepted")},
		{name: "without a lease", backup: true, frame: to(virtualMAC), verdict: Drop, counted: once("vmac refused")},
		{name: "ARP for another address", backup: true, frame: arpFrame(virtualMAC, clientMAC, request(client, peer)), verdict: Drop, counted: once("vmac refused")},
		{name: "in its VLAN", backup: true, frame: tagged(to(virtualMAC), 30), verdict: Drop, counted: once("vlan vmac refused")},
		{name: "in another VLAN it is nobody's", backup: true, frame: tagged(to(virtualMAC), 31), verdict: Pass},
		{name: "of another VRID it is not ours to drop", backup: true, frame: to([6]byte{0, 0, 0x5e, 0, 1, 11}), verdict: Pass},
		{name: "of the other family it is the other family's", backup: true, frame: to(virtualMAC6), verdict: Drop, counted: once("six vmac refused")},
		{name: "a frame to the interface passes", backup: true, frame: to(deviceMAC), verdict: Pass},
	})
}

func TestTheEgressGuardLetsOnlyTheOwnerClaimAVirtualAddress(t *testing.T) {
	own := func(mac [6]byte) []byte {
		return arpFrame(broadcast, mac, arpPacket{operation: 1, senderMAC: mac, sender: vip, target: client})
	}
	b := newBench(t)
	for _, c := range []programCase{
		{name: "with a lease it leaves with the virtual MAC", frame: own(deviceMAC), verdict: Pass, out: own(virtualMAC), counted: once("guard rewritten")},
		{name: "without a lease it does not leave", backup: true, frame: own(deviceMAC), verdict: Drop, counted: once("guard refused")},
		{name: "with the virtual MAC already it leaves as it is", frame: own(virtualMAC), verdict: Pass},
		{name: "without a lease not even with the virtual MAC", backup: true, frame: own(virtualMAC), verdict: Drop, counted: once("guard refused")},
		{name: "ARP for the host's own address leaves as it is", backup: true, frame: arpFrame(broadcast, deviceMAC, request(peer, client)), verdict: Pass},
		{name: "other traffic leaves as it is", backup: true, frame: v3().frame(), verdict: Pass},
	} {
		t.Run(c.name, func(t *testing.T) { b.check(t, HookEgress, c) })
	}
}

// runBoth checks that both hooks give the answers in the table.
func runBoth(t *testing.T, cases []programCase) {
	t.Helper()
	b := newBench(t)
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, c := range cases {
			t.Run(string(hook)+"/"+c.name, func(t *testing.T) { b.check(t, hook, c) })
		}
	}
}

// changed is the frame with one byte set.
func changed(frame []byte, at int, to byte) []byte {
	f := append([]byte(nil), frame...)
	f[at] = to
	return f
}
