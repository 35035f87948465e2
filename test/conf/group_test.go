package conf

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// fifty are the virtual addresses of a member.
func fifty(format string) (list []string) {
	for n := range 50 {
		list = append(list, fmt.Sprintf(format, 100+n))
	}
	return list
}

// legs are a gateway of two interfaces and two families, with 50 addresses each.
func legs(priority int) []stanza {
	leg := func(name, nic string, vrid int, addresses []string) stanza {
		return stanza{name: name, nic: nic, vrid: vrid, priority: priority, interval: steady, addresses: addresses}
	}
	return []stanza{
		leg("lan4", "eth0", 11, fifty("192.168.1.%d/24")),
		leg("lan6", "eth0", 11, append([]string{"fe80::11/64"}, fifty("2001:db8:1::%d/64")...)),
		leg("wan4", "eth1", 12, fifty("10.0.0.%d/24")),
		leg("wan6", "eth1", 12, append([]string{"fe80::12/64"}, fifty("2001:db8:2::%d/64")...)),
	}
}

// grouped is the configuration of those legs, as one group that says what it does.
func grouped(priority int) string {
	parts := []any{realTime}
	var names []string
	for _, l := range legs(priority) {
		parts = append(parts, l)
		names = append(names, l.name)
	}
	group := strings.TrimSuffix(groupOf("G", names...), "}\n") + "notify DIR/tell\n}\n"
	return file(append(parts, group)...)
}

const (
	allLegs = 0b1111
	lanLegs = 0b0011
	wanLegs = 0b1100
)

// trip is a way to the other router and back.
type trip struct {
	name        string
	there, back func(*site)
	heard       uint32 // the legs on which the first router can be asked all the time
}

func trips() []trip {
	start := func(s *site) {
		_, err := s.r1.daemon.Wait(patience)
		must(s.t, err)
		s.r1.starts(grouped(120))
	}
	return []trip{
		{"stop", func(s *site) { must(s.t, s.r1.daemon.Stop()) }, start, allLegs},
		{"crash", func(s *site) { must(s.t, s.r1.daemon.Kill()) }, start, allLegs},
		{"freeze", func(s *site) { must(s.t, s.r1.daemon.Freeze()) }, func(s *site) { must(s.t, s.r1.daemon.Thaw()) }, allLegs},
		{"LAN cut", func(s *site) { s.r1.lan.Cut() }, func(s *site) { s.r1.lan.Restore() }, wanLegs},
		{"WAN cut", func(s *site) { s.r1.wan.Cut() }, func(s *site) { s.r1.wan.Restore() }, lanLegs},
		{"reload", func(s *site) { s.r1.reload(grouped(90)) }, func(s *site) { s.r1.reload(grouped(120)) }, allLegs},
	}
}

func TestAGroupAnswersAsAWholeOrNotAtAll(t *testing.T) {
	s := newSite(t)
	for _, r := range []*router{s.r1, s.r2} {
		r.script("tell", `echo "$@" >> DIR/told`)
	}
	s.r1.starts(grouped(120))
	s.r2.starts(grouped(100))
	s.r1.await(all("MASTER", grouped(0)))
	s.r2.await(all("BACKUP", grouped(0)))
	members := s.legMembers()
	for _, trip := range trips() {
		t.Run(trip.name, func(t *testing.T) {
			for range 2 {
				s.t = t
				s.wholeOnTheWay(members, trip)
			}
		})
	}
}

// legMembers are asked from hosts on either side.
func (s *site) legMembers() []member {
	lan := s.lab.Host("asker1").Connect(s.lan, "eth0")
	wan := s.lab.Host("asker2").Connect(s.wan, "eth0")
	var list []member
	for _, l := range legs(1) {
		m := member{name: l.name, nic: lan}
		if l.nic == "eth1" {
			m.nic = wan
		}
		for _, a := range l.addresses {
			m.vips = append(m.vips, netip.MustParsePrefix(a).Addr())
		}
		list = append(list, m)
	}
	return list
}

// heldUp is a pause of this machine that a router may lose its lease in: it may flip
// once more than it would.
const heldUp = 2 * steady

// wholeOnTheWay makes the trip under the sampler. How often a router flips counts
// where the machine did not pause, that it does so as a whole always does.
func (s *site) wholeOnTheWay(members []member, trip trip) {
	s.t.Helper()
	for range 5 {
		watch := lab.WatchPauses()
		flips := s.flipsOnTheWay(startSampler(s.t, []*lab.Switch{s.lan, s.wan}, members), trip)
		paused := lab.WorstPause(watch.Stop())
		if flips == [2]int{3, 2} || s.t.Failed() {
			return
		}
		if paused < heldUp {
			s.t.Errorf("r1 flips %d times and r2 %d, want 3 and 2", flips[0], flips[1])
			return
		}
		s.t.Logf("made again: r1 flipped %d times and r2 %d; this machine paused for %v", flips[0], flips[1], paused)
	}
	s.t.Error("this machine pauses too often")
}

// flipsOnTheWay is how often the first and the second router flip, each as a whole.
func (s *site) flipsOnTheWay(sampler *sampler, trip trip) (flips [2]int) {
	s.t.Helper()
	masters, backups := all("MASTER", grouped(0)), all("BACKUP", grouped(0))
	sampler.goOn(20)
	trip.there(s)
	s.r2.await(masters)
	trip.back(s)
	s.r1.await(masters)
	s.r2.await(backups)
	sampler.goOn(20)
	sets := sampler.stop()
	for i, legs := range []uint32{trip.heard, allLegs} {
		var err error
		if flips[i], err = undivided(fmt.Sprint("r", i+1), sets, legs); err != nil {
			s.t.Error(err)
		}
	}
	return flips
}

func TestAGroupTellsOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.script("tell", `echo "$@" >> DIR/told`)
	s.r1.starts(grouped(120))
	s.r1.awaitLines("told", "GROUP G BACKUP 0", "GROUP G MASTER 0")
	s.r1.wan.Cut()
	s.r1.awaitLines("told", "GROUP G BACKUP 0", "GROUP G MASTER 0", "GROUP G FAULT 0")
	s.r1.wan.Restore()
	s.r1.awaitLines("told", "GROUP G BACKUP 0", "GROUP G MASTER 0", "GROUP G FAULT 0", "GROUP G BACKUP 0", "GROUP G MASTER 0")
	must(t, s.r1.daemon.Stop())
	_, err := s.r1.daemon.Wait(patience)
	must(t, err)
	if got := s.r1.lines("told"); len(got) != 6 || got[5] != "GROUP G STOP 0" {
		t.Errorf("told was %q", got)
	}
}
