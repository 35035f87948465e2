package datapath

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// claimAndAttach claims an interface of a running datapath and puts the programs on it.
func claimAndAttach(t *testing.T, d *Datapath, name string, mode Mode) *Port {
	t.Helper()
	if err := d.Claim(name); err != nil {
		t.Fatal(err)
	}
	p, err := d.Attach(name, mode)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func deleteLink(t *testing.T, name string) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkDel(l); err != nil {
		t.Fatal(err)
	}
}

// checkServed holds that the programs on the interface answer for the VIP.
func checkServed(t *testing.T, d *Datapath, p *Port, from string) {
	t.Helper()
	if p.Mode == Native {
		occupy(t, from) // without XDP of its own a veth does not take what the other end answers
	}
	r, err := d.AddRouter(masterOn(p.Index, false))
	if err != nil {
		t.Fatal(err)
	}
	r.SetLease(Now() + time.Hour)
	got := exchange(t, from, arpFrame(broadcast, clientMAC, request(client, vip)))
	if !bytes.Equal(got[:42], answer(clientMAC, client)[:42]) {
		t.Errorf("answer is %x", got)
	}
	if err := d.Release(p.Name); err == nil || !strings.Contains(err.Error(), "1 virtual routers") {
		t.Errorf("release of an interface in use: %v", err)
	}
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
}

func TestAnInterfaceIsClaimedAttachedAndReleasedWhileRunning(t *testing.T) {
	for _, mode := range []Mode{Native, TC} {
		t.Run(string(mode), func(t *testing.T) {
			newNetwork(t)
			d := openOn(t) // all interfaces come later
			newVeth(t, "va", "vb")
			newVeth(t, "vc", "vd")
			first := claimAndAttach(t, d, "va", mode)
			p := claimAndAttach(t, d, "vc", mode)
			checkPrograms(t, "vc", mode)
			checkServed(t, d, p, "vd")
			if err := d.Claim("vc"); err != nil || d.Port("vc") != p {
				t.Errorf("a second claim: %v, port %+v", err, d.Port("vc"))
			}
			if err := d.Release("vc"); err != nil {
				t.Fatal(err)
			}
			if programs := tcPrograms(t, linkNamed(t, "vc")); len(programs) > 0 || attachedMode(t, "vc") != TC {
				t.Errorf("%v are still attached, mode %s", programs, attachedMode(t, "vc"))
			}
			if d.Port("vc") != nil || d.Port("va") != first {
				t.Error("the ports are not the one that is left")
			}
			checkPrograms(t, "va", mode)
			checkServed(t, d, first, "vb")
			openOn(t, "vc") // it is free
			if err := d.Release("va"); err != nil {
				t.Fatal(err)
			}
			if err := d.Release("va"); err == nil {
				t.Error("released twice")
			}
		})
	}
}

func linkNamed(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAReleaseLeavesNothingBehind(t *testing.T) {
	for _, mode := range []Mode{Native, TC, Generic} {
		for _, gone := range []bool{false, true} {
			name := string(mode)
			if gone {
				name += ", the interface is gone"
			}
			t.Run(name, func(t *testing.T) {
				newNetwork(t)
				newVeth(t, "va", "vb")
				d := openOn(t)
				p := claimAndAttach(t, d, "va", mode)
				if gone {
					deleteLink(t, "va")
				}
				if err := d.Release("va"); err != nil {
					t.Fatal(err)
				}
				if gone {
					newVeth(t, "va", "vb")
				}
				checkNothingLeft(t, "va")
				var none []vrrpCounters
				if err := d.objects.PortCounters.Lookup(uint32(p.Index), &none); err == nil {
					t.Error("its counters are still there")
				}
				if c, err := p.Counters(); err != nil || c.AdvertsReceived != 0 || p.Mode != mode {
					t.Errorf("the port that was released: %+v, %v, mode %s", c, err, p.Mode)
				}
			})
		}
	}
}

func TestAnInterfaceThatIsMadeAnewIsClaimedAndAttachedAnew(t *testing.T) {
	for _, mode := range []Mode{Native, TC} {
		t.Run(string(mode), func(t *testing.T) {
			newNetwork(t)
			newVeth(t, "va", "vb")
			newVeth(t, "vc", "vd")
			d := openOn(t, "vc")
			kept := attachedOn(t, d, "vc", mode)
			stays, err := d.AddRouter(masterOn(kept.Index, false))
			if err != nil {
				t.Fatal(err)
			}
			until := Now() + time.Hour
			stays.SetLease(until)
			old := claimAndAttach(t, d, "va", mode)
			r, err := d.AddRouter(masterOn(old.Index, false))
			if err != nil {
				t.Fatal(err)
			}
			deleteLink(t, "va")
			newVeth(t, "va", "vb")
			p := claimAndAttach(t, d, "va", mode)
			if p == old || p.Index == old.Index || d.Port("va") != p {
				t.Errorf("port %+v, before %+v", p, old)
			}
			if stays.Lease() != until || len(d.Leftovers()) != 0 {
				t.Errorf("our own pins were taken for a predecessor's: lease %v, leftovers %v", stays.Lease(), d.Leftovers())
			}
			if err := r.Remove(); err != nil {
				t.Fatal(err)
			}
			checkPrograms(t, "va", mode)
			checkServed(t, d, p, "vb")
			if _, err := Open(Options{Interfaces: []string{"va"}}); err == nil {
				t.Error("the claim was lost")
			}
			if err := stays.Remove(); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"va", "vc"} {
				if err := d.Release(name); err != nil {
					t.Fatal(err)
				}
			}
			checkNothingLeft(t, "va")
			checkNothingLeft(t, "vc")
		})
	}
}

func attachedOn(t *testing.T, d *Datapath, name string, mode Mode) *Port {
	t.Helper()
	p, err := d.Attach(name, mode)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestALaterClaimEndsTheLeasesOfACrashedDaemonAndTellsWhatItServed(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	newVeth(t, "vc", "vd")
	leases := crashed(t, TC, false, "va", "vc")
	d := openOn(t)
	if leaseIn(t, leases) == 0 {
		t.Fatal("the lease has ended already: nothing is tested")
	}
	claimAndAttach(t, d, "va", TC)
	want := []Leftover{{va.Attrs().Index, vip}, {va.Attrs().Index, vip6}}
	if got := d.Leftovers(); !slices.Equal(got, want) || leaseIn(t, leases) != 0 {
		t.Errorf("leftovers %v, want %v; lease %d", got, want, leaseIn(t, leases))
	}
	d.mu.Lock()
	d.left = nil // as if they had not been told yet
	d.mu.Unlock()
	if _, err := d.AddRouter(masterOn(va.Attrs().Index, false)); err != nil {
		t.Fatal(err)
	}
	claimAndAttach(t, d, "vc", TC)
	if got := d.Leftovers(); len(got) != 0 {
		t.Errorf("leftovers %v: they are served again", got)
	}
}

func TestAClaimThatFailsChangesNothing(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	newVeth(t, "vc", "vd")
	d := openOn(t, "va")
	if err := d.Claim("eth7"); !errors.Is(err, ErrNoInterface) {
		t.Errorf("claim of what does not exist: %v", err)
	}
	other := openOn(t, "vc")
	if held, ok := errors.AsType[*HeldError](d.Claim("vc")); !ok || held.PID != os.Getpid() {
		t.Errorf("claim of another's: held by %+v", held)
	}
	if err := other.Release("vc"); err != nil {
		t.Fatal(err)
	}
	crashed(t, TC, false, "vc")
	spoilLeases(t, "vc")
	if err := d.Claim("vc"); err == nil || d.Port("vc") != nil || len(d.Leftovers()) != 0 {
		t.Errorf("claim with leases that cannot be ended: %v, port %v", err, d.Port("vc"))
	}
	if _, err := d.Attach("vc", TC); err == nil {
		t.Error("attached to what is not claimed")
	}
	checkPrograms(t, "vc", TC) // they guard old addresses
}

func TestARenamedInterfaceIsReleasedUnderItsOldNameFirst(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	d := openOn(t, "va")
	attachedOn(t, d, "va", TC)
	l := linkNamed(t, "va")
	if err := errors.Join(netlink.LinkSetDown(l), netlink.LinkSetName(l, "vx")); err != nil {
		t.Fatal(err)
	}
	if err := d.Claim("vx"); err == nil || !strings.Contains(err.Error(), "release va first") {
		t.Errorf("error is %v", err)
	}
	if err := d.Release("va"); err != nil {
		t.Fatal(err)
	}
	checkNothingLeft(t, "vx")
	claimAndAttach(t, d, "vx", TC)
	checkPrograms(t, "vx", TC)
}

func TestAReleasedInterfaceIsForgottenAndOthersAreNot(t *testing.T) {
	b := newBench(t)
	b.mustRun(t, HookXDP, with(v3(), func(a *advertPacket) { a.vrid = 99 }))
	elsewhere := vrrpOtherKey{Ifindex: 7, Vrid: 99, Family: 4, Source: [16]byte{192, 168, 1, 3}}
	if err := b.objects.Others.Put(elsewhere, vrrpOther{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.routers() {
		if err := r.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Release("lo"); err != nil {
		t.Fatal(err)
	}
	list, err := b.Others()
	if err != nil || len(list) != 1 || list[0].Interface != 7 {
		t.Errorf("others %v, %v; want that of interface 7", list, err)
	}
}

// What the supervisor does beside the loop; of interest under the race detector.
func TestRoutersAreInstalledBesideTheLoop(t *testing.T) {
	b := newBench(t)
	b.own()
	done := beside(t, func() error {
		for i := range 300 {
			r, err := b.AddRouter(grouped([]string{"", "lan", "wan"}[i%3], uint8(i%200+1), 4))
			if err != nil {
				return err
			}
			_, _ = b.Port("lo"), b.Leftovers()
			if _, err := b.Others(); err != nil {
				return err
			}
			if err := r.Remove(); err != nil {
				return err
			}
		}
		return nil
	})
	for i := 0; ; i++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		until := Now() + time.Hour
		b.v3.SetLease(until)
		update(t, b.v3, func(s *RouterSpec) {
			s.Group, s.Excluded = []string{"", "own"}[i%2], []netip.Addr{second}[:i%2]
		})
		if b.v3.Lease() != until {
			t.Fatalf("the lease is %v, want %v: it did not go with the router", b.v3.Lease(), until)
		}
	}
}

func TestTheFoldersOfTheNamespaceAreThereWhileNeededOnly(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	newVeth(t, "vc", "vd")
	ns, err := networkNamespace()
	if err != nil {
		t.Fatal(err)
	}
	folders := func() (list []string) {
		for _, root := range []string{filepath.Join(bpffsMount, pinRoot, ns), filepath.Join(runDir, ns)} {
			entries, _ := os.ReadDir(root)
			for _, e := range entries {
				list = append(list, e.Name())
			}
		}
		return list
	}
	d := openOn(t)
	for _, name := range []string{"va", "vc"} {
		claimAndAttach(t, d, name, TC)
	}
	if got, want := folders(), []string{"va", "vc", "va.lock", "vc.lock"}; !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
	if err := d.Release("va"); err != nil {
		t.Fatal(err)
	}
	if got, want := folders(), []string{"vc", "vc.lock"}; !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
}

// Whoever can open a lock can hold it, and keep a daemon from coming back; and a
// folder that another user was given may hold links of his.
func TestALockIsNobodyElsesAndNoLinkIsFollowed(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	dir, err := RunDir()
	if err != nil {
		t.Fatal(err)
	}
	path, victim := filepath.Join(dir, "va.lock"), filepath.Join(t.TempDir(), "victim")
	c, err := claimInterface("va")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the lock is %v, %v", info, err)
	}
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(victim, []byte("kept"), 0o600), os.Symlink(victim, path)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path); _ = os.Remove(dir) })
	if c, err := claimInterface("va"); err == nil {
		t.Error("a link was taken for a lock", c.release())
	}
	if content, _ := os.ReadFile(victim); string(content) != "kept" {
		t.Errorf("what it leads to is %q", content)
	}
}
