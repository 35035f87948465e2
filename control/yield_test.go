package control

import (
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

func TestTheFastPathYieldsToAnyoneBetter(t *testing.T) {
	version2 := func(c *InstanceConfig) { c.Router.Version = vrrp.V2 }
	tests := map[string]struct {
		priority uint8
		change   func(*InstanceConfig)
		want     uint32
	}{
		"a master, to whoever has a higher priority": {100, func(*InstanceConfig) {}, 101},
		"the owner of the addresses, to nobody":      {255, func(*InstanceConfig) {}, 0},
		"version 2, to nobody":                       {100, version2, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.router(t, 1, test.priority, test.change)
				elapse(5 * interval)
				h.mustBe("MASTER")
				if got := h.paths[0].yields.Load(); got != test.want {
					t.Errorf("it yields to %d, want %d", got, test.want)
				}
			})
		})
	}
}

func TestALeavingMasterServesUntilTheLoopHasHeardTheSuccessor(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.engine.Stop()
		elapse(latency)
		if got := h.paths[0].yields.Load(); got != 0 {
			t.Errorf("it yields to %d, want 0", got)
		}
	})
}

func TestABackupYieldsToNobody(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.links.set(false)
		elapse(latency)
		if got := h.paths[0].yields.Load(); got != 0 {
			t.Errorf("it yields to %d, want 0", got)
		}
	})
}

func TestANewLeaseIsNotYielded(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		better := l.router(t, 2, 200)
		elapse(4 * interval)
		h.mustBe("BACKUP")
		if h.paths[0].fakeLease.Load().yielded.Load() == 0 {
			t.Fatal("the fast path has not yielded")
		}
		better.engine.Stop()
		elapse(interval)
		if h.mustBe("MASTER"); !h.paths[0].owns() {
			t.Error("the fast path does not serve")
		}
	})
}

func TestWhatTheFastPathYieldedIsTakenBackWhenTheAdvertIsRefused(t *testing.T) {
	tests := map[string]struct {
		change func(*vrrp.Advert)
		ttl    uint8
	}{
		"by the parser":        {func(*vrrp.Advert) {}, 254},
		"by the state machine": {func(a *vrrp.Advert) { a.VRID = 9 }, 255},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.loneMaster(t)
				p := h.paths[0]
				ev := masterAdvert(t, p.slot, test.change)
				ev.TTL = test.ttl
				p.hear(ev.Source, ev.PDU)
				if p.owns() {
					t.Fatal("the fast path has not yielded")
				}
				h.events.push(ev)
				elapse(latency)
				if h.mustBe("MASTER"); !p.owns() {
					t.Error("the fast path has yielded for good")
				}
			})
		})
	}
}
