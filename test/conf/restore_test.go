package conf

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// backWithin is how soon what others have removed is there again.
const backWithin = time.Second

// routing is a route and a rule, in addition to a gateway of either family.
func routing(priority int) string {
	return file(
		with(gateway4(priority), func(i *stanza) {
			i.more = "virtual_routes {\n198.18.0.0/15 via 192.168.1.77\n}\nvirtual_rules {\nfrom 198.18.0.0/15 table 77 priority 500\n}"
		}),
		with(gateway6(priority), func(i *stanza) {
			i.more = "virtual_routes {\n2001:db8:77::/48 via 2001:db8:1::77\n}"
		}))
}

// ip runs ip(8) on the router.
func (r *router) ip(args ...string) string {
	r.site.t.Helper()
	out, err := r.Run("ip", args...)
	must(r.site.t, err)
	return out
}

// missing says which of what a master has is not there.
func (r *router) missing() (list []string) {
	for text, out := range map[string]string{
		"192.168.1.1/24":     r.ip("addr", "show", "dev", "eth0"),
		"2001:db8:1::1/64":   r.ip("-6", "addr", "show", "dev", "eth0"),
		"fe80::10/64":        r.ip("-6", "addr", "show", "dev", "eth0"),
		"198.18.0.0/15 via":  r.ip("route"),
		"2001:db8:77::/48":   r.ip("-6", "route"),
		"from 198.18.0.0/15": r.ip("rule"),
	} {
		if !strings.Contains(out, text) {
			list = append(list, text)
		}
	}
	return list
}

// isBack waits until all is there again, and wants that to be soon.
func (r *router) isBack() {
	r.site.t.Helper()
	removed := time.Now()
	r.site.eventually(func() error {
		if list := r.missing(); len(list) > 0 {
			return fmt.Errorf("%v are missing; the log:\n%s", list, r.daemon.Log())
		}
		return nil
	})
	if took := time.Since(removed); took > backWithin {
		r.site.t.Errorf("it is back after %v, want at most %v", took, backWithin)
	}
}

func TestWhatOthersRemoveFromAMasterIsBackWithinASecond(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.starts(routing(120))
	s.r1.await("MASTER MASTER")
	s.r1.isBack()
	for _, remove := range []string{
		"addr del 192.168.1.1/24 dev eth0",
		"addr del 2001:db8:1::1/64 dev eth0",
		"addr del fe80::10/64 dev eth0",
		"route del 198.18.0.0/15",
		"-6 route del 2001:db8:77::/48",
		"rule del from 198.18.0.0/15 table 77",
	} {
		t.Run(remove, func(t *testing.T) {
			s.t = t
			s.r1.keepsState(func() {
				s.r1.ip(strings.Fields(remove)...)
				if len(s.r1.missing()) == 0 {
					t.Log("it was back before anybody could look")
				}
				s.r1.isBack()
			}, "gw4", "gw6")
		})
	}
}

func TestAFlushOfAllAddressesIsSurvived(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pair(routing(120), routing(100))
	s.r1.isBack()
	for range 3 {
		s.r1.keepsState(func() {
			s.r1.ip("addr", "flush", "dev", "eth0", "scope", "global")
			s.r1.ip("addr", "add", "192.168.1.2/24", "dev", "eth0") // as who flushes does, networkd for example
			s.r1.ip("addr", "add", "2001:db8:1::2/64", "dev", "eth0", "nodad")
			s.r1.isBack()
		}, "gw4", "gw6")
		s.r1.await("MASTER MASTER")
		s.r2.await("BACKUP BACKUP")
	}
}

func TestARouterWhoseOwnAddressIsGoneForLongWorksAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pair(file(gateway4(120)), file(gateway4(100)))
	s.r1.ip("addr", "flush", "dev", "eth0", "scope", "global")
	s.r1.await("FAULT")
	quoted(t, s.r1.instance("gw4").Fault, "no address of its own")
	s.r2.await("MASTER")
	s.r1.ip("addr", "add", "192.168.1.2/24", "dev", "eth0")
	s.r1.await("MASTER")
	s.r2.await("BACKUP")
	losesNothing(t, s.probe(vip4))
}

func TestABackupPutsNothingBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pair(routing(120), routing(100))
	s.r2.ip("addr", "add", "192.168.1.99/24", "dev", "eth0")
	s.r2.ip("addr", "del", "192.168.1.99/24", "dev", "eth0")
	for until := time.Now().Add(backWithin); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		if list := s.r2.missing(); len(list) != 6 {
			t.Fatalf("of what a master has only %v are missing on the backup", list)
		}
	}
}

const dynamic = "global_defs {\ndynamic_interfaces\n}\n"

func TestAnInterfaceIsDeletedAndMadeAnew(t *testing.T) {
	for _, mode := range []string{"tc", "native"} {
		for _, globals := range []string{"", dynamic} {
			t.Run(mode+" "+strings.Fields(globals + "x dynamic")[0], func(t *testing.T) {
				t.Parallel()
				s := newSite(t)
				s.r1.starts(globals+file(gateway4(120), gateway6(120), uplink(120)), "--mode", mode)
				s.r1.await("MASTER MASTER MASTER")
				s.r1.keepsState(func() {
					for range 2 {
						s.r1.ip("link", "del", "eth0")
						s.r1.await("FAULT FAULT MASTER")
						s.r1.plugIn()
						s.r1.await("MASTER MASTER MASTER")
						losesNothing(t, s.probe(vip4))
						losesNothing(t, s.probe(vip6))
					}
				}, "uplink")
			})
		}
	}
}

// plugIn connects the router to the LAN anew.
func (r *router) plugIn() {
	r.lan = r.Connect(r.site.lan, "eth0", "192.168.1.2/24", "2001:db8:1::2/64")
}

func TestAnInterfaceThatIsMissingAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.ip("link", "del", "eth0")
	s.r1.starts(dynamic + file(gateway4(120), gateway6(120), uplink(120)))
	s.r1.await("FAULT FAULT MASTER")
	quoted(t, s.r1.instance("gw4").Fault, "does not exist")
	s.r1.plugIn()
	s.r1.await("MASTER MASTER MASTER")
	losesNothing(t, s.probe(vip4))
	losesNothing(t, s.probe(vip6))
	must(t, s.r1.daemon.Stop())
	status, err := s.r1.daemon.Wait(patience)
	if status != 0 || err != nil {
		t.Errorf("the exit status is %d, %v", status, err)
	}
}
