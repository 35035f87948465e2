package lab

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// pair is the smallest lab: two hosts on a switch.
type pair struct {
	lab          *Lab
	lan          *Switch
	alice, bob   *Host
	aliceN, bobN *NIC
}

var (
	aliceIP = netip.MustParseAddr("192.168.1.2")
	bobIP   = netip.MustParseAddr("192.168.1.3")
)

func newPair(t testing.TB) *pair {
	t.Helper()
	l := ForTest(t)
	p := &pair{lab: l, lan: l.Switch("lan"), alice: l.Host("alice"), bob: l.Host("bob")}
	p.aliceN = p.alice.Connect(p.lan, "eth0", "192.168.1.2/24", "2001:db8::2/64")
	p.bobN = p.bob.Connect(p.lan, "eth0", "192.168.1.3/24", "2001:db8::3/64")
	return p
}

func (p *pair) pings(t *testing.T) bool {
	t.Helper()
	_, err := p.alice.Run("ping", "-c1", "-W1", bobIP.String())
	return err == nil
}

func TestTwoHostsReachEachOtherThroughTheSwitch(t *testing.T) {
	p := newPair(t)
	if !p.pings(t) {
		t.Fatal("no answer to a ping")
	}
	mac, state, ok := p.alice.Neighbour("eth0", bobIP)
	if !ok || mac != p.bobN.MAC || state != "REACHABLE" {
		t.Errorf("neighbour entry is %s %s %v, want %s REACHABLE", mac, state, ok, p.bobN.MAC)
	}
}

func TestFlushNeighboursForgetsTheNeighbour(t *testing.T) {
	p := newPair(t)
	if !p.pings(t) {
		t.Fatal("no answer to a ping")
	}
	p.alice.FlushNeighbours()
	if mac, state, ok := p.alice.Neighbour("eth0", bobIP); ok && state != "FAILED" {
		t.Errorf("neighbour entry is still %s %s", mac, state)
	}
}

func TestCutTakesTheCarrierAndRestoreBringsItBack(t *testing.T) {
	p := newPair(t)
	p.bobN.Cut()
	if p.bobN.Carrier() || !p.aliceN.Carrier() {
		t.Error("after Cut: want carrier lost at bob and kept at alice")
	}
	p.bobN.Restore()
	if !p.bobN.Carrier() {
		t.Error("after Restore: no carrier")
	}
	if !p.pings(t) {
		t.Error("after Restore: no answer to a ping")
	}
}

func TestSilenceDropsFramesButKeepsTheCarrier(t *testing.T) {
	p := newPair(t)
	if !p.pings(t) {
		t.Fatal("no answer to a ping")
	}
	p.bobN.Silence()
	if !p.bobN.Carrier() {
		t.Error("carrier lost")
	}
	if p.pings(t) {
		t.Error("a ping was answered")
	}
	p.bobN.Unsilence()
	if !p.pings(t) {
		t.Error("after Unsilence: no answer to a ping")
	}
}

func TestAddressesAreUsableAtOnce(t *testing.T) {
	p := newPair(t)
	got := p.alice.Addresses("eth0")
	for _, want := range []string{"192.168.1.2/24", "2001:db8::2/64"} {
		if !slices.Contains(got, netip.MustParsePrefix(want)) {
			t.Errorf("addresses %v lack %s", got, want)
		}
	}
	if out, err := p.alice.Run("ip", "-6", "addr", "show", "tentative"); err != nil || out != "" {
		t.Errorf("tentative addresses: %q, %v", out, err)
	}
}

func TestARouterForwardsBetweenTwoSwitches(t *testing.T) {
	l := ForTest(t)
	lan, wan := l.Switch("lan"), l.Switch("wan")
	client, router, server := l.Host("client"), l.Host("router"), l.Host("server")
	client.Connect(lan, "eth0", "192.168.1.9/24")
	router.Connect(lan, "eth0", "192.168.1.1/24")
	router.Connect(wan, "eth1", "10.0.0.1/24")
	server.Connect(wan, "eth0", "10.0.0.9/24")
	client.Route("default", "192.168.1.1")
	server.Route("192.168.1.0/24", "10.0.0.1")
	if _, err := client.Run("ping", "-c1", "-W0.3", "10.0.0.9"); err == nil {
		t.Error("a host that does not forward forwarded")
	}
	router.Forwarding(true)
	if _, err := client.Run("ping", "-c1", "-W1", "10.0.0.9"); err != nil {
		t.Error(err)
	}
}

func TestWhoNamesTheHostOfAMAC(t *testing.T) {
	p := newPair(t)
	if got := p.lab.Who(p.bobN.MAC); got != "bob" {
		t.Errorf("Who(%s) = %q, want bob", p.bobN.MAC, got)
	}
	if got := p.lab.Who(VirtualMAC4(10)); got != "" {
		t.Errorf("Who(virtual MAC) = %q, want nobody", got)
	}
}

func TestAFailedStepPanicsWithAnErrorThatCatchReturns(t *testing.T) {
	ForTest(t) // for its root check only
	build := func() (err error) {
		l, err := New(Options{Name: "plain program"})
		if err != nil {
			return err
		}
		defer l.Close()
		defer Catch(&err)
		l.Host("twin")
		l.Host("twin")
		return nil
	}
	err := build()
	var failure *Failure
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "plain program: host twin") {
		t.Errorf("got %v, want a Failure that names lab and host", err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	ForTest(t) // for its root check only
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := l.Host("alone")
	h.Connect(l.Switch("lan"), "eth0")
	d, err := h.Start(Command{Path: "sleep", Args: []string{"1000"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Freeze(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if d.Running() {
		t.Error("the frozen daemon outlived its lab")
	}
	for _, path := range []string{netnsDir + "/" + h.Namespace(), l.Dir()} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", path, err)
		}
	}
}

func TestTheKernelReportsEachOfSeveralCutsAtOnce(t *testing.T) {
	l := ForTest(t)
	router := l.Host("router")
	for _, name := range []string{"eth0", "eth1", "eth2"} {
		nic := router.Connect(l.Switch("sw-"+name), name)
		updates, done := make(chan netlink.LinkUpdate, 100), make(chan struct{})
		defer close(done)
		err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{Namespace: &router.ns.handle})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			nic.Cut()
			awaitLink(t, updates, nic, false)
			nic.Restore()
			awaitLink(t, updates, nic, true)
		}
	}
}

func awaitLink(t *testing.T, updates <-chan netlink.LinkUpdate, nic *NIC, running bool) {
	t.Helper()
	deadline := time.After(300 * time.Millisecond)
	for {
		select {
		case u := <-updates:
			if int(u.Index) == nic.index && (u.IfInfomsg.Flags&unix.IFF_RUNNING != 0) == running {
				return
			}
		case <-deadline:
			t.Fatalf("%s: no report within 300 ms that running is %v", nic.Name, running)
		}
	}
}
