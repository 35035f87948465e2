package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// isClean wants nothing of vrrp-xdp to be left on the router, and its own
// addresses to be all that there is.
func (r *router) isClean() {
	r.site.t.Helper()
	for _, nic := range []string{"eth0", "eth1"} {
		if err := r.leftOn(nic); err != nil {
			r.site.t.Error(err)
		}
	}
	for _, dir := range []string{"/sys/fs/bpf/vrrp-xdp", "/run/vrrp-xdp"} {
		if list, err := os.ReadDir(filepath.Join(dir, r.inode())); err == nil {
			r.site.t.Errorf("%s is left, with %v", dir, list)
		}
	}
	if sockets := strings.TrimSpace(r.sockets()); sockets != "" {
		r.site.t.Errorf("sockets are left:\n%s", sockets)
	}
	r.hasNothingVirtual()
}

// hasNothingVirtual wants none of what only a master has.
func (r *router) hasNothingVirtual() {
	r.site.t.Helper()
	if list := r.missing(); len(list) != 6 {
		r.site.t.Errorf("of what only a master has are missing only %v", list)
	}
}

// sockets are those of vrrp-xdp in the router's network namespace.
func (r *router) sockets() string {
	r.site.t.Helper()
	out, err := r.Run("ss", "-Hpan0")
	must(r.site.t, err)
	return out
}

func TestWhatCannotRunExitsWith2AndTouchesNothing(t *testing.T) {
	for name, c := range map[string]struct{ config, says string }{
		"an unknown keyword":    {instance("gw4", "priorty 100"), "vrrp-xdp.conf:9: unknown keyword"},
		"a missing interface":   {instance("gw4", "interface eth7"), "eth7"},
		"no instance":           {"global_defs {\n}\n", "there is no vrrp_instance"},
		"an address of its own": {instance("gw4", "virtual_ipaddress {\n192.168.1.2\n}"), "192.168.1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.r1.run(c.config)
			if status, err := s.r1.daemon.Wait(patience); status != 2 || err != nil {
				t.Errorf("the exit status is %d, want 2, %v", status, err)
			}
			quoted(t, s.r1.daemon.Log(), c.says)
			if strings.Contains(s.r1.daemon.Log(), "attached") {
				t.Errorf("it attached to something:\n%s", s.r1.daemon.Log())
			}
			s.r1.isClean()
		})
	}
}

func TestTheFileMustBeThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d, err := s.r1.Start(lab.Command{Path: binary, Args: []string{"run", "-f", s.r1.file}, ViaIPNetns: true})
	must(t, err)
	if status, err := d.Wait(patience); status != 2 || err != nil {
		t.Errorf("the exit status is %d, want 2, %v", status, err)
	}
	quoted(t, d.Log(), s.r1.file)
}

func TestASecondDaemonIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.starts(file(gateway4(120)))
	s.r1.await("MASTER")
	first := s.r1.daemon
	for _, config := range []string{file(gateway4(120)), file(uplink(120))} { // on the same interface, and on another
		s.r1.keepsState(func() {
			s.r1.run(config)
			if status, err := s.r1.daemon.Wait(patience); status != 1 || err != nil {
				t.Errorf("the exit status is %d, want 1, %v", status, err)
			}
			log := s.r1.daemon.Log()
			if !strings.Contains(log, fmt.Sprint(first.PID())) && !strings.Contains(log, "another vrrp-xdp answers") {
				t.Errorf("it does not say who is there:\n%s", log)
			}
		}, "gw4")
	}
	losesNothing(t, s.probe(vip4))
	must(t, first.Stop())
	_, err := first.Wait(patience)
	must(t, err)
	s.r1.isClean()
}

func TestAStopLeavesNothing(t *testing.T) {
	for _, mode := range []string{"tc", "native"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.r1.starts(routing(120)+uplink(120).String(), "--mode", mode)
			s.r1.await("MASTER MASTER MASTER")
			s.r1.isBack()
			if s.r1.leftOn("eth0") == nil || s.r1.sockets() == "" {
				t.Error("nothing is found of a daemon that runs")
			}
			must(t, s.r1.daemon.Stop())
			if status, err := s.r1.daemon.Wait(patience); status != 0 || err != nil {
				t.Errorf("the exit status is %d, %v", status, err)
			}
			s.r1.isClean()
		})
	}
}

func TestARestartAfterACrashClearsUp(t *testing.T) {
	for name, config := range map[string]string{
		"as backup":               routing(100),
		"without those addresses": strings.ReplaceAll(routing(100), "192.168.1.1/24", "192.168.1.9/24"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.r1.starts(routing(120))
			s.r1.await("MASTER MASTER")
			s.r1.isBack()
			must(t, s.r1.daemon.Kill())
			_, err := s.r1.daemon.Wait(patience)
			must(t, err)
			if left := s.r1.missing(); len(left) > 0 {
				t.Errorf("who is killed cannot have taken off %v: nothing is tested", left)
			}
			s.r2.starts(routing(120))
			s.r2.await("MASTER MASTER")
			s.r1.starts(config)
			s.r1.hasNothingVirtual()
			must(t, s.r1.daemon.Stop())
			if status, err := s.r1.daemon.Wait(patience); status != 0 || err != nil {
				t.Errorf("the exit status is %d, %v", status, err)
			}
			s.r1.isClean()
		})
	}
}

func TestTheStatusShowsTracksAndGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	checked := with(gateway4(120), func(i *stanza) { i.more = "track_script {\nchk\n}\ntrack_interface {\neth1 weight -10\n}" })
	s.r1.put("up", "")
	s.r1.starts(file(checked, gateway6(120), uplink(120), groupOf("G", "gw6", "uplink"),
		"vrrp_script chk {\nscript \"/usr/bin/test -e DIR/up\"\ninterval 1\nweight 5\n}"))
	s.r1.await("MASTER MASTER MASTER")
	if group := s.r1.instance("uplink").Group; group != "G" {
		t.Errorf("the group is %q", group)
	}
	shows := func(want string) {
		t.Helper()
		s.eventually(func() error {
			i := s.r1.instance("gw4")
			if got := fmt.Sprintf("%d %+v", i.EffectivePriority, i.Tracks); !strings.Contains(got, want) {
				return fmt.Errorf("the status shows %s, want %s", got, want)
			}
			return nil
		})
	}
	shows("125 ")
	shows("chk")
	s.r1.wan.Cut()
	shows("115 ")
	text, err := s.r1.Run(binary, "status")
	must(t, err)
	quoted(t, text, "115 (of 120)")
	quoted(t, text, "FAULT (uplink of the same group: the link is down)")
}
