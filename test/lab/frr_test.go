package lab

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// frr51 is VRID 51 of both families, every 100 ms.
func frr51(nic *NIC, priority int) FRRRouter {
	return FRRRouter{
		NIC: nic, VRID: 51, Version: 3, Priority: priority, Interval: 100 * time.Millisecond,
		Addresses: []netip.Prefix{
			netip.MustParsePrefix("192.168.1.100/24"), netip.MustParsePrefix("fe80::100/64"), netip.MustParsePrefix("2001:db8::100/64"),
		},
	}
}

func startFRR(t *testing.T, l *Lab, r FRRRouter) *FRR {
	t.Helper()
	f, err := l.FRR(r.NIC.Host, r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheFRRRecipeElectsAMasterInBothFamilies(t *testing.T) {
	p := newPair(t)
	alice := startFRR(t, p.lab, frr51(p.aliceN, 200))
	must(t, alice.AwaitState(51, "Master", 5*time.Second))
	bob := startFRR(t, p.lab, frr51(p.bobN, 100))
	must(t, bob.AwaitState(51, "Backup", 5*time.Second))

	v4, v6, err := alice.State(51)
	must(t, err)
	if v4.Source != aliceIP || v4.Priority != 200 || v4.AdvertsSent == 0 || v4.MasterDown != 320*time.Millisecond {
		t.Errorf("IPv4 state %+v, want priority 200 from %s", v4, aliceIP)
	}
	if v6.Source != frr51(p.aliceN, 0).source() {
		t.Errorf("IPv6 state %+v, want source %s", v6, frr51(p.aliceN, 0).source())
	}

	must(t, bob.SetPriority(frr51(p.bobN, 0), 250))
	must(t, bob.AwaitState(51, "Master", 5*time.Second))
	must(t, alice.AwaitState(51, "Backup", 5*time.Second))
	if err := bob.Configure("interface eth0", "vrrp 51 urgency 3"); err == nil {
		t.Error("an unknown command is no error")
	}
}

func TestFRRSaysGoodbyeWhenStoppedAndNotWhenKilled(t *testing.T) {
	p := newPair(t)
	f := startFRR(t, p.lab, frr51(p.aliceN, 200))
	farewells := func(end func() error, status int) int {
		t.Helper()
		must(t, f.AwaitState(51, "Master", 5*time.Second))
		adverts, err := p.aliceN.Sniff(SentVRRP)
		must(t, err)
		for _, from := range []netip.Addr{aliceIP, frr51(p.aliceN, 0).source()} {
			_, err = adverts.Await(5*time.Second, func(f Frame) bool { v, _ := ParseVRRP(f.Data); return v.SourceIP == from })
			must(t, err)
		}
		must(t, end())
		if got := exitOf(t, f.Daemon); got != status {
			t.Errorf("exit status %d, want %d", got, status)
		}
		return count(adverts.Stop(), func(v VRRP) bool { return v.Priority() == 0 })
	}
	if n := farewells(func() error { return f.Stop() }, 0); n != 2 {
		t.Errorf("%d farewells of a stopped vrrpd, want one in each family", n)
	}
	must(t, f.Start())
	if n := farewells(func() error { return f.Kill() }, 128+9); n != 0 {
		t.Errorf("%d farewells of a killed vrrpd", n)
	}
	must(t, f.Start())
	must(t, f.AwaitState(51, "Master", 5*time.Second))
}

func count(frames []Frame, want func(VRRP) bool) (n int) {
	for _, f := range frames {
		if v, ok := ParseVRRP(f.Data); ok && want(v) {
			n++
		}
	}
	return n
}

func TestFRRLeavesNoScratchDirectory(t *testing.T) {
	ForTest(t) // for its root check only
	l, err := New(Options{})
	must(t, err)
	defer l.Close()
	nic := l.Host("alone").Connect(l.Switch("lan"), "eth0", "192.168.1.2/24")
	f := startFRR(t, l, frr51(nic, 200))
	for _, name := range f.pids {
		if _, err := os.Stat(filepath.Join(frrScratch, name)); err != nil {
			t.Errorf("vrrpd keeps its scratch files elsewhere: %v", err)
		}
	}
	must(t, l.Close())
	for _, name := range f.pids {
		if _, err := os.Stat(filepath.Join(frrScratch, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", name, err)
		}
	}
}
