package netio

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

func newAddresses(t *testing.T) *Addresses {
	t.Helper()
	a, err := NewAddresses()
	must(t, err)
	t.Cleanup(func() { a.Close() })
	return a
}

// give puts an address on link the way an administrator does.
func give(t *testing.T, link netlink.Link, address string) {
	t.Helper()
	parsed, err := netlink.ParseAddr(address)
	must(t, err)
	must(t, netlink.AddrAdd(link, parsed))
}

// plain is an address with nothing but its prefix.
func plain(prefix string) iproute.Address {
	return iproute.Address{Prefix: netip.MustParsePrefix(prefix)}
}

func add(t *testing.T, a *Addresses, ifindex int, prefix string) bool {
	t.Helper()
	added, err := a.Add(ifindex, plain(prefix))
	must(t, err)
	return added
}

func list(t *testing.T, a *Addresses, ifindex int) string {
	t.Helper()
	addresses, err := a.List(ifindex)
	must(t, err)
	var texts []string
	for _, address := range addresses {
		text := address.Prefix.String()
		if address.Marked {
			text += " ours"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// needMark skips on kernels that do not keep IFA_PROTO.
func needMark(t *testing.T) {
	t.Helper()
	var name unix.Utsname
	must(t, unix.Uname(&name))
	if release := unix.ByteSliceToString(name.Release[:]); strings.HasPrefix(release, "5.") && release < "5.18" {
		t.Skipf("Linux %s keeps no mark", release)
	}
}

func TestAnAddedAddressHasGlobalScopeItsLabelAndOurMark(t *testing.T) {
	needMark(t)
	w := newWire(t)
	a := newAddresses(t)
	_, err := a.Add(w.index(), iproute.Address{Prefix: netip.MustParsePrefix("192.168.1.1/24"), Label: "lan0:vip"})
	must(t, err)
	got, err := a.List(w.index())
	must(t, err)
	want := []Address{{
		Prefix: netip.MustParsePrefix("192.168.1.1/24"), Label: "lan0:vip", Marked: true,
		scope: unix.RT_SCOPE_UNIVERSE, subnet: netip.MustParsePrefix("192.168.1.0/24"), usable: true,
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Address{}), cmp.Comparer(func(x, y netip.Prefix) bool { return x == y })); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestAddSaysWhetherTheAddressWasThereAlready(t *testing.T) {
	w := newWire(t)
	a := newAddresses(t)
	if !add(t, a, w.index(), "192.168.1.1/24") {
		t.Error("a new address: said to be there already")
	}
	if add(t, a, w.index(), "192.168.1.1/24") {
		t.Error("the same address again: said to be new")
	}
}

func TestRemovingWhatIsNotThereIsNoError(t *testing.T) {
	const missing = 4711
	w := newWire(t)
	a := newAddresses(t)
	for name, ifindex := range map[string]int{"address": w.index(), "interface": missing} {
		if err := a.Remove(ifindex, netip.MustParsePrefix("192.168.1.1/24")); err != nil {
			t.Errorf("missing %s: %v", name, err)
		}
	}
}

func TestAddingToAMissingInterfaceSaysWhatWasAttempted(t *testing.T) {
	newWire(t)
	_, err := newAddresses(t).Add(4711, plain("192.168.1.1/24"))
	if err == nil || !strings.Contains(err.Error(), "add address 192.168.1.1/24 to interface 4711") {
		t.Errorf("error is %v", err)
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	w := newWire(t)
	for _, prefix := range []netip.Prefix{{}, netip.MustParsePrefix("::ffff:192.168.1.1/120")} {
		if _, err := newAddresses(t).Add(w.index(), iproute.Address{Prefix: prefix}); err == nil {
			t.Errorf("%v: no error", prefix)
		}
	}
}

func TestRemovingAnAddressSparesTheOthersOfItsSubnet(t *testing.T) {
	tests := []struct {
		name   string
		build  func(*testing.T, *wire, *Addresses)
		remove string
		left   string
	}{
		{
			name: "the host's own address, which was there first",
			build: func(t *testing.T, w *wire, a *Addresses) {
				give(t, w.lan, "192.168.1.2/24")
				add(t, a, w.index(), "192.168.1.1/24")
			},
			remove: "192.168.1.1/24", left: "192.168.1.2/24",
		},
		{
			name: "the host's own address, which came later",
			build: func(t *testing.T, w *wire, a *Addresses) {
				add(t, a, w.index(), "192.168.1.1/24")
				give(t, w.lan, "192.168.1.2/24")
			},
			remove: "192.168.1.1/24", left: "192.168.1.2/24",
		},
		{
			name: "the second of two virtual addresses in a subnet of their own",
			build: func(t *testing.T, w *wire, a *Addresses) {
				add(t, a, w.index(), "192.168.1.1/24")
				add(t, a, w.index(), "192.168.1.3/24")
			},
			remove: "192.168.1.1/24", left: "192.168.1.3/24 ours",
		},
		{
			name: "the host's own address, beside what a predecessor left",
			build: func(t *testing.T, w *wire, _ *Addresses) {
				give(t, w.lan, "192.168.1.1/24")
				give(t, w.lan, "192.168.1.2/24")
			},
			remove: "192.168.1.1/24", left: "192.168.1.2/24",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			needMark(t)
			w := newWire(t)
			a := newAddresses(t)
			setPromoteSecondaries(t, "0")
			tt.build(t, w, a)
			must(t, a.Remove(w.index(), netip.MustParsePrefix(tt.remove)))
			if got := list(t, a, w.index()); got != tt.left {
				t.Errorf("left: %q, want %q", got, tt.left)
			}
		})
	}
}

func TestAVirtualAddressSurvivesTheRemovalOfTheHostsOwn(t *testing.T) {
	w := newWire(t)
	a := newAddresses(t)
	setPromoteSecondaries(t, "0")
	give(t, w.lan, "192.168.1.2/24")
	add(t, a, w.index(), "192.168.1.1/24")
	own, err := netlink.ParseAddr("192.168.1.2/24")
	must(t, err)
	must(t, netlink.AddrDel(w.lan, own))
	if got := list(t, a, w.index()); !strings.HasPrefix(got, "192.168.1.1/24") {
		t.Errorf("left: %q, want the virtual address", got)
	}
}

const promoteSecondaries = "/proc/sys/net/ipv4/conf/lan0/promote_secondaries"

func setPromoteSecondaries(t *testing.T, value string) {
	t.Helper()
	must(t, os.WriteFile(promoteSecondaries, []byte(value), 0))
}

func TestPromoteSecondariesIsLeftAsItWasFound(t *testing.T) {
	for _, found := range []string{"0", "1"} {
		t.Run(found, func(t *testing.T) {
			w := newWire(t)
			setPromoteSecondaries(t, found)
			a, err := NewAddresses()
			must(t, err)
			add(t, a, w.index(), "192.168.1.1/24")
			must(t, a.Close())
			got, err := os.ReadFile(promoteSecondaries)
			must(t, err)
			if strings.TrimSpace(string(got)) != found {
				t.Errorf("promote_secondaries is %s after Close", got)
			}
		})
	}
}

func TestTheMarkTellsWhatAPredecessorLeftOnThisInterface(t *testing.T) {
	needMark(t)
	w := newWire(t)
	give(t, w.lan, "192.168.1.2/24")
	give(t, linkNamed(t, "lo"), "192.168.9.9/32")
	predecessor, err := NewAddresses()
	must(t, err)
	add(t, predecessor, w.index(), "192.168.1.1/24")
	add(t, predecessor, w.index(), "10.9.8.7/32")
	add(t, predecessor, linkNamed(t, "lo").Attrs().Index, "192.168.7.7/32")
	must(t, predecessor.Close())

	list, err := newAddresses(t).List(w.index())
	must(t, err)
	var marked []netip.Prefix
	for _, a := range list {
		if a.Marked {
			marked = append(marked, a.Prefix)
		}
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.9.8.7/32"), netip.MustParsePrefix("192.168.1.1/24")}
	if !sameSet(marked, want) {
		t.Errorf("marked addresses are %v, want %v", marked, want)
	}
}

func sameSet(a, b []netip.Prefix) bool {
	set := make(map[netip.Prefix]bool)
	for _, p := range a {
		set[p] = true
	}
	for _, p := range b {
		if !set[p] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestAddressesOfAnInterfaceThatIsDownCanBeChanged(t *testing.T) {
	w := newWire(t)
	a := newAddresses(t)
	must(t, netlink.LinkSetDown(w.lan))
	add(t, a, w.index(), "192.168.1.1/24")
	must(t, a.Remove(w.index(), netip.MustParsePrefix("192.168.1.1/24")))
	if got := list(t, a, w.index()); got != "" {
		t.Errorf("left: %q", got)
	}
}
