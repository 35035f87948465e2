package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// textbook is the configuration of a pair as it is found everywhere: with the
// check after its user, which keepalived drops without a word, and a password of
// which it takes eight characters.
const textbook = `! Configuration File for keepalived

global_defs {
    router_id NAME             # this host
    script_user root           # who runs checks
    enable_script_security     # and who may change them
}

vrrp_instance VI_1 {
    state STATE                # where it begins
    interface eth0             # the LAN
    virtual_router_id 10       # the same on both
    priority PRIORITY          # the higher one is master
    advert_int 1               # seconds
    authentication {
        auth_type PASS         # in the clear
        auth_pass correct-horse-battery
    }
    track_script {
        chk_uplink
    }
    virtual_ipaddress {
        192.168.1.1/24         # the gateway
    }
}

vrrp_script chk_uplink {
    script "/usr/bin/test -e DIR/up"   # there while the uplink is well
    interval 1
    weight -20
}
`

func textbookOf(name, state string, priority int) string {
	return strings.NewReplacer("NAME", name, "STATE", state, "PRIORITY", fmt.Sprint(priority)).Replace(textbook)
}

// speaker is what runs on a router.
type speaker struct {
	name      string
	start     func(*router, string)
	stop      func(*router) error
	log       func(*router) string
	hasChecks bool // those that stand behind their users
}

var (
	ours = speaker{
		name:      "vrrp-xdp",
		start:     func(r *router, config string) { r.run(config) },
		stop:      func(r *router) error { return r.daemon.Stop() },
		log:       func(r *router) string { return r.daemon.Log() },
		hasChecks: true,
	}
	keepalived = speaker{
		name:  "keepalived",
		start: func(r *router, config string) { r.runKeepalived(config) },
		stop:  func(r *router) error { return r.keepalived.Stop() },
		log:   func(r *router) string { return r.keepalived.Log() },
	}
)

func TestTheTextbookPairRunsUnchanged(t *testing.T) {
	pairs := [][2]speaker{{ours, ours}, {ours, keepalived}, {keepalived, ours}}
	for _, pair := range pairs {
		t.Run(pair[0].name+" and "+pair[1].name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if pair[0].name == keepalived.name || pair[1].name == keepalived.name {
				s.r1.lan.OnlyOwnARP()
				s.r2.lan.OnlyOwnARP()
			}
			first := textbookOf("gw1", "MASTER", 120)
			for _, r := range []*router{s.r1, s.r2} {
				must(t, os.WriteFile(filepath.Join(r.dir, "up"), nil, 0o644))
			}
			pair[0].start(s.r1, first)
			pair[1].start(s.r2, textbookOf("gw2", "BACKUP", 100))
			s.ownedBy(s.r1, s.r2)
			mustEnter(t, pair[0], s.r1)
			s.takeover(func() error { return pair[0].stop(s.r1) }, s.r2, s.r1)
			mustEnter(t, pair[1], s.r2)
			s.takeover(func() error { pair[0].start(s.r1, first); return nil }, s.r1, s.r2)
			for i, r := range []*router{s.r1, s.r2} {
				if pair[i].hasChecks {
					r.mustLowerItsPriority()
				}
			}
		})
	}
}

func mustEnter(t *testing.T, sp speaker, r *router) {
	t.Helper()
	if !strings.Contains(sp.log(r), "Entering MASTER STATE") {
		t.Errorf("the log of %s does not say that it is master:\n%s", r.Name, sp.log(r))
	}
}

// ownedBy waits until the VIP is on the master only.
func (s *site) ownedBy(master, backup *router) {
	s.t.Helper()
	s.eventually(func() error {
		if !master.has(vip4) || backup.has(vip4) {
			return fmt.Errorf("the VIP is on %s: %v, on %s: %v", master.Name, master.has(vip4), backup.Name, backup.has(vip4))
		}
		return nil
	})
}

// takeover does something that makes the other router master, under a ping a
// second, of which at most two may be lost.
func (s *site) takeover(do func() error, master, backup *router) {
	s.t.Helper()
	ping, err := s.client.Probe(lab.ProbeOptions{Target: vip4, Interval: time.Second})
	must(s.t, err)
	must(s.t, ping.AwaitAnswers(1, patience))
	must(s.t, do())
	s.ownedBy(master, backup)
	must(s.t, ping.AwaitAnswers(8, patience))
	if report := ping.Stop(); report.Lost > 2 {
		s.t.Errorf("%d of %d pings were lost, at one a second", report.Lost, report.Sent)
	}
}

// mustLowerItsPriority fails the check, and sees the priority fall by 20 and rise again.
func (r *router) mustLowerItsPriority() {
	r.site.t.Helper()
	before := r.instance("VI_1").EffectivePriority
	for _, step := range []struct {
		do   func() error
		want uint8
	}{
		{func() error { return os.Remove(filepath.Join(r.dir, "up")) }, before - 20},
		{func() error { return os.WriteFile(filepath.Join(r.dir, "up"), nil, 0o644) }, before},
	} {
		must(r.site.t, step.do())
		r.site.eventually(func() error {
			if got := r.instance("VI_1").EffectivePriority; got != step.want {
				return fmt.Errorf("the priority of %s is %d, want %d", r.Name, got, step.want)
			}
			return nil
		})
	}
}
