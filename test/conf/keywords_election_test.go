package conf

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var _ = covers(inInstance, "nopreempt", "preempt", "preempt_delay", "state", "priority", "lower_prio_no_advert", "higher_prio_send_advert")

var _ = covers(inGlobal, "vrrp_lower_prio_no_advert", "vrrp_higher_prio_send_advert")

// Who has the higher priority and comes later, is master; unless it leaves the
// other alone.
func TestWhoPreempts(t *testing.T) {
	tests := map[string]struct {
		body     string
		preempts bool
	}{
		"priority":                      {"", true},
		"nopreempt":                     {"nopreempt", false},
		"nopreempt beside state BACKUP": {"state BACKUP\nnopreempt", false},
		"nopreempt beside state MASTER": {"state MASTER\nnopreempt", true},
		"preempt after nopreempt":       {"nopreempt\npreempt", true},
		"a preempt_delay without end":   {"preempt_delay 1000", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			sniffer := s.sniff(s.r2.lan)
			s.r2.run(instance("VI_1", "advert_int 0.2\npriority 100"))
			s.r2.await("MASTER")
			s.r1.run(instance("VI_1", "advert_int 0.2\npriority 120\n"+test.body))
			if test.preempts {
				s.r1.await("MASTER")
				s.r2.await("BACKUP")
				return
			}
			s.r1.await("BACKUP")
			s.stillMaster(sniffer)
			if got := s.r1.states(); got != "BACKUP" {
				t.Errorf("the better router is %s, want BACKUP", got)
			}
			must(t, s.r2.daemon.Stop())
			s.r1.await("MASTER")
		})
	}
}

// stillMaster waits until the router there has sent more adverts than would have
// been, had another one taken over.
func (s *site) stillMaster(sniffer *lab.Sniffer) {
	s.t.Helper()
	now := time.Now()
	s.waitFor(sniffer, 8, func(f lab.Frame) bool { return f.At.After(now) && sentAdvert(10)(f) })
}

func TestAPreemptDelayLeavesTheMasterAloneForItsTime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r2.run(instance("VI_1", "priority 100"))
	s.r2.await("MASTER")
	began := time.Now()
	s.r1.run(instance("VI_1", "priority 120\npreempt_delay 1.2"))
	took := s.wait(sniffer, sentAdvert(10)).At.Sub(began)
	if took < 1200*time.Millisecond || took > 3*time.Second {
		t.Errorf("the better router is master after %v, want 1.2s and a little more", took)
	}
}

// slow is an interval between whose adverts one that is sent at once stands out.
const slow = "advert_int 0.8\npriority 255\n"

// A master that hears a lesser one says at once that it is there.
func TestWhetherALesserMasterIsAnswered(t *testing.T) {
	tests := []struct {
		global, body string
		answers      bool
	}{
		{"", "", true},
		{"", "lower_prio_no_advert", false},
		{"vrrp_lower_prio_no_advert", "", false},
		{"vrrp_lower_prio_no_advert", "lower_prio_no_advert off", true},
	}
	for _, test := range tests {
		t.Run(test.global+" "+test.body, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			sniffer := s.sniff(s.r1.lan)
			s.r1.run(global(test.global) + instance("VI_1", slow+test.body))
			advert := s.wait(sniffer, sentAdvert(10)).At
			lesser := s.advertOf(50)
			lesser.Interval = 800 * time.Millisecond
			s.say(lesser)
			after := s.waitAfter(sniffer, advert, sentAdvert(10)).At.Sub(advert)
			if answered := after < 700*time.Millisecond; answered != test.answers {
				t.Errorf("the next advert came after %v; want an answer at once: %v", after, test.answers)
			}
			s.r1.await("MASTER")
		})
	}
}

// A master that gives way is silent, or says a last time that it was there.
func TestWhetherAMasterThatGivesWaySendsALastAdvert(t *testing.T) {
	tests := []struct {
		global, body string
		want         int
	}{
		{"", "", 0},
		{"", "higher_prio_send_advert", 1},
		{"vrrp_higher_prio_send_advert", "", 1},
		{"vrrp_higher_prio_send_advert", "higher_prio_send_advert off", 0},
	}
	for _, test := range tests {
		t.Run(test.global+" "+test.body, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			sniffer := s.sniff(s.r1.lan)
			s.r1.run(global(test.global) + instance("VI_1", "advert_int 0.6\npriority 200\n"+test.body))
			s.wait(sniffer, sentAdvert(10))
			better := s.advertOf(250)
			better.Interval = 40 * time.Second
			s.say(better)
			s.r1.await("BACKUP")
			heard := s.wait(sniffer, func(f lab.Frame) bool { return lab.IsVRRP(f) && f.Direction == lab.Out }).At
			last := selected(sniffer.Stop(), func(f lab.Frame) bool { return f.At.After(heard) && sentAdvert(10)(f) })
			if len(last) != test.want {
				t.Errorf("%d adverts were sent after the better one, want %d", len(last), test.want)
			}
		})
	}
}

var _ = covers(inInstance, "check_unicast_src", "unicast_peer", "skip_check_adv_addr")

var _ = covers(inGlobal, "vrrp_check_unicast_src", "vrrp_skip_check_adv_addr")

// Adverts come from a peer, and not from too far away, or they do not count:
// whatever check_unicast_src says.
func TestWhichUnicastAdvertsCount(t *testing.T) {
	const peer, other = "192.168.1.3", "192.168.1.99"
	tests := []struct {
		body   string
		source string
		ttl    byte
		counts bool
	}{
		{"unicast_peer {\n192.168.1.3\n}", peer, 255, true},
		{"unicast_peer {\n192.168.1.3\n}", peer, 250, true},
		{"unicast_peer {\n192.168.1.3\n192.168.1.99\n}", other, 255, true},
		{"unicast_peer {\n192.168.1.3\n}", other, 255, false},
		{"check_unicast_src\nunicast_peer {\n192.168.1.3\n}", other, 255, false},
		{"check_unicast_src off\nunicast_peer {\n192.168.1.3\n}", other, 255, false},
		{"unicast_peer {\n192.168.1.3 min_ttl 251\n}", peer, 250, false},
		{"unicast_peer {\n192.168.1.3 min_ttl 251\n}", peer, 251, true},
		{"unicast_peer {\n192.168.1.3 max_ttl 254\n}", peer, 255, false},
		{"unicast_peer {\n192.168.1.3 max_ttl 254\n}", peer, 254, true},
	}
	for _, globals := range []string{"", "vrrp_check_unicast_src"} {
		t.Run(globals, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			config := global(globals)
			for i, test := range tests {
				config += numbered(i+1, calm+test.body)
			}
			s.r1.run(config)
			s.r1.await(strings.TrimSpace(strings.Repeat("MASTER ", len(tests))))
			for i, test := range tests {
				a := s.advertOf(250)
				a.VRID, a.Addresses, a.Interval = uint8(i+1), []netip.Addr{addressOf(i + 1)}, 40*time.Second
				s.send(a, s.r1.lan.MAC, parse(test.source), own1, test.ttl)
			}
			for i, test := range tests {
				s.checkCounted(nameOf(i+1), fmt.Sprintf("%q, an advert from %s with TTL %d", test.body, test.source, test.ttl), test.counts)
			}
		})
	}
}

// checkCounted wants the first router's instance to follow the advert of a better
// master that has been sent, or to count it as dropped and to stay master.
func (s *site) checkCounted(name, what string, counts bool) {
	s.t.Helper()
	if counts {
		s.r1.awaitState(name, "BACKUP")
		return
	}
	s.eventually(func() error {
		for _, n := range s.r1.instance(name).Counters.AdvertsDropped {
			if n > 0 {
				return nil
			}
		}
		return fmt.Errorf("%s: nothing is counted as dropped: %+v", what, s.r1.instance(name).Counters)
	})
	if i := s.r1.instance(name); i.State != "MASTER" || i.Counters.AdvertsReceived != 0 {
		s.t.Errorf("%s: the router is %s and has received %d adverts, want a MASTER that has received none", what, i.State, i.Counters.AdvertsReceived)
	}
}

// In version 2 a master whose list of addresses changes is another router, and
// not followed any more; unless that is not looked at.
func TestWhetherAMasterMayChangeItsAddresses(t *testing.T) {
	for global_, body := range map[string]string{"": "", "vrrp_skip_check_adv_addr": "", "vrrp_skip_check_adv_addr off": "skip_check_adv_addr"} {
		t.Run(global_+" "+body, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.r1.run(global(global_) + instance("VI_1", "version 2\nadvert_int 1\n"+body))
			s.r1.await("BACKUP")
			a := s.advertOf(200)
			a.Version, a.Interval = vrrp.V2, time.Second
			s.say(a)
			s.eventually(func() error {
				if m := s.r1.instance("VI_1").Master; m == nil || m.Priority != 200 {
					return fmt.Errorf("the master is %+v", m)
				}
				return nil
			})
			before := s.r1.instance("VI_1").Counters
			a.Addresses = append(a.Addresses, excluded4)
			s.say(a)
			refused := func() uint64 { return s.r1.instance("VI_1").Counters.AdvertsDropped["address_list"] }
			s.eventually(func() error {
				now := s.r1.instance("VI_1").Counters
				if now.AdvertsReceived == before.AdvertsReceived && refused() == 0 {
					return fmt.Errorf("the advert is not counted: %+v", now)
				}
				return nil
			})
			skips := global_ != ""
			if n := refused(); (n == 0) != skips {
				t.Errorf("%d adverts were refused, want none: %v", n, skips)
			}
		})
	}
}
