package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// hide does things that no record shows, to routers that work: whatever follows
// from them looks like a fault of the daemons.
func hide(s *site, failed chan<- error) {
	var err error
	defer func() { failed <- err }()
	defer lab.Catch(&err)
	time.Sleep(200 * ms)
	s.routers[0].lose(700*ms, 1, 0)
	time.Sleep(700 * ms)
	for _, r := range s.routers[1:] {
		if err = r.daemon.Freeze(); err != nil {
			return
		}
	}
	time.Sleep(1800 * ms)
	for _, r := range s.routers[1:] {
		if err = r.daemon.Thaw(); err != nil {
			return
		}
	}
	_, err = s.routers[2].Run("ip", "address", "add", "192.168.1.99/32", "dev", nic)
}

func TestWhatNoFaultExplainsIsFound(t *testing.T) {
	lab.NeedRoot(t)
	defer quietRuntime()()
	favourProcess()
	failed := make(chan error, 1)
	r, err := episode(options{
		binary: binary,
		before: func(s *site) error { go hide(s, failed); return nil },
		steps:  []step{{at: 1800 * ms, length: 1200 * ms, kind: killLong, router: 0}},
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, v := range r.check().violations {
		all = append(all, v.what)
	}
	for _, want := range []string{
		"two owners of IPv4 (leases), r1 and r2", "two owners of IPv6 (leases), r1 and r2",
		"no owner of IPv4", "no owner of IPv6", "r2 was healthy and heard nobody for",
		"r3 was left behind: address 192.168.1.99/32",
	} {
		if !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("not found: %s", want)
		}
	}
	t.Logf("found:\n%s", strings.Join(all, "\n"))
}
