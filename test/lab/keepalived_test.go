package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// keepalived51 is VRID 51 with further lines in its instance.
func keepalived51(priority int, lines ...string) string {
	return fmt.Sprintf(`
vrrp_instance V51 {
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.05
    priority %d
    %s
    virtual_ipaddress {
        192.168.1.100/24
    }
}
`, priority, strings.Join(lines, "\n    "))
}

func startKeepalived(t *testing.T, h *Host, config string) *Keepalived {
	t.Helper()
	k, err := h.lab.StartKeepalived(h, config)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTheKeepalivedRecipeElectsAMaster(t *testing.T) {
	p := newPair(t)
	alice := startKeepalived(t, p.alice, keepalived51(200))
	must(t, alice.AwaitState("V51", "MASTER", 5*time.Second))
	bob := startKeepalived(t, p.bob, keepalived51(100))
	must(t, bob.AwaitState("V51", "BACKUP", 5*time.Second))
	master, err := alice.Instance("V51")
	must(t, err)
	if master.EffectivePriority != 200 || master.AdvertsSent == 0 || master.BecameMaster != 1 {
		t.Errorf("master %+v, want priority 200, once elected", master)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		backup, err := bob.Instance("V51")
		must(t, err)
		if backup.State != "BACKUP" || backup.AdvertsSent > 0 || time.Now().After(deadline) {
			t.Fatalf("backup %+v, want a silent one that hears the master", backup)
		}
		if backup.AdvertsReceived > 5 {
			break
		}
	}
	if _, err := alice.Instance("V52"); err == nil {
		t.Error("an instance that does not exist is no error")
	}
	if _, err := p.lab.Keepalived(p.bob, keepalived51(100, "advert_intt 1")); err == nil {
		t.Error("an unknown keyword is no error")
	}
}

func TestAKilledKeepalivedSaysNoGoodbyeAndAStoppedOneDoes(t *testing.T) {
	p := newPair(t)
	farewells := func(end func(*Keepalived) error) int {
		t.Helper()
		k := startKeepalived(t, p.alice, keepalived51(200))
		must(t, k.AwaitState("V51", "MASTER", 5*time.Second))
		adverts, err := p.aliceN.Sniff(SentVRRP)
		must(t, err)
		_, err = adverts.Await(2*time.Second, func(Frame) bool { return true })
		must(t, err)
		must(t, end(k))
		exitOf(t, k.Daemon)
		return count(adverts.Stop(), func(v VRRP) bool { return v.Priority() == 0 })
	}
	for range 5 { // the child must not outlive the parent long enough to speak
		if n := farewells(func(k *Keepalived) error { return k.Kill() }); n != 0 {
			t.Fatalf("%d farewells of a killed keepalived", n)
		}
	}
	if got := addressesOf(p.alice); !slices.Contains(got, netip.MustParseAddr("192.168.1.100")) {
		t.Errorf("addresses %v: a killed keepalived took its VIP off", got)
	}
	if n := farewells(func(k *Keepalived) error { return k.Stop() }); n == 0 {
		t.Error("no farewell of a stopped keepalived")
	}
}

func addressesOf(h *Host) (all []netip.Addr) {
	for _, p := range h.Addresses("eth0") {
		all = append(all, p.Addr())
	}
	return all
}

func TestKeepalivedWithAVirtualMACIsKnownByItAlone(t *testing.T) {
	p := newPair(t)
	p.aliceN.OnlyOwnARP()
	k := startKeepalived(t, p.alice, keepalived51(200, "use_vmac"))
	must(t, k.AwaitState("V51", "MASTER", 5*time.Second))
	virtual := netip.MustParseAddr("192.168.1.100")
	// The master's own question tells bob a MAC of the virtual address, too.
	mustRun(t, p.alice, "ping", "-c1", "-W1", "-I", virtual.String(), bobIP.String())
	mustRun(t, p.bob, "ping", "-c1", "-W1", virtual.String())
	if mac, _, ok := p.bob.Neighbour("eth0", virtual); !ok || mac != VirtualMAC4(51) {
		t.Errorf("bob takes the virtual address for %s, want %s", mac, VirtualMAC4(51))
	}
}
