package config

import (
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// sender is a line of allowed_sources.
type sender struct {
	address netip.Addr
	owner   bool
	n       *node
}

// takeSenders takes lines `ADDRESS [owner]`.
func (in *instance) takeSenders(n *node) {
	in.sendersNode = n
	for _, line := range n.block {
		if !line.plain() {
			continue
		}
		a, ok := line.parseAddress(line.Keyword())
		switch {
		case !ok:
		case line.arg(0) != "" && line.arg(0) != "owner" || len(line.Args()) > 1:
			line.fail("%v: only the word owner may follow; give each sender a line of its own", a)
		case slices.ContainsFunc(in.senders, func(s sender) bool { return s.address == a }):
			line.warn("%v is there already: this one is left out", a)
		default:
			in.senders = append(in.senders, sender{a, line.arg(0) == "owner", line})
		}
	}
}

func (in *instance) finishSenders() {
	if in.sendersNode == nil {
		return
	}
	r := &in.Router
	for _, s := range in.senders {
		switch {
		case vrrp.FamilyOf(s.address) != r.Family:
			s.n.fail("%v: an %v sender in an %v instance", s.address, vrrp.FamilyOf(s.address), r.Family)
			continue
		case len(r.Peers) == 0 && s.address.Is6() && !s.address.IsLinkLocalUnicast():
			s.n.fail("%v: multicast IPv6 adverts come from link-local addresses (fe80::/10)", s.address)
			continue
		}
		r.Senders = append(r.Senders, vrrp.Sender{Address: s.address, Owner: s.owner})
	}
	if len(r.Senders) == 0 {
		in.sendersNode.fatal("allowed_sources: nobody could be heard: name the other routers, or leave it out")
	}
	for _, p := range in.peers {
		if !slices.ContainsFunc(r.Senders, func(s vrrp.Sender) bool { return s.Address == p.address }) {
			p.n.fatal("%v: not in allowed_sources: its adverts would be refused", p.address)
		}
	}
}
