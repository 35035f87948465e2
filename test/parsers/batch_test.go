package parsers

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// check runs packets on which Go has one and the same opinion, and says how
// the fast path disagrees, "" if it does not. Counters are read once for all of them: as one
// counter, and no other, has to move once for each, no two faults make up for
// one another.
func (h *host) check(hook datapath.Hook, packets []packet, want opinion) (string, error) {
	before, err := h.counts()
	if err != nil {
		return "", err
	}
	for _, p := range packets {
		got, err := h.datapath.Run(hook, p.frame(), 1)
		if err != nil {
			return "", err
		}
		if got.Verdict != want.verdict {
			return fmt.Sprintf("the verdict is %s, want %s", got.Verdict, want.verdict), h.drain()
		}
	}
	after, err := h.counts()
	if err != nil {
		return "", err
	}
	expected := counts{want.who + ": " + want.counted: uint64(len(packets))}
	if moved := after.since(before); !maps.Equal(moved, expected) {
		return fmt.Sprintf("the fast path counted %v, want %v", moved, expected), h.drain()
	}
	if !want.accepted() {
		packets = nil
	}
	return h.checkEvents(packets)
}

// drain throws away what events there are.
func (h *host) drain() error { return h.events.Drain(func(datapath.Event) {}) }

// checkEvents says how the events that there are differ from the packets, in order.
func (h *host) checkEvents(packets []packet) (string, error) {
	var fault string
	events := 0
	err := h.events.Drain(func(e datapath.Event) {
		if events < len(packets) && fault == "" {
			fault = h.checkEvent(e, packets[events])
		}
		events++
	})
	if fault == "" && events != len(packets) {
		fault = fmt.Sprintf("%d events, want %d", events, len(packets))
	}
	return fault, err
}

// checkEvent holds that what the control plane reads in the event is what it
// would have read in the packet.
func (h *host) checkEvent(e datapath.Event, p packet) string {
	who, _ := p.recipient()
	if e.Kind != datapath.EventAdvert || e.Slot != h.routers[who].Slot() || e.TTL != p.ttl ||
		e.Source != netip.AddrFrom4(p.source) || e.Hardware != senderMAC || !bytes.Equal(e.PDU, p.pdu) {
		return fmt.Sprintf("the event is %+v", e)
	}
	seen := p.parsed()
	seen.Source, seen.TTL, seen.PDU = e.Source, e.TTL, e.PDU
	got, err := vrrp.Parse(seen)
	want, wantErr := vrrp.Parse(p.parsed())
	if err != nil || wantErr != nil || !got.Equal(want) {
		return fmt.Sprintf("the event reads %+v (%v), the packet %+v (%v)", got, err, want, wantErr)
	}
	return ""
}

// checkOne is check for one packet.
func (h *host) checkOne(hook datapath.Hook, p packet) (string, error) {
	return h.check(hook, []packet{p}, expect(p))
}

// shrink makes a packet on which the parsers disagree shorter and its bytes 0,
// as long as they still do.
func (h *host) shrink(hook datapath.Hook, p packet) packet {
	try := func(smaller packet) {
		if fault, err := h.checkOne(hook, smaller); err == nil && fault != "" {
			p = smaller
		}
	}
	plain := p
	plain.vlan, plain.padding = 0, 0
	try(plain)
	for n := len(p.pdu) - 1; n >= 0; n-- {
		shorter := p
		shorter.pdu = p.pdu[:n]
		try(shorter)
	}
	for i := range p.pdu {
		zeroed := p
		zeroed.pdu = bytes.Clone(p.pdu)
		zeroed.pdu[i] = 0
		try(zeroed)
	}
	return p
}
