package router

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// own are addresses of the routers themselves.
var own = map[string]netip.Addr{
	"r1": parse("192.168.1.2"), "r2": parse("192.168.1.3"),
	"r1/6": parse("2001:db8:1::2"), "r2/6": parse("2001:db8:1::3"),
}

// elects has the second router follow the first, and take over when it stops.
func (s *site) elects(first, second []string, states, backups string) {
	s.t.Helper()
	s.r1.start(120, first...)
	s.r1.await(states)
	s.r2.start(100, second...)
	s.r2.await(backups)
	s.r1.stays(states, 10*quick)
	s.r2.stays(backups, 10*quick)
	must(s.t, s.r1.daemon.Stop())
	s.r2.await(states)
}

func TestPeersElectByUnicastInBothFamilies(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		peer := func(me, other string) []string {
			return append([]string{"--peer", own[other].String(), "--peer", own[other+"/6"].String(),
				"--source", own[me].String(), "--source", own[me+"/6"].String(), "--min-ttl", "255"}, both...)
		}
		sniffer, err := s.r1.nic.Sniff(lab.IsVRRP)
		must(t, err)
		s.elects(peer("r1", "r2"), peer("r2", "r1"), "MASTER MASTER", "BACKUP BACKUP")
		adverts := 0
		for _, f := range sniffer.Stop() {
			if f.Destination()[0]&1 != 0 {
				t.Fatalf("an advert went to %v", f.Destination())
			}
			adverts++
		}
		if adverts < 20 {
			t.Errorf("only %d adverts were seen", adverts)
		}
	})
}

func TestRoutersOfTheSamePasswordElect(t *testing.T) {
	abreast(t, func(t testing.TB, s *site) {
		v2 := append([]string{"--version", "2", "--advert-int", "1s", "--auth-pass", "s3cret"}, only4...)
		s.elects(v2, v2, "MASTER", "BACKUP")
	})
}

// Neither keepalived 2.2 nor FRR 8.4 knows this form.
func TestTheMessageOnlyChecksumIsUnderstood(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		fixed := append([]string{"--checksum", "message-only"}, only4...)
		s.elects(fixed, only4, "MASTER", "BACKUP")
		if got := s.r2.report().Instances[0]; got.Checksum != "message-only" || got.Counters.AdvertsByChecksum["message-only"] == 0 {
			t.Errorf("the backup sends %s, and has counted %v: it should speak as the master did", got.Checksum, got.Counters.AdvertsByChecksum)
		}
	})
}

func TestAFixedFormThatIsNotTheOthersIsSaidOnce(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		s.r1.start(120, append([]string{"--checksum", "message-only"}, only4...)...)
		s.r1.await("MASTER")
		s.r2.start(100, append([]string{"--checksum", "pseudo-header"}, only4...)...)
		s.r2.await("BACKUP")
		s.r2.stays("BACKUP", 10*quick)
		checkSaid(t, s.r2, 1, "checksum")
	})
}

func TestWithoutAcceptTheMasterForwardsAndAnswersNoPing(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		s.r1.start(120, append([]string{"--no-accept"}, both...)...)
		s.r1.await("MASTER MASTER")
		for _, vip := range []netip.Addr{vip4, vip6} {
			if out, err := s.host.Run("ping", "-n", "-c", "2", "-i", "0.1", "-W", "0.5", vip.String()); err == nil {
				t.Errorf("%v was answered:\n%s", vip, out)
			}
			if mac, state, _ := s.host.Neighbour("eth0", vip); mac != shared[vip] { // ND and ARP are answered all the same
				t.Errorf("%v is at %v (%s), want %v", vip, mac, state, shared[vip])
			}
			s.forwards(vip)
		}
		for _, i := range s.r1.report().Instances {
			if i.Counters.VirtualMACFrames["not_accepted"] < 2 || i.Counters.VirtualMACFrames["accepted"] == 0 {
				t.Errorf("%s: frames to the virtual MAC: %v", i.Name, i.Counters.VirtualMACFrames)
			}
		}
		for _, a := range s.r1.Addresses("eth0") {
			if _, virtual := shared[a.Addr()]; virtual {
				t.Errorf("%v is on the interface", a)
			}
		}
	})
}

// forwards wants a way through the master, to an address behind it.
func (s *site) forwards(via netip.Addr) {
	s.t.Helper()
	behind, bits := "10.9.9.9", "/32"
	if via.Is6() {
		behind, bits = "2001:db8:99::9", "/128"
	}
	_, err := s.r1.Run("ip", "addr", "replace", behind+bits, "dev", "lo")
	must(s.t, err)
	s.host.Route(behind+bits, via.String())
	s.ping(parse(behind))
}

func TestAPreemptDelayLeavesTheMasterAlone(t *testing.T) {
	abreast(t, func(t testing.TB, s *site) {
		const delay = 1500 * time.Millisecond
		s.r2.start(100, only4...)
		s.r2.await("MASTER")
		s.r1.start(120, append([]string{"--preempt-delay", delay.String()}, only4...)...)
		s.r1.await("BACKUP")
		began := time.Now()
		s.r1.await("MASTER")
		if took := time.Since(began); took < delay-quickDown || took > delay+quickDown+time.Second/4 {
			t.Errorf("preempted after %v, want %v and at most %v more", took, delay, quickDown)
		}
		s.r2.await("BACKUP")
	})
}

func TestAStartDelayKeepsARouterInInit(t *testing.T) {
	abreast(t, func(t testing.TB, s *site) {
		s.r1.start(255, append([]string{"--start-delay", "1s"}, only4...)...)
		s.r1.await("INIT")
		s.r1.stays("INIT", 700*time.Millisecond)
		s.r1.await("MASTER") // an owner needs no election
	})
}

// Two that do not understand each other are two masters: each is told why.
func TestMisconfiguredPairsAreToldWhy(t *testing.T) {
	tests := map[string]struct {
		one, other []string
		want       string
	}{
		"versions":  {[]string{"--version", "2", "--advert-int", "1s"}, []string{"--advert-int", "1s"}, `mismatch="version 2, ours is 3"`},
		"intervals": {[]string{"--version", "2", "--advert-int", "2s"}, []string{"--version", "2", "--advert-int", "1s"}, `mismatch="an advert every 2000ms, ours every 1000ms"`},
		"passwords": {[]string{"--version", "2", "--advert-int", "1s", "--auth-pass", "one"}, []string{"--version", "2", "--advert-int", "1s", "--auth-pass", "other"}, "authentication"},
		"addresses": {[]string{"--vip", "192.168.1.9/24"}, nil, "addresses differ"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			abreast(t, func(t testing.TB, s *site) {
				s.r1.start(120, append(c.one, only4...)...)
				s.r1.await("MASTER")
				s.r2.start(100, append(c.other, only4...)...)
				must(t, s.r2.daemon.WaitLog(patience, c.want))
			})
		})
	}
}

func TestAnAdvertWithoutTheVirtualMACIsRefusedWhenStrict(t *testing.T) {
	for name, strict := range map[string]bool{"strict": true, "not strict": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			abreast(t, func(t testing.TB, s *site) { meetsPlainKeepalived(t, s, strict) })
		})
	}
}

// meetsPlainKeepalived is beside a master that uses its own MAC.
func meetsPlainKeepalived(t testing.TB, s *site, strict bool) {
	t.Helper()
	args := append([]string{"--advert-int", "1s"}, only4...)
	if strict {
		args = append(args, "--strict-mac")
	}
	_, err := s.lab.Keepalived(s.r1.Host, keepalivedConfig)
	must(t, err)
	s.r2.start(100, args...)
	s.r2.await("BACKUP")
	counted := func(c control.InstanceCounts) uint64 { return c.AdvertsOdd["source_mac"] }
	if strict {
		s.r2.await("MASTER")
		counted = func(c control.InstanceCounts) uint64 { return c.AdvertsDropped["source_mac"] }
	} else {
		s.r2.stays("BACKUP", 5*time.Second)
	}
	if counted(s.r2.report().Instances[0].Counters) == 0 {
		t.Error("nothing was counted")
	}
}

const keepalivedConfig = `vrrp_instance lan {
    interface eth0
    virtual_router_id 10
    version 3
    priority 120
    advert_int 1
    virtual_ipaddress {
        192.168.1.1/24
    }
}
`

// checkSaid wants a warning in the router's log so often.
func checkSaid(t testing.TB, r *router, times int, text string) {
	t.Helper()
	said := 0
	for _, line := range r.daemon.Lines() {
		if contains(line.Text, "level=WARN") && contains(line.Text, text) {
			said++
		}
	}
	if said != times {
		t.Errorf("%s said %q %d times, want %d; its log:\n%s", r.Name, text, said, times, r.daemon.Log())
	}
}
