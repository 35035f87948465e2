package router

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

func TestTheFamiliesMoveOnTheirOwn(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		s.r1.start(120, both...)
		s.r1.await("MASTER MASTER")
		s.r2.start(100, both...)
		s.r2.await("BACKUP BACKUP")
		s.loseLinkLocal()
		s.r1.await("MASTER FAULT")
		s.r2.await("BACKUP MASTER")
		s.ping(vip4)
		s.ping(vip6)
	})
}

func TestAGroupMovesAsOne(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		grouped := append([]string{"--together"}, both...)
		s.r1.start(120, grouped...)
		s.r1.await("MASTER MASTER")
		s.r2.start(100, grouped...)
		s.r2.await("BACKUP BACKUP")
		watch4, err := s.lan.WatchARP(s.nic, vip4, 0)
		must(t, err)
		watch6, err := s.lan.WatchND(s.nic, vip6, 0)
		must(t, err)

		restore := s.loseLinkLocal()
		s.r1.await("FAULT FAULT")
		s.r2.await("MASTER MASTER")
		s.ping(vip4)
		s.ping(vip6)
		restore()
		s.r1.await("MASTER MASTER")
		s.r2.await("BACKUP BACKUP")
		must(t, s.r1.daemon.Freeze())
		s.r2.await("MASTER MASTER")
		must(t, s.r1.daemon.Thaw())
		s.r1.await("MASTER MASTER")

		for _, r := range []*lab.OwnerReport{watch4.Stop(), watch6.Stop()} {
			for _, d := range r.DoubleAnswers() {
				t.Errorf("request %d was answered by %v", d.RequestSeq, d.Hosts)
			}
		}
	})
}

// loseLinkLocal takes the first router's own link-local address, and with it
// what IPv6 adverts are sent from. Its answer gives it back.
func (s *site) loseLinkLocal() (restore func()) {
	s.t.Helper()
	own := s.r1.nic.LinkLocal().WithZone("").String() + "/64"
	_, err := s.r1.Run("ip", "addr", "del", own, "dev", "eth0")
	must(s.t, err)
	return func() {
		_, err := s.r1.Run("ip", "addr", "add", own, "dev", "eth0", "nodad")
		must(s.t, err)
	}
}

func TestAGracefulStopOfAGroupLosesNothing(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		grouped := append([]string{"--together"}, both...)
		s.r1.start(120, grouped...)
		s.r1.await("MASTER MASTER")
		s.r2.start(100, grouped...)
		s.r2.await("BACKUP BACKUP")
		var probes []*lab.Prober
		for _, vip := range []string{vip4.String(), vip6.String()} {
			probe, err := s.host.Probe(lab.ProbeOptions{Target: parse(vip)})
			must(t, err)
			probes = append(probes, probe)
			must(t, probe.AwaitAnswers(200, patience))
		}
		must(t, s.r1.daemon.Stop())
		s.r2.await("MASTER MASTER")
		time.Sleep(quickDown)
		for _, probe := range probes {
			if r := probe.Stop(); r.Lost > 0 || r.Answers[s.r2.nic.MAC] == 0 {
				t.Errorf("lost %d of %d; answers are from %v", r.Lost, r.Sent, r.Answers)
			}
		}
	})
}
