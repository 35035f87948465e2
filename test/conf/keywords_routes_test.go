package conf

import (
	"fmt"
	"strings"
	"testing"
)

var _ = covers(inInstance, "virtual_routes", "virtual_rules")

// lists reports whether `ip` says this; of a table without routes it says that
// there is no such table.
func (r *router) lists(want string, args ...string) bool {
	out, err := r.Run("ip", args...)
	return err == nil && strings.Contains(out, want)
}

func TestRoutesAndRulesAreThereWhileMaster(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	things := []struct {
		list   []string
		want   string
		remove []string
	}{
		{[]string{"route", "show", "198.51.100.0/24"}, "via 10.0.0.9 dev eth1 proto keepalived metric 7", []string{"route", "del", "198.51.100.0/24"}},
		{[]string{"route", "show", "table", "100"}, "203.0.113.0/24 dev eth1", []string{"route", "flush", "table", "100"}},
		{[]string{"route", "show", "198.51.101.0/24"}, "src 192.168.1.1", []string{"route", "del", "198.51.101.0/24"}},
		{[]string{"-6", "route", "show", "2001:db8:77::/48"}, "via 2001:db8:2::9 dev eth1", []string{"-6", "route", "del", "2001:db8:77::/48"}},
		{[]string{"route", "show", "type", "blackhole"}, "198.51.102.0/24", []string{"route", "del", "blackhole", "198.51.102.0/24"}},
		{[]string{"rule", "show"}, "1000:\tfrom 10.9.0.0/16 lookup 100", []string{"rule", "del", "priority", "1000"}},
		{[]string{"-6", "rule", "show"}, "1001:\tfrom all to 2001:db8:88::/48 lookup 100", []string{"-6", "rule", "del", "priority", "1001"}},
	}
	awaitAll := func(present bool) {
		t.Helper()
		s.eventually(func() error {
			for _, thing := range things {
				if s.r1.lists(thing.want, thing.list...) != present {
					out, _ := s.r1.Run("ip", thing.list...)
					return fmt.Errorf("ip %s: %q is there: %v, want %v:\n%s\n%s", strings.Join(thing.list, " "), thing.want, !present, present, out, s.r1.daemon.Log())
				}
			}
			return nil
		})
	}
	s.r2.run(instance("VI_1", "priority 150"))
	s.r2.await("MASTER")
	s.r1.run(instance("VI_1", `
    priority 100
    virtual_routes {
        198.51.100.0/24 via 10.0.0.9 dev eth1 metric 7
        203.0.113.0/24 dev eth1 table 100
        src 192.168.1.1 198.51.101.0/24 via 192.168.1.77
        2001:db8:77::/48 via 2001:db8:2::9 dev eth1
        blackhole 198.51.102.0/24
    }
    virtual_rules {
        from 10.9.0.0/16 table 100 priority 1000
        to 2001:db8:88::/48 lookup 100 preference 1001
    }`))
	s.r1.await("BACKUP")
	awaitAll(false)
	must(t, s.r2.daemon.Kill())
	s.r1.await("MASTER")
	awaitAll(true)
	for _, thing := range things {
		_, err := s.r1.Run("ip", thing.remove...)
		must(t, err)
	}
	awaitAll(true)
	must(t, s.r1.daemon.Stop())
	_, err := s.r1.daemon.Wait(patience)
	must(t, err)
	awaitAll(false)
}
