package wire

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// Shapes of Neighbor Solicitations, RFC 4861 §4.3, and what RFC 4861 §7.2.4 has
// them answered with.

// ask is a question, as bytes.
type ask struct {
	name    string
	frame   func(s *site, vip netip.Addr) []byte
	toAll   bool   // the answer goes to all nodes, unsolicited
	bare    bool   // it may do without an option
	verdict string // of the fast path
}

func (s *site) solicit(vip netip.Addr) lab.ND {
	return lab.Solicit(s.host.MAC, s.host.LinkLocal(), vip)
}

// toTarget makes a question one of Neighbor Unreachability Detection.
func (s *site) toTarget(n lab.ND) lab.ND {
	n.Destination, n.DestinationIP = s.virtualMAC(), n.Target
	return n
}

func bareQuestion(n lab.ND) lab.ND {
	n.LinkLayer = lab.MAC{}
	return n
}

var unspecified = netip.IPv6Unspecified()

// Options of Neighbor Discovery as they are on the wire.
var (
	nonce   = []byte{14, 1, 1, 2, 3, 4, 5, 6} // RFC 3971 §5.3.2, RFC 7527
	another = []byte{253, 1, 0, 0, 0, 0, 0, 0}
	twice   = []byte{253, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
)

// withOptions appends options and puts lengths and checksum right.
func withOptions(n lab.ND, options ...[]byte) []byte {
	frame := n.Frame()
	for _, o := range options {
		frame = append(frame, o...)
	}
	return resum(frame)
}

// resum puts the length of the payload and the checksum of a message right.
func resum(frame []byte) []byte {
	message := frame[54:]
	binary.BigEndian.PutUint16(frame[18:], uint16(len(message)))
	message[2], message[3] = 0, 0
	covered := append([]byte{}, frame[22:54]...)
	covered = binary.BigEndian.AppendUint32(covered, uint32(len(message)))
	covered = append(append(covered, 0, 0, 0, 58), message...)
	binary.BigEndian.PutUint16(message[2:], lab.Checksum(covered))
	return frame
}

var asks = []ask{
	{name: "to the group", verdict: "answered",
		frame: func(s *site, vip netip.Addr) []byte { return s.solicit(vip).Frame() }},
	{name: "unicast", verdict: "answered",
		frame: func(s *site, vip netip.Addr) []byte { return s.toTarget(s.solicit(vip)).Frame() }},
	{name: "unicast, without an option", verdict: "answered", bare: true,
		frame: func(s *site, vip netip.Addr) []byte { return bareQuestion(s.toTarget(s.solicit(vip))).Frame() }},
	{name: "unicast, to the router's own MAC", verdict: "answered",
		frame: func(s *site, vip netip.Addr) []byte {
			n := s.toTarget(s.solicit(vip))
			n.Destination = s.nic.MAC
			return n.Frame()
		}},
	{name: "to the group, without an option", verdict: "passed_on",
		frame: func(s *site, vip netip.Addr) []byte { return bareQuestion(s.solicit(vip)).Frame() }},
	{name: "for duplicates", verdict: "passed_on", toAll: true,
		frame: func(s *site, vip netip.Addr) []byte { return lab.Solicit(s.host.MAC, unspecified, vip).Frame() }},
	{name: "for duplicates, with a nonce", verdict: "answered", toAll: true,
		frame: func(s *site, vip netip.Addr) []byte {
			return withOptions(lab.Solicit(s.host.MAC, unspecified, vip), nonce)
		}},
	{name: "with a nonce", verdict: "passed_on",
		frame: func(s *site, vip netip.Addr) []byte { return withOptions(s.solicit(vip), nonce) }},
	{name: "with a nonce only", verdict: "answered",
		frame: func(s *site, vip netip.Addr) []byte { return withOptions(bareQuestion(s.solicit(vip)), nonce) }},
	{name: "unicast, with two options", verdict: "passed_on",
		frame: func(s *site, vip netip.Addr) []byte { return withOptions(s.toTarget(s.solicit(vip)), another) }},
	{name: "with a long option", verdict: "passed_on",
		frame: func(s *site, vip netip.Addr) []byte { return withOptions(s.solicit(vip), twice) }},
	{name: "for somebody who is elsewhere", verdict: "passed_on",
		frame: func(s *site, vip netip.Addr) []byte {
			n := s.solicit(vip)
			n.LinkLayer[5] ^= 1
			return n.Frame()
		}},
	{name: "with a trailer", verdict: "answered",
		frame: func(s *site, vip netip.Addr) []byte { return append(s.solicit(vip).Frame(), 0, 0, 0) }},
}

func TestAMasterAnswersEveryShapeOfSolicitation(t *testing.T) {
	each(t, []dialect{v3ipv6}, func(t *testing.T, s *site) {
		s.start(ours)
		for _, a := range asks {
			s.run(a.name, func() {
				s.await("MASTER")
				for _, vip := range s.vips {
					s.checkAnswer(a, vip)
				}
			})
		}
	})
}

// checkAnswer wants one answer, and it complete.
func (s *site) checkAnswer(a ask, vip netip.Addr) {
	s.t.Helper()
	before, asked := s.status().Counters.NDSolicitations[a.verdict], time.Now()
	must(s.t, s.host.Send(a.frame(s, vip)))
	time.Sleep(settling)
	answers := s.between(asked, time.Now(), func(f lab.Frame) bool { return f.Direction == lab.In && advertises(f, vip) })
	if len(answers) != 1 {
		s.t.Fatalf("%v: %d answers, want one", vip, len(answers))
	}
	got, ok := lab.ParseND(answers[0].Data)
	want := lab.ND{
		Destination: s.host.MAC, Source: s.virtualMAC(), SourceIP: vip, DestinationIP: s.host.LinkLocal(), Type: lab.NeighborAdvertisement,
		Router: true, Solicited: true, Overriding: true, Target: vip, LinkLayer: s.virtualMAC(),
	}
	if a.toAll {
		want.Destination, want.DestinationIP, want.Solicited = lab.MAC{0x33, 0x33, 0, 0, 0, 1}, parse("ff02::1"), false
	}
	if a.bare && got.LinkLayer.IsZero() {
		want.LinkLayer = lab.MAC{}
	}
	if !ok || got != want {
		s.t.Errorf("%v: the answer is\n%+v, want\n%+v", vip, got, want)
	}
	if n := s.status().Counters.NDSolicitations[a.verdict]; n != before+1 {
		s.t.Errorf("%v: %d were counted as %s, want one", vip, n-before, a.verdict)
	}
}

// advertises is lenient: what only looks like an answer is one that is wrong.
func advertises(f lab.Frame, vip netip.Addr) bool {
	return len(f.Data) >= 78 && f.Data[12] == 0x86 && f.Data[13] == 0xdd && f.Data[20] == 58 && f.Data[54] == lab.NeighborAdvertisement &&
		string(f.Data[62:78]) == string(vip.AsSlice())
}

func TestABackupAnswersNoShapeOfSolicitation(t *testing.T) {
	each(t, []dialect{v3ipv6}, func(t *testing.T, s *site) {
		p := s.pack(s.advert(better))
		p.From = s.peer.MAC
		defer s.talk(p.Frame(), s.interval)()
		s.start(ours)
		for _, a := range asks {
			s.run(a.name, func() {
				s.await("BACKUP")
				s.checkSilence("refused", func(vip netip.Addr) []byte { return a.frame(s, vip) })
			})
		}
	})
}

// checkSilence wants no answer for any virtual address, and the questions counted.
func (s *site) checkSilence(verdict string, question func(vip netip.Addr) []byte) {
	s.t.Helper()
	before, began := s.status().Counters.NDSolicitations[verdict], time.Now()
	for _, vip := range s.vips {
		must(s.t, s.host.Send(question(vip)))
	}
	time.Sleep(settling)
	for _, vip := range s.vips {
		for _, f := range s.between(began, time.Now(), func(f lab.Frame) bool { return f.Direction == lab.In && advertises(f, vip) }) {
			s.t.Errorf("%v was advertised: % x", vip, f.Data)
		}
	}
	if n := s.status().Counters.NDSolicitations[verdict] - before; n != uint64(len(s.vips)) {
		s.t.Errorf("%d were counted as %s, want %d", n, verdict, len(s.vips))
	}
}

// RFC 4861 §7.1.1, in its order.
var invalidAsks = map[string]func(s *site, vip netip.Addr) []byte{
	"hop limit 64": func(s *site, vip netip.Addr) []byte {
		f := s.solicit(vip).Frame()
		f[21] = 64
		return f
	},
	"wrong checksum": func(s *site, vip netip.Addr) []byte {
		f := s.solicit(vip).Frame()
		f[56] ^= 0x5a
		return f
	},
	"code 1": func(s *site, vip netip.Addr) []byte {
		f := s.solicit(vip).Frame()
		f[55] = 1
		return resum(f)
	},
	"an option of length 0": func(s *site, vip netip.Addr) []byte {
		f := s.solicit(vip).Frame()
		f[79] = 0
		return resum(f)
	},
	"an option that ends behind the message": func(s *site, vip netip.Addr) []byte {
		f := s.solicit(vip).Frame()
		f[79] = 2
		return resum(f)
	},
	"for duplicates, unicast": func(s *site, vip netip.Addr) []byte {
		n := s.toTarget(lab.Solicit(s.host.MAC, unspecified, vip))
		n.Destination = s.nic.MAC
		return n.Frame()
	},
	"for duplicates, with a source link-layer option": func(s *site, vip netip.Addr) []byte {
		n := lab.Solicit(s.host.MAC, unspecified, vip)
		n.LinkLayer = s.host.MAC
		return n.Frame()
	},
}

func TestNobodyAnswersAnInvalidSolicitation(t *testing.T) {
	each(t, []dialect{v3ipv6}, func(t *testing.T, s *site) {
		s.start(ours)
		for name, frame := range invalidAsks {
			s.run(name, func() {
				s.await("MASTER")
				s.checkSilence("invalid", func(vip netip.Addr) []byte { return frame(s, vip) })
			})
		}
	})
}
