package iproute

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// ProtocolKeepalived is RTPROT_KEEPALIVED: who set a virtual route or rule, here as there.
const ProtocolKeepalived uint8 = 18

// Names resolves the names that routes and rules may use in place of numbers.
type Names interface {
	// Table is the number of a routing table of /etc/iproute2/rt_tables.
	Table(name string) (number uint32, ok bool)
}

// Place is where a route goes among others to the same destination with the same metric. IPv4 only: of IPv6 routes the
// kernel makes one multipath route.
type Place uint8

const (
	// PlaceFirst puts it before the others.
	PlaceFirst Place = iota
	// PlaceLast puts it after them.
	PlaceLast
	// PlaceAlone does not put it there if there are others.
	PlaceAlone
)

// Route is an IPv4 or IPv6 route. It can be compared with reflect.DeepEqual.
type Route struct {
	Family      uint8 // 4 or 6
	Type        uint8 // RTN_UNICAST, RTN_BLACKHOLE, …
	Destination netip.Prefix
	Hops        []Hop      // one, or several of a multipath route; none for a blackhole
	Source      netip.Addr // preferred source ("src"); zero: the kernel's choice
	Table       uint32     // 0: main
	Metric      uint32     // 0: the kernel's usual one, 0 for IPv4 and 1024 for IPv6
	Scope       uint8      // RT_SCOPE_…; IPv4 only
	HasScope    bool       // without it that of ip(8): link without a gateway, global with one
	Protocol    uint8      // RTPROT_…; 0: keepalived's 18, RTPROT_KEEPALIVED
	TOS         uint8      // IPv4 only
	MTU         uint32     // 0: that of the interface
	LockMTU     bool       // path MTU discovery does not change it
	AdvMSS      uint32     // in bytes; 0: from the MTU
	Place       Place
	// NoTrack: does not come back when others remove it.
	NoTrack bool
}

// Hop is where a route leads.
type Hop struct {
	Gateway   netip.Addr // zero: on link
	Interface string     // "": found through the gateway
	OnLink    bool       // Gateway need not be in a subnet of Interface
	Weight    uint16     // of a multipath route, 1..256; 0: 1
}

type routeLine struct {
	Route
	names        Names
	inet6        bool
	all          bool  // the destination is "default", of either family
	single       Hop   // of via, dev and onlink outside nexthop
	plain        bool  // one of them was given
	alternatives []Hop // of or
}

// ParseRoute reads one line of virtual_routes, without its comment. names may be nil: then only the tables have names
// that always do. The error is of every wrong word of the line, joined with errors.Join: keepalived leaves out such a
// route. Warnings are of words that keepalived ignores or takes otherwise.
func ParseRoute(line []string, names Names) (Route, []string, error) {
	p := parser{words: line}
	r := routeLine{names: names, Route: Route{Type: unix.RTN_UNICAST}}
	for word, ok := p.next(); ok; word, ok = p.next() {
		r.read(&p, word)
	}
	r.finish(&p)
	if err := p.err(); err != nil {
		return Route{}, p.warnings, err
	}
	return r.Route, p.warnings, nil
}

func (r *routeLine) read(p *parser, word string) {
	if _, isType := routeTypes[word]; isType {
		p.once("type", word)
		r.Type = routeTypes[word]
		return
	}
	if read, known := routeWords[word]; known {
		read(p, r, word)
		return
	}
	if isDestination(word) {
		r.readDestination(p, word)
		return
	}
	p.unknown(word, "virtual_routes", append(sortedKeys(routeWords), sortedKeys(routeTypes)...), routeUnsupported)
}

// isDestination tells a mistyped destination from a mistyped keyword.
func isDestination(word string) bool {
	if isAll(word) {
		return true
	}
	prefix, _ := parsePrefix(word)
	return prefix.IsValid() || word != "" && word[0] >= '0' && word[0] <= '9'
}

func isAll(word string) bool {
	return word == "default" || word == "any" || word == "all"
}

// readDestination leaves the family of "default" to the other words.
func (r *routeLine) readDestination(p *parser, word string) {
	if r.Destination.IsValid() || r.all {
		p.fail("%s is a second destination: one route per line", word)
		return
	}
	if isAll(word) {
		r.all = true
		return
	}
	prefix, err := parsePrefix(word)
	if err != nil {
		p.fail("destination %q: %w", word, err)
	}
	if !prefix.IsValid() {
		r.all = true // something stands here: that it is missing need not be said
		return
	}
	r.Destination = prefix
	r.settle(p, prefix.Addr(), word)
}

// settle holds all addresses of a route to one family.
func (r *routeLine) settle(p *parser, address netip.Addr, word string) {
	family := familyOf(address)
	if r.Family != 0 && r.Family != family {
		p.fail("%s: IPv4 and IPv6 in one route", word)
		return
	}
	r.Family = family
}

// routeUnsupported are words that keepalived knows.
var routeUnsupported = []string{
	"as", "broadcast", "anycast", "multicast", "local", "nat", "xresolve", "congctl", "cwnd", "encap",
	"fastopen_no_cookie", "features", "hoplimit", "initcwnd", "initrwnd", "pref", "quickack", "realms", "reordering", "rto_min",
	"rtt", "rttvar", "ssthresh", "track_group", "ttl-propagate", "vrf", "window",
}

var routeWords = words[routeLine]{
	"to": func(p *parser, r *routeLine, word string) {
		r.inet6 = p.skip("inet6") || r.inet6
		if text, ok := p.value(word); ok {
			r.readDestination(p, text)
		}
	},
	"inet6": func(_ *parser, r *routeLine, _ string) { r.inet6 = true },
	"src": func(p *parser, r *routeLine, word string) {
		p.once("src", word)
		var ok bool
		if r.Source, ok = p.address(word); ok {
			r.settle(p, r.Source, word+" "+r.Source.String())
		}
	},
	"via":        readVia,
	"gw":         readVia,
	"dev":        readDevice,
	"oif":        readDevice,
	"onlink":     func(_ *parser, r *routeLine, _ string) { r.plain, r.single.OnLink = true, true },
	"or":         readOr,
	"nexthop":    readNextHop,
	"table":      func(p *parser, r *routeLine, word string) { p.once("table", word); r.Table = p.table(word, r.names) },
	"metric":     readMetric,
	"priority":   readMetric,
	"preference": readMetric,
	"scope": func(p *parser, r *routeLine, word string) {
		p.once("scope", word)
		r.Scope, r.HasScope = p.named(word, scopes)
	},
	"protocol": func(p *parser, r *routeLine, word string) {
		p.once("protocol", word)
		r.Protocol, _ = p.named(word, protocols)
	},
	"tos":      readTOS,
	"dsfield":  readTOS,
	"mtu":      readMTU,
	"advmss":   func(p *parser, r *routeLine, word string) { p.once("advmss", word); r.AdvMSS = p.uint32(word, 65495) },
	"append":   func(p *parser, r *routeLine, word string) { p.once("place", word); r.Place = PlaceLast },
	"prepend":  func(p *parser, r *routeLine, word string) { p.once("place", word); r.Place = PlaceFirst },
	"add":      func(p *parser, r *routeLine, word string) { p.once("place", word); r.Place = PlaceAlone },
	"no_track": func(_ *parser, r *routeLine, _ string) { r.NoTrack = true },
}

func (p *parser) uint32(word string, most uint64) uint32 {
	n, _ := p.number(word, 0, most)
	return uint32(n)
}

func readMetric(p *parser, r *routeLine, word string) {
	p.once("metric", word)
	r.Metric = p.uint32(word, 1<<32-1)
}

func readTOS(p *parser, r *routeLine, word string) {
	p.once("tos", word)
	r.TOS = p.trafficClass(word)
}

// readMTU bounds it as the kernel silently does.
func readMTU(p *parser, r *routeLine, word string) {
	p.once("mtu", word)
	r.LockMTU = p.skip("lock")
	r.MTU = p.uint32(word, 65520)
}

// finish checks what depends on several words.
func (r *routeLine) finish(p *parser) {
	if !r.Destination.IsValid() && !r.all {
		p.fail("the route lacks a destination")
	}
	r.finishFamily(p)
	r.finishHops(p)
	if r.Protocol == 0 {
		r.Protocol = ProtocolKeepalived
	}
	if r.Protocol != ProtocolKeepalived && !r.NoTrack {
		p.warn("protocol %s needs no_track: without it keepalived sets its own, and so do we", nameOf(r.Protocol, protocols))
		r.Protocol = ProtocolKeepalived
	}
}

func (r *routeLine) finishFamily(p *parser) {
	if r.inet6 && r.Family == 4 {
		p.fail("inet6 beside IPv4 addresses")
	}
	if r.Family == 0 {
		r.Family = 4
		if r.inet6 {
			r.Family = 6
		}
	}
	if r.all {
		r.Destination = everything(r.Family)
	}
	if r.Family == 6 {
		r.finish6(p)
	} else if r.Destination.IsValid() && r.Destination != r.Destination.Masked() {
		p.fail("%s has bits set beyond its prefix length: %s is meant?", r.Destination, r.Destination.Masked())
	}
}

func (r *routeLine) finish6(p *parser) {
	if r.Destination.IsValid() && r.Destination != r.Destination.Masked() {
		p.warn("%s has bits set beyond its prefix length: the kernel makes it %s", r.Destination, r.Destination.Masked())
		r.Destination = r.Destination.Masked()
	}
	if r.HasScope {
		p.warn("scope is of IPv4: the kernel ignores it for %s", r.Destination)
		r.Scope, r.HasScope = 0, false
	}
	if r.TOS != 0 {
		p.fail("tos is of IPv4: the kernel refuses a route to %s with it", r.Destination)
	}
}

// everything is the destination of the default route.
func everything(family uint8) netip.Prefix {
	if family == 6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}
