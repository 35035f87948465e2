package config

import (
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

func (in *instance) takeAddresses(n *node) {
	for _, line := range n.block {
		if a, ok := line.virtualAddress(); ok && in.isNew(line, a, in.Addresses, in.addressNodes) {
			in.Addresses = append(in.Addresses, a)
			in.addressNodes = append(in.addressNodes, line)
		}
	}
}

func (in *instance) takeExcluded(n *node) {
	for _, line := range n.block {
		if a, ok := line.virtualAddress(); ok && in.isNew(line, a, in.Excluded, in.excludedNodes) {
			in.Excluded = append(in.Excluded, a)
			in.excludedNodes = append(in.excludedNodes, line)
		}
	}
}

// virtualAddress reads a line of virtual_ipaddress.
func (n *node) virtualAddress() (iproute.Address, bool) {
	words := n.texts()
	if !n.plain() {
		return iproute.Address{}, false
	}
	if len(words) > 1 && isAddress(words[1]) {
		n.fail("%s: a second address on one line: give each a line of its own", words[1])
		words = words[:1]
	}
	a, warnings, err := iproute.ParseAddress(words)
	if err != nil {
		n.failAll("", err)
		return a, false
	}
	if !isHost(a.Prefix.Addr()) {
		n.fail("%v: not an address that a host can have", a.Prefix)
		return a, false
	}
	for _, w := range warnings {
		n.warn("%s", w)
	}
	return a, a.Interface == "" || n.d.wantInterface(n, Error, a.Interface)
}

func isAddress(word string) bool {
	_, err := netip.ParseAddr(word)
	if err != nil {
		_, err = netip.ParsePrefix(word)
	}
	return err == nil
}

func isHost(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && !a.Is4In6() && a.Zone() == ""
}

// isNew reports whether an address is not on the list yet.
func (in *instance) isNew(n *node, a iproute.Address, list []iproute.Address, nodes []*node) bool {
	at := slices.IndexFunc(list, func(b iproute.Address) bool { return a.Prefix.Addr() == b.Prefix.Addr() && a.Interface == b.Interface })
	if at >= 0 {
		n.warn("%v is there already, %s: this one is left out", a.Prefix.Addr(), n.seen(nodes[at]))
	}
	return at < 0
}

func (in *instance) takeRoutes(n *node) {
	for _, line := range n.block {
		if r, ok := parsed(line, iproute.ParseRoute); ok && line.hasHops(r) {
			in.Routes = append(in.Routes, r)
		}
	}
}

func (n *node) hasHops(r iproute.Route) bool {
	for _, h := range r.Hops {
		if h.Interface != "" && !n.d.wantInterface(n, Error, h.Interface) {
			return false
		}
	}
	return true
}

func (in *instance) takeRules(n *node) {
	for _, line := range n.block {
		if r, ok := parsed(line, iproute.ParseRule); ok {
			if r.Priority == 0 {
				r.Priority = n.d.nextPreference()
			}
			in.Rules = append(in.Rules, r)
		}
	}
}

// firstPreference is that of the first rule that has none of its own; those after
// it count down from there, as keepalived's do.
const firstPreference = 16384

func (d *decoder) nextPreference() uint32 {
	d.unnumbered++
	return firstPreference + 1 - d.unnumbered
}

// parsed reads a line of virtual_routes or virtual_rules.
func parsed[T any](n *node, parse func([]string, iproute.Names) (T, []string, error)) (v T, ok bool) {
	if !n.plain() {
		return v, false
	}
	v, warnings, err := parse(n.texts(), n.d.options.System)
	if err != nil {
		n.failAll("", err)
		return v, false
	}
	for _, w := range warnings {
		n.warn("%s", w)
	}
	return v, true
}

// takePeers takes lines `ADDRESS [min_ttl N] [max_ttl N]`.
func (in *instance) takePeers(n *node) {
	in.unicast = append(in.unicast, n)
	for _, line := range n.block {
		if !line.plain() {
			continue
		}
		a, ok := line.parseAddress(line.Keyword())
		if !ok {
			continue
		}
		if slices.ContainsFunc(in.peers, func(p peer) bool { return p.address == a }) {
			line.warn("%v is there already: this one is left out", a)
			continue
		}
		p := peer{address: a, n: line}
		p.takeTTLs(line)
		in.peers = append(in.peers, p)
	}
}

func (p *peer) takeTTLs(n *node) {
	for i := 0; i < len(n.Args()); i += 2 {
		bound := map[string]*uint8{"min_ttl": &p.minTTL, "max_ttl": &p.maxTTL}[n.arg(i)]
		switch {
		case isAddress(n.arg(i)):
			n.fail("%s: a second peer on one line: give each a line of its own", n.arg(i))
			return
		case bound == nil:
			n.fail("%s is neither min_ttl nor max_ttl", n.arg(i))
			return
		case n.arg(i+1) == "":
			n.fatal("%s: a value is missing", n.arg(i))
			return
		}
		if v, ok := n.number(i+1, 0, 255); ok {
			*bound = uint8(v)
		}
	}
}

// finishPeers makes one pair of bounds of all: there is one for an instance.
func (in *instance) finishPeers() {
	r := &in.Router
	for i, p := range in.peers {
		if vrrp.FamilyOf(p.address) != r.Family {
			p.n.fail("%v: an %v peer in an %v instance", p.address, vrrp.FamilyOf(p.address), r.Family)
			continue
		}
		r.Peers = append(r.Peers, p.address)
		if i > 0 && (p.minTTL != in.peers[0].minTTL || p.maxTTL != in.peers[0].maxTTL) {
			p.n.warn("min_ttl, max_ttl: all peers get the widest bounds of any")
		}
		if len(r.Peers) == 1 {
			r.MinTTL, r.MaxTTL = p.minTTL, p.maxTTL
			continue
		}
		r.MinTTL = min(r.MinTTL, p.minTTL)
		if r.MaxTTL != 0 {
			r.MaxTTL = max(r.MaxTTL, p.maxTTL)
		}
		if p.maxTTL == 0 {
			r.MaxTTL = 0
		}
	}
	if r.MaxTTL != 0 && r.MinTTL > r.MaxTTL {
		in.n.fatal("min_ttl %d is above max_ttl %d: no advert would be accepted", r.MinTTL, r.MaxTTL)
	}
}
