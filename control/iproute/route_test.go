package iproute

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// tableNames is /etc/iproute2/rt_tables.
type tableNames map[string]uint32

func (n tableNames) Table(name string) (uint32, bool) {
	number, known := n[name]
	return number, known
}

var tables = tableNames{"wan": 4711}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// unicast is a route of keepalived's to an IPv4 destination.
func unicast(destination string, hops ...Hop) Route {
	return Route{Family: 4, Type: unix.RTN_UNICAST, Destination: prefix(destination), Hops: hops, Protocol: 18}
}

func with(r Route, change func(*Route)) Route {
	change(&r)
	return r
}

func TestARouteIsRead(t *testing.T) {
	lan := Hop{Interface: "lan0"}
	via := Hop{Gateway: addr("192.0.2.3"), Interface: "lan0"}
	const net = "198.51.100.0/24"
	tests := []struct {
		line     string
		want     Route
		warnings []string
	}{
		{line: net + " dev lan0", want: unicast(net, lan)},
		{line: "unicast to " + net + " oif lan0", want: unicast(net, lan)},
		{line: "198.51.100.7 dev lan0", want: unicast("198.51.100.7/32", lan)},
		{line: net + " via 192.0.2.3", want: unicast(net, Hop{Gateway: addr("192.0.2.3")})},
		{line: net + " gw 192.0.2.3 dev lan0 onlink", want: unicast(net, Hop{Gateway: addr("192.0.2.3"), Interface: "lan0", OnLink: true})},
		{
			line: "src 192.0.2.1 to " + net + " via 192.0.2.3 dev lan0 table 5 metric 77 scope link tos 0x10 mtu lock 1400 advmss 1360 no_track",
			want: with(unicast(net, via), func(r *Route) {
				r.Source, r.Table, r.Metric, r.Scope, r.HasScope, r.TOS = addr("192.0.2.1"), 5, 77, unix.RT_SCOPE_LINK, true, 0x10
				r.MTU, r.LockMTU, r.AdvMSS, r.NoTrack = 1400, true, 1360, true
			}),
		},
		{line: net + " dev lan0 scope global", want: with(unicast(net, lan), func(r *Route) { r.HasScope = true })},
		{line: net + " dev lan0 table wan", want: with(unicast(net, lan), func(r *Route) { r.Table = 4711 })},
		{line: net + " dev lan0 table main", want: with(unicast(net, lan), func(r *Route) { r.Table = 254 })},
		{line: net + " dev lan0 table 0x10", want: with(unicast(net, lan), func(r *Route) { r.Table = 16 })},
		{line: net + " dev lan0 priority 7", want: with(unicast(net, lan), func(r *Route) { r.Metric = 7 })},
		{line: net + " dev lan0 preference 4278198272", want: with(unicast(net, lan), func(r *Route) { r.Metric = 4278198272 })},
		{line: net + " dev lan0 dsfield 24", want: with(unicast(net, lan), func(r *Route) { r.TOS = 0x18 })},
		{line: net + " dev lan0 append", want: with(unicast(net, lan), func(r *Route) { r.Place = PlaceLast })},
		{line: "add " + net + " dev lan0", want: with(unicast(net, lan), func(r *Route) { r.Place = PlaceAlone })},
		{line: "prepend " + net + " dev lan0", want: unicast(net, lan)},
		{
			line: net + " dev lan0 metric 5 priority 6", want: with(unicast(net, lan), func(r *Route) { r.Metric = 6 }),
			warnings: []string{"priority is given more than once"},
		},
		{
			line: net + " nexthop via 192.0.2.5 dev lan0 weight 2 nexthop via 192.0.2.6 dev lan0 onlink weight 256 metric 5",
			want: with(unicast(net, Hop{Gateway: addr("192.0.2.5"), Interface: "lan0", Weight: 2},
				Hop{Gateway: addr("192.0.2.6"), Interface: "lan0", OnLink: true, Weight: 256}), func(r *Route) { r.Metric = 5 }),
		},
		{line: net + " nexthop gw 192.0.2.5", want: unicast(net, Hop{Gateway: addr("192.0.2.5"), Weight: 1})},
		{
			line:     net + " via 192.0.2.3 or 192.0.2.4 dev lan0",
			want:     unicast(net, Hop{Gateway: addr("192.0.2.3"), Interface: "lan0", Weight: 1}, Hop{Gateway: addr("192.0.2.4"), Interface: "lan0", Weight: 1}),
			warnings: []string{"or is deprecated"},
		},
		{line: "default via 192.0.2.3 dev lan0", want: unicast("0.0.0.0/0", via)},
		{line: "0.0.0.0/0 gw 192.0.2.3 dev lan0 table 100", want: with(unicast("0.0.0.0/0", via), func(r *Route) { r.Table = 100 })},
		{line: "any dev lan0", want: unicast("0.0.0.0/0", lan)},
		{line: "blackhole " + net, want: with(unicast(net), func(r *Route) { r.Type = unix.RTN_BLACKHOLE })},
		{line: "unreachable default metric 5", want: with(unicast("0.0.0.0/0"), func(r *Route) { r.Type, r.Metric = unix.RTN_UNREACHABLE, 5 })},
		{line: "prohibit " + net, want: with(unicast(net), func(r *Route) { r.Type = unix.RTN_PROHIBIT })},
		{line: "throw " + net, want: with(unicast(net), func(r *Route) { r.Type = unix.RTN_THROW })},
		{line: net + " dev lan0 protocol bird no_track", want: with(unicast(net, lan), func(r *Route) { r.Protocol, r.NoTrack = 12, true })},
		{line: net + " dev lan0 protocol keepalived", want: unicast(net, lan)},
		{line: net + " dev lan0 protocol bird", want: unicast(net, lan), warnings: []string{"protocol bird needs no_track"}},
		{
			line: "2001:db8:5::/48 via fe80::1 dev lan0",
			want: with(unicast("2001:db8:5::/48", Hop{Gateway: addr("fe80::1"), Interface: "lan0"}), func(r *Route) { r.Family = 6 }),
		},
		{line: "inet6 default dev lan0", want: with(unicast("::/0", lan), func(r *Route) { r.Family = 6 })},
		{line: "to inet6 default dev lan0", want: with(unicast("::/0", lan), func(r *Route) { r.Family = 6 })},
		{line: "default via inet6 2001:db8::3", want: with(unicast("::/0", Hop{Gateway: addr("2001:db8::3")}), func(r *Route) { r.Family = 6 })},
		{
			line: "2001:db8:5::1/48 dev lan0 scope link", want: with(unicast("2001:db8:5::/48", lan), func(r *Route) { r.Family = 6 }),
			warnings: []string{"the kernel makes it 2001:db8:5::/48", "scope is of IPv4"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, warnings, err := ParseRoute(strings.Fields(tt.line), tables)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, sameAddr, samePrefix); diff != "" {
				t.Errorf("route (-want +got):\n%s", diff)
			}
			if !holds(warnings, tt.warnings) {
				t.Errorf("warnings are %q, want %q", warnings, tt.warnings)
			}
		})
	}
}

func TestARouteThatIsWrongIsRefused(t *testing.T) {
	const net = "198.51.100.0/24 dev lan0 "
	tests := []struct {
		line string
		errs []string
	}{
		{"", []string{"lacks a destination", "leads nowhere"}},
		{"dev lan0", []string{"lacks a destination"}},
		{"198.51.100.0/24", []string{"lacks via, dev or nexthop"}},
		{net + "198.51.101.0/24", []string{"198.51.101.0/24 is a second destination: one route per line"}},
		{net + "default", []string{"default is a second destination"}},
		{net + "to 198.51.101.0/24", []string{"second destination"}},
		{"198.51.100.7/24 dev lan0", []string{"bits set beyond its prefix length: 198.51.100.0/24 is meant?"}},
		{"198.51.100.0/33 dev lan0", []string{`"33" is not a number in 0..32`}},
		{"10.1/16 dev lan0", []string{`destination "10.1/16": not an IPv4`}},
		{net + "proto bird", []string{`"proto" in virtual_routes: did you mean "protocol"?`, `"bird"`}},
		{net + "tabel 5", []string{`did you mean "table"?`, "second destination", `"5"`}[:1]},
		{net + "foo", []string{`unknown word "foo" in virtual_routes`}},
		{net + "vrf red", []string{"vrf is not supported in virtual_routes", `"red"`}},
		{net + "realms", []string{"realms is not supported"}},
		{net + "congct", []string{`did you mean "congctl"?`}},
		{"local 198.51.100.0/24 dev lan0", []string{"local is not supported"}},
		{net + "table nosuch", []string{`table "nosuch" is neither a number in 1..4294967295 nor a name in /etc/iproute2/rt_tables`}},
		{net + "table 0", []string{`table "0"`}},
		{net + "table", []string{"table lacks its value"}},
		{net + "metric 4294967296", []string{`metric "4294967296" is not a number in 0..4294967295`}},
		{net + "metric 5x", []string{`metric "5x"`}},
		{net + "metric 1_0", []string{`metric "1_0"`}},
		{net + "metric -1", []string{`metric "-1"`}},
		{net + "tos 0x11", []string{"tos 0x11 has bits of ECN"}},
		{net + "tos 0x12", []string{"tos 0x12 has bits of ECN"}},
		{net + "tos 256", []string{`tos "256"`}},
		{net + "scope x", []string{`scope "x"`}},
		{net + "protocol x", []string{`protocol "x"`}},
		{net + "mtu lock", []string{"mtu lacks its value"}},
		{net + "mtu 70000", []string{"0..65520"}},
		{net + "src x", []string{`src "x": not an IPv4`}},
		{net + "src 2001:db8::1", []string{"src 2001:db8::1: IPv4 and IPv6 in one route"}},
		{net + "via 2001:db8::1", []string{"via 2001:db8::1: IPv4 and IPv6 in one route"}},
		{net + "inet6", []string{"inet6 beside IPv4"}},
		{net + "onlink", []string{"onlink needs both via and dev"}},
		{net + "nexthop via 192.0.2.3", []string{"beside nexthop"}},
		{"198.51.100.0/24 nexthop", []string{"nexthop lacks via or dev"}},
		{"198.51.100.0/24 nexthop via 192.0.2.3 weight 257", []string{`weight "257" is not a number in 1..256`}},
		{"198.51.100.0/24 nexthop via 192.0.2.3 weight 0", []string{`weight "0"`}},
		{"198.51.100.0/24 or 192.0.2.3", []string{"or needs via before it"}},
		{"blackhole " + net, []string{"type blackhole leads nowhere"}},
		{"2001:db8:5::/48 dev lan0 tos 8", []string{"tos is of IPv4"}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, _, err := ParseRoute(strings.Fields(tt.line), tables)
			lines := linesOf(err)
			if len(lines) < len(tt.errs) || !holds(lines[:len(tt.errs)], tt.errs) {
				t.Errorf("errors are %q, want %q", lines, tt.errs)
			}
			if got.Destination.IsValid() {
				t.Errorf("there is a route all the same: %s", got)
			}
		})
	}
}

func TestWithoutNamesTheUsualTablesHaveTheirs(t *testing.T) {
	route, _, err := ParseRoute(strings.Fields("198.51.100.0/24 dev lan0 table local"), nil)
	if err != nil || route.Table != 255 {
		t.Errorf("table %d, error %v", route.Table, err)
	}
	if _, _, err := ParseRoute(strings.Fields("198.51.100.0/24 dev lan0 table wan"), nil); err == nil {
		t.Error("table wan: no error")
	}
}

func FuzzParseRoute(f *testing.F) {
	for _, line := range []string{
		"src 192.0.2.1 to 198.51.100.0/24 via 192.0.2.3 dev lan0 onlink table wan metric 77 scope link tos 0x10 mtu lock 1400 advmss 1360 no_track protocol 99",
		"198.51.100.0/24 nexthop via 192.0.2.5 dev lan0 weight 2 nexthop via 192.0.2.6 weight 256 append", "inet6 unreachable default metric 7",
		"2001:db8:5::/48 via inet6 fe80::1 dev lan0", "198.51.100.0/24 via 192.0.2.3 or 192.0.2.4 dev lan0", "throw default", "add any dev x",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		route, _, err := ParseRoute(strings.Fields(line), tables)
		if err != nil {
			return
		}
		again, warnings, err := ParseRoute(strings.Fields(route.String()), tables)
		if diff := cmp.Diff(route, again, sameAddr, samePrefix); diff != "" || err != nil || warnings != nil {
			t.Errorf("%q is %q, which is read with %v, %q otherwise (-first +again):\n%s", line, route, err, warnings, diff)
		}
	})
}
