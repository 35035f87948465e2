package netio

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func newLinks(t *testing.T) *Links {
	t.Helper()
	l, err := NewLinks()
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func TestALinkIsDescribed(t *testing.T) {
	w := newWire(t)
	must(t, netlink.LinkSetMTU(w.lan, 1400))
	must(t, netlink.LinkSetHardwareAddr(w.lan, net.HardwareAddr{2, 0, 0, 0, 0, 7}))
	got, err := newLinks(t).Link("lan0")
	must(t, err)
	want := LinkInfo{Index: w.index(), Name: "lan0", MAC: [6]byte{2, 0, 0, 0, 0, 7}, MTU: 1400, Up: true, Kind: "veth"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
}

func TestALinkWithoutKindHasNone(t *testing.T) {
	newWire(t)
	got, err := newLinks(t).Link("lo")
	must(t, err)
	if got.Kind != "" {
		t.Errorf("kind is %q", got.Kind)
	}
}

func TestAVethHasNoParent(t *testing.T) {
	newWire(t)
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "left0"}, PeerName: "right0"}))
	got, err := newLinks(t).Link("left0")
	must(t, err)
	if got.ParentIndex != 0 {
		t.Errorf("parent is %d", got.ParentIndex)
	}
}

func TestALinkOnAnotherNamesItsParent(t *testing.T) {
	w := newWire(t)
	child := &netlink.Macvlan{LinkAttrs: netlink.LinkAttrs{Name: "child0", ParentIndex: w.index()}, Mode: netlink.MACVLAN_MODE_PRIVATE}
	must(t, netlink.LinkAdd(child))
	got, err := newLinks(t).Link("child0")
	must(t, err)
	if got.Kind != "macvlan" || got.ParentIndex != w.index() {
		t.Errorf("kind %q on interface %d, want a macvlan on %d", got.Kind, got.ParentIndex, w.index())
	}
}

func TestALinkIsFoundByItsAlternativeName(t *testing.T) {
	w := newWire(t)
	must(t, netlink.LinkAddAltName(w.lan, "a-name-of-more-than-fifteen-bytes"))
	got, err := newLinks(t).Link("a-name-of-more-than-fifteen-bytes")
	must(t, err)
	if got.Name != "lan0" {
		t.Errorf("name is %q", got.Name)
	}
}

func TestAMissingInterfaceIsReportedWithThoseThatExist(t *testing.T) {
	for _, name := range []string{"lan7", "", "a-name-of-more-than-fifteen-bytes"} {
		t.Run("named "+name, func(t *testing.T) {
			newWire(t)
			_, err := newLinks(t).Link(name)
			if !errors.Is(err, ErrNoInterface) || !strings.HasSuffix(err.Error(), "there are lan0, lo") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestALinkIsUpOnlyWhenItCanSend(t *testing.T) {
	const works = unix.IFF_UP | unix.IFF_LOWER_UP
	tests := []struct {
		name  string
		flags uint32
		state netlink.LinkOperState
		want  bool
	}{
		{"operational", works | unix.IFF_BROADCAST, netlink.OperUp, true},
		{"a driver that knows no state", works, netlink.OperUnknown, true},
		{"the carrier is back and the state will follow", works, netlink.OperLowerLayerDown, true},
		{"administratively down", works &^ unix.IFF_UP, netlink.OperUp, false},
		{"the carrier is gone and the state will follow", works &^ unix.IFF_LOWER_UP, netlink.OperUp, false},
		{"not authenticated", works, netlink.OperDormant, false},
		{"under test", works, netlink.OperTesting, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := canSend(tt.flags, tt.state); got != tt.want {
				t.Errorf("up is %v", got)
			}
		})
	}
}

func TestThePrimaryAddressIsTheHostsOwn(t *testing.T) {
	tests := []struct {
		name    string
		own     []string
		virtual []string
		exclude []string
		want    string // empty for none
	}{
		{"the first of two", []string{"192.168.1.2/24", "192.168.1.9/24"}, nil, nil, "192.168.1.2"},
		{"not a marked one that came first", []string{"192.168.1.2/24"}, []string{"192.168.1.1/24"}, nil, "192.168.1.2"},
		{"not an excluded one", []string{"192.168.1.1/24", "192.168.1.2/24"}, nil, []string{"192.168.1.1"}, "192.168.1.2"},
		{"global before link scope", []string{"169.254.3.4/16 link", "192.168.1.2/24"}, nil, nil, "192.168.1.2"},
		{"link scope rather than none", []string{"169.254.3.4/16 link"}, nil, nil, "169.254.3.4"},
		{"none beside virtual ones", nil, []string{"192.168.1.1/24"}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			needMark(t)
			w := newWire(t)
			populate(t, w, tt.virtual, tt.own)
			var exclude []netip.Addr
			for _, text := range tt.exclude {
				exclude = append(exclude, netip.MustParseAddr(text))
			}
			got, err := newLinks(t).PrimaryAddress(w.index(), exclude)
			if tt.want == "" {
				if !errors.Is(err, ErrNoAddress) {
					t.Errorf("got %v, error %v, want ErrNoAddress", got, err)
				}
				return
			}
			must(t, err)
			if got != netip.MustParseAddr(tt.want) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func populate(t *testing.T, w *wire, virtual, own []string) {
	t.Helper()
	a := newAddresses(t)
	for _, prefix := range virtual {
		add(t, a, w.index(), prefix)
	}
	for _, text := range own {
		text, isLink := strings.CutSuffix(text, " link")
		address, err := netlink.ParseAddr(text)
		must(t, err)
		if isLink {
			address.Scope = unix.RT_SCOPE_LINK
		}
		must(t, netlink.AddrAdd(w.lan, address))
	}
}

func TestSubnetsOnTheLinkAreNamedOnceAndNotByVirtualAddresses(t *testing.T) {
	needMark(t)
	w := newWire(t)
	populate(t, w, []string{"10.0.0.1/24"}, []string{"192.168.1.2/24", "192.168.1.3/24", "172.16.0.9/12"})
	_, far, err := net.ParseCIDR("198.51.100.0/30")
	must(t, err)
	host := &net.IPNet{IP: net.IPv4(192, 0, 2, 1), Mask: net.CIDRMask(32, 32)}
	must(t, netlink.AddrAdd(w.lan, &netlink.Addr{IPNet: host, Peer: far}))
	got, err := newLinks(t).OnLink(w.index())
	must(t, err)
	want := []netip.Prefix{
		netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("198.51.100.0/30"),
	}
	if !sameSet(got, want) {
		t.Errorf("subnets are %v, want %v", got, want)
	}
}
