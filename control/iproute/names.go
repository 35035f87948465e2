package iproute

import (
	"strconv"

	"golang.org/x/sys/unix"
)

var builtInTables = map[string]uint32{
	"local":   unix.RT_TABLE_LOCAL,
	"main":    unix.RT_TABLE_MAIN,
	"default": unix.RT_TABLE_DEFAULT,
}

var scopes = map[string]uint8{
	"global":  unix.RT_SCOPE_UNIVERSE,
	"site":    unix.RT_SCOPE_SITE,
	"link":    unix.RT_SCOPE_LINK,
	"host":    unix.RT_SCOPE_HOST,
	"nowhere": unix.RT_SCOPE_NOWHERE,
}

// protocols are the names that iproute2 has for who set a route.
var protocols = map[string]uint8{
	"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10, "zebra": 11, "bird": 12,
	"dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "keepalived": ProtocolKeepalived, "babel": 42, "bgp": 186,
	"isis": 187, "ospf": 188, "rip": 189, "eigrp": 192,
}

// routeTypes are the types of routes that can be virtual.
var routeTypes = map[string]uint8{
	"unicast":     unix.RTN_UNICAST,
	"blackhole":   unix.RTN_BLACKHOLE,
	"unreachable": unix.RTN_UNREACHABLE,
	"prohibit":    unix.RTN_PROHIBIT,
	"throw":       unix.RTN_THROW,
}

// Of linux/fib_rules.h, which package unix lacks.
const (
	// ActionTable looks the destination up in a table.
	ActionTable uint8 = 1
	// ActionBlackhole drops the packet.
	ActionBlackhole uint8 = 6
	// ActionUnreachable says that the network is unreachable.
	ActionUnreachable uint8 = 7
	// ActionProhibit says that it is prohibited.
	ActionProhibit uint8 = 8
)

var actions = map[string]uint8{
	"blackhole":   ActionBlackhole,
	"unreachable": ActionUnreachable,
	"prohibit":    ActionProhibit,
}

// nameOf is the name of n, or n in decimal.
func nameOf[N uint8 | uint32](n N, names map[string]N) string {
	for name, number := range names {
		if number == n {
			return name
		}
	}
	return strconv.FormatUint(uint64(n), 10)
}
