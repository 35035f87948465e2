package netio

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// tables is a wire whose home has the addresses that the routes of the tests need.
type tables struct {
	*wire
	*Routes
}

func newTables(t *testing.T) tables {
	t.Helper()
	w := newWire6(t)
	give(t, w.lan, "192.0.2.250/24")
	give6(t, w.lan, "2001:db8::250/64")
	r, err := NewRoutes()
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return tables{w, r}
}

// resolve finds an interface of the thread's namespace.
func resolve(name string) (int, error) {
	link, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return 0, ErrNoInterface
	}
	if err != nil {
		return 0, err
	}
	return link.Attrs().Index, nil
}

func routeOf(t *testing.T, line string) iproute.Route {
	t.Helper()
	route, _, err := iproute.ParseRoute(strings.Fields(line), nil)
	must(t, err)
	return route
}

func ruleOf(t *testing.T, line string) iproute.Rule {
	t.Helper()
	rule, _, err := iproute.ParseRule(strings.Fields(line), nil)
	must(t, err)
	return rule
}

func (s tables) addRoute(t *testing.T, line string) bool {
	t.Helper()
	added, err := s.AddRoute(routeOf(t, line), resolve)
	must(t, err)
	return added
}

func (s tables) removeRoute(t *testing.T, line string) {
	t.Helper()
	must(t, s.RemoveRoute(routeOf(t, line), resolve))
}

func (s tables) addRule(t *testing.T, line string) bool {
	t.Helper()
	added, err := s.AddRule(ruleOf(t, line))
	must(t, err)
	return added
}

// shown is what the library, which is not ours, reads of a route: destination, metric, table, protocol, scope and hops.
func shown(t *testing.T, family int, protocol netlink.RouteProtocol) []netlink.Route {
	t.Helper()
	routes, err := netlink.RouteListFiltered(family, &netlink.Route{Protocol: protocol, Table: unix.RT_TABLE_UNSPEC},
		netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TABLE)
	must(t, err)
	return routes
}

const theirs = netlink.RouteProtocol(unix.RTPROT_STATIC)

// kept is a route of the administrator's, like one of the tests' but for its protocol.
func (s tables) kept(t *testing.T, destination, gateway string, metric int) {
	t.Helper()
	prefix := netip.MustParsePrefix(destination)
	to, err := netlink.ParseIPNet(prefix.String())
	must(t, err)
	route := &netlink.Route{Dst: to, Priority: metric, Protocol: theirs, LinkIndex: s.index()}
	if gateway != "" {
		route.Gw = netip.MustParseAddr(gateway).AsSlice()
	}
	must(t, netlink.RouteAdd(route))
}

func families(line string) int {
	if strings.Contains(line, "2001:") || strings.Contains(line, "inet6") {
		return netlink.FAMILY_V6
	}
	return netlink.FAMILY_V4
}

var virtualRoutes = []string{
	"198.51.100.0/24 via 192.0.2.33 dev lan0",
	"198.51.100.0/24 via 192.0.2.33",
	"198.51.100.7 dev lan0 src 192.0.2.250 metric 77",
	"default via 192.0.2.33 table 101",
	"198.51.100.0/24 dev lan0 table 4711 scope host tos 0x10",
	"198.51.100.0/24 nexthop via 192.0.2.55 dev lan0 weight 2 nexthop via 192.0.2.66 dev lan0 weight 256",
	"198.51.100.0/24 via 203.0.113.1 dev lan0 onlink mtu lock 1400 advmss 1360",
	"blackhole 198.51.100.0/24", "unreachable 198.51.100.0/24 metric 5", "prohibit default table 7", "throw 198.51.100.0/24",
	"2001:db8:5::/48 via 2001:db8::33",
	"2001:db8:5::/48 via fe80::1 dev lan0 src 2001:db8::250 metric 3",
	"2001:db8:5::7 dev lan0 mtu 1400",
	"inet6 default via 2001:db8::33 table 4711",
	"2001:db8:5::/48 nexthop via fe80::1 dev lan0 weight 1 nexthop via fe80::2 dev lan0 weight 3",
	"blackhole 2001:db8:5::/48", "inet6 unreachable default metric 4278198272",
}

func TestAVirtualRouteComesAndGoes(t *testing.T) {
	for _, line := range virtualRoutes {
		t.Run(line, func(t *testing.T) {
			s := newTables(t)
			family := families(line)
			if !s.addRoute(t, line) {
				t.Fatal("a new route: said to be there already")
			}
			if there := shown(t, family, netlink.RouteProtocol(iproute.ProtocolKeepalived)); len(there) != 1 {
				t.Fatalf("there are %v", there)
			}
			if s.addRoute(t, line) {
				t.Error("the same route again: said to be new")
			}
			s.removeRoute(t, line)
			if there := shown(t, family, netlink.RouteProtocol(iproute.ProtocolKeepalived)); len(there) != 0 {
				t.Errorf("left are %v", there)
			}
			s.removeRoute(t, line)
		})
	}
}

func TestARouteIsWhatItsWordsSay(t *testing.T) {
	s := newTables(t)
	s.addRoute(t, "198.51.100.0/24 via 192.0.2.33 dev lan0 src 192.0.2.250 table 4711 metric 77 tos 0x10 mtu lock 1400 advmss 1360")
	got := shown(t, netlink.FAMILY_V4, 18)[0]
	switch {
	case got.Dst.String() != "198.51.100.0/24", got.Gw.String() != "192.0.2.33", got.LinkIndex != s.index(),
		got.Src.String() != "192.0.2.250", got.Table != 4711, got.Priority != 77, got.Tos != 0x10,
		got.MTU != 1400, !got.MTULock, got.AdvMSS != 1360, got.Scope != netlink.SCOPE_UNIVERSE, got.Type != unix.RTN_UNICAST:
		t.Errorf("the route is %+v", got)
	}
}

func TestARouteWithSeveralNextHopsHasTheirWeights(t *testing.T) {
	for _, line := range []string{
		"198.51.100.0/24 nexthop via 192.0.2.55 dev lan0 weight 2 nexthop via 203.0.113.6 dev lan0 onlink weight 256",
		"2001:db8:5::/48 nexthop via 2001:db8::55 dev lan0 weight 2 nexthop via fe80::2 dev lan0 onlink weight 256",
	} {
		t.Run(line, func(t *testing.T) {
			s := newTables(t)
			s.addRoute(t, line)
			hops := shown(t, families(line), 18)[0].MultiPath
			if len(hops) != 2 || hops[0].Hops != 1 || hops[1].Hops != 255 || hops[1].Flags&unix.RTNH_F_ONLINK == 0 {
				t.Errorf("next hops are %v", hops)
			}
		})
	}
}

func TestANextHopThatGotLostIsAddedAgain(t *testing.T) {
	const line = "2001:db8:5::/48 nexthop via fe80::1 dev lan0 weight 1 nexthop via fe80::2 dev lan0 weight 3"
	s := newTables(t)
	s.addRoute(t, line)
	s.removeRoute(t, "2001:db8:5::/48 via fe80::2 dev lan0")
	if !s.addRoute(t, line) {
		t.Error("added is false")
	}
	if hops := shown(t, netlink.FAMILY_V6, 18)[0].MultiPath; len(hops) != 2 {
		t.Errorf("next hops are %v", hops)
	}
}

func TestARouteOnLinkCanLeadToGateways(t *testing.T) {
	s := newTables(t)
	s.addRoute(t, "198.51.100.0/24 dev lan0")
	s.addRoute(t, "default via 198.51.100.1")
}

func TestARouteOfTheAdministratorsStaysBesideOurs(t *testing.T) {
	tests := []struct {
		name, destination, gateway string
		metric                     int
		ours                       string
		added                      bool
	}{
		{"another gateway", "198.51.100.0/24", "192.0.2.99", 0, "198.51.100.0/24 via 192.0.2.33", true},
		{"the same gateway", "198.51.100.0/24", "192.0.2.33", 0, "198.51.100.0/24 via 192.0.2.33 dev lan0", true},
		{"another metric", "198.51.100.0/24", "192.0.2.33", 5, "198.51.100.0/24 via 192.0.2.33 dev lan0", true},
		{"another default gateway", "0.0.0.0/0", "192.0.2.99", 0, "default via 192.0.2.33", true},
		{"added last", "198.51.100.0/24", "192.0.2.99", 0, "198.51.100.0/24 via 192.0.2.33 append", true},
		{"added only if alone", "198.51.100.0/24", "192.0.2.99", 0, "add 198.51.100.0/24 via 192.0.2.33", false},
		{"another gateway, IPv6", "2001:db8:5::/48", "2001:db8::99", 0, "2001:db8:5::/48 via 2001:db8::33", true},
		{"the same gateway, IPv6", "2001:db8:5::/48", "2001:db8::33", 0, "2001:db8:5::/48 via 2001:db8::33", false},
		{"another metric, IPv6", "2001:db8:5::/48", "2001:db8::33", 5, "2001:db8:5::/48 via 2001:db8::33", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newTables(t)
			s.kept(t, tt.destination, tt.gateway, tt.metric)
			if added := s.addRoute(t, tt.ours); added != tt.added {
				t.Errorf("added is %v", added)
			}
			s.removeRoute(t, tt.ours)
			if left := shown(t, families(tt.ours), theirs); len(left) != 1 || left[0].Gw.String() != tt.gateway {
				t.Errorf("of the administrator's there is %v", left)
			}
			s.removeRoute(t, tt.ours)
			if left := shown(t, families(tt.ours), theirs); len(left) != 1 {
				t.Errorf("removed once more, of the administrator's there is %v", left)
			}
		})
	}
}

func TestOurRouteGoesBeforeOthersUnlessItSaysOtherwise(t *testing.T) {
	for line, gateway := range map[string]string{
		"198.51.100.0/24 via 192.0.2.33":        "192.0.2.33",
		"198.51.100.0/24 via 192.0.2.33 append": "192.0.2.99",
	} {
		t.Run(line, func(t *testing.T) {
			s := newTables(t)
			s.kept(t, "198.51.100.0/24", "192.0.2.99", 0)
			s.addRoute(t, line)
			way, err := netlink.RouteGet(netip.MustParseAddr("198.51.100.1").AsSlice())
			must(t, err)
			if way[0].Gw.String() != gateway {
				t.Errorf("the way is %v, want one over %s", way, gateway)
			}
		})
	}
}

func TestWhatNamesNoProtocolHasKeepalivedsOwn(t *testing.T) {
	s := newTables(t)
	route, rule := routeOf(t, "198.51.100.0/24 dev lan0"), ruleOf(t, "table 5 preference 11")
	route.Protocol, rule.Protocol = 0, 0
	_, err := s.AddRoute(route, resolve)
	must(t, err)
	_, err = s.AddRule(rule)
	must(t, err)
	if there := shown(t, netlink.FAMILY_V4, unix.RTPROT_KEEPALIVED); len(there) != 1 {
		t.Errorf("routes are %v", there)
	}
	rules, err := netlink.RuleList(netlink.FAMILY_V4)
	must(t, err)
	if rules[1].Protocol != unix.RTPROT_KEEPALIVED {
		t.Errorf("the rule is %+v", rules[1])
	}
}

func TestARouteWithTheUsualMetricIsNotTakenForOneWithAnother(t *testing.T) {
	const usual = "2001:db8:5::/48 via 2001:db8::33"
	s := newTables(t)
	s.addRoute(t, usual+" metric 5")
	s.removeRoute(t, usual)
	if left := shown(t, netlink.FAMILY_V6, unix.RTPROT_KEEPALIVED); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}

func TestRemovingARouteOfAnInterfaceThatIsGoneIsNoError(t *testing.T) {
	s := newTables(t)
	s.addRoute(t, "198.51.100.0/24 dev lan0")
	must(t, netlink.LinkDel(s.lan))
	s.removeRoute(t, "198.51.100.0/24 dev lan0")
}

func TestARouteThatCannotBeSaysWhatWasAttempted(t *testing.T) {
	s := newTables(t)
	for line, what := range map[string]string{
		"198.51.100.0/24 dev lan7":                  "add route 198.51.100.0/24 dev lan7: next hop on lan7: no such interface",
		"198.51.100.0/24 via 203.0.113.9":           "add route 198.51.100.0/24 via 203.0.113.9: ",
		"198.51.100.0/24 dev lan0 src 203.0.113.10": "add route 198.51.100.0/24 dev lan0 src 203.0.113.10: ",
	} {
		_, err := s.AddRoute(routeOf(t, line), resolve)
		if err == nil || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%s: error is %v", line, err)
		}
	}
}

func TestARouteOfANumberThatIsNoFamilyIsRefused(t *testing.T) {
	s := newTables(t)
	if _, err := s.AddRoute(iproute.Route{}, resolve); err == nil {
		t.Error("no error")
	}
}
