package wire

import (
	"fmt"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"

	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// row is a check that RFC 9568 §7.1 makes, by its number in the order of the
// RFC, and an advert that fails it.
type row struct {
	check   int
	name    string
	damage  func(s *site, p *forge.Packet)
	counter string // ours, the only one that moves
	rfc     string // that of RFC 8347, the only one that moves; empty: it has none
	only    func(d dialect) bool
}

func inV2(d dialect) bool   { return d.version == vrrp.V2 }
func inV3(d dialect) bool   { return d.version == vrrp.V3 }
func inIPv6(d dialect) bool { return d.family == vrrp.IPv6 }

// refused are adverts that are counted and dropped. Of those with two faults
// the second is that of a later row.
var refused = []row{
	{check: 1, name: "TTL or hop limit 254", damage: ttl(254), counter: "dropped ttl", rfc: "ip-ttl-errors"},
	{check: 1, name: "TTL 64 and version 4", damage: both(ttl(64), version(4)), counter: "dropped ttl", rfc: "ip-ttl-errors"},
	{check: 1, name: "TTL 0 and a wrong checksum", damage: both(ttl(0), badSum), counter: "dropped ttl", rfc: "ip-ttl-errors"},
	{check: 2, name: "version 4", damage: version(4), counter: "dropped version", rfc: "version-errors"},
	{check: 2, name: "version 0", damage: version(0), counter: "dropped version", rfc: "version-errors"},
	{check: 2, name: "version 4 and type 2", damage: both(version(4), type2), counter: "dropped version", rfc: "version-errors"},
	{check: 2, name: "version 4 and a wrong checksum", damage: both(version(4), badSum), counter: "dropped version", rfc: "version-errors"},
	{check: 2, name: "the other version", damage: otherVersion, counter: "dropped version", rfc: "version-errors"},
	{check: 2, name: "the other version and a wrong checksum", damage: both(otherVersion, badSum), counter: "dropped version", rfc: "version-errors"},
	{check: 2, name: "the other version and interval 0", damage: both(otherVersion, interval0), counter: "dropped version", rfc: "version-errors"},
	{check: 3, name: "type 2", damage: type2, counter: "dropped type", rfc: "invalid-type-pkts-rcvd"},
	{check: 3, name: "type 2 and too short", damage: both(type2, cut(4)), counter: "dropped type", rfc: "invalid-type-pkts-rcvd"},
	{check: 3, name: "type 2 and a wrong checksum", damage: both(type2, badSum), counter: "dropped type", rfc: "invalid-type-pkts-rcvd"},
	{check: 4, name: "too short", damage: cut(4), counter: "dropped length", rfc: "packet-length-errors"},
	{check: 4, name: "too long", damage: grow(4), counter: "dropped length", rfc: "packet-length-errors"},
	{check: 4, name: "too long by less than a word", damage: grow(1), counter: "dropped length", rfc: "packet-length-errors"},
	{check: 4, name: "one address more announced than there are", damage: count(+1), counter: "dropped length", rfc: "packet-length-errors"},
	{check: 4, name: "one address less announced than there are", damage: count(-1), counter: "dropped length", rfc: "packet-length-errors"},
	{check: 4, name: "too long and a wrong checksum", damage: both(grow(4), badSum), counter: "dropped length", rfc: "packet-length-errors"},
	{check: 4, name: "no fixed part", damage: keep(6), counter: "on the interface length"},
	{check: 4, name: "nothing behind the IP header", damage: keep(0), counter: "on the interface length"},
	{check: 4, name: "truncated", damage: func(_ *site, p *forge.Packet) { p.Missing = 2 }, counter: "on the interface ip_header"},
	{check: 5, name: "a wrong checksum", damage: badSum, counter: "dropped checksum", rfc: "checksum-errors"},
	{check: 5, name: "a wrong checksum and another VRID", damage: both(vridOf(otherVRID), badSum), counter: "on the interface checksum", rfc: "checksum-errors"},
	{check: 5, name: "a wrong checksum and interval 0", damage: both(interval0, badSum), counter: "dropped checksum", rfc: "checksum-errors"},
	{check: 6, name: "another VRID", damage: vridOf(otherVRID), counter: "on the interface vrid", rfc: "vrid-errors"},
	{check: 6, name: "VRID 0", damage: vridOf(0), counter: "on the interface vrid", rfc: "vrid-errors"},
	{check: 6, name: "another VRID and interval 0", damage: both(vridOf(otherVRID), interval0), counter: "on the interface vrid", rfc: "vrid-errors"},
	{check: 8, name: "no address", damage: noAddress, counter: "dropped count", rfc: "packet-length-errors"},
	{check: 8, name: "no address and interval 0", damage: both(noAddress, interval0), counter: "dropped count", rfc: "packet-length-errors"},
	{check: 9, name: "the first address is not link-local", damage: globalFirst, counter: "dropped first_address", rfc: "address-list-errors", only: inIPv6},
	{check: 9, name: "the first address is not link-local and interval 0", damage: both(globalFirst, interval0), counter: "dropped first_address", rfc: "address-list-errors", only: inIPv6},
	{check: 10, name: "interval 0", damage: interval0, counter: "dropped interval", rfc: "interval-errors"},
	{check: 10, name: "interval 0 and another address", damage: both(interval0, otherAddress), counter: "dropped interval", rfc: "interval-errors"},
	{check: 11, name: "another interval", damage: otherInterval, counter: "dropped interval", rfc: "interval-errors", only: inV2},
	{check: 11, name: "another interval and another address", damage: both(otherInterval, otherAddress), counter: "dropped interval", rfc: "interval-errors", only: inV2},
	{check: 12, name: "another address, not from its owner", damage: otherAddress, counter: "dropped address_list", rfc: "address-list-errors", only: inV2},
}

func rowsFor(d dialect) (list []row) {
	for _, r := range refused {
		if r.only == nil || r.only(d) {
			list = append(list, r)
		}
	}
	return list
}

func (r row) String() string { return fmt.Sprintf("row %d: %s", r.check, r.name) }

// broken is an advert that would end the router's reign, but for its fault.
func (s *site) broken(r row) []byte {
	s.t.Helper()
	p := s.pack(s.advert(better))
	r.damage(s, &p)
	return p.Frame()
}

func TestAMasterRefusesAndCountsABadAdvert(t *testing.T) {
	each(t, []dialect{v3, v2, v3ipv6}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("MASTER")
		began := time.Now()
		for _, r := range rowsFor(s.dialect) {
			s.run(r.String(), func() {
				s.checkUndisturbed(func() {
					s.checkMoved(once(r.counter, r.rfc), func() { s.send(s.broken(r)) })
				})
			})
		}
		s.checkRegular(began)
	})
}

// run is t.Run for a part of a test, which begins again where this machine spoils it.
func (s *site) run(name string, part func()) {
	outer := s.t
	defer func() { s.t = outer }()
	outer.(*testing.T).Run(name, func(t *testing.T) {
		lab.Undisturbed(t, unfit, func(t testing.TB) {
			s.t = t
			part()
		})
	})
}

// checkUndisturbed wants the router to be master all through the action.
func (s *site) checkUndisturbed(action func()) {
	s.t.Helper()
	s.await("MASTER")
	before := s.status().Counters.Transitions["BACKUP"]
	action()
	status := s.status()
	if n := status.Counters.Transitions["BACKUP"] - before; status.State != "MASTER" || n != 0 {
		s.t.Errorf("the router is %s and gave way %d times, want a master that did not", status.State, n)
	}
}

// checkRegular wants the adverts since then to be sent at the interval, none of
// them out of turn: nothing was contradicted, nothing re-armed Adver_Timer. What
// is late is not looked at.
func (s *site) checkRegular(since time.Time) {
	s.t.Helper()
	end := time.Now()
	if first := s.firstAfter(since, s.ownAdvert); first.At.After(end) {
		end = first.At
	}
	next := s.firstAfter(end, s.ownAdvert)
	adverts := append(s.between(since, next.At, s.ownAdvert), next)
	took, least := next.At.Sub(adverts[0].At), s.interval*time.Duration(len(adverts)-1)
	if took < least-margin {
		s.t.Errorf("%d adverts were sent in %v, want %v or more", len(adverts), took, least)
	}
}

// Each bad advert is sent to a backup when half of its time has passed. Version 2
// has no fast intervals: there all of them are sent at once.
func TestABadAdvertDoesNotMoveABackupsTimer(t *testing.T) {
	const fast = 20 * time.Millisecond
	each(t, []dialect{v3.at(fast), v2, v3ipv6.at(fast)}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("MASTER")
		if s.version == vrrp.V2 {
			var all [][]byte
			for _, r := range rowsFor(s.dialect) {
				all = append(all, s.broken(r))
			}
			s.checkTimerUnmoved(all)
			return
		}
		for _, r := range rowsFor(s.dialect) {
			s.run(r.String(), func() { s.checkTimerUnmoved([][]byte{s.broken(r)}) })
		}
	})
}

func (s *site) checkTimerUnmoved(bad [][]byte) {
	s.t.Helper()
	checkTimes(s.t, func() {}, func() []timed {
		last := s.sendTimed(s.pack(s.advert(better)).Frame())
		time.Sleep(s.down(s.interval) / 2)
		for _, frame := range bad {
			s.send(frame)
		}
		return []timed{{"taking over from a silent master", s.takeover(last), s.down(s.interval)}}
	})
}
