package wire

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"

	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
)

// What RFC 9568 §7.1 has logged and counted, and kept.

// awaitSaid waits for a warning in the log.
func (s *site) awaitSaid(text string) {
	s.t.Helper()
	must(s.t, s.daemon.WaitLog(patience, text))
}

// Row 7, erratum 8298: it is no reason to refuse the advert.
func TestAnOwnerLogsAnotherOwnerAndRefusesNothing(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v2, v3ipv6}, func(t testing.TB, s *site) {
		s.start(255)
		s.await("MASTER")
		before := s.status().Counters.AdvertsReceived
		s.checkMoved(once("odd owner"), func() { s.send(s.packFrom(s.lower(), s.advert(255)).Frame()) })
		s.awaitSaid("two address owners (priority 255)")
		after := s.status()
		if after.State != "MASTER" || after.Counters.AdvertsReceived != before+1 {
			t.Errorf("the router is %s and has received %d adverts, want a master that has received %d", after.State, after.Counters.AdvertsReceived, before+1)
		}
	})
}

// lower is the address of a router that loses every tie.
func (s *site) lower() netip.Addr { return s.choose("192.168.1.3", "fe80::1") }

// Row 11, RFC 9568 §5.2.7.
func TestInVersion3AnotherIntervalIsAdoptedAndCounted(t *testing.T) {
	const theirs = 100 * time.Millisecond
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("MASTER")
		p := s.pack(s.advert(better))
		otherInterval(s, &p)
		s.checkMoved(once("odd interval", "interval-errors"), func() { s.send(p.Frame()) })
		status := s.status()
		if want := float64(s.down(theirs).Round(time.Microsecond)) / float64(time.Millisecond); status.ActiveDownMS != want {
			t.Errorf("Active_Down_Interval is %vms, want %vms", status.ActiveDownMS, want)
		}
		s.awaitSaid("advertisement interval differs, adopting the master's")
	})
}

// Row 11, RFC 3768 §7.1; that the advert is dropped is shown with the others.
func TestInVersion2AnotherIntervalIsSaid(t *testing.T) {
	each(t, []dialect{v2}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("BACKUP")
		p := s.pack(s.advert(better))
		otherInterval(s, &p)
		s.send(p.Frame())
		s.awaitSaid(`mismatch="an advert every 2000ms, ours every 1000ms"`)
	})
}

// slow is an interval at which a backup remains one during a test.
const slow = time.Second

// accepts wants a backup to follow who sent the advert, and these counters to move.
func (s *site) accepts(p forge.Packet, moved ...string) {
	s.t.Helper()
	const before = 201
	s.send(s.pack(s.advert(before)).Frame())
	s.awaitMaster(before)
	s.checkMoved(once(moved...), func() { s.sendTimed(p.Frame()) })
	s.awaitMaster(p.PDU[2])
}

// awaitMaster waits until the router is the backup of the other one, at that priority.
func (s *site) awaitMaster(priority uint8) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
		status := s.status()
		if m := status.Master; status.State == "BACKUP" && m != nil && m.Address == s.other.String() && m.Priority == priority {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the router is %s of %+v, want the backup of %v at priority %d", status.State, status.Master, s.other, priority)
		}
	}
}

// Row 12: version 3 keeps it, and version 2 that of the owner.
func TestAnotherAddressListIsKeptAndCounted(t *testing.T) {
	each(t, []dialect{v3.at(slow), v2, v3ipv6.at(slow)}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("BACKUP")
		for name, change := range map[string]damage{"another address": otherAddress, "one address more": oneMore} {
			s.run(name, func() {
				p := s.pack(s.advert(better))
				if s.version == vrrp.V2 {
					p = s.pack(s.advert(vrrp.OwnerPriority))
				}
				change(s, &p)
				s.accepts(p, "odd address_list", "address-list-errors")
				s.awaitSaid("virtual addresses differ")
			})
		}
	})
}

// Row 12, version 2, RFC 3768 §7.1; that the advert is dropped is shown with the others.
func TestInVersion2AnotherAddressListIsSaid(t *testing.T) {
	each(t, []dialect{v2}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("BACKUP")
		p := s.pack(s.advert(better))
		otherAddress(s, &p)
		s.send(p.Frame())
		s.awaitSaid("virtual addresses differ, adverts refused: there may be two masters")
	})
}

// RFC 9568 §5.2.6: they are ignored.
func TestReservedBitsAreIgnored(t *testing.T) {
	eachUndisturbed(t, []dialect{v3.at(slow), v3ipv6.at(slow)}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("BACKUP")
		p := s.pack(s.advert(better))
		p.PDU[4] |= 0xf0
		p.Sum()
		s.accepts(p)
	})
}

// RFC 9568 §5.2.8, and what others make of it.
func TestBothFormsOfTheChecksumAreGood(t *testing.T) {
	each(t, []dialect{v3.at(slow)}, func(t *testing.T, s *site) {
		s.start(ours)
		s.await("BACKUP")
		for _, form := range []vrrp.ChecksumForm{vrrp.PseudoHeader, vrrp.MessageOnly} {
			s.run(form.String(), func() {
				a := s.advert(better)
				a.Checksum = form
				s.accepts(s.pack(a))
				if n := s.status().Counters.AdvertsByChecksum[form.String()]; n == 0 {
					s.t.Error("no advert of this form was counted")
				}
			})
		}
	})
}
