package attack

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// verdict is what becomes of an attack on a master.
type verdict struct {
	yields  bool   // as RFC 9568 has it: it goes, and comes back when the attacker is silent
	counter string // one that has moved; "": the packet is left alone
}

func stays(counter string) verdict  { return verdict{counter: counter} }
func yields(counter string) verdict { return verdict{true, counter} }

// attack is one packet, and what is to become of it where anybody may speak, and
// where only the peer may, from the virtual MAC.
type attack struct {
	name         string
	packet       func(s *site) forge.Packet
	open, listed verdict
	only         vrrp.Family // 0: both
	onlyTC       bool        // a switch made of a bridge hides the tag from native XDP
}

func (s *site) forged(priority uint8, change func(*forge.Packet)) forge.Packet {
	p := s.pack(s.attacker, s.advert(priority))
	if change != nil {
		change(&p)
	}
	return p
}

func spoof(priority uint8, change func(s *site, p *forge.Packet)) func(*site) forge.Packet {
	return func(s *site) forge.Packet {
		return s.forged(priority, func(p *forge.Packet) {
			if change != nil {
				change(s, p)
			}
		})
	}
}

// of sends it in another's name.
func of(priority uint8, who func(s *site) netip.Addr) func(*site) forge.Packet {
	return func(s *site) forge.Packet { return s.pack(who(s), s.advert(priority)) }
}

func peer(s *site) netip.Addr { return s.peer }

func edited(at int, to byte) func(*site, *forge.Packet) {
	return func(_ *site, p *forge.Packet) { p.PDU[at] = to; p.Sum() }
}

func same(name string, packet func(s *site) forge.Packet, v verdict) attack {
	return attack{name: name, packet: packet, open: v, listed: v}
}

func only(f vrrp.Family, a attack) attack {
	a.only = f
	return a
}

var table = []attack{
	{"A1 priority 250 of a stranger", spoof(250, nil), yields("received"), stays("dropped sender"), 0, false},
	{"A1 priority 255 of a stranger", spoof(255, nil), yields("received"), stays("dropped sender"), 0, false},
	{"A1 priority 255 of a peer that is no owner", of(255, peer), yields("received"), stays("dropped owner"), 0, false},
	{"A3 our priority and a higher address", spoof(ours, nil), yields("received"), stays("dropped sender"), 0, false},
	{"A4 priority 0 of a stranger", spoof(0, nil), stays("received"), stays("dropped sender"), 0, false},
	{"A5 a lesser priority", spoof(50, nil), stays("received"), stays("dropped sender"), 0, false},
	same("A6 interval 0", func(s *site) forge.Packet {
		p := s.pack(s.peer, s.advert(250))
		p.PDU[4], p.PDU[5] = 0, 0
		p.Sum()
		return p
	}, stays("dropped interval")),
	same("A7 TTL 254", spoof(250, func(_ *site, p *forge.Packet) { p.TTL = 254 }), stays("dropped ttl")),
	same("A7 to our own address", spoof(250, func(s *site, p *forge.Packet) { p.To, p.Destination = s.nic.MAC, s.own; p.Sum() }), stays("")),
	only(vrrp.IPv4, same("A7 to another group", spoof(250, func(_ *site, p *forge.Packet) {
		p.To, p.Destination = lab.MAC{0x01, 0, 0x5e, 0, 0, 1}, parse("224.0.0.1")
		p.Sum()
	}), stays(""))),
	only(vrrp.IPv4, attack{name: "A7 from another subnet", packet: of(250, func(s *site) netip.Addr { return s.offSubnet }), open: yields("received"), listed: stays("dropped sender")}),
	{"A7 from our own address", of(250, func(s *site) netip.Addr { return s.own }), stays("dropped own_source"), stays("dropped sender"), 0, false},
	{"A7 from the virtual address", of(250, func(s *site) netip.Addr { return s.vips[0] }), yields("received"), stays("dropped sender"), 0, false},
	same("A7 from the group", of(250, func(s *site) netip.Addr { return vrrp.GroupAddress(s.family) }), stays("on the interface ip_header")),
	{"A7 of the peer, from another MAC", func(s *site) forge.Packet {
		p := s.pack(s.peer, s.advert(250))
		p.From = lab.MAC{2, 0, 0, 0, 0, 0x66}
		return p
	}, yields("odd source_mac"), stays("dropped source_mac"), 0, false},
	same("A8 a wrong checksum", spoof(250, func(_ *site, p *forge.Packet) { p.PDU[7] ^= 0x40 }), stays("dropped checksum")),
	same("A8 version 4", spoof(250, edited(0, 0x41)), stays("dropped version")),
	same("A8 type 2", spoof(250, edited(0, 0x32)), stays("dropped type")),
	same("A8 255 addresses and not there", spoof(250, edited(3, 255)), stays("dropped length")),
	same("A8 no address", func(s *site) forge.Packet {
		p := s.pack(s.peer, s.advert(250))
		p.PDU = p.PDU[:8]
		p.PDU[3] = 0
		p.Sum()
		return p
	}, stays("dropped count")),
	same("A8 truncated", spoof(250, func(_ *site, p *forge.Packet) { p.Missing = 2 }), stays("on the interface ip_header")),
	same("A8 as large as a frame can be", spoof(250, func(_ *site, p *forge.Packet) { p.PDU = append(p.PDU, make([]byte, 1400)...) }), stays("dropped length")),
	same("A8 a good one of the peer with padding", func(s *site) forge.Packet {
		p := s.pack(s.peer, s.advert(50))
		p.Padding = 60
		return p
	}, stays("received")),
	only(vrrp.IPv4, same("A9 IP options", spoof(250, func(_ *site, p *forge.Packet) { p.Options = []byte{148, 4, 0, 0} }), stays("on the interface ip_header"))),
	only(vrrp.IPv4, same("A9 a fragment", spoof(250, func(_ *site, p *forge.Packet) { p.Fragment = 0x2000 }), stays("on the interface fragment"))),
	only(vrrp.IPv6, same("A9 an extension header", spoof(250, func(_ *site, p *forge.Packet) {
		p.Extensions = []forge.Extension{forge.Padded(forge.DestinationOptions)}
	}), stays("on the interface ip_header"))),
	only(vrrp.IPv6, same("A9 a fragment header", spoof(250, func(_ *site, p *forge.Packet) { p.Extensions = []forge.Extension{{Kind: forge.FragmentHeader}} }), stays("on the interface fragment"))),
	{name: "A9 two tags", packet: spoof(250, func(_ *site, p *forge.Packet) { p.Tags = []forge.Tag{forge.Service(30), forge.Customer(20)} }), onlyTC: true},
	{
		name: "A9 another VLAN", packet: spoof(250, func(_ *site, p *forge.Packet) { p.Tags = []forge.Tag{forge.Customer(20)} }),
		open: stays("on the interface vrid"), listed: stays("on the interface vrid"), onlyTC: true,
	},
	same("A10 an advert of the peer, replayed", of(50, peer), stays("received")),
	same("A13 another VRID", spoof(250, edited(1, 77)), stays("on the interface vrid")),
}

// hit sends the packet, and wants the verdict.
func (s *site) hit(a attack, v verdict) {
	s.t.Helper()
	s.await("MASTER")
	report, err := s.report()
	must(s.t, err)
	before, left := counts(report), report.Instances[0].Counters.Transitions["BACKUP"]
	s.send(a.packet(s).Frame())
	if v.yields {
		s.eventually("it gives way", func(r control.Report) bool { return r.Instances[0].Counters.Transitions["BACKUP"] == left+1 })
	}
	if v.counter != "" {
		s.eventually(v.counter+" is counted", func(r control.Report) bool { return counts(r)[v.counter] > before[v.counter] })
	} else {
		time.Sleep(30 * time.Millisecond)
	}
	report, err = s.report()
	must(s.t, err)
	for what, n := range counts(report) {
		if refused := what != "received" && what != "conflict" && v.counter != what && n != before[what]; refused && !v.yields && v.counter != "received" {
			s.t.Errorf("%s has moved by %d", what, n-before[what])
		}
	}
	if i := report.Instances[0]; !v.yields && (i.State != "MASTER" || i.Counters.Transitions["BACKUP"] != left) {
		s.t.Errorf("the router is %s, and was BACKUP %d times more", i.State, i.Counters.Transitions["BACKUP"]-left)
	}
}

func TestEveryPacketOfTheTableHasItsVerdict(t *testing.T) {
	for _, list := range []bool{false, true} {
		t.Run(map[bool]string{false: "anybody may speak", true: "with a list"}[list], func(t *testing.T) {
			inEachNetwork(t, func(t *testing.T, mode string, n network) {
				s, words := newSite(t, mode, n), ""
				if list {
					words = s.hardened()
				}
				s.start(words)
				for _, a := range table {
					if a.only != 0 && a.only != s.family || a.onlyTC && s.mode != "tc" {
						continue
					}
					v := a.open
					if list {
						v = a.listed
					}
					s.part(a.name, func() { s.hit(a, v) })
				}
			})
		})
	}
}
