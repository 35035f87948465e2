package netio

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

func addressOf(t *testing.T, line string) iproute.Address {
	t.Helper()
	address, _, err := iproute.ParseAddress(strings.Fields(line))
	must(t, err)
	return address
}

// There is one address on lan0 but those that the kernel gives itself: this one, as the library reads it.
func addressShown(t *testing.T, w *wire) netlink.Addr {
	t.Helper()
	addresses, err := netlink.AddrList(w.lan, netlink.FAMILY_ALL)
	must(t, err)
	if len(addresses) != 1 {
		t.Fatalf("addresses are %v", addresses)
	}
	return addresses[0]
}

func TestAnAddressIsWhatItsWordsSay(t *testing.T) {
	const v6 = unix.IFA_F_PERMANENT
	tests := []struct {
		line  string
		label string
		scope int
		brd   string
		flags int
		peer  string
	}{
		{line: "192.0.2.1/24", label: "lan0", flags: unix.IFA_F_PERMANENT},
		{line: "192.0.2.1/24 label lan0:vip", label: "lan0:vip", flags: unix.IFA_F_PERMANENT},
		{line: "192.0.2.1/24 scope link", label: "lan0", scope: unix.RT_SCOPE_LINK, flags: unix.IFA_F_PERMANENT},
		{line: "192.0.2.1/24 brd +", label: "lan0", brd: "192.0.2.255", flags: unix.IFA_F_PERMANENT},
		{line: "192.0.2.1/24 noprefixroute", label: "lan0", flags: unix.IFA_F_PERMANENT | unix.IFA_F_NOPREFIXROUTE},
		{line: "192.0.2.1 peer 192.0.2.9", label: "lan0", flags: unix.IFA_F_PERMANENT, peer: "192.0.2.9/32"},
		{line: "2001:db8::1/64", flags: v6 | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED},
		{line: "2001:db8::1/64 preferred_lft forever", flags: v6 | unix.IFA_F_NODAD},
		{line: "2001:db8::1/64 -nodad", flags: v6 | unix.IFA_F_TENTATIVE | unix.IFA_F_DEPRECATED},
		{line: "2001:db8::1/64 noprefixroute home", flags: v6 | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED | unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_HOMEADDRESS},
		{line: "2001:db8::1/64 mngtmpaddr", flags: v6 | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED | unix.IFA_F_MANAGETEMPADDR},
		{line: "2001:db8::1 peer 2001:db8::9", flags: v6 | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED, peer: "2001:db8::9/128"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			w := newWire6(t)
			a := newAddresses(t)
			address := addressOf(t, tt.line)
			if added, err := a.Add(w.index(), address); err != nil || !added {
				t.Fatalf("added is %v, error %v", added, err)
			}
			got := addressShown(t, w)
			if got.Label != tt.label || got.Scope != tt.scope || got.Flags != tt.flags {
				t.Errorf("label %q, scope %d, flags %#x; want %q, %d, %#x", got.Label, got.Scope, got.Flags, tt.label, tt.scope, tt.flags)
			}
			if tt.brd != "" && got.Broadcast.String() != tt.brd || tt.brd == "" && got.Broadcast != nil {
				t.Errorf("broadcast address is %v, want %q", got.Broadcast, tt.brd)
			}
			if tt.peer != "" && got.Peer.String() != tt.peer {
				t.Errorf("peer is %v, want %s", got.Peer, tt.peer)
			}
			if text := list(t, a, w.index()); !strings.HasPrefix(text, address.Prefix.String()) {
				t.Errorf("listed is %s", text)
			}
			must(t, a.Remove(w.index(), address.Prefix))
			if left := list(t, a, w.index()); left != "" {
				t.Errorf("left is %s", left)
			}
		})
	}
}

func TestAnAddressBeingTestedGetsNothingYet(t *testing.T) {
	w := newWire6(t)
	_, err := newAddresses(t).Add(w.index(), addressOf(t, "2001:db8::1/64 -nodad"))
	must(t, err)
	if receives(t, netip.MustParseAddr("2001:db8::1").AsSlice()) {
		t.Error("there is a local route while the address is tentative")
	}
}

func TestAScopeThatDoesNotFitTheSubnetIsExplained(t *testing.T) {
	w := newWire(t)
	give(t, w.lan, "192.0.2.250/24")
	_, err := newAddresses(t).Add(w.index(), addressOf(t, "192.0.2.1/24 scope link"))
	if err == nil || !strings.Contains(err.Error(), "same scope") {
		t.Errorf("error is %v", err)
	}
}

func TestRemovingSparesTheSameAddressWithAnotherPrefix(t *testing.T) {
	w := newWire(t)
	a := newAddresses(t)
	add(t, a, w.index(), "192.0.2.1/24")
	_, err := a.Add(w.index(), addressOf(t, "192.0.2.1 peer 192.0.2.9"))
	must(t, err)
	must(t, a.Remove(w.index(), netip.MustParsePrefix("192.0.2.1/32")))
	if left := list(t, a, w.index()); !strings.HasPrefix(left, "192.0.2.1/24") {
		t.Errorf("left is %s", left)
	}
}
