package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// keeps makes the host keep what is held, as a file would.
func (h *host) keeps() {
	h.world.KeepHolds = func(kept Holds) error {
		h.world.Holds = kept
		h.note("keep %d", len(kept.Switchovers))
		return nil
	}
}

// asked is a switchover that somebody waits for.
type asked struct {
	outcomes []HoldOutcome
	err      error
	over     atomic.Bool
}

// switchover asks for one, and does not wait for it.
func (h *host) switchover(q SwitchoverRequest) *asked {
	a := &asked{}
	go func() {
		a.outcomes, a.err = h.engine.Switchover(context.Background(), q)
		a.over.Store(true)
	}()
	elapse(0)
	return a
}

func (h *host) maintenance(on bool) *asked {
	a := &asked{}
	go func() {
		a.outcomes, a.err = h.engine.Maintenance(context.Background(), on)
		a.over.Store(true)
	}()
	elapse(0)
	return a
}

// mustEnd checks the outcome of every instance.
func (a *asked) mustEnd(t *testing.T, want ...string) {
	t.Helper()
	if !a.over.Load() || a.err != nil {
		t.Fatalf("it is over: %v, %v", a.over.Load(), a.err)
	}
	var got []string
	for _, o := range a.outcomes {
		got = append(got, o.Outcome+" "+o.Successor)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the outcomes are %q, want %q", got, want)
	}
}

// mustBeHeld checks what status says of every instance.
func (h *host) mustBeHeld(want string) {
	h.t.Helper()
	var got []string
	for _, s := range h.status() {
		reason := "-"
		if s.Held != nil {
			reason = s.Held.Reason
		}
		got = append(got, reason)
	}
	if strings.Join(got, " ") != want {
		h.t.Errorf("held: %v, want %v", got, want)
	}
}

func TestASwitchoverHandsOverServesMeanwhileAndComesBack(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		began := bootNow()
		a := master.switchover(SwitchoverRequest{Name: "gw1", For: time.Minute})
		if elapse(latency + skew); !master.paths[0].owns() || !backup.paths[0].owns() || a.over.Load() {
			t.Fatal("nobody serves while the successor's advert is on its way, or there is no successor")
		}
		elapse(2 * latency)
		a.mustEnd(t, "handed_over 198.51.100.2")
		if took := a.outcomes[0].TookMS; took != milliseconds(skew+2*latency) {
			t.Errorf("it took %v ms", took)
		}
		master.mustBe("BACKUP")
		master.mustBeHeld("switchover")
		lines := master.journal()
		mustSay(t, lines, 1, "switchover: kept out of MASTER.*name=gw1 until=2000-01-01T00:01:0")
		mustSay(t, lines, 1, "Entering BACKUP STATE.*reason=switchover peer=198.51.100.2")
		if until := master.status()[0].Held.Until; until == nil || until.Sub(bootTime).Round(time.Millisecond) != (began+time.Minute).Round(time.Millisecond) {
			t.Errorf("held until %v", until)
		}
		elapse(time.Minute - interval)
		master.mustBe("BACKUP")
		elapse(interval + down)
		master.mustBe("MASTER")
		backup.mustBe("BACKUP")
		master.mustBeHeld("-")
		lines = master.journal()
		mustSay(t, lines, 1, `switchover over.*because="its time is over"`)
		want := []string{"address + 192.0.2.1/24", "lease 10ms", "send advert 1 prio 120, arp", "lease 3s"}
		for i, line := range matching(lines, `^lease [13]|^send advert|^address \+`)[:len(want)] {
			if !strings.HasPrefix(line, want[i]) {
				t.Errorf("on the way back, %q in place of %q: %q", line, want[i], lines)
			}
		}
	})
}

func TestASwitchoverLastsUntilToldAndIsEnded(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, _ := l.pair(t)
		master.switchover(SwitchoverRequest{Name: "gw1"})
		elapse(time.Hour)
		master.mustBe("BACKUP")
		if held := master.status()[0].Held; held == nil || held.Until != nil {
			t.Errorf("held %v", held)
		}
		master.switchover(SwitchoverRequest{Name: "gw1", End: true}).mustEnd(t, "no_master 198.51.100.2")
		elapse(down)
		master.mustBe("MASTER")
		if a := master.switchover(SwitchoverRequest{Name: "gw1", End: true}); !errors.Is(a.err, ErrNotHeld) {
			t.Errorf("ending it again: %v", a.err)
		}
	})
}

func TestASwitchoverThatNobodyAnswersIsTakenBack(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.keeps()
		a := h.switchover(SwitchoverRequest{Name: "gw1"})
		for range 50 {
			if elapse(interval / 10); !h.paths[0].owns() {
				t.Fatal("it stopped serving")
			}
		}
		a.mustEnd(t, "stays_master ")
		h.mustBe("MASTER")
		h.mustBeHeld("-")
		mustSay(t, h.journal(), 1, `switchover over.*because="no other router is there that serves"`)
		if !h.world.Holds.Empty() {
			t.Errorf("the next daemon is told of %v", h.world.Holds)
		}
	})
}

func TestAForcedSwitchoverGoesAnyway(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		a := h.switchover(SwitchoverRequest{Name: "gw1", Force: true})
		elapse(interval)
		a.mustEnd(t, "no_successor ")
		elapse(time.Minute)
		h.mustBe("BACKUP")
	})
}

func TestABackupIsKeptOutWhenItsMasterDies(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		backup.switchover(SwitchoverRequest{Name: "gw1", For: time.Minute}).mustEnd(t, "no_master 198.51.100.1")
		master.engine.Stop()
		elapse(time.Minute - 1)
		backup.mustBe("BACKUP")
		elapse(down + 1)
		backup.mustBe("MASTER")
	})
}

func TestMaintenanceIsForAllAndUntilTold(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 255), instanceOf(2, 100))
		h.start()
		elapse(down)
		h.mustBe("MASTER MASTER")
		a := h.maintenance(true)
		elapse(interval)
		a.mustEnd(t, "no_successor ", "no_successor ")
		elapse(time.Hour)
		h.mustBe("BACKUP BACKUP")
		h.mustBeHeld("maintenance maintenance")
		mustSay(t, h.journal(), 2, "Entering BACKUP STATE.*reason=maintenance")
		h.maintenance(false).mustEnd(t, "no_master ", "no_master ")
		elapse(down)
		h.mustBe("MASTER MASTER")
	})
}

func TestMaintenanceEndsAndASwitchoverGoesOn(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, _ := l.pair(t)
		master.switchover(SwitchoverRequest{Name: "gw1"})
		elapse(interval)
		master.maintenance(true)
		master.mustBeHeld("maintenance")
		master.maintenance(false)
		elapse(2 * down)
		master.mustBeHeld("switchover")
		master.mustBe("BACKUP")
	})
}

func TestAGroupIsSwitchedOverTogetherByItsNameOrAMembers(t *testing.T) {
	for _, name := range []string{"pair", "gw1-v6"} {
		onLAN(t, func(t *testing.T, l *lan) {
			master := l.dual(t, 1, 120, together)
			elapse(down)
			backup := l.dual(t, 2, 100, together)
			elapse(interval)
			a := master.switchover(SwitchoverRequest{Name: name})
			for range 1000 {
				if elapse(interval / 1000); !master.paths[0].owns() && !backup.paths[0].owns() {
					t.Fatal("nobody serves")
				}
			}
			a.mustEnd(t, "handed_over 198.51.100.2", "handed_over fe80::1:2")
			master.mustBe("BACKUP BACKUP")
			master.journal()
			backup.mustBe("MASTER MASTER")
			master.mustBeHeld("switchover switchover")
			master.switchover(SwitchoverRequest{Name: name, End: true})
			elapse(down)
			master.mustBe("MASTER MASTER")
			// It serves, and every switch knows, before the other one hears of it.
			want := []string{"lease 10ms", "send arp 192.0.2.1, na fe80::1", "send advert 1 prio 120, advert 1 prio 120, arp"}
			for i, line := range matching(master.journal(), `^lease [13]|^send `)[:len(want)] {
				if !strings.HasPrefix(line, want[i]) {
					t.Errorf("on the way back, %q in place of %q", line, want[i])
				}
			}
		})
	}
}

func TestAGroupThatIsAloneStaysMasterTogether(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 120, together)
		elapse(down)
		a := h.switchover(SwitchoverRequest{Name: "pair"})
		for range 100 {
			if elapse(interval / 20); !h.paths[0].owns() {
				t.Fatal("it stopped serving")
			}
		}
		a.mustEnd(t, "stays_master ", "stays_master ")
		h.mustBe("MASTER MASTER")
	})
}

func TestAnUnknownNameListsTheNamesThereAre(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 120, together)
		a := h.switchover(SwitchoverRequest{Name: "gw7"})
		if !errors.Is(a.err, ErrUnknown) || !strings.Contains(a.err.Error(), `"gw7"; there is gw1, gw1-v6, pair`) {
			t.Errorf("%v", a.err)
		}
	})
}

func TestWhatCannotBeKeptIsNotDone(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.world.KeepHolds = func(Holds) error { return errors.New("disk full") }
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down)
		if a := h.switchover(SwitchoverRequest{Name: "gw1", Force: true}); a.err == nil || !strings.Contains(a.err.Error(), "disk full") {
			t.Errorf("%v", a.err)
		}
		elapse(2 * interval)
		h.mustBe("MASTER")
	})
}

func TestAHoldIsKeptBeforeTheFarewellAndOutlivesTheDaemon(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.keeps()
		h.install(instanceOf(1, 255))
		h.start()
		elapse(interval)
		h.journal()
		h.switchover(SwitchoverRequest{Name: "gw1", Force: true})
		elapse(interval / 2)
		lines := matching(h.journal(), "^keep|prio 0")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "keep 1") {
			t.Errorf("the farewell was sent before the hold was kept: %q", lines)
		}
		h.engine.Stop()
		h.engine.Stop()
		elapse(0)
		h.install(instanceOf(1, 255))
		h.start()
		h.mustBe("BACKUP")
		h.mustBeHeld("switchover")
		elapse(time.Minute)
		h.mustBe("BACKUP")
	})
}

func TestAHoldWhoseTimeIsOverIsNotAdopted(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.world.Holds = Holds{Switchovers: []Switchover{{Name: "gw1", Until: bootNow()}}}
		h.install(instanceOf(1, 100))
		h.start()
		h.mustBeHeld("-")
		elapse(down)
		h.mustBe("MASTER")
	})
}

// The daemon was killed before anybody had answered.
func TestAHoldThatNobodyHadAnsweredEndsIfTheNextDaemonIsAlone(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.world.Holds = Holds{Switchovers: []Switchover{{Name: "gw1", Alone: true}}}
		h.install(instanceOf(1, 100))
		h.start()
		h.mustBeHeld("switchover")
		elapse(down)
		h.mustBe("MASTER")
		h.mustBeHeld("-")
	})
}

func TestAReloadKeepsHoldsAndDropsThoseOfInstancesThatAreGone(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.keeps()
		h.install(instanceOf(1, 100), instanceOf(2, 100))
		h.start()
		elapse(down)
		h.switchover(SwitchoverRequest{Name: "gw1", Force: true})
		h.switchover(SwitchoverRequest{Name: "gw2", Force: true})
		elapse(interval)
		h.reload(instanceOf(1, 120), instanceOf(3, 100))
		elapse(time.Minute)
		h.mustBe("BACKUP MASTER")
		h.mustBeHeld("switchover -")
		if kept := h.world.Holds.Switchovers; len(kept) != 1 || kept[0].Name != "gw1" {
			t.Errorf("kept: %v", kept)
		}
		h.maintenance(true)
		elapse(interval)
		h.reload(instanceOf(1, 120), instanceOf(2, 255))
		elapse(time.Minute)
		h.mustBe("BACKUP BACKUP")
	})
}

func TestWhoJoinsAGroupThatIsHeldIsHeldAndWhoLeavesItIsNot(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100, together), instanceOf(2, 100))
		h.start()
		elapse(down)
		h.switchover(SwitchoverRequest{Name: "pair", Force: true})
		elapse(interval)
		h.reload(instanceOf(1, 100, together), instanceOf(2, 100, together))
		elapse(down)
		h.mustBe("BACKUP BACKUP")
		h.reload(instanceOf(1, 100, together), instanceOf(2, 100))
		elapse(2 * down)
		h.mustBe("BACKUP MASTER")
	})
}

func TestASwitchoverOfADaemonThatStopsIsRefused(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.engine.Stop()
		elapse(0)
		if a := h.switchover(SwitchoverRequest{Name: "gw1"}); !errors.Is(a.err, ErrStopped) {
			t.Errorf("%v", a.err)
		}
	})
}

func TestAWaitThatEndsTooEarlySaysSo(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		ctx, cancel := context.WithTimeout(t.Context(), interval/2)
		defer cancel()
		a := &asked{}
		a.outcomes, a.err = h.engine.Switchover(ctx, SwitchoverRequest{Name: "gw1"})
		a.over.Store(true)
		a.mustEnd(t, "leaving ")
	})
}
