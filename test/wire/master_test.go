package wire

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// RFC 9568 §6.4.3, as far as it shows on the wire.

func TestInMaster(t *testing.T) {
	eachPart(t, "MASTER", []part{
		{"adverts are sent at the interval", advertisesAtTheInterval},
		{"a lower priority is contradicted at once", contradictsALesserOne},
		{"a flood of lower priorities is contradicted twice an interval", contradictsAFloodWithinLimits},
		{"a farewell is answered, and the interval begins anew", answersAFarewell},
		{"a flood of farewells is answered twice an interval", answersAFloodOfFarewellsWithinLimits},
		{"a higher priority is given way to, and its interval adopted", givesWayToAHigherPriority},
		{"of equal priorities the higher address is given way to", givesWayToAHigherAddress},
		{"of equal priorities the lower address is contradicted", contradictsALowerAddress},
		{"everything is answered for the addresses", answersForEverything},
	})
}

func advertisesAtTheInterval(s *site) {
	thrice(s.t, func() (list []timed) {
		last := s.firstAfter(time.Now(), s.ownAdvert).At
		for range 3 {
			next := s.firstAfter(last, s.ownAdvert).At
			list = append(list, timed{"the time between two adverts", next.Sub(last), brisk})
			last = next
		}
		return list
	})
}

// midway waits until the next advert is half an interval away.
func (s *site) midway() {
	s.t.Helper()
	s.firstAfter(time.Now(), s.ownAdvert)
	time.Sleep(s.interval / 2)
}

// RFC 9568 §1.2, new in it. Adver_Timer goes on.
func contradictsALesserOne(s *site) {
	thrice(s.t, func() []timed {
		before := s.firstAfter(time.Now(), s.ownAdvert).At
		time.Sleep(brisk / 2)
		heard := s.sendTimed(s.pack(s.advert(lesser)).Frame())
		answer := s.firstAfter(heard, s.ownAdvert).At
		return []timed{
			{"contradicting", answer.Sub(heard), 0},
			{"the next advert", s.firstAfter(answer, s.ownAdvert).At.Sub(before), brisk},
		}
	})
}

// The limits are those of docs/architecture.md: or one sender could have the
// master send as much as itself.
func contradictsAFloodWithinLimits(s *site) { s.checkFlood(lesser, 2*6, 3*6+1) }

// The answer re-arms Adver_Timer, so that no other advert falls due.
func answersAFloodOfFarewellsWithinLimits(s *site) { s.checkFlood(0, 2*6-2, 2*6+1) }

// checkFlood wants so many adverts within 6 intervals of a flood.
func (s *site) checkFlood(priority uint8, least, most int) {
	s.t.Helper()
	s.midway()
	end := s.talk(s.pack(s.advert(priority)).Frame(), brisk/20)
	began := time.Now()
	time.Sleep(6 * brisk)
	adverts := len(s.between(began, time.Now(), s.ownAdvert))
	end()
	if adverts > most || adverts < least {
		s.t.Errorf("%d adverts were sent in 6 intervals, want %d to %d", adverts, least, most)
	}
}

func answersAFarewell(s *site) {
	thrice(s.t, func() []timed {
		s.midway()
		heard := s.sendTimed(s.pack(s.advert(0)).Frame())
		answer := s.firstAfter(heard, s.ownAdvert).At
		return []timed{
			{"answering", answer.Sub(heard), 0},
			{"the next advert", s.firstAfter(answer, s.ownAdvert).At.Sub(heard), brisk},
		}
	})
}

// It is silent from then on, and its timer runs at the other's interval.
func givesWayToAHigherPriority(s *site) {
	const theirs = 90 * time.Millisecond
	thrice(s.t, func() []timed {
		s.await("MASTER")
		s.midway()
		a := s.advert(ours + 1)
		a.Interval = theirs
		heard := s.sendTimed(s.pack(a).Frame())
		return []timed{{"taking over again", s.takeover(heard), s.down(theirs)}}
	})
}

// Addresses are compared as unsigned numbers in network order. Our own is
// 192.168.1.100, whose last byte is less than 128, or fe80::ff:fe00:0 and more.
var ties = map[vrrp.Family]struct{ higher, lower []string }{
	vrrp.IPv4: {
		[]string{"192.168.1.101", "192.168.1.200", "192.168.2.1"},
		[]string{"192.168.1.99", "192.168.1.3", "192.168.0.200", "10.255.255.255"},
	},
	vrrp.IPv6: {
		[]string{"fe80::ff00:0:0:1", "fe80::8000:0:0:1"},
		[]string{"fe80::1", "fe80::ff:0:ffff"},
	},
}

func givesWayToAHigherAddress(s *site) {
	for _, source := range ties[s.family].higher {
		thrice(s.t, func() []timed {
			s.await("MASTER")
			heard := s.sendTimed(s.packFrom(parse(source), s.advert(ours)).Frame())
			return []timed{{"taking over again from " + source, s.takeover(heard), s.down(brisk)}}
		})
	}
}

func contradictsALowerAddress(s *site) {
	for _, source := range ties[s.family].lower {
		s.checkUndisturbed(func() {
			thrice(s.t, func() []timed {
				s.midway()
				heard := s.sendTimed(s.packFrom(parse(source), s.advert(ours)).Frame())
				return []timed{{"contradicting " + source, s.firstAfter(heard, s.ownAdvert).At.Sub(heard), 0}}
			})
		})
	}
}

func TestAMasterLeavesWithPriorityZero(t *testing.T) {
	eachUndisturbed(t, append(brisks, v2), func(t testing.TB, s *site) {
		var farewell lab.Frame
		restart := func() {
			if s.daemon != nil {
				s.checkLeft(farewell)
			}
			s.start(ours)
			s.await("MASTER")
		}
		leave := func() []timed {
			asked := time.Now()
			must(t, s.daemon.Stop())
			farewell = s.firstAfter(asked, s.ownWith(0))
			return []timed{{"leaving", farewell.At.Sub(asked), 0}}
		}
		if s.version == vrrp.V2 { // it takes seconds to become master
			checkTimes(t, restart, leave)
		} else {
			thriceAfter(t, restart, leave)
		}
		s.checkLeft(farewell)
	})
}

// checkLeft waits for the end, and wants nothing to follow the farewell.
func (s *site) checkLeft(farewell lab.Frame) {
	s.t.Helper()
	_, err := s.daemon.Wait(patience)
	must(s.t, err)
	if n := len(s.between(farewell.At, time.Now(), s.ownAdvert)); n != 0 {
		s.t.Errorf("%d adverts came after the farewell", n)
	}
}

func TestABackupLeavesWithoutAWord(t *testing.T) {
	eachUndisturbed(t, brisks, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("BACKUP")
		s.follows()
		s.stop()
		if frames := s.between(time.Time{}, time.Now(), s.ownAdvert); len(frames) != 0 {
			t.Errorf("%d adverts were sent, the first %v", len(frames), frames[0].At)
		}
	})
}

// A master answers all of it: the backup's silence is no fault of the questions.
func answersForEverything(s *site) {
	s.awaitAddresses()
	began := time.Now()
	s.askEverything()
	time.Sleep(2 * brisk)
	answers := s.between(began, time.Now(), func(f lab.Frame) bool {
		return f.Direction == lab.In && f.Destination() == s.host.MAC
	})
	questions := 0 // of the router, before it can answer to the host
	for _, f := range answers {
		if arp, ok := lab.ParseARP(f.Data); ok && arp.Operation == lab.ARPRequest {
			questions++
		}
		if nd, ok := lab.ParseND(f.Data); ok && nd.Type == lab.NeighborSolicitation {
			questions++
		}
	}
	if got, want := len(answers)-questions, 4*len(s.vips); got != want {
		s.t.Errorf("%d of the %d questions were answered", got, want)
	}
}
