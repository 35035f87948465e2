package parsers

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const portName = "the interface"

// opinion is what the fast path has to make of a frame for Go to agree.
type opinion struct {
	verdict datapath.Verdict
	counted []string         // "who: what"
	events  []datapath.Event // without time and slot
	who     []identity       // of the events
	frame   []byte           // as it is left
	// sameSum: an advert that lists other addresses than ours, with the same sum.
	sameSum bool
}

// kind is what frames have in common that may be judged together.
type kind struct {
	verdict datapath.Verdict
	counted string
}

func (o *opinion) kind() kind { return kind{o.verdict, strings.Join(o.counted, separator)} }

const separator = "; "

func (k kind) names() []string {
	if k.counted == "" {
		return nil
	}
	return strings.Split(k.counted, separator)
}

func (o *opinion) count(who, what string) { o.counted = append(o.counted, who+": "+what) }

func (o *opinion) event(who *virtualRouter, e datapath.Event) {
	o.who, o.events = append(o.who, who.identity), append(o.events, e)
}

// expect is the opinion of Go.
func expect(frame []byte) *opinion {
	v, o := see(frame), &opinion{verdict: datapath.Pass, frame: frame}
	switch {
	case v.foreign:
	case v.isAdvert():
		v.judgeAdvert(o)
	default:
		v.judgeSpoofed(o)
		v.judgeNeighbor(o)
		if o.verdict == datapath.Pass {
			v.judgeVirtualMAC(o)
		}
	}
	slices.Sort(o.counted)
	return o
}

// judgeVirtualMAC has what is sent to a virtual MAC: RFC 9568 §6.4.2 and §6.4.3.
func (v view) judgeVirtualMAC(o *opinion) {
	r := v.routerOf(v.to)
	switch {
	case r == nil:
	case !r.owned:
		o.verdict = datapath.Drop
		o.count(r.String(), "virtual MAC refused")
	case r.noAccept && v.toUnaccepting() && !v.isNeighbor():
		o.verdict = datapath.Drop
		o.count(r.String(), "virtual MAC not_accepted")
	default:
		o.count(r.String(), "virtual MAC accepted")
	}
}

// judgeSpoofed has what comes from a virtual MAC that is this host's.
func (v view) judgeSpoofed(o *opinion) {
	if r := v.routerOf(v.from); r != nil && r.owned {
		o.count(r.String(), "spoofed")
	}
}

// routerOf is the virtual router of a MAC, nil if it is that of none.
func (v view) routerOf(mac [6]byte) *virtualRouter {
	for _, r := range configured {
		if r.vlan == v.vlan && r.mac() == mac {
			return r
		}
	}
	return nil
}

// toUnaccepting says whether the packet is for an address that accepts nothing itself.
func (v view) toUnaccepting() bool {
	if v.family() == 0 {
		return false
	}
	r := v.holder(v.datagram().destination)
	return r != nil && r.noAccept
}

func (v view) holder(a netip.Addr) *virtualRouter { return holders[place{v.vlan, a}] }
