package parsers

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const (
	protocolICMPv6 = 58
	solicitation   = 135
	advertisement  = 136

	sourceLinkLayer = 1
	targetLinkLayer = 2

	bareLength   = 24 // of a message without options
	optionLength = 8  // of the shortest option

	// longestMessage is what is looked at of a message: more than fits into 1500 bytes.
	longestMessage = 1480
)

var (
	allNodes    = netip.MustParseAddr("ff02::1")
	allNodesMAC = [6]byte{0x33, 0x33, 0, 0, 0, 1}
)

// isNeighbor says whether a solicitation or an advertisement, as far as its
// target, follows the IPv6 header at once, in a packet that IP does not discard.
func (v view) isNeighbor() bool {
	if v.family() != vrrp.IPv6 || v.rest()[0]>>4 != 6 || v.datagram().truncated() {
		return false
	}
	d := v.datagram()
	return d.protocol == protocolICMPv6 && len(d.rest) >= bareLength &&
		(d.rest[0] == solicitation || d.rest[0] == advertisement)
}

// judgeNeighbor is the table of decisions about Neighbor Discovery.
func (v view) judgeNeighbor(o *opinion) {
	switch {
	case !v.isNeighbor():
	case v.datagram().rest[0] == advertisement:
		v.judgeAdvertisement(o)
	default:
		v.judgeSolicitation(o)
	}
}

// judgeAdvertisement reports a valid advertisement that says that a virtual address is elsewhere.
func (v view) judgeAdvertisement(o *opinion) {
	d := v.datagram()
	r := v.holder(target(d))
	if r == nil || !v.validNeighbor() {
		return
	}
	where, ok := d.linkLayer(targetLinkLayer)
	if !ok {
		where = v.from
	}
	v.claim(o, r, target(d), where)
}

func (v view) claim(o *opinion, r *virtualRouter, address netip.Addr, where [6]byte) {
	if where != r.mac() {
		o.count(r.String(), "ND conflict")
		o.event(r, datapath.Event{Kind: datapath.EventConflict, Source: address, Hardware: where})
	}
}

func (v view) judgeSolicitation(o *opinion) {
	d := v.datagram()
	asked, claimed := v.holder(target(d)), v.holder(d.source)
	if asked != nil && !v.asks(asked) {
		asked = nil
	}
	if asked == nil && claimed == nil {
		return
	}
	if !v.validNeighbor() {
		if asked != nil {
			o.verdict = datapath.Drop
			o.count(asked.String(), "ND invalid")
		}
		return
	}
	if where, ok := d.linkLayer(sourceLinkLayer); ok && claimed != nil {
		v.claim(o, claimed, d.source, where)
	}
	if asked != nil {
		v.judgeQuestion(o, asked)
	}
}

// asks says whether the frame is for this host, and not one of the virtual router's own.
func (v view) asks(r *virtualRouter) bool {
	return (v.toGroup() || v.to == r.mac() || v.to == deviceMAC) && v.from != r.mac()
}

func (v view) judgeQuestion(o *opinion, r *virtualRouter) {
	d := v.datagram()
	switch {
	case !r.owned:
		o.verdict = datapath.Drop
		o.count(r.String(), "ND refused")
	case v.answeredInPlace():
		o.verdict = datapath.Reply
		o.count(r.String(), "ND answered")
		o.frame = v.answer(r)
	default:
		o.verdict = datapath.Drop
		o.count(r.String(), "ND passed_on")
		o.event(r, datapath.Event{
			Kind: datapath.EventSolicitation, Source: d.source, Target: target(d), Hardware: v.from, TTL: d.ttl,
		})
	}
}

// answeredInPlace is the table of shapes: an answer to a group has to name the
// link-layer address (RFC 4861 §4.4), and no frame may grow or shrink.
func (v view) answeredInPlace() bool {
	d := v.datagram()
	if d.destination != target(d) && d.destination != solicitedNode(target(d)) {
		return false
	}
	where, named := d.linkLayer(sourceLinkLayer)
	switch d.promised {
	case bareLength:
		return !d.destination.IsMulticast()
	case bareLength + optionLength:
		return !named || where == v.from
	}
	return false
}

// answer is the advertisement, RFC 4861 §7.2.4 and RFC 9568 §8.2.2, with the
// tag, the padding and the first bytes of IPv6 as they were asked.
func (v view) answer(r *virtualRouter) []byte {
	d := v.datagram()
	flags, toMAC, to := byte(0xe0), v.from, d.source // router, solicited, override
	if d.source.IsUnspecified() {
		flags, toMAC, to = 0xa0, allNodesMAC, allNodes
	}
	message := append([]byte{advertisement, 0, 0, 0, flags, 0, 0, 0}, target(d).AsSlice()...)
	mac := r.mac()
	if d.promised > bareLength {
		message = append(append(message, targetLinkLayer, 1), mac[:]...)
	}
	reply := datagram{source: target(d), destination: to, protocol: protocolICMPv6}
	binary.BigEndian.PutUint16(message[2:], ^sum(message, reply.pseudoHeader(len(message))))
	return bytes.Join([][]byte{
		toMAC[:], mac[:], v.frame[12:v.network], v.rest()[:8],
		target(d).AsSlice(), to.AsSlice(), message, d.rest[d.promised:],
	}, nil)
}

// target is where a solicitation or an advertisement has it.
func target(d datagram) netip.Addr { return netip.AddrFrom16([16]byte(d.rest[8:])) }

// validNeighbor is RFC 4861 §7.1.1 and §7.1.2; and nothing comes from an address
// of many, or from inside of a host.
func (v view) validNeighbor() bool {
	d := v.datagram()
	m := d.payload()
	if v.from[0]&1 == 1 || !d.source.IsUnspecified() && !isHost(d.source) {
		return false
	}
	if d.ttl != 255 || len(m) < bareLength || len(m) > longestMessage ||
		sum(m, d.pseudoHeader(len(m))) != 0xffff || m[1] != 0 || target(d).IsMulticast() || !d.optionsWhole() {
		return false
	}
	if m[0] == advertisement {
		return !d.destination.IsMulticast() || m[4]&0x40 == 0
	}
	_, named := d.linkLayer(sourceLinkLayer)
	return !d.source.IsUnspecified() || (isSolicitedNode(d.destination) && !named)
}

func (d datagram) optionsWhole() bool {
	b := d.payload()[bareLength:]
	for len(b) > 0 {
		if len(b) < 2 || b[1] == 0 || int(b[1])*optionLength > len(b) {
			return false
		}
		b = b[int(b[1])*optionLength:]
	}
	return true
}

// linkLayer is the address in the first option of that type, as hosts take it.
func (d datagram) linkLayer(wanted byte) ([6]byte, bool) {
	for b := d.payload()[bareLength:]; len(b) > 0; b = b[int(b[1])*optionLength:] {
		if b[0] == wanted {
			return [6]byte(b[2:]), true
		}
	}
	return [6]byte{}, false
}

// solicitedNode is RFC 4291 §2.7.1.
func solicitedNode(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

func isSolicitedNode(a netip.Addr) bool { return a == solicitedNode(a) }
