package datapath

import (
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
)

// crashed opens a datapath with a master on the first interface, and leaves it
// as a crash would: attached, pinned, its lease valid. The map of leases stays
// open, for the test to look at.
func crashed(t *testing.T, mode Mode, owner bool, names ...string) *ebpf.Map {
	t.Helper()
	d, err := Open(Options{Interfaces: names})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := d.Attach(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, spec := range []RouterSpec{masterOn(d.Port(names[0]).Index, owner), masterOf6(d.Port(names[0]).Index, owner)} {
		r, err := d.AddRouter(spec)
		if err != nil {
			t.Fatal(err)
		}
		r.SetLease(Now() + time.Hour)
	}
	leases, err := d.objects.Leases.Clone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = leases.Close() })
	d.leases = nil // a crash ends no lease
	if err := d.Close(true); err != nil {
		t.Fatal(err)
	}
	return leases
}

func masterOn(ifindex int, owner bool) RouterSpec {
	return RouterSpec{Interface: ifindex, VRID: 10, Family: 4, Version: 3, VirtualMAC: virtualMAC, Addresses: []netip.Addr{vip}, Owner: owner}
}

func masterOf6(ifindex int, owner bool) RouterSpec {
	return RouterSpec{Interface: ifindex, VRID: 10, Family: 6, Version: 3, VirtualMAC: virtualMAC6, Addresses: []netip.Addr{vip6}, Owner: owner}
}

func leaseIn(t *testing.T, leases *ebpf.Map) uint64 {
	t.Helper()
	var l vrrpLease
	if err := leases.Lookup(uint32(0), &l); err != nil {
		t.Fatal(err)
	}
	return l.Until
}

func TestTheProgramsOfACrashedDaemonAreReplacedInPlaceAndItsLeaseEnds(t *testing.T) {
	for _, mode := range []Mode{Native, TC, Generic} {
		t.Run(string(mode), func(t *testing.T) {
			newNetwork(t)
			va := newVeth(t, "va", "vb")
			leases := crashed(t, mode, false, "va")
			if attachedMode(t, "va") != mode || leaseIn(t, leases) == 0 {
				t.Fatal("nothing was left: nothing is tested")
			}
			checkPrograms(t, "va", mode)

			d := openOn(t, "va")
			if leaseIn(t, leases) == 0 {
				t.Error("the lease ended before there was anybody to take it over")
			}
			if got, want := d.Leftovers(), []Leftover{{va.Attrs().Index, vip}, {va.Attrs().Index, vip6}}; !slices.Equal(got, want) {
				t.Errorf("leftovers %v, want %v", got, want)
			}
			if _, err := d.Attach("va", mode); err != nil {
				t.Fatal(err)
			}
			checkPrograms(t, "va", mode)
			if err := d.EndPredecessors(); err != nil {
				t.Fatal(err)
			}
			if leaseIn(t, leases) != 0 {
				t.Error("the lease of the crashed daemon goes on")
			}
			r, err := d.AddRouter(masterOn(va.Attrs().Index, false))
			if err != nil {
				t.Fatal(err)
			}
			if r.Lease() != 0 {
				t.Error("a lease is valid that nobody here was granted")
			}
		})
	}
}

func TestTheHostsOwnAddressIsNoLeftover(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	crashed(t, TC, true, "va")
	if got := openOn(t, "va").Leftovers(); len(got) != 0 {
		t.Errorf("leftovers %v: the owner would lose its address", got)
	}
}

func TestTwoDaemonsAfterOneShareNoMaps(t *testing.T) {
	newNetwork(t)
	links := []netlink.Link{newVeth(t, "va", "vb"), newVeth(t, "vc", "vd")}
	crashed(t, TC, false, "va", "vc")
	var ids []ebpf.MapID
	for i, name := range []string{"va", "vc"} {
		d := openOn(t, name)
		if _, err := d.Attach(name, TC); err != nil {
			t.Fatal(err)
		}
		r, err := d.AddRouter(masterOn(links[i].Attrs().Index, false))
		if err != nil {
			t.Fatal(err)
		}
		r.SetLease(Now() + time.Hour)
		info, err := d.objects.Leases.Info()
		if err != nil {
			t.Fatal(err)
		}
		id, _ := info.ID()
		ids = append(ids, id)
	}
	if ids[0] == ids[1] {
		t.Error("the second daemon took the maps that the first one uses")
	}
}

func TestAnOpenThatFailsLeavesTheProgramsThatGuardOldAddresses(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	crashed(t, TC, false, "va")
	spoilLeases(t, "va")
	if _, err := Open(Options{Interfaces: []string{"va"}}); err == nil {
		t.Fatal("it did not fail: nothing is tested")
	}
	checkPrograms(t, "va", TC)
}

// spoilLeases pins a map that cannot be mapped in place of the leases.
func spoilLeases(t *testing.T, name string) {
	t.Helper()
	pins, err := openPins()
	if err != nil {
		t.Fatal(err)
	}
	defer pins.close()
	path := mapPin(pins.folder(name), vrrpMapLeases)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Pin(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := Detach(name, nobody); err != nil {
			t.Error(err)
		}
	})
}
