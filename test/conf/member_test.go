package conf

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAGroupThatIsMasterGetsAMemberAndLosesIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	two := func(priority int) string {
		return file(gateway4(priority), gateway6(priority), groupOf("G", "gw4", "gw6"))
	}
	three := func(priority int) string {
		return file(gateway4(priority), gateway6(priority), uplink(priority), groupOf("G", "gw4", "gw6", "uplink"))
	}
	s.pair(two(120), two(100))
	a, b := s.probe(vip4), s.probe(vip6)
	s.r1.keepsState(func() {
		s.r2.keepsState(func() {
			s.r1.reload(three(120))
			s.r1.await("MASTER MASTER MASTER")
			s.r2.reload(three(100))
			s.r2.await("BACKUP BACKUP BACKUP")
		}, "gw4", "gw6")
		if i := s.r1.instance("uplink"); i.Group != "G" || i.LeaseRemainingMS <= 0 {
			t.Errorf("the new member is in group %s, with a lease of %v ms", i.Group, i.LeaseRemainingMS)
		}
		s.r2.reload(two(100))
		s.r1.reload(two(120))
		s.r1.await("MASTER MASTER")
	}, "gw4", "gw6")
	losesNothing(t, a)
	losesNothing(t, b)
}

func TestMastersMoveIntoAGroupAndOutOfItWithoutATransition(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	apart := func(priority int) string { return file(gateway4(priority), gateway6(priority)) }
	together := func(priority int) string { return apart(priority) + groupOf("G", "gw4", "gw6") }
	s.pair(apart(120), apart(100))
	a, b := s.probe(vip4), s.probe(vip6)
	s.r1.keepsState(func() {
		s.r2.keepsState(func() {
			for range 3 {
				s.r1.reload(together(120))
				s.r2.reload(together(100))
				must(t, a.AwaitAnswers(800, patience)) // more than a lease
				s.r2.reload(apart(100))
				s.r1.reload(apart(120))
				must(t, a.AwaitAnswers(800, patience))
			}
		}, "gw4", "gw6")
	}, "gw4", "gw6")
	losesNothing(t, a)
	losesNothing(t, b)
}

func TestAnInterfaceIsAttachedToWhileItIsNeeded(t *testing.T) {
	for _, mode := range []string{"tc", "native"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.r1.starts(file(gateway4(120)), "--mode", mode)
			s.r1.await("MASTER")
			s.r1.isAttached("eth0", mode)
			s.r1.keepsState(func() {
				s.r1.reload(file(gateway4(120), uplink(120)))
				s.r1.await("MASTER MASTER")
				s.r1.isAttached("eth0 eth1", mode)
				if s.r1.leftOn("eth1") == nil {
					t.Error("nothing is found on an interface that is attached to")
				}
				s.r1.reload(file(gateway4(120)))
				s.r1.await("MASTER")
				s.eventually(func() error { return s.r1.leftOn("eth1") })
				s.r1.isAttached("eth0", mode)
			}, "gw4")
		})
	}
}

// isAttached wants the fast path on these interfaces and no others.
func (r *router) isAttached(names, mode string) {
	r.site.t.Helper()
	r.site.eventually(func() error {
		got := ""
		for _, i := range r.report().Interfaces {
			if i.Mode != mode {
				r.site.t.Errorf("%s is attached in mode %s, want %s", i.Name, i.Mode, mode)
			}
			got += " " + i.Name
		}
		if got != " "+names {
			return fmt.Errorf("attached are%s, want %s", got, names)
		}
		return nil
	})
}

var programs = regexp.MustCompile(`xdp|clsact|vrrp`)

// leftOn says what is left of the fast path on an interface of the router.
func (r *router) leftOn(nic string) error {
	r.site.t.Helper()
	for what, ask := range map[string][]string{
		"xdp":    {"ip", "-o", "link", "show", nic},
		"clsact": {"tc", "qdisc", "show", "dev", nic},
		"tcx":    {"bpftool", "net", "show", "dev", nic},
	} {
		out, err := r.Run(ask[0], ask[1:]...)
		if err != nil && what == "tcx" {
			continue // not every machine has bpftool
		}
		must(r.site.t, err)
		if programs.MatchString(out) {
			return fmt.Errorf("%s has %s left: %s", nic, what, out)
		}
	}
	for _, dir := range []string{"/sys/fs/bpf/vrrp-xdp", "/run/vrrp-xdp"} {
		if left, _ := filepath.Glob(filepath.Join(dir, r.inode(), nic+"*")); len(left) > 0 {
			return fmt.Errorf("there is %v left", left)
		}
	}
	return nil
}

// inode is what files of this network namespace are filed under.
func (r *router) inode() string {
	r.site.t.Helper()
	var st unix.Stat_t
	must(r.site.t, unix.Stat(filepath.Join("/run/netns", r.Namespace()), &st))
	return fmt.Sprint(st.Ino)
}

func TestReloadsBesideKeepalived(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.lan.OnlyOwnARP()
	s.r2.lan.OnlyOwnARP()
	s.r1.starts(file(gateway4(120), gateway6(120)))
	s.r2.runKeepalived(file("global_defs {\nvrrp_garp_master_delay 0\n}", gateway4(100), gateway6(100)))
	s.r1.await("MASTER MASTER")
	a, b := s.probe(vip4), s.probe(vip6)
	more := with(gateway4(140), func(i *stanza) { i.more = "virtual_ipaddress_excluded {\n192.168.1.51/24\n}" })
	s.r1.keepsState(func() {
		for range 3 {
			s.r1.reload(file(more, gateway6(130), uplink(100), groupOf("G", "gw4", "gw6")))
			must(t, a.AwaitAnswers(800, patience))
			s.r1.reload(file(gateway4(120), gateway6(120)))
			must(t, a.AwaitAnswers(800, patience))
		}
	}, "gw4", "gw6")
	losesNothing(t, a)
	losesNothing(t, b)
	for _, name := range []string{"gw4", "gw6"} {
		i, err := s.r2.keepalived.Instance(name)
		must(t, err)
		if i.State != "BACKUP" || i.BecameMaster > 0 {
			t.Errorf("%s of keepalived is %s, and became master %d times", name, i.State, i.BecameMaster)
		}
	}
	ping := s.probe(vip4)
	s.r1.reload(file(gateway6(120)))
	must(t, s.r2.keepalived.AwaitState("gw4", "MASTER", patience))
	must(t, ping.AwaitAnswers(200, patience))
	// keepalived says that it is master before it has the addresses.
	if r := ping.Stop().Phase(settled); r.Answers[s.r2.lan.MAC] == 0 || r.LongestGap > 3*steady {
		t.Errorf("answers are from %v, with a gap of %v", r.Answers, r.LongestGap)
	}
}

func TestAnInstanceComesBackWhileItLeaves(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	two := file(gateway4(120), uplink(120))
	s.r1.starts(two)
	s.r1.await("MASTER MASTER")
	s.r1.keepsState(func() {
		for wait := 80 * time.Millisecond; wait < 130*time.Millisecond; wait += time.Millisecond { // it is gone after about an interval
			s.r1.reload(file(gateway4(120)))
			time.Sleep(wait)
			s.r1.reload(two)
		}
	}, "gw4")
	s.r1.await("MASTER MASTER")
	s.r1.isAttached("eth0 eth1", "tc")
}
