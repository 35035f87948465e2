package netio

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestTheLinkLocalAddressIsTheHostsOwn(t *testing.T) {
	tests := []struct {
		name    string
		own     []string
		virtual string
		exclude string
		want    string // empty for none
	}{
		{"the only one", []string{"fe80::2/64"}, "", "", "fe80::2"},
		{"not a marked one", []string{"fe80::2/64"}, "fe80::100/64", "", "fe80::2"},
		{"not an excluded one", []string{"fe80::2/64", "fe80::3/64"}, "", "fe80::3", "fe80::2"},
		{"not another excluded one", []string{"fe80::2/64", "fe80::3/64"}, "", "fe80::2", "fe80::3"},
		{"no global one", []string{"2001:db8::2/64"}, "", "", ""},
		{"none of IPv4", []string{"169.254.3.4/16"}, "", "", ""},
		{"none beside a virtual one", nil, "fe80::100/64", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			needMark(t)
			w := newWire6(t)
			for _, address := range tt.own {
				if netip.MustParsePrefix(address).Addr().Is4() {
					give(t, w.lan, address)
				} else {
					give6(t, w.lan, address)
				}
			}
			if tt.virtual != "" {
				add(t, newAddresses(t), w.index(), tt.virtual)
			}
			var exclude []netip.Addr
			if tt.exclude != "" {
				exclude = append(exclude, netip.MustParseAddr(tt.exclude))
			}
			wantLinkLocal(t, newLinks(t), w.index(), exclude, tt.want)
		})
	}
}

func wantLinkLocal(t *testing.T, l *Links, ifindex int, exclude []netip.Addr, want string) {
	t.Helper()
	got, err := l.LinkLocalAddress(ifindex, exclude)
	if want == "" {
		if !errors.Is(err, ErrNoAddress) {
			t.Errorf("got %v, error %v, want ErrNoAddress", got, err)
		}
		return
	}
	must(t, err)
	if got != netip.MustParseAddr(want) {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestALinkLocalAddressIsReportedAgainWhenItHasBecomeUsable(t *testing.T) {
	w := newWire6(t)
	l, events := newLinks(t), watchLinks(t)
	give(t, w.lan, "fe80::2/64")
	await(t, events, "the new address", func(e LinkEvent) bool { return e.AddressChanged })
	wantLinkLocal(t, l, w.index(), nil, "") // it is tested for a second
	await(t, events, "the address that was tested", func(e LinkEvent) bool { return e.AddressChanged })
	wantLinkLocal(t, l, w.index(), nil, "fe80::2")
}

func TestALinkLocalAddressThatAnotherHostHasIsNotUsed(t *testing.T) {
	w := newWire6(t)
	w.atPeer(t, func() { give6(t, w.far, "fe80::2/64") })
	events := watchLinks(t)
	give(t, w.lan, "fe80::2/64")
	await(t, events, "the duplicate", func(LinkEvent) bool {
		flags, _ := flagsOf(t, w.lan, "fe80::2/64")
		return flags&unix.IFA_F_DADFAILED != 0
	})
	wantLinkLocal(t, newLinks(t), w.index(), nil, "")
}

func TestAnIPv6AddressIsNoPrimaryAddress(t *testing.T) {
	w := newWire6(t)
	give6(t, w.lan, "2001:db8::2/64")
	if got, err := newLinks(t).PrimaryAddress(w.index(), nil); !errors.Is(err, ErrNoAddress) {
		t.Errorf("got %v, error %v, want ErrNoAddress", got, err)
	}
}

func TestIPv6SubnetsAreOnTheLink(t *testing.T) {
	needMark(t)
	w := newWire6(t)
	give(t, w.lan, "192.168.1.2/24")
	give6(t, w.lan, "2001:db8:1::2/64")
	give6(t, w.lan, "fe80::2/64")
	peer, err := netlink.ParseAddr("2001:db8:2::1/128")
	must(t, err)
	far, err := netlink.ParseIPNet("2001:db8:3::/126")
	must(t, err)
	peer.Peer = far
	must(t, netlink.AddrAdd(w.lan, peer))
	add(t, newAddresses(t), w.index(), "2001:db8:9::1/64")
	got, err := newLinks(t).OnLink(w.index())
	must(t, err)
	want := []netip.Prefix{
		netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("2001:db8:1::/64"),
		netip.MustParsePrefix("2001:db8:3::/126"), netip.MustParsePrefix("fe80::/64"),
	}
	if !sameSet(got, want) {
		t.Errorf("subnets are %v, want %v", got, want)
	}
}
