package attack

import (
	"fmt"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// Attacks that one packet does not make.

// talk sends a frame at each interval until its answer is called.
func (s *site) talk(frame []byte, each time.Duration) (end func()) {
	s.t.Helper()
	stop, err := s.station.Repeat(frame, each)
	must(s.t, err)
	return func() {
		s.t.Helper()
		must(s.t, stop())
	}
}

// master has the peer be a master that this router follows.
func (s *site) master() (end func()) {
	s.t.Helper()
	end = s.talk(s.pack(s.peer, s.advert(200)).Frame(), interval)
	s.eventually("the peer is followed", func(r control.Report) bool {
		m := r.Instances[0].Master
		return r.Instances[0].State == "BACKUP" && m != nil && m.Priority == 200
	})
	return end
}

func TestOfTwoOwnersTheListSaysWhichIsOne(t *testing.T) { // A2
	everywhere(t, func(s *site) {
		for _, list := range []bool{false, true} {
			words := "priority 255\n"
			if list {
				words += s.hardened()
			}
			s.start(words)
			s.await("MASTER")
			s.send(s.pack(s.peer, s.advert(255)).Frame())
			if list {
				s.eventually("it is refused", func(r control.Report) bool { return counts(r)["dropped owner"] == 1 })
				if state := s.status().State; state != "MASTER" {
					s.t.Errorf("the owner is %s", state)
				}
			} else {
				s.eventually("it is counted, and the higher address wins", func(r control.Report) bool {
					return counts(r)["odd owner"] == 1 && r.Instances[0].Counters.Transitions["BACKUP"] == 1
				})
			}
			must(s.t, s.daemon.Stop())
			_, err := s.daemon.Wait(patience)
			must(s.t, err)
		}
	})
}

// Each of them re-arms Skew_Time in the text of the RFC: whoever repeats them would
// keep a backup from ever taking over.
func TestFarewellsNeitherStartASuccessorNorKeepItWaiting(t *testing.T) { // A4
	everywhere(t, func(s *site) {
		s.start("")
		end := s.master()
		quiet := s.talk(s.pack(s.attacker, s.advert(0)).Frame(), 10*time.Millisecond)
		time.Sleep(time.Second)
		if i := s.status(); i.State != "BACKUP" || i.Counters.Transitions["MASTER"] != 0 {
			s.t.Errorf("beside the master that goes on: %s after %v", i.State, i.Counters.Transitions)
		}
		end()
		s.await("MASTER") // and not only when the attacker is tired
		sniffer, err := s.nic.Sniff(lab.SentVRRP)
		must(s.t, err)
		time.Sleep(time.Second)
		// In turn ten times, and twice in an interval out of turn.
		if n := len(sniffer.Stop()); n > 32 {
			s.t.Errorf("%d adverts in a second answer the farewells, want at most 30", n)
		}
		quiet()
	})
}

// One advert is enough to say another interval.
func TestAnIntervalIsBelievedAsFarAsItIsCredible(t *testing.T) { // A6
	everywhere(t, func(s *site) {
		s.start("")
		end := s.master()
		long, short := s.advert(210), s.advert(200)
		long.Interval, short.Interval = 40950*time.Millisecond, 10*time.Millisecond
		for range 10 {
			s.send(s.pack(s.peer, short).Frame())
			time.Sleep(interval / 2)
		}
		if n := s.status().Counters.Transitions["MASTER"]; n != 0 {
			s.t.Errorf("an advert that says 10 ms has made %d masters beside the one that goes on", n)
		}
		end()
		s.await("MASTER")
		s.send(s.pack(s.attacker, long).Frame())
		s.eventually("40.95 s are taken for 10 s", func(r control.Report) bool {
			ms := r.Instances[0].ActiveDownMS
			return r.Instances[0].State == "BACKUP" && ms > 30_000 && ms < 40_000
		})
	})
}

func TestClaimsAreCountedAndChangeNobodysMind(t *testing.T) { // A11
	everywhere(t, func(s *site) {
		s.start("")
		s.await("MASTER")
		began := s.status().Counters.Transitions["BACKUP"]
		for _, f := range s.claims() {
			before, err := s.report()
			must(s.t, err)
			s.send(f.frame)
			if f.conflict {
				s.eventually(f.name+" is counted", func(r control.Report) bool { return counts(r)["conflict"] > counts(before)["conflict"] })
			}
			time.Sleep(50 * time.Millisecond)
		}
		if i := s.status(); i.State != "MASTER" || i.Counters.Transitions["BACKUP"] != began {
			s.t.Errorf("the router is %s after %v", i.State, i.Counters.Transitions)
		}
	})
}

// The switch learns the wrong port, and unlearns it with the next advert.
func TestFramesFromTheVirtualMACAreCountedAndChangeNobodysMind(t *testing.T) { // A12
	everywhere(t, func(s *site) {
		s.start("")
		s.await("MASTER")
		before := s.status().Counters
		for _, f := range s.spoofed() {
			s.send(f)
		}
		want := uint64(len(s.spoofed()))
		s.eventually(fmt.Sprintf("%d frames are counted", want), func(r control.Report) bool {
			return r.Instances[0].Counters.VirtualMACSpoofed == want
		})
		time.Sleep(interval)
		if i := s.status(); i.State != "MASTER" || i.Counters.Transitions["BACKUP"] != before.Transitions["BACKUP"] || i.Counters.VirtualMACSpoofed != want {
			s.t.Errorf("the router is %s after %v, with %d frames counted", i.State, i.Counters.Transitions, i.Counters.VirtualMACSpoofed)
		}
	})
}

// spoofed are frames from the virtual MAC: a question, and data of some other protocol.
func (s *site) spoofed() [][]byte {
	mac, vip, client := s.virtualMAC(), s.vips[len(s.vips)-1], parse("192.168.1.77")
	question := lab.ARP{Destination: s.nic.MAC, Source: mac, Operation: 1, SenderMAC: mac, SenderIP: client, TargetIP: vip}.Frame
	if s.family == vrrp.IPv6 {
		question = lab.Solicit(mac, s.attacker, vip).Frame
	}
	const someProtocol = "\x88\xb5"
	data := append(append(append([]byte{}, s.nic.MAC[:]...), mac[:]...), someProtocol...)
	return [][]byte{question(), append(data, make([]byte, 46)...)}
}

type claim struct {
	name     string
	frame    []byte
	conflict bool
}

func (s *site) claims() []claim {
	mac, vip := s.station.MAC, s.vips[len(s.vips)-1]
	if s.family == vrrp.IPv6 {
		advertised := lab.ND{Destination: lab.MAC{0x33, 0x33, 0, 0, 0, 1}, Source: mac, SourceIP: s.attacker, DestinationIP: parse("ff02::1"),
			Type: lab.NeighborAdvertisement, Overriding: true, Target: vip, LinkLayer: mac}
		probe := lab.Solicit(mac, parse("::"), vip)
		return []claim{{"an advertisement", advertised.Frame(), true}, {"a probe", probe.Frame(), false}}
	}
	all := lab.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	arp := func(op uint16, from lab.MAC, sender string) []byte {
		return lab.ARP{Destination: all, Source: from, Operation: op, SenderMAC: from, SenderIP: parse(sender), TargetIP: vip}.Frame()
	}
	return []claim{
		{"a gratuitous request", arp(1, mac, vip.String()), true},
		{"a gratuitous reply", arp(2, mac, vip.String()), true},
		{"a probe", arp(1, mac, "0.0.0.0"), false},
	}
}

// The password of version 2 is in every advert: it protects from mistakes.
func TestAPasswordThatWasHeardIsNoProtection(t *testing.T) { // A14
	s := newSite(t, "tc", ipv4)
	s.start("version 2\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass secret\n}\n")
	s.await("MASTER")
	say := func(kind uint8) {
		a := s.advert(250)
		a.Version, a.Interval, a.AuthType, a.AuthData = vrrp.V2, time.Second, kind, [8]byte{'s', 'e', 'c', 'r', 'e', 't'}
		s.send(s.pack(s.attacker, a).Frame())
	}
	say(2)
	s.eventually("MD5 is refused", func(r control.Report) bool { return counts(r)["dropped auth_type"] == 1 })
	say(1)
	s.await("BACKUP")
}

func TestAScanOfAllVRIDsIsCounted(t *testing.T) { // A13
	everywhere(t, func(s *site) {
		s.start("")
		s.await("MASTER")
		for id := 1; id < 256; id++ {
			if id == vrid {
				continue
			}
			a := s.advert(250)
			a.VRID = uint8(id)
			s.send(s.pack(s.attacker, a).Frame())
		}
		s.eventually("254 are counted", func(r control.Report) bool { return counts(r)["on the interface vrid"] == 254 })
		if i := s.status(); i.State != "MASTER" || i.Counters.AdvertsReceived != 0 {
			s.t.Errorf("the router is %s and has received %d", i.State, i.Counters.AdvertsReceived)
		}
	})
}
