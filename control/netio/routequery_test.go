package netio

import (
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

func TestARouteToAPrefixIsFound(t *testing.T) {
	tests := []struct {
		name            string
		routes          []string
		prefix          string
		table           uint32
		exact, covering bool
	}{
		{"that very prefix", []string{"198.51.100.0/24 dev lan0"}, "198.51.100.0/24", 0, true, true},
		{"none", nil, "198.51.100.0/24", 0, false, false},
		{"one that contains it", []string{"198.51.0.0/16 dev lan0"}, "198.51.100.0/24", 0, false, true},
		{"one inside it", []string{"198.51.100.0/25 dev lan0"}, "198.51.100.0/24", 0, false, false},
		{"two that fill it", []string{"198.51.100.0/25 dev lan0", "198.51.100.128/25 dev lan0"}, "198.51.100.0/24", 0, false, false},
		{"that very prefix behind two that fill it",
			[]string{"198.51.100.0/25 dev lan0", "198.51.100.128/25 dev lan0", "198.51.100.0/24 dev lan0"}, "198.51.100.0/24", 0, true, true},
		{"one that contains it behind two that fill it",
			[]string{"198.51.100.0/25 dev lan0", "198.51.100.128/25 dev lan0", "198.51.0.0/16 dev lan0"}, "198.51.100.0/24", 0, false, true},
		{"the default route", []string{"default dev lan0"}, "198.51.100.0/24", 0, false, false},
		{"the default route is asked for", []string{"default dev lan0"}, "0.0.0.0/0", 0, true, false},
		{"there is no default route", []string{"0.0.0.0/1 dev lan0", "128.0.0.0/1 dev lan0"}, "0.0.0.0/0", 0, false, false},
		{"a host", []string{"198.51.100.7 dev lan0"}, "198.51.100.7/32", 0, true, true},
		{"a subnet of the host's own", nil, "192.0.2.0/24", 0, true, true},
		{"an address of the host's own", nil, "192.0.2.250/32", 0, false, true},
		{"a blackhole", []string{"blackhole 198.51.100.0/24"}, "198.51.100.0/24", 0, false, false},
		{"a route behind a blackhole", []string{"blackhole 198.51.100.0/24", "198.51.0.0/16 dev lan0"}, "198.51.100.0/24", 0, false, true},
		{"a blackhole behind a route", []string{"unreachable 198.51.0.0/16", "198.51.100.0/24 dev lan0"}, "198.51.100.0/24", 0, true, true},
		{"bits beyond the prefix", []string{"198.51.100.0/24 dev lan0"}, "198.51.100.7/24", 0, true, true},
		{"another table", []string{"198.51.100.0/24 dev lan0 table 4711"}, "198.51.100.0/24", 0, false, false},
		{"that other table", []string{"198.51.100.0/24 dev lan0 table 4711"}, "198.51.100.0/24", 4711, true, true},
		{"only the main table", []string{"198.51.100.0/24 dev lan0", "10.0.0.0/8 dev lan0 table 4711"}, "198.51.100.0/24", 4711, false, false},
		{"a table that does not exist", []string{"198.51.100.0/24 dev lan0"}, "198.51.100.0/24", 4712, false, false},
		{"several next hops", []string{"198.51.100.0/24 nexthop via 192.0.2.3 nexthop via 192.0.2.4"}, "198.51.100.0/24", 0, true, true},
		{"IPv6, that very prefix", []string{"2001:db8:5::/48 dev lan0"}, "2001:db8:5::/48", 0, true, true},
		{"IPv6, none", nil, "2001:db8:5::/48", 0, false, false},
		{"IPv6, one that contains it", []string{"2001:db8:4::/46 dev lan0"}, "2001:db8:5::/48", 0, false, true},
		{"IPv6, two that fill it", []string{"2001:db8:5::/49 dev lan0", "2001:db8:5:8000::/49 dev lan0"}, "2001:db8:5::/48", 0, false, false},
		{"IPv6, the default route", []string{"inet6 default dev lan0"}, "2001:db8:5::/48", 0, false, false},
		{"IPv6, the default route is asked for", []string{"inet6 default dev lan0"}, "::/0", 0, true, false},
		{"IPv6, a blackhole", []string{"blackhole 2001:db8:5::/48"}, "2001:db8:5::/48", 0, false, false},
		{"IPv6, a route behind a blackhole", []string{"blackhole 2001:db8:5::/48", "2001:db8:4::/46 dev lan0"}, "2001:db8:5::/48", 0, false, true},
		{"IPv6, another table", []string{"2001:db8:5::/48 dev lan0 table 4711"}, "2001:db8:5::/48", 0, false, false},
		{"IPv6, that other table", []string{"2001:db8:5::/48 dev lan0 table 4711"}, "2001:db8:5::/48", 4711, true, true},
		{"IPv6, a table that does not exist", nil, "2001:db8:5::/48", 4712, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTables(t)
			links := newLinks(t)
			for _, line := range tt.routes {
				s.addRoute(t, line)
			}
			for covering, want := range map[bool]bool{false: tt.exact, true: tt.covering} {
				got, err := links.HasRoute(netip.MustParsePrefix(tt.prefix), covering, tt.table)
				must(t, err)
				if got != want {
					t.Errorf("covering %v: %v", covering, got)
				}
			}
		})
	}
}

func TestARuleThatHidesATableHidesNoRouteInIt(t *testing.T) {
	for _, line := range []string{"unreachable preference 10", "table 4711 preference 10", "to 198.51.100.0/24 prohibit preference 10"} {
		t.Run(line, func(t *testing.T) {
			s := newTables(t)
			s.addRule(t, line)
			s.addRoute(t, "198.51.100.0/24 dev lan0")
			s.addRoute(t, "198.51.100.0/28 dev lan0 table 4711")
			if has, err := newLinks(t).HasRoute(netip.MustParsePrefix("198.51.100.0/24"), false, 0); err != nil || !has {
				t.Errorf("has is %v, error %v", has, err)
			}
		})
	}
}

func TestARuleThatSkipsTheMainTableHidesNoRouteInIt(t *testing.T) {
	s := newTables(t)
	s.addRoute(t, "198.51.100.0/24 dev lan0")
	main := netlink.NewRule()
	main.Table, main.Priority = unix.RT_TABLE_MAIN, 32766
	must(t, netlink.RuleDel(main))
	if has, err := newLinks(t).HasRoute(netip.MustParsePrefix("198.51.100.0/24"), false, 0); err != nil || !has {
		t.Errorf("has is %v, error %v", has, err)
	}
}

func TestWhatIsNoPrefixHasNoRoute(t *testing.T) {
	newWire(t)
	for _, prefix := range []netip.Prefix{{}, netip.MustParsePrefix("::ffff:192.168.1.1/120")} {
		if _, err := newLinks(t).HasRoute(prefix, false, 0); err == nil {
			t.Errorf("%v: no error", prefix)
		}
	}
}

// fill gives the main table n routes, 10.0.0.0/24 and so on.
func fill(t testing.TB, n, ifindex int) {
	t.Helper()
	change(t, unix.RTM_NEWROUTE, unix.NLM_F_CREATE, n, ifindex)
}

// empty takes back fill.
func empty(t testing.TB, n, ifindex int) {
	t.Helper()
	change(t, unix.RTM_DELROUTE, 0, n, ifindex)
}

// change makes n changes in a few large writes.
func change(t testing.TB, kind, flags, n, ifindex int) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	var batch []byte
	for i := range n {
		request := nl.NewNetlinkRequest(kind, flags)
		request.AddData(&nl.RtMsg{RtMsg: unix.RtMsg{
			Family: unix.AF_INET, Dst_len: 24, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_BGP, Scope: unix.RT_SCOPE_LINK, Type: unix.RTN_UNICAST,
		}})
		request.AddData(nl.NewRtAttr(unix.RTA_DST, []byte{byte(10 + i>>16), byte(i >> 8), byte(i), 0}))
		request.AddData(attribute32(unix.RTA_OIF, uint32(ifindex)))
		batch = append(batch, request.Serialize()...)
		if len(batch) > 1<<15 || i == n-1 {
			if err := unix.Sendto(socket, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

// Listing a table with a million routes takes a second: it must be the exception.
func TestOrdinaryQuestionsNeedNoListing(t *testing.T) {
	s := newTables(t)
	for _, line := range []string{
		"198.51.100.0/24 dev lan0", "10.0.0.0/9 dev lan0", "10.128.0.0/9 dev lan0", "2001:db8:5::/48 dev lan0", "inet6 default dev lan0",
	} {
		s.addRoute(t, line)
	}
	tests := []struct {
		prefix   string
		covering bool
		want     bool
	}{
		{"198.51.100.0/24", false, true}, {"198.51.100.0/25", false, false}, {"198.51.100.0/25", true, true},
		{"203.0.113.0/24", false, false}, {"203.0.113.0/24", true, false}, {"0.0.0.0/0", false, false},
		{"2001:db8:5::/48", false, true}, {"2001:db8:5:1::/64", true, true}, {"2001:db8:6::/48", true, false}, {"::/0", false, true},
	}
	for _, tt := range tests {
		q := routeQuery{netip.MustParsePrefix(tt.prefix), tt.covering, unix.RT_TABLE_MAIN}
		has, certain, err := newLinks(t).route.probe(q, probePatterns[0])
		if err != nil || !certain || has != tt.want {
			t.Errorf("%s, covering %v: %v, certain %v, error %v", tt.prefix, tt.covering, has, certain, err)
		}
	}
}

// benchmarkTable is a namespace whose main table has 100,000 routes.
func benchmarkTable(b *testing.B) *Links {
	b.Helper()
	if os.Getuid() != 0 {
		b.Skip("needs root")
	}
	runtime.LockOSThread() // for good: the namespace ends with the thread
	namespace, err := netns.New()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { namespace.Close() })
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		b.Fatal(err)
	}
	fill(b, 100_000, lo.Attrs().Index)
	links, err := NewLinks()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { links.Close() })
	return links
}

func BenchmarkHasRoute(b *testing.B) {
	for _, bench := range []struct {
		name, prefix string
		want         bool
	}{
		{"of 100000 is there", "10.1.7.0/24", true},
		{"of 100000 is missing", "99.1.7.0/24", false},
		{"of 100000 is missing and longer ones hide it", "10.0.0.0/9", false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			links := benchmarkTable(b)
			for b.Loop() {
				has, err := links.HasRoute(netip.MustParsePrefix(bench.prefix), false, 0)
				if err != nil || has != bench.want {
					b.Fatalf("has is %v, error %v", has, err)
				}
			}
		})
	}
}
