package iproute

import (
	"encoding/binary"
	"net/netip"
)

// maxLabel is the longest label that the kernel takes, in bytes: IFNAMSIZ without its 0.
const maxLabel = 15

// Address is an address that is to stand on an interface.
type Address struct {
	// Prefix is the address itself with its prefix length, which is that of Peer if there is one.
	Prefix netip.Prefix
	// Interface is where it goes; "": the interface of whoever has it.
	Interface string
	Label     string       // IPv4 only, at most 15 bytes; "": none
	Scope     uint8        // RT_SCOPE_…; IPv4 only
	Broadcast netip.Addr   // IPv4 only; zero: none
	Peer      netip.Prefix // of a point-to-point address; zero: none
	// Preferred makes an IPv6 address one that connections of the host's own may
	// start from; without it the address is deprecated (RFC 4862 §5.5.4).
	Preferred bool
	// DAD asks for duplicate address detection; without it there is none. IPv6 only.
	DAD bool
	// NoPrefixRoute adds no route to the subnet.
	NoPrefixRoute bool
	// Home marks a home address of Mobile IPv6 (RFC 6275). IPv6 only.
	Home bool
	// ManageTemporary lets the kernel make temporary addresses (RFC 8981) in the subnet. IPv6 only, /64 only.
	ManageTemporary bool
	// NoTrack leaves an address that others remove where they put it: it does
	// not come back while master.
	NoTrack bool
}

type addressLine struct {
	Address
	broadcast      string // as written: "+" and "-" depend on the prefix
	local          bool   // the address has been read
	bare           bool   // without a prefix length
	preferredGiven string
	dropped        bool // keepalived would not have the address at all
}

// ParseAddress reads one line of virtual_ipaddress, without its comment. The error is of every wrong word of the line,
// joined with errors.Join; with it comes what keepalived would make of the line, whose Prefix is valid unless it would
// have no address at all. Warnings are of words that keepalived ignores or takes otherwise.
//
// Deviates from keepalived, where only an IPv6 address with the prefix length 128 is deprecated: here every virtual IPv6
// address is, unless preferred_lft forever is given, because connections of the host's own that start from a virtual
// address do not survive its move.
func ParseAddress(line []string) (Address, []string, error) {
	p, a := parser{words: line}, addressLine{}
	for word, ok := p.next(); ok; word, ok = p.next() {
		a.read(&p, word)
	}
	a.finish(&p)
	if a.dropped {
		return Address{}, p.warnings, p.err()
	}
	return a.Address, p.warnings, p.err()
}

func (a *addressLine) read(p *parser, word string) {
	if read, known := addressWords[word]; known {
		read(p, a, word)
		return
	}
	prefix, err := parsePrefix(word)
	switch {
	case prefix.IsValid() && a.local:
		p.fail("%s is a second address: one address per line", word)
	case prefix.IsValid():
		a.Prefix, a.local, a.bare = prefix, true, prefix.IsSingleIP()
		if err != nil {
			p.fail("address %s: %w", word, err)
		}
	case !a.local:
		a.local, a.dropped = true, true
		p.fail("%q is no address: %w", word, err)
	default:
		p.unknown(word, "virtual_ipaddress", sortedKeys(addressWords), addressUnsupported)
	}
}

// addressUnsupported are words that keepalived knows and that mean nothing for a virtual address.
var addressUnsupported = []string{"track_group"}

var addressWords = words[addressLine]{
	"dev": func(p *parser, a *addressLine, word string) {
		p.once("dev", word)
		a.Interface, _ = p.value(word)
	},
	"label": func(p *parser, a *addressLine, word string) {
		p.once("label", word)
		a.Label, _ = p.value(word)
		if len(a.Label) > maxLabel {
			p.fail("label %q is longer than %d bytes", a.Label, maxLabel)
			a.dropped = true
		}
	},
	"scope": func(p *parser, a *addressLine, word string) {
		p.once("scope", word)
		a.Scope, _ = p.named(word, scopes)
	},
	"brd":       readBroadcast,
	"broadcast": readBroadcast,
	"peer":      readPeer,
	"preferred_lft": func(p *parser, a *addressLine, word string) {
		p.once("preferred_lft", word)
		a.preferredGiven, _ = p.value(word)
	},
	"-nodad":        func(_ *parser, a *addressLine, _ string) { a.DAD = true },
	"home":          func(_ *parser, a *addressLine, _ string) { a.Home = true },
	"mngtmpaddr":    func(_ *parser, a *addressLine, _ string) { a.ManageTemporary = true },
	"noprefixroute": func(_ *parser, a *addressLine, _ string) { a.NoPrefixRoute = true },
	"no_track":      func(_ *parser, a *addressLine, _ string) { a.NoTrack = true },
	// The virtual MAC is always used: there is no interface of its own that the address could be on.
	"use_vmac": func(*parser, *addressLine, string) {},
	"autojoin": func(p *parser, a *addressLine, word string) {
		p.fail("autojoin is for multicast addresses: the kernel refuses a virtual address with it")
		a.dropped = true
	},
}

func readBroadcast(p *parser, a *addressLine, word string) {
	p.once("brd", word)
	a.broadcast, _ = p.value(word)
}

func readPeer(p *parser, a *addressLine, word string) {
	p.once("peer", word)
	text, ok := p.value(word)
	if !ok {
		return
	}
	peer, err := parsePrefix(text)
	if err != nil {
		p.fail("peer %q: %w", text, err)
		return
	}
	a.Peer = peer
}

// finish checks what depends on several words.
func (a *addressLine) finish(p *parser) {
	if !a.local {
		p.fail("the line has no address")
		a.dropped = true
	}
	if a.dropped {
		return
	}
	if why := noVirtualAddress(a.Prefix.Addr()); why != "" {
		p.fail("%s %s: it cannot be a virtual address", a.Prefix.Addr(), why)
		a.dropped = true
		return
	}
	a.finishPeer(p)
	if a.Prefix.Addr().Is4() {
		a.finish4(p)
	} else {
		a.finish6(p)
	}
}

func noVirtualAddress(address netip.Addr) string {
	switch {
	case address.IsUnspecified():
		return "is the unspecified address"
	case address.IsMulticast():
		return "is a multicast address"
	case address == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "is the broadcast address"
	}
	return ""
}

// finishPeer gives both ends one prefix length, as the kernel has it: keepalived lets the address have none.
func (a *addressLine) finishPeer(p *parser) {
	switch {
	case !a.Peer.IsValid():
		return
	case familyOf(a.Peer.Addr()) != familyOf(a.Prefix.Addr()):
		p.fail("peer %s is not of the family of %s", a.Peer.Addr(), a.Prefix.Addr())
		a.Peer = netip.Prefix{}
		return
	case !a.bare && a.Prefix.Bits() != a.Peer.Bits():
		p.warn("the prefix length of %s is ignored beside peer %s", a.Prefix, a.Peer)
	}
	a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), a.Peer.Bits())
}

func (a *addressLine) finish4(p *parser) {
	switch a.preferredGiven {
	case "", "forever":
	default:
		p.warn("preferred_lft is of IPv6: ignored for %s", a.Prefix)
	}
	if a.DAD || a.Home || a.ManageTemporary {
		p.warn("-nodad, home and mngtmpaddr are of IPv6: ignored for %s", a.Prefix)
		a.DAD, a.Home, a.ManageTemporary = false, false, false
	}
	if a.broadcast == "" {
		return
	}
	if a.broadcast == "+" || a.broadcast == "-" {
		if a.Prefix.Bits() > 30 {
			p.fail("brd %s: a subnet of %d bits has no broadcast address", a.broadcast, a.Prefix.Bits())
			return
		}
		a.Broadcast = edge(a.Prefix, a.broadcast == "+")
		return
	}
	broadcast, err := parseAddr(a.broadcast)
	if err != nil || !broadcast.Is4() {
		p.fail("brd %q is neither an IPv4 address nor + nor -", a.broadcast)
		a.dropped = true
		return
	}
	a.Broadcast = broadcast
}

// edge is the last or the first address of an IPv4 subnet.
func edge(subnet netip.Prefix, last bool) netip.Addr {
	b := subnet.Masked().Addr().As4()
	if last {
		hosts := uint32(1)<<(32-subnet.Bits()) - 1
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|hosts)
	}
	return netip.AddrFrom4(b)
}

func (a *addressLine) finish6(p *parser) {
	if a.broadcast != "" {
		p.fail("brd is of IPv4: %s has no broadcast address", a.Prefix.Addr())
		a.dropped = true
	}
	if a.Label != "" {
		p.warn("label is of IPv4: ignored for %s", a.Prefix)
		a.Label = ""
	}
	if a.Scope != 0 {
		p.warn("scope is of IPv4: ignored for %s", a.Prefix)
		a.Scope = 0
	}
	if a.ManageTemporary && a.Prefix.Bits() != 64 {
		p.fail("mngtmpaddr needs the prefix length 64: the kernel refuses %s", a.Prefix)
		a.dropped = true
	}
	switch a.preferredGiven {
	case "", "0":
	case "forever":
		a.Preferred = true
	default:
		p.fail("preferred_lft %q is not supported: 0 or forever", a.preferredGiven)
	}
}
