package iproute

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// line is the text of an address, a route or a rule.
type line []string

func (l *line) add(words ...string) { *l = append(*l, words...) }

// addIf adds the word, and its value if it has one, where something differs from the default.
func (l *line) addIf(differs bool, words ...string) {
	if differs {
		l.add(words...)
	}
}

func (l *line) addNumber(word string, n uint32) {
	l.addIf(n != 0, word, strconv.FormatUint(uint64(n), 10))
}

func (l line) String() string { return strings.Join(l, " ") }

// String is the address as ip(8) shows it, in words that ParseAddress reads.
func (a Address) String() string {
	var l line
	if a.Peer.IsValid() {
		l.add(a.Prefix.Addr().String(), "peer", a.Peer.String())
	} else {
		l.add(a.Prefix.String())
	}
	l.addIf(a.Broadcast.IsValid(), "brd", a.Broadcast.String())
	l.addIf(a.Interface != "", "dev", a.Interface)
	l.addIf(a.Scope != 0, "scope", nameOf(a.Scope, scopes))
	l.addIf(a.Label != "", "label", a.Label)
	l.addIf(a.Home, "home")
	l.addIf(a.ManageTemporary, "mngtmpaddr")
	l.addIf(a.NoPrefixRoute, "noprefixroute")
	l.addIf(a.DAD, "-nodad")
	l.addIf(a.Preferred, "preferred_lft", "forever")
	l.addIf(a.NoTrack, "no_track")
	return l.String()
}

// String is the route as ip(8) shows it, in words that ParseRoute reads.
func (r Route) String() string {
	var l line
	l.addIf(r.Type != unix.RTN_UNICAST, nameOf(r.Type, routeTypes))
	l.addIf(r.Destination.Bits() == 0 && r.Family == 6, "inet6")
	if r.Destination.Bits() == 0 {
		l.add("default")
	} else {
		l.add(r.Destination.String())
	}
	if len(r.Hops) == 1 && r.Hops[0].Weight == 0 {
		r.Hops[0].write(&l)
	}
	l.addIf(r.Source.IsValid(), "src", r.Source.String())
	l.addIf(r.Table != 0, "table", nameOf(r.Table, builtInTables))
	l.addIf(r.Protocol != 0 && r.Protocol != ProtocolKeepalived, "protocol", nameOf(r.Protocol, protocols))
	l.addIf(r.HasScope, "scope", nameOf(r.Scope, scopes))
	l.addIf(r.TOS != 0, "tos", fmt.Sprintf("%#x", r.TOS))
	l.addNumber("metric", r.Metric)
	l.addIf(r.MTU != 0 || r.LockMTU, "mtu")
	l.addIf(r.LockMTU, "lock")
	l.addIf(r.MTU != 0 || r.LockMTU, strconv.FormatUint(uint64(r.MTU), 10))
	l.addNumber("advmss", r.AdvMSS)
	l.addIf(r.Place == PlaceLast, "append")
	l.addIf(r.Place == PlaceAlone, "add")
	l.addIf(r.NoTrack, "no_track")
	for _, hop := range r.Hops {
		if hop.Weight != 0 {
			l.add("nexthop")
			hop.write(&l)
			l.add("weight", strconv.Itoa(int(hop.Weight)))
		}
	}
	return l.String()
}

func (h Hop) write(l *line) {
	l.addIf(h.Gateway.IsValid(), "via", h.Gateway.String())
	l.addIf(h.Interface != "", "dev", h.Interface)
	l.addIf(h.OnLink, "onlink")
}

// String is the rule as ip(8) shows it, in words that ParseRule reads.
func (r Rule) String() string {
	var l line
	l.addIf(r.Priority != 0, "preference", strconv.FormatUint(uint64(r.Priority), 10))
	l.addIf(r.Family == 6 && !r.From.IsValid() && !r.To.IsValid(), "inet6")
	l.addIf(r.Invert, "not")
	if r.From.IsValid() {
		l.add("from", r.From.String())
	} else {
		l.add("from", "all")
	}
	l.addIf(r.To.IsValid(), "to", r.To.String())
	l.addIf(r.TOS != 0, "tos", fmt.Sprintf("%#x", r.TOS))
	if r.MarkMask == 1<<32-1 {
		l.add("fwmark", fmt.Sprintf("%#x", r.Mark))
	} else {
		l.addIf(r.MarkMask != 0, "fwmark", fmt.Sprintf("%#x/%#x", r.Mark, r.MarkMask))
	}
	l.addIf(r.InputIf != "", "iif", r.InputIf)
	l.addIf(r.OutputIf != "", "oif", r.OutputIf)
	if r.Type == ActionTable {
		l.add("lookup", nameOf(r.Table, builtInTables))
	} else {
		l.add(nameOf(r.Type, actions))
	}
	l.addIf(r.SuppressPrefixLength >= 0, "suppress_prefixlength", strconv.Itoa(int(r.SuppressPrefixLength)))
	l.addIf(r.Protocol != 0 && r.Protocol != ProtocolKeepalived, "protocol", nameOf(r.Protocol, protocols))
	l.addIf(r.NoTrack, "no_track")
	return l.String()
}
