package interop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const strong, weak = 200, 100

// variant is a way to speak, to somebody who speaks it.
type variant struct {
	name   string
	advert vrrp.Advert
	unlike bool // theirs does not use the virtual MAC
	slack  time.Duration
	// flags are ours besides the usual, peer makes theirs; each is told the last
	// numbers of its own address and of the other's.
	flags func(own, other int) []string
	peer  func(nic *lab.NIC, own, other int) peer
}

// What their timers may take beyond the protocol's time: keepalived's scheduler
// and vrrpd's event loop, on this machine, with some to spare.
const theirSlack = 50 * time.Millisecond

func noFlags(int, int) []string { return nil }

func flags(list ...string) func(int, int) []string {
	return func(int, int) []string { return list }
}

func kept(advert vrrp.Advert, lines ...string) func(*lab.NIC, int, int) peer {
	return func(nic *lab.NIC, _, _ int) peer {
		nic.OnlyOwnARP()
		return &keptPeer{nic: nic, advert: advert, lines: lines}
	}
}

// peers are unicast addresses with these beginnings.
func peerFlags(prefix string) func(own, other int) []string {
	return func(own, other int) []string {
		return []string{"--source", fmt.Sprint(prefix, own), "--peer", fmt.Sprint(prefix, other)}
	}
}

func keptUnicast(advert vrrp.Advert, prefix string) func(*lab.NIC, int, int) peer {
	return func(nic *lab.NIC, own, other int) peer {
		return &keptPeer{nic: nic, advert: advert, lines: []string{
			fmt.Sprint("unicast_src_ip ", prefix, own), "unicast_peer {", fmt.Sprint(prefix, other), "}"}}
	}
}

func routed(advert vrrp.Advert) func(*lab.NIC, int, int) peer {
	return func(nic *lab.NIC, _, _ int) peer { return &frrPeer{nic: nic, advert: advert} }
}

var variants = []variant{
	{name: "keepalived v2", advert: v2, unlike: true, slack: theirSlack, flags: noFlags, peer: kept(v2)},
	{name: "keepalived v2 with password", advert: v2, unlike: true, slack: theirSlack, flags: flags("--auth-pass", "s3cret"), peer: kept(v2, password...)},
	{name: "keepalived v3", advert: v3, unlike: true, slack: theirSlack, flags: noFlags, peer: kept(v3)},
	{name: "keepalived v3 IPv6", advert: v3IPv6, unlike: true, slack: theirSlack, flags: noFlags, peer: kept(v3IPv6)},
	{name: "keepalived unicast IPv4", advert: v3, unlike: true, slack: theirSlack, flags: peerFlags("192.0.2."), peer: keptUnicast(v3, "192.0.2.")},
	{name: "keepalived unicast IPv6", advert: v3IPv6, unlike: true, slack: theirSlack, flags: peerFlags("2001:db8::"), peer: keptUnicast(v3IPv6, "2001:db8::")},
	{name: "keepalived use_vmac IPv4", advert: v3, slack: theirSlack, flags: noFlags, peer: kept(v3, "use_vmac")},
	{name: "keepalived use_vmac IPv6", advert: v3IPv6, slack: theirSlack, flags: noFlags, peer: kept(v3IPv6, "use_vmac")},
	{name: "FRR v2", advert: v2, slack: theirSlack, flags: noFlags, peer: routed(v2)},
	{name: "FRR v3 IPv4", advert: v3, slack: theirSlack, flags: noFlags, peer: routed(v3)},
	// Its first advert over IPv6 is always lost: it speaks an interval late.
	{name: "FRR v3 IPv6", advert: v3IPv6, slack: theirSlack + v3IPv6.Interval, flags: noFlags, peer: routed(v3IPv6)},
}

// ourSlack is what we may take beyond the protocol's time.
const ourSlack = 10 * time.Millisecond

func TestTheMatrix(t *testing.T) {
	for _, v := range variants {
		for _, mode := range []string{"native", "tc"} {
			t.Run(v.name+"/"+mode+"/we are the stronger", func(t *testing.T) {
				t.Parallel()
				weAreTheStronger(newPair(t, v, mode, true), v)
			})
			t.Run(v.name+"/"+mode+"/they are the stronger", func(t *testing.T) {
				t.Parallel()
				theyAreTheStronger(newPair(t, v, mode, false), v)
			})
		}
	}
}

func weAreTheStronger(p *pair, v variant) {
	p.peer.start(p.t, weak)
	p.theyAreMaster(true)
	p.startOurs(strong)
	p.weAreMaster(false) // preempted

	must(p.t, p.daemon.Stop())
	p.takesOver(p.theirs, p.farewell(p.ours), p.skew(weak)+v.slack, "our farewell")
	p.theyAreMaster(true)
	p.startOurs(strong)
	p.weAreMaster(false)

	must(p.t, p.daemon.Kill())
	p.ours.Cut()
	p.takesOver(p.theirs, p.last(p.ours), p.down(weak)+v.slack, "our death")
	p.theyAreMaster(true)
	p.checkSent()
}

func theyAreTheStronger(p *pair, v variant) {
	p.startOurs(weak)
	p.weAreMaster(true)
	p.peer.start(p.t, strong)
	p.theyAreMaster(false)

	p.peer.stop(p.t)
	p.takesOver(p.ours, p.farewell(p.theirs), p.skew(weak)+ourSlack, "their farewell")
	p.weAreMaster(true)
	p.peer.start(p.t, strong)
	p.theyAreMaster(false)

	p.theirs.Cut() // a killed one leaves its address behind, and answers
	p.peer.kill(p.t)
	p.weAreMaster(true)
	p.takesOver(p.ours, p.last(p.theirs), p.down(weak)+ourSlack, "their death")
	p.checkSent()
}

// Of two masters of one priority, the one with the higher address stays.
func TestTheMatrixOfTies(t *testing.T) {
	for _, v := range variants {
		for i, weAreHigher := range []bool{true, false} {
			mode := []string{"native", "tc"}[i]
			t.Run(fmt.Sprintf("%s/%s/we are higher: %v", v.name, mode, weAreHigher), func(t *testing.T) {
				t.Parallel()
				tie(newPair(t, v, mode, weAreHigher))
			})
		}
	}
}

func tie(p *pair) {
	p.startOurs(strong)
	p.awaitOurs("MASTER")
	p.theirs.Silence()
	p.peer.start(p.t, strong)
	p.peer.await(p.t, true)
	ours, theirs := p.source(p.ours), p.source(p.theirs) // both speak
	p.theirs.Unsilence()
	if ours.Compare(theirs) > 0 {
		p.weAreMaster(false)
		return
	}
	p.theyAreMaster(false)
}

// source is what a NIC's adverts come from.
func (p *pair) source(nic *lab.NIC) (source netip.Addr) {
	p.t.Helper()
	_, err := p.wire.Await(patience, func(f lab.Frame) bool {
		if f.Host != nic.Host.Name {
			return false
		}
		advert, _ := lab.ParseVRRP(f.Data)
		source = advert.SourceIP
		return true
	})
	must(p.t, err)
	return source
}

// Neither knows the form of RFC 9568 yet: told to speak it, we are a second master.
func TestTheMessageOnlyChecksumIsRefusedByBoth(t *testing.T) {
	for _, v := range variants {
		if v.name != "keepalived v3" && v.name != "FRR v3 IPv4" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			p := newPair(t, v, "tc", true)
			p.flags = append(p.flags, "--checksum", "message-only")
			p.startOurs(strong)
			p.awaitOurs("MASTER")
			p.peer.start(t, weak)
			p.peer.await(t, true)
			must(t, p.daemon.WaitLog(patience, "checksum"))
		})
	}
}
