package control

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// signedWith is an auth_hmac with keys that begin with these bytes, of ids from 1
// on; the last one is active.
func signedWith(t *testing.T, changes ...func(*vrrp.Auth)) func(*InstanceConfig) {
	a := vrrp.Auth{Keys: map[uint8]vrrp.Key{1: testKey(t, 1)}, Active: 1, Window: 5 * time.Second}
	for _, change := range changes {
		change(&a)
	}
	return func(c *InstanceConfig) { c.Router.Auth = &a }
}

func testKey(t *testing.T, first byte) vrrp.Key {
	t.Helper()
	k, err := vrrp.NewKey(slices.Repeat([]byte{first}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// withKeys has keys by id, each made of the id.
func withKeys(t *testing.T, active uint8, ids ...uint8) func(*vrrp.Auth) {
	return func(a *vrrp.Auth) {
		a.Active, a.Keys = active, make(map[uint8]vrrp.Key)
		for _, id := range ids {
			a.Keys[id] = testKey(t, id)
		}
	}
}

func mode(m vrrp.AuthMode) func(*vrrp.Auth) { return func(a *vrrp.Auth) { a.Mode = m } }
func monotonic(a *vrrp.Auth)                { a.Monotonic, a.Window = true, 0 }

// signedPair is a pair with these configurations, of a master and a backup.
func (l *lan) signedPair(t *testing.T, change func(*InstanceConfig)) (master, backup *host) {
	t.Helper()
	master = l.router(t, 1, 120, change)
	elapse(down)
	backup = l.router(t, 2, 100, change)
	elapse(down + 2*interval)
	master.mustBe("MASTER")
	backup.mustBe("BACKUP")
	master.journal()
	backup.journal()
	return master, backup
}

// dropped is how many adverts were refused for that reason.
func (h *host) dropped(r vrrp.Reason) uint64 {
	h.t.Helper()
	return h.status()[0].Counters.AdvertsDropped[r.String()]
}

func (h *host) mustHaveNoTransition() {
	h.t.Helper()
	mustSay(h.t, h.journal(), 0, "Entering")
}

// tap keeps the adverts that a host sends.
type tap struct {
	mu     sync.Mutex
	frames [][]byte
}

func (l *lan) tap() *tap {
	var p tap
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = func(frame []byte) {
		if _, _, ok := advertIn(frame); ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.frames = append(p.frames, slices.Clone(frame))
		}
	}
	return &p
}

func (p *tap) last(t *testing.T) []byte {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.frames) == 0 {
		t.Fatal("no advert was heard")
	}
	return p.frames[len(p.frames)-1]
}

func TestASignedPairIsAPair(t *testing.T) {
	for name, auth := range map[string]func(*vrrp.Auth){"time": func(*vrrp.Auth) {}, "monotonic": monotonic} {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				master, backup := l.signedPair(t, signedWith(t, auth))
				heard := l.tap()
				elapse(10 * interval)
				backup.mustHaveNoTransition()
				if len(heard.frames) != 10 {
					t.Errorf("%d adverts in 10 intervals", len(heard.frames))
				}
				if _, pdu, _ := advertIn(heard.last(t)); len(pdu) != 12+vrrp.TrailerLength {
					t.Errorf("the last one has %d bytes", len(pdu))
				}
				master.engine.Stop()
				elapse(skew + 2*latency)
				backup.mustBe("MASTER")
			})
		})
	}
}

func TestTheFastPathIsToldWhatItCanSee(t *testing.T) {
	for _, test := range []struct {
		change func(*InstanceConfig)
		want   *FastAuth
	}{
		{func(*InstanceConfig) {}, nil},
		{signedWith(t, withKeys(t, 7, 9, 7)), &FastAuth{Required: true, KeyIDs: []uint8{7, 9}, Window: 5 * time.Second}},
		{signedWith(t, monotonic), &FastAuth{Required: true, KeyIDs: []uint8{1}}},
		{signedWith(t, mode(vrrp.AuthPermissive)), &FastAuth{KeyIDs: []uint8{1}, Window: 5 * time.Second}},
		{signedWith(t, mode(vrrp.AuthReceiveOnly)), &FastAuth{KeyIDs: []uint8{1}, Window: 5 * time.Second}},
	} {
		onLAN(t, func(t *testing.T, l *lan) {
			h := l.router(t, 1, 120, test.change)
			elapse(down)
			if got := h.paths[0].spec.Auth; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if yields := h.paths[0].yields.Load(); (yields == 0) != (test.want != nil) {
				t.Errorf("the fast path gives way to priority %d by itself, with %+v", yields, test.want)
			}
		})
	}
}

func TestStatusSaysHowAdvertsAreSigned(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.signedPair(t, signedWith(t, withKeys(t, 7, 3, 7)))
		a := backup.status()[0].Auth
		if a == nil || a.Mode != "enforce" || a.ActiveKey != 7 || !slices.Equal(a.Keys, []int{3, 7}) || a.AntiReplay != "time" || a.WindowMS != 5000 {
			t.Fatalf("got %+v", a)
		}
		if want := (AuthSenderStatus{Address: "198.51.100.1", Signed: true, Key: 7}); len(a.Senders) != 1 || a.Senders[0].ClockBehindMS > 1 {
			t.Errorf("senders %+v", a.Senders)
		} else if a.Senders[0].ClockBehindMS = 0; a.Senders[0] != want {
			t.Errorf("got %+v", a.Senders[0])
		}
		text := get(t, WebHandler(reporterOf(backup), backup.log), "/metrics").Body.String()
		for _, want := range []string{
			`vrrp_xdp_auth_key{family="ipv4",instance="gw1",interface="lan0",mode="enforce",vrid="1"} 7`,
			`vrrp_xdp_auth_clock_behind_seconds{family="ipv4",instance="gw1",interface="lan0",sender="198.51.100.1",vrid="1"} `,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("metrics lack %s", want)
			}
		}
	})
}

// Each copy of a signed advert has to be found out: one that only moves a stamp
// would keep a backup quiet behind a master that is gone.
func TestACopyOfTheLastAdvertDoesNotKeepABackupQuiet(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.signedPair(t, signedWith(t))
		heard := l.tap()
		elapse(interval)
		copied := heard.last(t)
		master.sender.fail(errors.New("cut"))
		elapse(2 * latency)
		for range 8 {
			backup.receive(copied)
			elapse(interval / 2)
		}
		backup.mustBe("MASTER")
		if n := backup.dropped(vrrp.ReasonAuthReplay); n != 8 {
			t.Errorf("%d were refused as copies, of 8", n)
		}
		mustSay(t, backup.journal(), 1, "heard before")
	})
}

// Or else strangers could drown it: see bpf/rate.h.
func TestTheFastPathKnowsTheMasterThatSigns(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.signedPair(t, signedWith(t))
		p := backup.paths[0]
		p.mu.Lock()
		defer p.mu.Unlock()
		if want := netip.MustParseAddr("198.51.100.1"); !p.follows || p.source != want {
			t.Errorf("it follows %v (%v), want %v", p.source, p.follows, want)
		}
	})
}

// Adverts that are signed have no stamp: those that had no room in the queue while
// the daemon was not run may have been the master's.
func TestABackupThatMissedSignedAdvertsListensBeforeItPromotes(t *testing.T) {
	for name, lost := range map[string]uint64{"none was lost": 0, "some had no room": 7} {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				master, _ := l.signedPair(t, signedWith(t))
				h := l.newHost(t, 3)
				suspend := suspended(h)
				h.install(instanceOf(1, 90, signedWith(t)))
				h.paths[0].counters.EventsLost = lost // which it looks at after it was suspended
				h.start()
				elapse(2 * down)
				master.sender.fail(errors.New("cut"))
				l.hosts[1].sender.fail(errors.New("cut"))
				suspend(20 * time.Second)
				elapse(down - interval) // its timer is due in this time
				h.mustBe(map[bool]string{true: "BACKUP", false: "MASTER"}[lost > 0])
				elapse(2 * down)
				h.mustBe("MASTER")
			})
		})
	}
}

func TestWhatIsNotSignedOrNotWithOurKeyEndsNoReign(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*InstanceConfig)
		reason vrrp.Reason
	}{
		{"unsigned", func(*InstanceConfig) {}, vrrp.ReasonAuthMissing},
		{"another key", signedWith(t, func(a *vrrp.Auth) { a.Keys[1] = testKey(t, 99) }), vrrp.ReasonAuthHMAC},
		{"another id", signedWith(t, withKeys(t, 2, 2)), vrrp.ReasonAuthKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				master := l.router(t, 1, 100, signedWith(t))
				elapse(down)
				master.journal()
				better := l.router(t, 2, 250, test.change)
				elapse(3 * down)
				master.mustBe("MASTER")
				better.mustBe("MASTER") // it does not understand us either: nothing less is possible
				if n := master.dropped(test.reason); n < 3 {
					t.Errorf("%d were refused", n)
				}
				mustSay(t, master.journal(), 1, "adverts are refused.*reason="+test.reason.String())
				if s := master.status()[0]; s.Counters.AdvertsReceived != 0 || len(s.Auth.Senders) != 0 {
					t.Errorf("%d were received, of %v", s.Counters.AdvertsReceived, s.Auth.Senders)
				}
			})
		})
	}
}

// From nothing to enforce and back, one router after the other, as operators do.
func TestARolloutHasNoTransition(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		to := func(change func(*InstanceConfig)) {
			for _, h := range []*host{backup, master} {
				priority := map[*host]uint8{master: 120, backup: 100}[h]
				h.reload(instanceOf(1, priority, change))
				elapse(2 * interval)
			}
			elapse(2 * down)
			master.mustHaveNoTransition()
			backup.mustHaveNoTransition()
		}
		none := func(*InstanceConfig) {}
		stages := []func(*InstanceConfig){none, signedWith(t, mode(vrrp.AuthReceiveOnly)), signedWith(t, mode(vrrp.AuthPermissive)), signedWith(t)}
		for _, stage := range stages {
			to(stage)
		}
		if !backup.status()[0].Auth.Senders[0].Signed {
			t.Error("the master does not sign")
		}
		slices.Reverse(stages)
		for _, stage := range stages {
			to(stage)
		}
		before := backup.events.taken.Load()
		elapse(10 * interval)
		if n := backup.events.taken.Load() - before; n != 0 {
			t.Errorf("%d adverts were events, after all of it", n)
		}
	})
}

func TestKeysAreRotatedByReloadsWithoutATransition(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.signedPair(t, signedWith(t, withKeys(t, 1, 1)))
		heard := l.tap()
		for _, keys := range []func(*vrrp.Auth){withKeys(t, 1, 1, 2), withKeys(t, 2, 1, 2), withKeys(t, 2, 2)} {
			for _, h := range []*host{backup, master} {
				h.reload(instanceOf(1, map[*host]uint8{master: 120, backup: 100}[h], signedWith(t, keys)))
				elapse(2 * interval)
				// What was heard before a reload is not news after it.
				n := backup.dropped(vrrp.ReasonAuthReplay) + backup.dropped(vrrp.ReasonAuthKey)
				backup.receive(heard.last(t))
				elapse(latency)
				if backup.dropped(vrrp.ReasonAuthReplay)+backup.dropped(vrrp.ReasonAuthKey) != n+1 {
					t.Error("a copy was accepted after a reload")
				}
			}
		}
		elapse(down)
		master.mustHaveNoTransition()
		backup.mustHaveNoTransition()
		if s := backup.status()[0].Auth.Senders[0]; s.Key != 2 {
			t.Errorf("the master signs with key %d", s.Key)
		}
	})
}
