package control

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// reload makes these the instances.
func (h *host) reload(configs ...InstanceConfig) {
	h.t.Helper()
	if err := h.engine.Reload(h.t.Context(), configs); err != nil {
		h.t.Fatal(err)
	}
	elapse(latency)
}

// running starts a host, and waits until its instances are master, as they are alone.
func (l *lan) running(t *testing.T, configs ...InstanceConfig) *host {
	t.Helper()
	h := l.newHost(t, 1)
	h.install(configs...)
	h.start()
	elapse(down)
	for _, s := range h.status() {
		if s.State != "MASTER" {
			t.Fatalf("%s is %s", s.Name, s.State)
		}
	}
	h.journal()
	return h
}

// with is a virtual address more, advertised.
func with(address string) func(*InstanceConfig) {
	return func(c *InstanceConfig) {
		p := netip.MustParsePrefix(address)
		c.Router.Addresses = append(slices.Clone(c.Router.Addresses), p.Addr())
		c.Addresses = append(slices.Clone(c.Addresses), iproute.Address{Prefix: p})
	}
}

func TestAReloadThatChangesNothingDoesNothing(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100), instanceOf(2, 100))
		h.reload(instanceOf(1, 100), instanceOf(2, 100))
		if lines := h.journal(); len(lines) > 0 {
			t.Errorf("it did:\n%s", strings.Join(lines, "\n"))
		}
		h.mustBe("MASTER MASTER")
	})
}

func TestAnInstanceThatIsNotChangedIsNotTouchedByWhatHappensToOthers(t *testing.T) {
	others := map[string][]InstanceConfig{
		"another is added":         {instanceOf(2, 100), instanceOf(3, 100)},
		"another is removed":       {},
		"another gets an address":  {instanceOf(2, 100, with("192.0.2.22/24"))},
		"another changes priority": {instanceOf(2, 50)},
		"another begins anew":      {instanceOf(2, 100, func(c *InstanceConfig) { c.Router.Version = vrrp.V2 })},
	}
	for name, list := range others {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.running(t, instanceOf(1, 100), instanceOf(2, 100))
				h.reload(append([]InstanceConfig{instanceOf(1, 100)}, list...)...)
				mustSay(t, h.journal(), 0, "advert 1 |update 1|instance=gw1|192.0.2.1/24")
				if !h.paths[0].owns() {
					t.Error("it does not own its address")
				}
			})
		})
	}
}

func TestAMasterGetsAnAddressWithoutATransition(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		h.reload(instanceOf(1, 100, with("192.0.2.50/24")))
		lines := h.journal()
		mustSay(t, lines, 0, "STATE|lease 0")
		mustSay(t, lines, 1, `address \+ 192.0.2.50/24`)
		mustSay(t, lines, 0, `address . 192.0.2.1/24`)
		if !strings.Contains(strings.Join(lines, "\n"), "arp 192.0.2.50") || strings.Contains(strings.Join(lines, "\n"), "arp 192.0.2.1,") {
			t.Errorf("not the new address alone is announced:\n%s", strings.Join(lines, "\n"))
		}
		if got := h.paths[0].spec.Addresses; len(got) != 2 {
			t.Errorf("the fast path serves %v", got)
		}
		h.reload(instanceOf(1, 100))
		lines = h.journal()
		mustSay(t, lines, 1, `address - 192.0.2.50/24`)
		mustSay(t, lines, 0, "STATE|lease 0")
	})
}

func TestAddressesChangePlacesBetweenInstances(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		swapped := func(vrid uint8, address string) InstanceConfig {
			c := instanceOf(vrid, 100)
			c.Router.Addresses, c.Addresses = nil, nil
			with(address)(&c)
			return c
		}
		h := l.running(t, instanceOf(1, 100), instanceOf(2, 100))
		h.reload(swapped(1, "192.0.2.2/24"), swapped(2, "192.0.2.1/24"))
		mustSay(t, h.journal(), 0, "STATE|ERROR|address -") // they stay where they are
		if a, b := h.paths[0].spec.Addresses[0].String(), h.paths[1].spec.Addresses[0].String(); a != "192.0.2.2" || b != "192.0.2.1" {
			t.Errorf("served are %s and %s", a, b)
		}
		slices.Sort(h.book.list())
		if got := h.book.list(); len(got) != 2 {
			t.Errorf("on the interface are %v", got)
		}
	})
}

func TestARemovedMasterServesUntilItsSuccessorDoes(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, backup := l.pair(t)
		h.reload(instanceOf(9, 100))
		mustSay(t, h.journal(), 1, "send advert 1 prio 0")
		if !h.paths[0].owns() {
			t.Error("it ends before it has a successor")
		}
		elapse(interval)
		backup.mustBe("MASTER")
		if h.paths[0].owns() || !h.paths[0].removed.Load() {
			t.Error("it goes on though there is a successor")
		}
		if got := h.status(); len(got) != 1 || got[0].VRID != 9 {
			t.Errorf("status still lists %v", got)
		}
		h.mustTell("gw1 DELETED")
	})
}

func TestAnotherReloadDoesNotHurryAnInstanceThatLeaves(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		h.reload(instanceOf(2, 100))
		h.reload(instanceOf(3, 100))
		if !h.paths[0].owns() {
			t.Error("it ends before it could have a successor")
		}
		elapse(2 * interval)
		if !h.paths[0].removed.Load() || len(h.status()) != 1 {
			t.Error("it does not end")
		}
	})
}

func TestWhatARemovedInstanceHadIsFreeAtOnceForAnother(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		h.reload(instanceOf(2, 100, with("192.0.2.1/24")))
		elapse(down)
		h.mustBe("MASTER")
		mustSay(t, h.journal(), 0, "ERROR")
	})
}

func TestAReloadThatFailsLeavesAllAsItWas(t *testing.T) {
	full := errors.New("no room")
	tests := map[string]func(*host) []InstanceConfig{
		"an instance is wrong": func(*host) []InstanceConfig { return []InstanceConfig{instanceOf(0, 100)} },
		"the fast path is full": func(h *host) []InstanceConfig {
			h.installing = full
			return []InstanceConfig{instanceOf(2, 100)}
		},
		"an interface is missing": func(*host) []InstanceConfig {
			return []InstanceConfig{instanceOf(2, 100, func(c *InstanceConfig) { c.Interface = "wan0" })}
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.running(t, instanceOf(1, 100))
				if h.engine.Reload(t.Context(), spoil(h)) == nil {
					t.Error("it did not fail")
				}
				elapse(latency)
				if lines := h.journal(); len(lines) > 0 {
					t.Errorf("it did:\n%s", strings.Join(lines, "\n"))
				}
				h.mustBe("MASTER")
			})
		})
	}
}

func TestAGroupGetsAMemberWithoutATransition(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100, together), instance6(1, 100, together))
		h.reload(instanceOf(1, 100, together), instance6(1, 100, together), instanceOf(2, 100, together))
		h.mustBe("MASTER MASTER BACKUP")
		if h.paths[2].owns() {
			t.Error("a member that is not master answers")
		}
		elapse(down)
		h.mustBe("MASTER MASTER MASTER")
		if !h.paths[2].owns() || h.paths[2].spec.Lease != h.paths[0].spec.Lease {
			t.Error("the new member has no part in the lease")
		}
		mustSay(t, h.journal(), 0, "STATE.*instance=gw1")
	})
}

func TestAMemberThatLeavesItsGroupStaysMaster(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100, together), instanceOf(2, 100, together))
		h.reload(instanceOf(1, 100, together), instanceOf(2, 100))
		elapse(3 * interval)
		mustSay(t, h.journal(), 0, "STATE|lease 0")
		h.mustBe("MASTER MASTER")
		if h.paths[0].spec.Lease == h.paths[1].spec.Lease {
			t.Error("they still share a lease")
		}
		h.sender.set(func(s *fakeSender) { s.err = errors.New("no buffers") })
		elapse(4 * interval)
		if h.paths[0].owns() || h.paths[1].owns() {
			t.Error("a lease outlives the adverts")
		}
	})
}

func TestMastersThatBecomeAGroupStayMasters(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100), instanceOf(2, 100))
		h.reload(instanceOf(1, 100, together), instanceOf(2, 100, together))
		elapse(3 * interval)
		mustSay(t, h.journal(), 0, "instance=.*STATE|lease 0")
		h.mustBe("MASTER MASTER")
		if h.paths[0].spec.Lease != h.paths[1].spec.Lease || !h.paths[0].owns() {
			t.Error("they do not share a lease")
		}
	})
}

func tracking(weight int) func(*InstanceConfig) {
	return func(c *InstanceConfig) {
		c.Tracks = []track.Use{{Key: track.Key{Kind: track.KindScript, Name: "chk"}, Weight: weight}}
	}
}

func found(s track.State) track.Result {
	return track.Result{Key: track.Key{Kind: track.KindScript, Name: "chk"}, State: s, Reason: "exit status 1"}
}

func TestACheckMovesThePriority(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100, tracking(-20)))
		h.engine.Tracked(found(track.Down))
		elapse(interval)
		s := h.status()[0]
		if s.Priority != 100 || s.EffectivePriority != 80 || s.State != "MASTER" {
			t.Errorf("it is %s with %d, effective %d", s.State, s.Priority, s.EffectivePriority)
		}
		mustSay(t, h.journal(), 1, "Changing effective priority.*from=100 to=80")
		h.mustTell("gw1 MASTER_PRIORITY")
		h.reload(instanceOf(1, 90, tracking(-20)))
		if got := h.status()[0].EffectivePriority; got != 70 {
			t.Errorf("after a reload it is %d", got)
		}
	})
}

func TestACheckWithoutWeightIsAFault(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100, tracking(0)))
		h.start()
		h.mustBe("INIT") // until the first result
		if got := h.status()[0].Fault; !strings.Contains(got, "waiting for the first result of") {
			t.Errorf("status says %q", got)
		}
		h.engine.Tracked(found(track.Up))
		elapse(down)
		h.mustBe("MASTER")
		h.engine.Tracked(found(track.Down))
		elapse(latency)
		h.mustBe("FAULT")
		if got := h.status()[0].Fault; !strings.Contains(got, "chk") || !strings.Contains(got, "exit status 1") {
			t.Errorf("the fault is %q", got)
		}
	})
}

func TestACheckThatAReloadBringsIsNoFaultBeforeItsFirstResult(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		h.reload(instanceOf(1, 100, tracking(0)))
		elapse(time.Second)
		mustSay(t, h.journal(), 0, "STATE")
		h.mustBe("MASTER")
	})
}

// mustTell checks that notifications begin so, in any order.
func (h *host) mustTell(event string) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ev := range h.told {
		if ev.Name+" "+ev.State == event {
			return
		}
	}
	h.t.Errorf("nobody was told %q, but %v", event, h.told)
}

func TestOthersAreToldOfInstancesAndOfTheirGroup(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100, together), instanceOf(2, 100, together))
		h.engine.Stop()
		elapse(2 * interval)
		var got []string
		for _, ev := range h.told {
			got = append(got, ev.Name+" "+ev.State)
		}
		want := []string{
			"gw1 BACKUP", "gw2 BACKUP", "pair BACKUP", "gw1 MASTER", "gw2 MASTER", "pair MASTER",
			"gw1 STOP", "gw2 STOP", "pair STOP",
		}
		if !slices.Equal(got, want) {
			t.Errorf("told was %v,\nwant %v", got, want)
		}
	})
}

func TestAnAddressThatSomebodyRemovedComesBack(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		_ = h.book.Remove(3, vip)
		h.links.events <- netio.LinkEvent{Index: 3, Name: "lan0", AddressChanged: true}
		elapse(latency)
		if !slices.Contains(h.book.list(), vip.String()) {
			t.Error("it is not back")
		}
		mustSay(t, h.journal(), 0, "STATE")
	})
}

func TestRoutesAndRulesAreThereWhileMaster(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		routed := func(c *InstanceConfig) {
			c.Routes = []iproute.Route{{Family: 4, Destination: netip.MustParsePrefix("198.18.0.0/15")}}
			c.Rules = []iproute.Rule{{Family: 4, From: netip.MustParsePrefix("192.0.2.0/24"), Priority: 100}}
		}
		h := l.running(t, instanceOf(1, 100, routed))
		if got := h.book.list(); len(got) != 3 {
			t.Errorf("there are %v", got)
		}
		for _, what := range h.book.list() {
			if what != vip.String() {
				_ = h.book.take("routing", what)
			}
		}
		elapse(time.Second)
		if got := h.book.list(); len(got) != 3 {
			t.Errorf("after somebody removed them there are %v", got)
		}
		h.engine.Stop()
		elapse(2 * interval)
		h.mustBeClean()
	})
}

func TestAStartIsNoFault(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100, tracking(0)))
		h.start()
		h.engine.Tracked(found(track.Up))
		elapse(latency)
		h.mustBe("BACKUP")
		if len(h.told) != 1 || h.told[0].State != "BACKUP" {
			t.Errorf("told was %v", h.told)
		}
	})
}
