package netio

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// reported counts the interface's IPv6 memberships of groups that begin with prefix, as MLD reports them.
func reported(t *testing.T, link netlink.Link, prefix string) int {
	t.Helper()
	return lines(t, "igmp6", link, prefix)
}

// lines counts the lines about link in a table of the kernel that hold text.
func lines(t *testing.T, name string, link netlink.Link, text string) (n int) {
	t.Helper()
	for line := range strings.Lines(table(t, name)) {
		if strings.Contains(line, link.Attrs().Name) && strings.Contains(line, text) {
			n++
		}
	}
	return n
}

const (
	advertGroupInTable = "ff020000000000000000000000000012" // as /proc/net/igmp6 prints it
	advertMACInTable   = "333300000012"
	nodeGroupInTable   = "ff0200000000000000000001ff000100"
	nodeMACInTable     = "3333ff000100"
)

var (
	nodeGroup = SolicitedNode(netip.MustParseAddr("fe80::100"))
	groups6   = []netip.Addr{MulticastGroup6, nodeGroup}
)

// joined6 says whether both groups are joined, at the IP level and in the filter of the interface.
func joined6(t *testing.T, link netlink.Link) (all, any bool) {
	t.Helper()
	found := 0
	found += min(1, reported(t, link, advertGroupInTable))
	found += min(1, reported(t, link, nodeGroupInTable))
	found += min(1, lines(t, "dev_mcast", link, advertMACInTable))
	found += min(1, lines(t, "dev_mcast", link, nodeMACInTable))
	return found == 4, found > 0
}

func TestAnIPv6MembershipLastsFromJoinToClose(t *testing.T) {
	tests := []struct {
		name  string
		build func(*testing.T, *wire)
	}{
		{"without an address", func(*testing.T, *wire) {}},
		{"with an address", func(t *testing.T, w *wire) { give6(t, w.lan, "fe80::2/64") }},
		{"without IPv6 addresses ever", func(t *testing.T, _ *wire) { sysctl(t, "ipv6/conf/lan0/disable_ipv6", "1") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire6(t)
			tt.build(t, w)
			if _, any := joined6(t, w.lan); any {
				t.Fatal("before the join: there is a membership")
			}
			membership, err := Join(w.index(), groups6, virtualMAC)
			must(t, err)
			if all, _ := joined6(t, w.lan); !all {
				t.Errorf("while joined: igmp6\n%sdev_mcast\n%s", table(t, "igmp6"), table(t, "dev_mcast"))
			}
			must(t, membership.Close())
			if _, any := joined6(t, w.lan); any {
				t.Error("after Close: there is a membership")
			}
		})
	}
}

func TestAnInterfaceThatIsDownCanBeJoinedForIPv6(t *testing.T) {
	w := newWire6(t)
	must(t, netlink.LinkSetDown(w.lan))
	membership, err := Join(w.index(), groups6, virtualMAC)
	must(t, err)
	defer membership.Close()
	must(t, netlink.LinkSetUp(w.lan))
	if all, _ := joined6(t, w.lan); !all {
		t.Errorf("once up: igmp6\n%sdev_mcast\n%s", table(t, "igmp6"), table(t, "dev_mcast"))
	}
}

func TestAnIPv6MembershipIsReportedToSwitches(t *testing.T) {
	w := newWire6(t)
	give6(t, w.lan, "fe80::2/64")
	heard := w.capture(t)
	membership, err := Join(w.index(), []netip.Addr{nodeGroup})
	must(t, err)
	defer membership.Close()
	group := nodeGroup.As16()
	heard.nextThat(t, "that reports the group by MLD", func(frame []byte) bool {
		const reportV2 = "8f00"
		text := fmt.Sprintf("%x", frame)
		return strings.HasPrefix(text, "333300000016") && strings.Contains(text, reportV2) && strings.Contains(text, fmt.Sprintf("%x", group))
	})
}

func TestBothFamiliesAreJoinedAtOnce(t *testing.T) {
	w := newWire6(t)
	membership, err := Join(w.index(), append(groups6, MulticastGroup4), virtualMAC)
	must(t, err)
	defer membership.Close()
	if all, _ := joined6(t, w.lan); !all || filtersOf(t, w.lan) != (filters{group: true, groupMAC: true, virtualMAC: true, promiscuous: true}) {
		t.Errorf("IPv6 %v, IPv4 %+v", all, filtersOf(t, w.lan))
	}
}

func TestAGroupThatSeveralAddressesShareIsJoinedOnce(t *testing.T) {
	w := newWire6(t)
	same := SolicitedNode(netip.MustParseAddr("2001:db8::100"))
	membership, err := Join(w.index(), []netip.Addr{nodeGroup, same, MulticastGroup4, MulticastGroup4})
	must(t, err)
	defer membership.Close()
	if n := reported(t, w.lan, nodeGroupInTable); n != 1 {
		t.Errorf("joined %d times", n)
	}
}

func TestMoreGroupsThanASocketHoldsAreJoined(t *testing.T) {
	const many4, many6 = 30, 2500 // a socket holds 20 for IPv4, and for IPv6 some 300 or 2,000 by the kernel's age
	w := newWire6(t)
	var groups []netip.Addr
	for i := range many4 {
		groups = append(groups, netip.AddrFrom4([4]byte{239, 1, 2, byte(i)}))
	}
	for i := range many6 {
		groups = append(groups, SolicitedNode(netip.AddrFrom16([16]byte{13: 0x77, 14: byte(i >> 8), 15: byte(i)})))
	}
	membership, err := Join(w.index(), groups)
	must(t, err)
	defer membership.Close()
	if n := reported(t, w.lan, "ff0200000000000000000001ff77"); n != many6 {
		t.Errorf("%d IPv6 groups are joined, want %d", n, many6)
	}
	if n := strings.Count(table(t, "igmp"), "0201EF"); n != many4 {
		t.Errorf("%d IPv4 groups are joined, want %d", n, many4)
	}
	if n := len(membership.(*memberships).fds); n < 5 {
		t.Errorf("%d sockets sufficed: this tested nothing", n)
	}
}

func TestAnIPv6JoinThatFailsLeavesNothing(t *testing.T) {
	const missing = 4711
	w := newWire6(t)
	open := openFiles(t)
	if _, err := Join(missing, groups6); err == nil || !strings.Contains(err.Error(), "join ff02::12 on interface 4711") {
		t.Errorf("joining on a missing interface: error %v", err)
	}
	for _, group := range []string{"2001:db8::1", "ff02::12%lan0"} {
		if _, err := Join(w.index(), []netip.Addr{MulticastGroup6, netip.MustParseAddr(group)}); err == nil {
			t.Errorf("joining %s did not fail", group)
		}
	}
	if got := openFiles(t); got != open {
		t.Errorf("%d files are open, %d were before", got, open)
	}
}
