package parsers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const headerLength = 8 // of an advert, both versions

// isAdvert says whether the fast path has an opinion at all: of what is sent to
// the group as VRRP, or in IPv6 may be behind extension headers.
func (v view) isAdvert() bool {
	if v.family() == 0 || !v.toGroup() {
		return false
	}
	d := v.datagram()
	if d.destination != vrrp.GroupAddress(d.family) {
		return false
	}
	hidden := d.family == vrrp.IPv6 && isExtension(d.protocol) && len(d.rest) > 0 &&
		(d.rest[0] == vrrp.Protocol || isExtension(d.rest[0]))
	return d.protocol == vrrp.Protocol || hidden
}

const nextFragment = 44

// isExtension knows the headers of RFC 8200 §4.1, but for ESP, behind which nothing can be read.
func isExtension(protocol byte) bool {
	return slices.Contains([]byte{0, 43, nextFragment, 51, 60}, protocol)
}

// ipFault is why IP would not hand the packet to VRRP, or why nobody sends VRRP so; "" if it is sound.
func (v view) ipFault() string {
	b, d := v.rest(), v.datagram()
	if d.family == vrrp.IPv4 {
		switch {
		case b[0] != 0x45, d.promised < 0, d.truncated(), sum(b[:ipv4Length]) != 0xffff, !isHost(d.source):
			return "ip_header"
		case b[6]&0x20 != 0, b[6]&0x1f != 0, b[7] != 0:
			return "fragment"
		}
		return ""
	}
	switch {
	case b[0]>>4 != 6, d.truncated(), !isHost(d.source):
		return "ip_header"
	case d.protocol == nextFragment:
		return "fragment"
	case d.protocol != vrrp.Protocol:
		return "ip_header"
	}
	return ""
}

// isHost says whether a packet may come from there, RFC 1122 §3.2.1.3 and RFC 4291 §2.5.
func isHost(a netip.Addr) bool {
	reserved := a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240)
	return !reserved && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast()
}

func (v view) judgeAdvert(o *opinion) {
	if fault := v.ipFault(); fault != "" {
		o.count(portName, "dropped "+fault) // it says nothing reliable about a virtual router
		return
	}
	d := v.datagram()
	p := vrrp.Packet{Family: d.family, Source: d.source, Destination: d.destination, TTL: d.ttl, PDU: d.payload()}
	var r *virtualRouter
	if len(p.PDU) >= headerLength {
		r = configured[identity{v.vlan, p.PDU[1], d.family}]
	}
	if r != nil && r.companion {
		r = nil // it speaks no VRRP: who does is another
	}
	a, err := vrrp.Parse(p)
	reason := refusal(p, r, a, err)
	switch {
	case r == nil:
		o.count(portName, "dropped "+reason) // another's advert is not ours to drop
	case reason == "" && r.strictMAC && v.from != r.mac():
		reason = "source_mac"
		fallthrough
	case reason != "":
		o.verdict = datapath.Drop
		o.count(r.String(), "dropped "+reason)
	default:
		v.accept(o, r, p, a)
	}
}

// refusal is the reason for which Go refuses an advert, "" if it does not.
// Parse knows nothing of the virtual router: what comes of that is put in where
// RFC 9568 §7.1 has it.
func refusal(p vrrp.Packet, r *virtualRouter, a vrrp.Advert, err error) string {
	var parsed vrrp.Reason
	errors.As(err, &parsed)
	switch {
	case parsed == vrrp.ReasonTTL, len(p.PDU) == 0, p.Family == vrrp.IPv6 && parsed == vrrp.ReasonVersion:
		return parsed.String()
	case r != nil && p.PDU[0]>>4 != byte(r.version):
		return vrrp.ReasonVersion.String()
	case parsed != 0 && parsed < vrrp.ReasonVRID:
		return parsed.String()
	case r == nil:
		return vrrp.ReasonVRID.String()
	case r.unicast: // it came by multicast
		return vrrp.ReasonPeer.String()
	case r.listed && p.Source != followedSource:
		return vrrp.ReasonSender.String()
	case r.listed && p.PDU[2] == vrrp.OwnerPriority:
		return vrrp.ReasonOwner.String()
	case parsed != 0:
		return parsed.String()
	}
	return discarded(r, a, p.Source)
}

// discarded asks the state machine. Its password, and whether the addresses are
// its own, the fast path leaves to it.
func discarded(r *virtualRouter, a vrrp.Advert, source netip.Addr) string {
	m := machines[r.identity]
	if m == nil {
		return ""
	}
	a.AuthType, a.AuthData = 0, [8]byte{}
	for _, action := range m.Step(1, vrrp.AdvertReceived{Advert: a, Source: source, At: 1, TTL: vrrp.TTL}) {
		if d, ok := action.(vrrp.Discard); ok && d.Reason != vrrp.ReasonAddressList {
			return d.Reason.String()
		}
	}
	return ""
}

// accept has what is counted and told of a good advert.
func (v view) accept(o *opinion, r *virtualRouter, p vrrp.Packet, a vrrp.Advert) {
	who := r.String()
	o.count(who, "received")
	if a.Priority == 0 {
		o.count(who, "priority zero")
	}
	if a.Version == vrrp.V3 && r.family == vrrp.IPv4 {
		o.count(who, a.Checksum.String())
	}
	if r.interval != 0 && a.Interval != r.interval {
		o.count(who, "odd interval")
	}
	switch {
	case alike(a.Addresses, r.addresses):
		o.sameSum = !sameAddresses(a.Addresses, r.addresses)
	case a.Version == vrrp.V2 && a.Priority != vrrp.OwnerPriority: // refused by the state machine
	default:
		o.count(who, "odd address_list")
	}
	if v.from != r.mac() {
		o.count(who, "odd source_mac")
	}
	if r.owner && a.Priority == vrrp.OwnerPriority {
		o.count(who, "odd owner")
	}
	if r == followedBy && p.Source == followedSource && bytes.Equal(p.PDU[:headerLength], followed[:headerLength]) {
		o.count(who, "unchanged")
		return
	}
	o.event(r, datapath.Event{Kind: datapath.EventAdvert, Source: p.Source, Hardware: v.from, TTL: p.TTL, PDU: p.PDU})
}

// alike compares lists as the fast path does (bpf/abi.h): by their length and the sum of their words.
func alike(a, b []netip.Addr) bool { return len(a) == len(b) && wordSum(a) == wordSum(b) }

func wordSum(addresses []netip.Addr) uint64 {
	var s uint64
	for _, a := range addresses {
		for b := a.AsSlice(); len(b) > 0; b = b[4:] {
			s += uint64(binary.NativeEndian.Uint32(b))
		}
	}
	return s
}

func sameAddresses(a, b []netip.Addr) bool {
	sorted := func(l []netip.Addr) []netip.Addr { return slices.SortedFunc(slices.Values(l), netip.Addr.Compare) }
	return slices.Equal(sorted(a), sorted(b))
}

// unitOf is what a version counts intervals in.
func unitOf(v vrrp.Version) time.Duration {
	if v == vrrp.V2 {
		return time.Second
	}
	return 10 * time.Millisecond
}
