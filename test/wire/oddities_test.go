package wire

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// Packets that RFC 9568 says nothing about, and what was decided for them
// (docs/architecture.md). All would end the router's reign, were they believed.

// oddity is an advert that is good but for how it comes.
type oddity struct {
	name  string
	odd   func(s *site, p *forge.Packet)
	moved string // the counters, ours and that of RFC 8347; none: it is left alone
	rfc   string
	only  func(d dialect) bool
}

func inIPv4(d dialect) bool { return d.family == vrrp.IPv4 }

func tagged(tags ...forge.Tag) damage { return func(_ *site, p *forge.Packet) { p.Tags = tags } }

func extended(list ...forge.Extension) damage {
	return func(_ *site, p *forge.Packet) { p.Extensions = list }
}

var ignored = []oddity{
	{name: "its source is our address", odd: resourced(func(s *site) netip.Addr { return s.own }), moved: "dropped own_source"},
	{name: "its source is of this host only", odd: resourced(func(s *site) netip.Addr { return s.choose("127.0.0.1", "::1") }), moved: "on the interface ip_header"},
	{name: "its source is nobody", odd: resourced(func(s *site) netip.Addr { return s.choose("0.0.0.0", "::") }), moved: "on the interface ip_header"},
	{name: "its source is the group", odd: resourced(func(s *site) netip.Addr { return s.choose("224.0.0.18", "ff02::12") }), moved: "on the interface ip_header"},
	{name: "with IP options", odd: func(_ *site, p *forge.Packet) { p.Options = []byte{148, 4, 0, 0} }, moved: "on the interface ip_header", only: inIPv4},
	{name: "a first fragment", odd: func(_ *site, p *forge.Packet) { p.Fragment = 0x2000 }, moved: "on the interface fragment", only: inIPv4},
	{name: "a later fragment", odd: func(_ *site, p *forge.Packet) { p.Fragment = 0x0004 }, moved: "on the interface fragment", only: inIPv4},
	{name: "with a hop-by-hop header", odd: extended(forge.Padded(forge.HopByHop)), moved: "on the interface ip_header", only: inIPv6},
	{name: "with destination options", odd: extended(forge.Padded(forge.DestinationOptions)), moved: "on the interface ip_header", only: inIPv6},
	{name: "with two extension headers", odd: extended(forge.Padded(forge.HopByHop), forge.Padded(forge.DestinationOptions)), moved: "on the interface ip_header", only: inIPv6},
	{name: "with a fragment header", odd: extended(forge.Extension{Kind: forge.FragmentHeader}), moved: "on the interface fragment", only: inIPv6},
	{name: "a first fragment, more follow", odd: extended(forge.Extension{Kind: forge.FragmentHeader, Body: [6]byte{1: 1}}), moved: "on the interface fragment", only: inIPv6},
	{name: "on VLAN 20", odd: tagged(forge.Customer(20)), moved: "on the interface vrid", rfc: "vrid-errors"},
	{name: "on the service VLAN 20", odd: tagged(forge.Service(20))},
	{name: "with a service tag of priority only", odd: tagged(forge.Service(0))},
	{name: "on VLAN 20 of service VLAN 30", odd: tagged(forge.Service(30), forge.Customer(20))},
	{name: "on VLAN 20 of VLAN 30", odd: tagged(forge.Customer(30), forge.Customer(20))},
	{name: "to our address", odd: readdressed(func(s *site) (lab.MAC, netip.Addr) { return s.nic.MAC, s.own })},
	{name: "to the group, in a frame to our MAC", odd: func(s *site, p *forge.Packet) { p.To = s.nic.MAC }},
	{name: "to our address, in a frame to the group", odd: readdressed(func(s *site) (lab.MAC, netip.Addr) {
		_, mac := groupOf(s.family)
		return mac, s.own
	})},
	{name: "to another group", odd: readdressed(func(s *site) (lab.MAC, netip.Addr) {
		if s.family == vrrp.IPv6 {
			return lab.MAC{0x33, 0x33, 0, 0, 0, 1}, parse("ff02::1")
		}
		return lab.MAC{0x01, 0, 0x5e, 0, 0, 1}, parse("224.0.0.1")
	})},
	{name: "with more addresses promised than there are", odd: func(_ *site, p *forge.Packet) { p.PDU[3] = 255; p.Sum() }, moved: "dropped length", rfc: "packet-length-errors"},
	{name: "as large as a frame can be", odd: func(s *site, p *forge.Packet) { grow(1500-s.headerLength()-len(p.PDU))(s, p) }, moved: "dropped length", rfc: "packet-length-errors"},
}

func (s *site) headerLength() int {
	if s.family == vrrp.IPv6 {
		return 40
	}
	return 20
}

// choose is one of two addresses, by the family.
func (s *site) choose(ipv4, ipv6 string) netip.Addr {
	if s.family == vrrp.IPv6 {
		return parse(ipv6)
	}
	return parse(ipv4)
}

// resourced sends the advert from another address, and the checksum covers it.
func resourced(from func(s *site) netip.Addr) damage {
	return func(s *site, p *forge.Packet) {
		p.Source = from(s)
		p.Sum()
	}
}

func readdressed(to func(s *site) (lab.MAC, netip.Addr)) damage {
	return func(s *site, p *forge.Packet) {
		p.To, p.Destination = to(s)
		p.Sum()
	}
}

func TestAnOddAdvertIsNotBelieved(t *testing.T) {
	each(t, []dialect{v3, v3ipv6}, func(t *testing.T, s *site) {
		in := s.injector()
		s.start(ours)
		s.await("MASTER")
		for _, o := range ignored {
			if o.only != nil && !o.only(s.dialect) {
				continue
			}
			s.run(o.name, func() {
				p := s.pack(s.advert(better))
				o.odd(s, &p)
				s.checkUndisturbed(func() {
					s.checkMoved(once(o.moved, o.rfc), func() { in.sendTimed(s, p.Frame()) })
					s.checkAnswers()
				})
			})
		}
	})
}

// checkAnswers wants the router to answer for its addresses still.
func (s *site) checkAnswers() {
	s.t.Helper()
	asked := time.Now()
	must(s.t, s.host.Send(s.question()))
	_, err := s.wire.Await(time.Second, func(f lab.Frame) bool { return f.At.After(asked) && f.Direction == lab.In && s.isAnswer(f) })
	if err != nil {
		s.t.Errorf("the router does not answer for %v: %v", s.vips[0], err)
	}
}

// question asks where the first virtual address is.
func (s *site) question() []byte { return s.questionFor(s.vips[0]) }

func (s *site) questionFor(vip netip.Addr) []byte {
	if s.family == vrrp.IPv6 {
		return lab.Solicit(s.host.MAC, s.host.LinkLocal(), vip).Frame()
	}
	return lab.ARP{Destination: broadcast, Source: s.host.MAC, Operation: lab.ARPRequest,
		SenderMAC: s.host.MAC, SenderIP: parse("192.168.1.77"), TargetIP: vip}.Frame()
}

var broadcast = lab.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// isAnswer selects answers to the question.
func (s *site) isAnswer(f lab.Frame) bool {
	if nd, ok := lab.ParseND(f.Data); ok {
		return nd.Type == lab.NeighborAdvertisement && nd.Solicited && nd.Target == s.vips[0]
	}
	arp, ok := lab.ParseARP(f.Data)
	return ok && arp.Operation == lab.ARPReply && arp.SenderIP == s.vips[0]
}

func TestOurOwnAdvertReflectedIsDropped(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v2, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("MASTER")
		own := s.firstAfter(time.Time{}, s.ownAdvert)
		s.checkUndisturbed(func() {
			s.checkMoved(once("dropped own_source"), func() { s.send(own.Data) })
			s.checkAnswers()
		})
		s.checkRegular(own.At.Add(-1))
	})
}

// A backup hears its own advert of a moment ago: it must not wait for itself.
func TestOurOwnAdvertReflectedDoesNotMoveABackupsTimer(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("MASTER")
		s.checkTimerUnmoved([][]byte{s.firstAfter(time.Time{}, s.ownAdvert).Data})
	})
}

// believed are adverts that are odd but no worse for it.
var believed = []oddity{
	{name: "padded to 60 bytes", odd: func(_ *site, p *forge.Packet) { p.Padding = max(0, 60-len(p.Frame())) }},
	{name: "with a trailer", odd: func(_ *site, p *forge.Packet) { p.Padding = 33 }},
	{name: "with a priority tag", odd: tagged(forge.Customer(7 << 13))},
	{name: "not from the virtual MAC", odd: func(s *site, p *forge.Packet) { p.From = s.peer.MAC }, moved: "odd source_mac"},
	{name: "from the virtual MAC of the other family", odd: func(_ *site, p *forge.Packet) { p.From[4] ^= 3 }, moved: "odd source_mac"},
	{name: "don't fragment", odd: func(_ *site, p *forge.Packet) { p.Fragment = 0x4000 }, only: inIPv4},
	{name: "as many addresses as there can be", odd: mostAddresses, moved: "odd address_list", rfc: "address-list-errors", only: inV3},
}

// mostAddresses is 255, or as many as there is room for.
func mostAddresses(s *site, p *forge.Packet) {
	room := (1500 - s.headerLength() - len(p.PDU)) / addressLength(p)
	for range min(255-int(p.PDU[3]), room) {
		oneMore(s, p)
	}
}

func TestAnOddAdvertIsBelieved(t *testing.T) {
	each(t, []dialect{v3.at(slow), v2, v3ipv6.at(slow)}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("BACKUP")
		for _, o := range believed {
			if o.only != nil && !o.only(s.dialect) {
				continue
			}
			s.run(o.name, func() {
				p := s.pack(s.advert(better))
				o.odd(s, &p)
				s.accepts(p, slices.Compact([]string{o.moved, o.rfc})...)
			})
		}
	})
}
