package netio

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// give6 puts an IPv6 address on link that needs no test for duplicates, and waits until it receives.
func give6(t *testing.T, link netlink.Link, address string) {
	t.Helper()
	parsed, err := netlink.ParseAddr(address)
	must(t, err)
	parsed.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(link, parsed))
	for start := time.Now(); !receives(t, parsed.IP); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("%s has no local route", address)
		}
	}
}

// receives says whether there is a local route for the address, the last thing that the kernel gives it, and later than
// the address itself.
func receives(t *testing.T, ip net.IP) bool {
	t.Helper()
	local := &netlink.Route{Table: unix.RT_TABLE_LOCAL, Dst: netlink.NewIPNet(ip)}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, local, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_DST)
	must(t, err)
	return len(routes) > 0
}

// flagsOf asks the kernel for the flags of an address; found is false if it is not there.
func flagsOf(t *testing.T, link netlink.Link, prefix string) (flags int, found bool) {
	t.Helper()
	addresses, err := netlink.AddrList(link, netlink.FAMILY_V6)
	must(t, err)
	for _, a := range addresses {
		if a.IPNet.String() == prefix {
			return a.Flags, true
		}
	}
	return 0, false
}

func TestAnAddedIPv6AddressIsThereAtOnceAndStays(t *testing.T) {
	const want = unix.IFA_F_PERMANENT | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED
	for _, prefix := range []string{"2001:db8::1/64", "2001:db8::1/128", "fe80::100/64", "fe80::100/128"} {
		t.Run(prefix, func(t *testing.T) {
			w := newWire6(t)
			add(t, newAddresses(t), w.index(), prefix)
			if flags, _ := flagsOf(t, w.lan, prefix); flags != want {
				t.Errorf("flags are %#x, want %#x", flags, want)
			}
			canBind(t, w.index(), prefix)
		})
	}
}

// canBind shows that programs can use the address now. The kernel refuses one that is not there or tentative.
func canBind(t *testing.T, ifindex int, prefix string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	address := netip.MustParsePrefix(prefix).Addr().As16()
	if err := unix.Bind(fd, &unix.SockaddrInet6{Addr: address, ZoneId: uint32(ifindex)}); err != nil {
		t.Errorf("bind to %s: %v", prefix, err)
	}
}

// The kernel's own local route comes from a work queue: not always in time.
func TestAnAddedIPv6AddressReceivesAtOnce(t *testing.T) {
	w := newWire6(t)
	addresses := newAddresses(t)
	prefix := netip.MustParsePrefix("2001:db8::1/64")
	for range 50 {
		add(t, addresses, w.index(), prefix.String())
		if !receives(t, prefix.Addr().AsSlice()) {
			t.Fatal("there is no local route when Add has returned")
		}
		must(t, addresses.Remove(w.index(), prefix))
		if receives(t, prefix.Addr().AsSlice()) {
			t.Fatal("there is a local route when Remove has returned")
		}
	}
}

func TestAnAddedIPv6AddressIsMarked(t *testing.T) {
	needMark(t)
	w := newWire6(t)
	a := newAddresses(t)
	give(t, w.lan, "192.168.1.2/24")
	give6(t, w.lan, "2001:db8::2/64")
	_, err := a.Add(w.index(), iproute.Address{Prefix: netip.MustParsePrefix("fe80::100/64"), Label: "lan0:vip"})
	must(t, err)
	if got, want := list(t, a, w.index()), "192.168.1.2/24, 2001:db8::2/64, fe80::100/64 ours"; got != want {
		t.Errorf("addresses are %s, want %s", got, want)
	}
}

func TestConnectionsOfTheHostStartFromItsOwnIPv6Address(t *testing.T) {
	w := newWire6(t)
	give6(t, w.lan, "2001:db8::2/64")
	add(t, newAddresses(t), w.index(), "2001:db8::1/64")
	connection, err := net.Dial("udp6", "[2001:db8::99]:9")
	must(t, err)
	defer connection.Close()
	if got, want := connection.LocalAddr().(*net.UDPAddr).AddrPort().Addr(), netip.MustParseAddr("2001:db8::2"); got != want {
		t.Errorf("the source is %s, want %s", got, want)
	}
}

func TestAnIPv6AddressIsThereWithWhateverPrefixLength(t *testing.T) {
	w := newWire6(t)
	a := newAddresses(t)
	give6(t, w.lan, "2001:db8::1/64")
	if add(t, a, w.index(), "2001:db8::1/128") {
		t.Error("added beside the same address")
	}
	if got := list(t, a, w.index()); got != "2001:db8::1/64" {
		t.Errorf("addresses are %q", got)
	}
}

func TestRemovingAnIPv6AddressSparesTheOthersAndTheirSubnet(t *testing.T) {
	w := newWire6(t)
	a := newAddresses(t)
	add(t, a, w.index(), "2001:db8::1/64")
	give6(t, w.lan, "2001:db8::2/64")
	must(t, a.Remove(w.index(), netip.MustParsePrefix("2001:db8::1/64")))
	if got := list(t, a, w.index()); got != "2001:db8::2/64" {
		t.Errorf("left: %q", got)
	}
	routes, err := netlink.RouteGet(net.ParseIP("2001:db8::99"))
	must(t, err)
	if routes[0].LinkIndex != w.index() {
		t.Errorf("the subnet is no longer reached on interface %d: %v", w.index(), routes)
	}
}

func TestAnIPv6AddressAddedToAnInterfaceThatIsDownServesOnceItIsUp(t *testing.T) {
	w := newWire6(t)
	must(t, netlink.LinkSetDown(w.lan))
	add(t, newAddresses(t), w.index(), "2001:db8::1/64")
	must(t, netlink.LinkSetUp(w.lan))
	canBind(t, w.index(), "2001:db8::1/64")
}

func TestRemovingAnIPv6AddressThatIsGoneIsNoError(t *testing.T) {
	prefix := netip.MustParsePrefix("2001:db8::1/64")
	tests := []struct {
		name string
		lose func(*testing.T, *wire)
	}{
		{"the kernel removed it when the link was set down", func(t *testing.T, w *wire) { must(t, netlink.LinkSetDown(w.lan)) }},
		{"the interface has no IPv6 any more", func(t *testing.T, w *wire) { must(t, netlink.LinkSetMTU(w.lan, 1200)) }},
		{"the interface is gone", func(t *testing.T, w *wire) { must(t, netlink.LinkDel(w.lan)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire6(t)
			a := newAddresses(t)
			add(t, a, w.index(), prefix.String())
			tt.lose(t, w)
			if got := list(t, a, w.index()); got != "" {
				t.Fatalf("still there: %s", got)
			}
			must(t, a.Remove(w.index(), prefix))
		})
	}
}

func TestAddingWhereIPv6IsSwitchedOffSaysHowToSwitchItOn(t *testing.T) {
	w := newWire6(t)
	sysctl(t, "ipv6/conf/lan0/disable_ipv6", "1")
	_, err := newAddresses(t).Add(w.index(), plain("2001:db8::1/64"))
	if !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "disable_ipv6") {
		t.Errorf("error is %v", err)
	}
}

func TestIPv6AddressesLeavePromoteSecondariesAlone(t *testing.T) {
	w := newWire6(t)
	setPromoteSecondaries(t, "0")
	a := newAddresses(t)
	add(t, a, w.index(), "2001:db8::1/64")
	must(t, a.Remove(w.index(), netip.MustParsePrefix("2001:db8::1/64")))
	if set, err := a.route.promotion(w.index()); err != nil || set {
		t.Errorf("promote_secondaries is %v, error %v", set, err)
	}
}
