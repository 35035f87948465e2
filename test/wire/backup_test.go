package wire

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// RFC 9568 §6.4.1 and §6.4.2, as far as it shows on the wire.

func TestInBackup(t *testing.T) {
	eachPart(t, "BACKUP", []part{
		{"lower priorities are ignored, and preempted after Active_Down_Interval", ignoresALowerPriority},
		{"an equal priority is followed, though its address is lower", followsAnEqualPriority},
		{"a farewell that comes late does not postpone the takeover", isNotPostponedByALateFarewell},
		{"farewell after farewell does not postpone the takeover", isNotPostponedByManyFarewells},
		{"the farewell of a stranger is ignored", ignoresTheFarewellOfAStranger},
	})
}

// part is a test of a router in some state. It may leave it in another.
type part struct {
	name string
	test func(s *site)
}

func eachPart(t *testing.T, state string, parts []part) {
	each(t, brisks, func(t *testing.T, s *site) {
		s.start(ours)
		for _, p := range parts {
			s.run(p.name, func() {
				if state == "BACKUP" {
					s.follows()
				}
				s.await(state)
				p.test(s)
			})
		}
	})
}

// brisk leaves room between the times that the tests tell apart.
const brisk = 60 * time.Millisecond

var brisks = []dialect{v3.at(brisk), v3ipv6.at(brisk)}

// crossing is how long a master may take to hear of a better one: what it sends
// until then has crossed the other's advert on the wire.
const crossing = 3 * time.Millisecond

// takeover is how long after that moment the router's first advert leaves.
func (s *site) takeover(since time.Time) time.Duration {
	s.t.Helper()
	return s.firstAfter(since.Add(crossing), s.ownAdvert).At.Sub(since)
}

// follows makes the router the backup of the other one, and tells since when.
func (s *site) follows() time.Time {
	s.t.Helper()
	return s.sendTimed(s.pack(s.advert(better)).Frame())
}

func TestAnOwnerAdvertisesAndAnnouncesAtOnce(t *testing.T) {
	eachUndisturbed(t, brisks, func(t testing.TB, s *site) {
		thrice(t, func() []timed {
			began := time.Now()
			s.start(255)
			first := s.firstAfter(began, s.ownAdvert).At
			second := s.firstAfter(first, s.ownAdvert).At
			s.checkAnnounced(first, second)
			if n := s.status().Counters.Transitions["BACKUP"]; n != 0 {
				t.Errorf("the owner was backup %d times", n)
			}
			s.stop()
			return []timed{{"the second advert", second.Sub(first), brisk}}
		})
	})
}

// announceRepeat is how often each address is announced: as often as by keepalived.
const announceRepeat = 5

// checkAnnounced wants every address announced, in the protocol's form, right
// after the first advert.
func (s *site) checkAnnounced(from, to time.Time) {
	s.t.Helper()
	announced := make(map[netip.Addr]int)
	for _, f := range s.between(from, to, func(f lab.Frame) bool { return f.Direction == lab.In }) {
		vip, ok := s.announcement(f)
		if !ok {
			continue
		}
		announced[vip]++
		if late := f.At.Sub(from); late > margin {
			s.t.Errorf("%v was announced %v after the first advert", vip, late)
		}
	}
	for _, vip := range s.vips {
		if announced[vip] != announceRepeat {
			s.t.Errorf("%v was announced %d times, want %d", vip, announced[vip], announceRepeat)
		}
	}
}

// announcement tells which address a frame announces as RFC 9568 §6.4.1 says.
func (s *site) announcement(f lab.Frame) (netip.Addr, bool) {
	mac := s.virtualMAC()
	if arp, ok := lab.ParseARP(f.Data); ok {
		good := arp.Destination == broadcast && arp.Source == mac && arp.SenderMAC == mac && arp.SenderIP == arp.TargetIP
		return arp.SenderIP, good
	}
	nd, ok := lab.ParseND(f.Data)
	good := ok && nd.Type == lab.NeighborAdvertisement && nd.Router && !nd.Solicited && nd.Overriding &&
		nd.Source == mac && nd.LinkLayer == mac && nd.SourceIP == nd.Target && nd.DestinationIP == parse("ff02::1")
	return nd.Target, good
}

func TestABackupTakesOverSkewTimeAfterAFarewell(t *testing.T) {
	eachUndisturbed(t, append(brisks, v2), func(t testing.TB, s *site) {
		s.start(ours)
		s.await("BACKUP")
		thrice(t, func() []timed {
			s.follows()
			time.Sleep(brisk / 5)
			left := s.sendTimed(s.pack(s.advert(0)).Frame())
			return []timed{{"taking over after a farewell", s.takeover(left), s.skew(s.interval)}}
		})
	})
}

// Deviates from RFC 9568 §6.4.2: a farewell never postpones the takeover.
func isNotPostponedByALateFarewell(s *site) {
	thrice(s.t, func() []timed {
		last := s.follows()
		time.Sleep(s.down(brisk) - s.skew(brisk)/2)
		s.send(s.pack(s.advert(0)).Frame())
		return []timed{{"taking over", s.takeover(last), s.down(brisk)}}
	})
}

func isNotPostponedByManyFarewells(s *site) {
	thrice(s.t, func() []timed {
		farewell := s.pack(s.advert(0)).Frame()
		s.follows()
		left := s.sendTimed(farewell)
		defer s.talk(farewell, s.skew(brisk)/4)()
		return []timed{{"taking over", s.takeover(left), s.skew(brisk)}}
	})
}

// Deviates from RFC 9568 §6.4.2: only the master that is followed can leave.
func ignoresTheFarewellOfAStranger(s *site) {
	thrice(s.t, func() []timed {
		last := s.follows()
		s.send(s.packFrom(s.lower(), s.advert(0)).Frame())
		return []timed{{"taking over", s.takeover(last), s.down(brisk)}}
	})
}

func ignoresALowerPriority(s *site) {
	thrice(s.t, func() []timed {
		last := s.follows()
		defer s.talk(s.packFrom(s.lower(), s.advert(lesser)).Frame(), brisk/2)()
		return []timed{{"preempting", s.takeover(last), s.down(brisk)}}
	})
}

// The address does not matter in Backup.
func followsAnEqualPriority(s *site) {
	thrice(s.t, func() []timed {
		s.follows()
		time.Sleep(brisk)
		last := s.sendTimed(s.packFrom(s.lower(), s.advert(ours)).Frame())
		return []timed{{"taking over", s.takeover(last), s.down(brisk)}}
	})
}

// The addresses are on the interface, as a crashed daemon may have left them:
// the kernel would answer. The master's adverts do not come from the virtual MAC,
// or the switch would send what is for it to the master.
func TestABackupAnswersForNothing(t *testing.T) {
	eachUndisturbed(t, brisks, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("BACKUP")
		p := s.pack(s.advert(better))
		p.From = s.peer.MAC
		defer s.talk(p.Frame(), brisk)()
		for _, prefix := range s.prefixes {
			_, err := s.router.Run("ip", "addr", "add", prefix, "dev", "eth0")
			must(t, err)
		}
		began := time.Now()
		s.askEverything()
		time.Sleep(2 * brisk)
		for _, f := range s.between(began, time.Now(), func(f lab.Frame) bool { return f.Direction == lab.In }) {
			if !isReportOfGroups(f) {
				t.Errorf("the backup sent % x", f.Data)
			}
		}
		c := s.status().Counters
		asked := c.ARPRequests["refused"] + c.NDSolicitations["refused"]
		if wanted := uint64(len(s.vips)); asked != 2*wanted || c.VirtualMACFrames["refused"] != 2*wanted {
			t.Errorf("%d questions and %d frames to the virtual MAC were refused, want %d of each", asked, c.VirtualMACFrames["refused"], 2*wanted)
		}
	})
}

// askEverything sends, for each virtual address, a question to all and one to
// the router's own MAC, and an echo request and a datagram to the virtual MAC.
func (s *site) askEverything() {
	s.t.Helper()
	for _, vip := range s.vips {
		question := s.questionFor(vip)
		toRouter := append(append([]byte{}, s.nic.MAC[:]...), question[6:]...)
		for _, frame := range [][]byte{question, toRouter, s.echoTo(vip), s.datagramTo(vip)} {
			must(s.t, s.host.Send(frame))
		}
	}
}

// isReportOfGroups selects IGMP and MLD: with its addresses the kernel joins groups.
func isReportOfGroups(f lab.Frame) bool {
	const igmp, mldReport = 2, 143
	switch {
	case f.Data[12] == 0x08 && f.Data[13] == 0x00:
		return f.Data[14+9] == igmp
	case f.Data[12] == 0x86 && f.Data[13] == 0xdd && f.Data[14+6] == forge.HopByHop:
		return len(f.Data) > 14+48 && f.Data[14+48] == mldReport
	}
	return false
}

// echoTo is an echo request of the host, in a frame to the virtual MAC.
func (s *site) echoTo(vip netip.Addr) []byte {
	kind, protocol := byte(8), byte(1)
	if vip.Is6() {
		kind, protocol = 128, 58
	}
	return s.toVirtualMAC(vip, protocol, []byte{kind, 0, 0, 0, 0, 1, 0, 1}, 2)
}

// datagramTo is a datagram to a port that nobody listens at: who takes it says so.
func (s *site) datagramTo(vip netip.Addr) []byte {
	return s.toVirtualMAC(vip, 17, []byte{0x30, 0x39, 0x30, 0x39, 0, 8, 0, 0}, 6)
}

func (s *site) toVirtualMAC(vip netip.Addr, protocol byte, message []byte, sumAt int) []byte {
	source := parse("192.168.1.77")
	if vip.Is6() {
		source = s.host.LinkLocal()
	}
	covered := message
	if protocol != 1 {
		covered = append(append([]byte{}, source.AsSlice()...), vip.AsSlice()...)
		covered = append(append(covered, 0, 0, 0, byte(len(message)), 0, 0, 0, protocol), message...)
	}
	sum := lab.Checksum(covered)
	message[sumAt], message[sumAt+1] = byte(sum>>8), byte(sum)
	frame := forge.Packet{To: s.virtualMAC(), From: s.host.MAC, Source: source, Destination: vip, TTL: 64, PDU: message}.Frame()
	if vip.Is6() {
		frame[14+6] = protocol
		return frame
	}
	frame[14+9] = protocol
	frame[14+10], frame[14+11] = 0, 0
	sum = lab.Checksum(frame[14:34])
	frame[14+10], frame[14+11] = byte(sum>>8), byte(sum)
	return frame
}
