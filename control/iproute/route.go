package iproute

import (
	"errors"
	"net/netip"
)

// Names resolves the names that routes and rules may use in place of numbers.
type Names interface {
	// Table is the number of a routing table of /etc/iproute2/rt_tables.
	Table(name string) (number uint32, ok bool)
}

// Route is an IPv4 or IPv6 route. It can be compared with reflect.DeepEqual.
type Route struct {
	Family      uint8 // 4 or 6
	Type        uint8 // RTN_UNICAST, RTN_BLACKHOLE, …
	Destination netip.Prefix
	Hops        []Hop      // one, or several of a multipath route; none for a blackhole
	Source      netip.Addr // preferred source ("src"); zero: the kernel's choice
	Table       uint32     // 0: main
	Metric      uint32
	Scope       uint8 // RT_SCOPE_…
	HasScope    bool  // without it the kernel's usual one
	Protocol    uint8 // RTPROT_…; 0: keepalived's 18, RTPROT_KEEPALIVED
	TOS         uint8
	MTU         uint32 // 0: that of the interface
	AdvMSS      uint32
	// NoTrack: does not come back when others remove it.
	NoTrack bool
}

// Hop is where a route leads.
type Hop struct {
	Gateway   netip.Addr // zero: on link
	Interface string     // "": found through the gateway
	OnLink    bool
	Weight    uint8 // of a multipath route, from 1
}

// ParseRoute reads one line of virtual_routes. Errors name the word that is wrong.
func ParseRoute(words []string, names Names) (Route, error) {
	return Route{}, errors.New("not written yet")
}
