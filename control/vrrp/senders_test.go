package vrrp

import (
	"strings"
	"testing"
	"time"
)

// listed lets the neighbours speak, and the lower one own the addresses.
func listed(c *Config) { c.Senders = []Sender{{Address: lower, Owner: true}, {Address: higher}} }

func TestWhoIsOnTheListIsHeard(t *testing.T) {
	for _, test := range []struct {
		source   string
		priority uint8
	}{{"192.168.1.3", 200}, {"192.168.1.1", 200}, {"192.168.1.1", OwnerPriority}} {
		r := newMaster(t, listed)
		r.Step(after(1), AdvertReceived{Advert: r.advert(test.priority), Source: addrs(test.source)[0], At: after(1)})
		if r.State() != Backup {
			t.Errorf("%s with priority %d: %v, want BACKUP", test.source, test.priority, r.State())
		}
	}
}

func TestAMasterThatIsTakenOffTheListIsNotFollowedAnyMore(t *testing.T) {
	r := newBackup(t, listed)
	r.Step(after(1), AdvertReceived{Advert: r.advert(200), Source: higher, At: after(1)})
	r.reconfigure(after(2), func(c *Config) { c.Senders = []Sender{{Address: lower}} })
	if _, _, ok := r.Master(); ok {
		t.Error("it is still the master")
	}
}

func TestAListMustMakeSense(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"the list is empty":               func(c *Config) { c.Senders = []Sender{} },
		"not an ipv4 address":             func(c *Config) { c.Senders = []Sender{{Address: addrs("fe80::1")[0]}} },
		"not the address of one host":     func(c *Config) { c.Senders = []Sender{{Address: addrs("224.0.0.18")[0]}} },
		"listed twice":                    func(c *Config) { c.Senders = []Sender{{Address: lower}, {Address: lower, Owner: true}} },
		"it is not among the senders":     func(c *Config) { unicast(c); c.Senders = []Sender{{Address: lower}} },
		"sender 192.168.1.1: listed":      func(c *Config) { c.Senders = []Sender{{Address: lower}, {Address: lower}} },
		"its adverts would be refused, s": func(c *Config) { unicast(c); c.Senders = []Sender{{Address: higher}} },
	} {
		c := newRouter(t).Config()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// hears is an advert with an interval, of a better master.
func (r tester) hears(at time.Duration, interval time.Duration) []Action {
	r.t.Helper()
	a := r.advert(200)
	a.Interval = interval
	return r.Step(after(at), AdvertReceived{Advert: a, Source: higher, At: after(at)})
}

// 4095 centiseconds, as anybody may say, are 148 s without a master.
func TestAStrangerCannotMakeABackupWaitForMinutes(t *testing.T) {
	const longest = 40950 * time.Millisecond
	for name, test := range map[string]struct {
		change   func(*Config)
		believed time.Duration
	}{
		"of a stranger ten seconds are believed": {func(*Config) {}, 10 * time.Second},
		"or ten times our own interval":          {func(c *Config) { c.Interval = 2 * time.Second }, 20 * time.Second},
		"of one on the list all":                 {listed, longest},
		"of one who must have signed all":        {signed, longest},
	} {
		t.Run(name, func(t *testing.T) {
			r := newBackup(t, test.change)
			r.hears(1, longest)
			r.wakes(after(1).Add(activeDownInterval(V3, 100, test.believed)))
		})
	}
}

func TestAnIntervalThatIsNotBelievedIsSaid(t *testing.T) {
	r := newBackup(t)
	a := r.advert(200)
	a.Interval = 11 * time.Second
	r.does(r.hears(1, a.Interval), Notice{Kind: IntervalLimited, Source: higher, Interval: a.Interval}, Follow{Source: higher, Advert: a})
}

// Whoever heard the master at 1 s knows until when it is master. A single advert
// that says 10 ms, perhaps not even the master's, must not end that in 36 ms.
func TestAShorterIntervalTakesNothingBackThatWasGranted(t *testing.T) {
	r := newBackup(t)
	r.hears(1, interval)
	r.hears(2, 10*time.Millisecond)
	r.wakes(after(1).Add(down))
	r.hears(3, 10*time.Millisecond)
	r.wakes(after(1).Add(down))
	r.hears(down+time.Second, 10*time.Millisecond)
	r.wakes(after(down + time.Second).Add(activeDownInterval(V3, 100, 10*time.Millisecond)))
}

// It has given up what was granted, and its successor is not to wait for it.
func TestAMasterWithAShorterIntervalMayLeaveAtOnce(t *testing.T) {
	r := newBackup(t)
	r.hears(1, interval)
	r.hears(2, 10*time.Millisecond)
	r.Step(after(3), AdvertReceived{Advert: r.advert(0), Source: higher, At: after(3)})
	r.wakes(after(3).Add(skewTime(V3, 100, 10*time.Millisecond)))
}
