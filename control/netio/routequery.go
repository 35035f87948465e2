package netio

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// HasRoute reports whether a table has a unicast route to that very prefix or, with covering, a route to it or to a
// prefix that contains it, but not the default route. Blackholes and their like lead nowhere and do not count. table 0 is
// the main one; one that does not exist has no routes.
//
// It asks the kernel for the way to an address in the prefix, which costs the same in small and large tables: 4 µs, and
// 14 µs when there is none. Only when that says nothing for three addresses, because a longer prefix, another table or a
// blackhole comes first, it lists the table: 45 ms for 100,000 routes.
func (l *Links) HasRoute(prefix netip.Prefix, covering bool, table uint32) (bool, error) {
	if !prefix.IsValid() || prefix.Addr().Is4In6() {
		return false, fmt.Errorf("look for a route to %s: not an IPv4 or IPv6 prefix", prefix)
	}
	q := routeQuery{prefix.Masked(), covering, tableOf(table)}
	for _, pattern := range probePatterns {
		has, certain, err := l.route.probe(q, pattern)
		if err != nil {
			return false, fmt.Errorf("look for a route to %s: %w", prefix, err)
		}
		if certain {
			return has, nil
		}
	}
	has, err := l.route.tableHas(q)
	if err != nil {
		return false, fmt.Errorf("look for a route to %s: %w", prefix, err)
	}
	return has, nil
}

// InterfaceUp reports whether there is an interface of that name that can send: see LinkInfo.Up.
func (l *Links) InterfaceUp(name string) bool {
	link, err := l.Link(name)
	return err == nil && link.Up
}

// probePatterns fill the host part of addresses to ask for: never all zeros or all ones, which the kernel may have as
// broadcast addresses. With the first, the way to anywhere is asked for by an address that nobody routes: 245.245.245.245.
var probePatterns = []byte{0xf5, 0x0a, 0x93}

type routeQuery struct {
	prefix   netip.Prefix
	covering bool
	table    uint32
}

// isMetBy reports whether a route to that destination is what is asked for.
func (q routeQuery) isMetBy(destination netip.Prefix) bool {
	if !q.covering {
		return destination == q.prefix
	}
	return destination.Bits() > 0 && destination.Bits() <= q.prefix.Bits() && destination.Contains(q.prefix.Addr())
}

func (q routeQuery) family() uint8 {
	if q.prefix.Addr().Is4() {
		return 4
	}
	return 6
}

// probeAddress is an address in the prefix.
func (q routeQuery) probeAddress(pattern byte) netip.Addr {
	b := q.prefix.Addr().AsSlice()
	for i := range b {
		network := min(max(q.prefix.Bits()-8*i, 0), 8)
		b[i] |= pattern & (0xff >> network)
	}
	address, _ := netip.AddrFromSlice(b)
	return address
}

// probe asks for the route to one address of the prefix. It is certain unless what the kernel found hides the answer.
func (r route) probe(q routeQuery, pattern byte) (has, certain bool, err error) {
	address := q.probeAddress(pattern)
	flags := uint32(unix.RTM_F_FIB_MATCH)
	if address.Is4() {
		flags |= unix.RTM_F_LOOKUP_TABLE // IPv6 always says which, and refuses the flag
	}
	header := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family:  familyNumber(q.family()),
		Dst_len: uint8(address.BitLen()),
		Flags:   flags,
	}}
	message, err := r.get(unix.RTM_GETROUTE, unix.RTM_NEWROUTE, header, nl.NewRtAttr(unix.RTA_DST, address.AsSlice()))
	if errors.Is(err, unix.ENETUNREACH) {
		certain, err = r.alwaysAsks(q)
		return false, certain, err
	}
	if isNoWay(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	found, err := parseTableEntry(message)
	if err != nil {
		return false, false, err
	}
	// The longest prefix is found: what is longer than the one asked for may hide it, what is shorter may not.
	certain = found.table == q.table && found.Type == unix.RTN_UNICAST && found.destination.Bits() <= q.prefix.Bits()
	return q.isMetBy(found.destination), certain, nil
}

// isNoWay reports whether a blackhole or the like was found.
func isNoWay(err error) bool {
	return errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EAGAIN)
}

// alwaysAsks reports whether the kernel asks the table for every address that no other table knows. Where it does not, it
// says "unreachable" of addresses that the table has routes to.
func (r route) alwaysAsks(q routeQuery) (bool, error) {
	rules, err := r.rules(q.family())
	if err != nil {
		return false, err
	}
	for _, rule := range rules {
		if rule.Type != iproute.ActionTable {
			return false, nil // it may end the search
		}
		table, plain := rule.Table, rule
		plain.Priority, plain.Table, plain.Protocol = 0, 0, 0
		if table == q.table && plain == (foundRule{Rule: iproute.Rule{Family: q.family(), Type: iproute.ActionTable, SuppressPrefixLength: -1}}) {
			return true, nil
		}
	}
	return false, nil
}

// tableHas lists the table: what it costs grows with the table.
func (r route) tableHas(q routeQuery) (has bool, err error) {
	header := &nl.RtMsg{RtMsg: unix.RtMsg{Family: familyNumber(q.family()), Type: unix.RTN_UNICAST}}
	look := func(message []byte) (more bool) {
		found, err := parseTableEntry(message)
		has = has || err == nil && found.table == q.table && q.isMetBy(found.destination)
		return !has
	}
	err = r.visit(unix.RTM_GETROUTE, unix.RTM_NEWROUTE, look, header, attribute32(unix.RTA_TABLE, q.table))
	if has || errors.Is(err, unix.ENOENT) { // there is no such table
		return has, nil
	}
	return false, err
}

// tableEntry is where a route of the kernel's leads from.
type tableEntry struct {
	unix.RtMsg
	destination netip.Prefix
	table       uint32
}

func parseTableEntry(message []byte) (tableEntry, error) {
	header := nl.DeserializeRtMsg(message)
	attributes, err := nl.ParseRouteAttr(message[header.Len():])
	if err != nil {
		return tableEntry{}, fmt.Errorf("parse a route: %w", err)
	}
	entry := tableEntry{RtMsg: header.RtMsg, table: uint32(header.Table)}
	destination := netip.IPv4Unspecified()
	if header.Family == unix.AF_INET6 {
		destination = netip.IPv6Unspecified()
	}
	for _, attribute := range attributes {
		switch attribute.Attr.Type {
		case unix.RTA_DST:
			destination, _ = netip.AddrFromSlice(attribute.Value)
		case unix.RTA_TABLE:
			entry.table = number32(attribute.Value)
		}
	}
	entry.destination = netip.PrefixFrom(destination, int(header.Dst_len))
	return entry, nil
}
