package conf

import (
	"fmt"
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
			s.r2.run(instance("VI_1", "priority 100"))
			s.r2.await("MASTER")
			s.r1.run(instance("VI_1", "priority 120\n"+test.body))
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
	s.waitFor(sniffer, 15, func(f lab.Frame) bool { return f.At.After(now) && sentAdvert(10)(f) })
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
const slow = "advert_int 0.6\npriority 254\n"

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
			lesser.Interval = 600 * time.Millisecond
			s.say(lesser)
			after := s.waitAfter(sniffer, advert, sentAdvert(10)).At.Sub(advert)
			if answered := after < 400*time.Millisecond; answered != test.answers {
				t.Errorf("the next advert came after %v; want an answer at once: %v", after, test.answers)
			}
			s.r1.await("MASTER")
		})
	}
}

// global is global_defs with this in it.
func global(body string) string { return fmt.Sprintf("global_defs {\n%s\n}\n", body) }

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
			advert := s.wait(sniffer, sentAdvert(10)).At
			better := s.advertOf(250)
			better.Interval = 40 * time.Second
			s.say(better)
			s.r1.await("BACKUP")
			last := selected(sniffer.Stop(), func(f lab.Frame) bool { return f.At.After(advert) && sentAdvert(10)(f) })
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
	const others = "192.168.1.99"
	tests := []struct {
		name, global, body string
		source             string
		ttl                byte
		counts             bool
	}{
		{"a peer", "", "unicast_peer {\n192.168.1.3\n}", "192.168.1.3", 255, true},
		{"a peer behind routers", "", "unicast_peer {\n192.168.1.3\n}", "192.168.1.3", 250, true},
		{"another one of two peers", "", "unicast_peer {\n192.168.1.3\n192.168.1.99\n}", others, 255, true},
		{"a stranger", "", "check_unicast_src\nunicast_peer {\n192.168.1.3\n}", others, 255, false},
		{"a stranger, nothing said", "", "unicast_peer {\n192.168.1.3\n}", others, 255, false},
		{"a stranger, checked for all", "vrrp_check_unicast_src", "unicast_peer {\n192.168.1.3\n}", others, 255, false},
		{"too far", "", "unicast_peer {\n192.168.1.3 min_ttl 251\n}", "192.168.1.3", 250, false},
		{"just not too far", "", "unicast_peer {\n192.168.1.3 min_ttl 251\n}", "192.168.1.3", 251, true},
		{"too near", "", "unicast_peer {\n192.168.1.3 max_ttl 254\n}", "192.168.1.3", 255, false},
		{"not too near", "", "unicast_peer {\n192.168.1.3 max_ttl 254\n}", "192.168.1.3", 254, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.r1.run(global(test.global) + instance("VI_1", test.body))
			s.r1.await("MASTER")
			better := s.advertOf(250)
			better.Interval = 40 * time.Second
			s.send(better, s.r1.lan.MAC, parse(test.source), own1, test.ttl)
			if test.counts {
				s.r1.await("BACKUP")
				return
			}
			s.eventually(func() error {
				for _, n := range s.r1.instance("VI_1").Counters.AdvertsDropped {
					if n > 0 {
						return nil
					}
				}
				return fmt.Errorf("nothing is counted as dropped: %+v", s.r1.instance("VI_1").Counters)
			})
			if i := s.r1.instance("VI_1"); i.State != "MASTER" || i.Counters.AdvertsReceived != 0 {
				t.Errorf("the router is %s and has received %d adverts, want a MASTER that has received none", i.State, i.Counters.AdvertsReceived)
			}
		})
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
