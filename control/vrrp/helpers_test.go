package vrrp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The router under test has priority 100, 1 s adverts and address .2; its
// neighbours are .1 and .3, so that ties can go either way.
var (
	self   = netip.MustParseAddr("192.168.1.2")
	lower  = netip.MustParseAddr("192.168.1.1")
	higher = netip.MustParseAddr("192.168.1.3")
	// stranger is nobody's peer.
	stranger = netip.MustParseAddr("192.168.1.4")
	virtual  = addrs("192.168.1.254", "192.168.1.253")
	none     netip.Addr
)

const (
	interval = time.Second
	skew     = 609375 * time.Microsecond // (256-100)/256 s
	down     = 3*interval + skew
	never    = Instant(0)
)

// after is the instant d after the start of every test.
func after(d time.Duration) Instant { return Instant(1_000_000 * time.Second).Add(d) }

// tester steps a router and looks at what it does.
type tester struct {
	*Router
	t *testing.T
}

func newRouter(t *testing.T, changes ...func(*Config)) tester {
	t.Helper()
	c := Config{VRID: 10, Family: IPv4, Version: V3, Priority: 100, Interval: interval, Addresses: virtual, Source: self}
	for _, change := range changes {
		change(&c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return tester{NewRouter(c), t}
}

func priority(p uint8) func(*Config) { return func(c *Config) { c.Priority = p } }
func noPreempt(c *Config)            { c.NoPreempt = true }
func version2(c *Config)             { c.Version = V2 }
func password(c *Config)             { c.Version, c.Password = V2, "secret" }
func unicast(c *Config)              { c.Peers, c.MinTTL, c.MaxTTL = []netip.Addr{lower, higher}, 64, 64 }

// newBackup has entered Backup at after(0).
func newBackup(t *testing.T, changes ...func(*Config)) tester {
	t.Helper()
	r := newRouter(t, changes...)
	r.Step(after(0), Startup{})
	r.in(Backup)
	return r
}

// newMaster has entered Master at after(0), through a Backup that ended then.
func newMaster(t *testing.T, changes ...func(*Config)) tester {
	t.Helper()
	r := newRouter(t, changes...)
	r.Step(after(-r.ActiveDownInterval()), Startup{})
	r.Step(after(0), Timer{})
	r.in(Master)
	return r
}

// advert is one of the same virtual router.
func (r tester) advert(priority uint8) Advert {
	return r.Advert(priority)
}

// hear is an advert that is handled as soon as it has arrived.
func (r tester) hear(at Instant, from netip.Addr, priority uint8) []Action {
	return r.Step(at, AdvertReceived{Advert: r.advert(priority), Source: from, At: at})
}

// does checks the actions of a step.
func (r tester) does(got []Action, want ...Action) {
	r.t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		r.t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// butNotices leaves out what is for the operator.
func butNotices(actions []Action) []Action {
	actions = slices.DeleteFunc(actions, func(a Action) bool {
		_, ok := a.(Notice)
		return ok
	})
	if len(actions) == 0 {
		return nil
	}
	return actions
}

func (r tester) in(want State) {
	r.t.Helper()
	if r.State() != want {
		r.t.Fatalf("in %v, want %v", r.State(), want)
	}
	if (r.Lease() != 0) != (want == Master) {
		r.t.Fatalf("lease %d in %v", r.Lease(), want)
	}
}

// wakes checks the deadline; never means none.
func (r tester) wakes(want Instant) {
	r.t.Helper()
	if got, ok := r.Deadline(); got != want || ok != (want != never) {
		r.t.Errorf("deadline %v, %v; want %v", got.Sub(after(0)), ok, want.Sub(after(0)))
	}
}

// promoted are the actions of a promotion at the given instant.
func promoted(at Instant, priority uint8, from State, why TransitionReason, peer netip.Addr) []Action {
	advert, lease := Action(SendAdvert{Priority: priority}), Action(SetLease{Until: at.Add(3 * interval)})
	if why == MasterLeft {
		advert, lease = lease, advert // the one that leaves serves until it hears of it
	}
	return []Action{advert, lease, Announce{Repeat: 5}, InstallAddresses{}, Transition{From: from, To: Master, Reason: why, Peer: peer}}
}
