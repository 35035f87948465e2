package control

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

// leave ends the engine for the sake of the next one, which finds its fast path.
func (h *host) leave() Snapshot {
	h.t.Helper()
	s, _, err := h.engine.Leave(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	elapse(0)
	if !h.hasEnded() || h.err != nil {
		h.t.Fatalf("Run has returned: %v; %v", h.hasEnded(), h.err)
	}
	h.before, h.paths = h.paths, nil
	return s
}

// succeed runs an engine that comes after another one.
func (h *host) succeed(configs ...InstanceConfig) {
	h.t.Helper()
	h.install(configs...)
	h.start()
}

// mustNotOwn wants none of the fast path's leases to be valid, and nothing of a
// master to be left.
func (h *host) mustNotOwn() {
	h.t.Helper()
	for _, p := range h.paths {
		if p.owns() {
			h.t.Errorf("vrid %d, %v: it owns its addresses", p.spec.VRID, p.spec.Family)
		}
	}
	if left := h.book.list(); len(left) > 0 {
		h.t.Errorf("addresses are left: %v", left)
	}
}

func TestAMasterThatComesBackWithinItsLeaseGoesOn(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		backup := l.router(t, 2, 50)
		elapse(interval)
		h.journal()
		h.leave()
		elapse(2 * interval) // of the three that the lease lasts
		h.succeed(instanceOf(1, 100))
		h.mustBe("MASTER")
		if !h.paths[0].owns() || h.paths[0].remaining() != 3*interval {
			t.Errorf("the lease ends in %v", h.paths[0].remaining())
		}
		lines := h.journal()
		mustSay(t, lines, 0, `lease 0|address -`)
		mustSay(t, lines, 1, `Entering MASTER STATE.*reason=resumed`)
		elapse(down)
		backup.mustBe("BACKUP")
	})
}

func TestWhoComesBackTooLateIsABackup(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.leave()
		elapse(3 * interval)
		h.succeed(instanceOf(1, 100))
		h.mustBe("BACKUP")
	})
}

// The lease was valid when it was inherited, and is not when the loop begins.
func TestALeaseThatEndsWhileTheDaemonStartsIsNotGoneOnWith(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.leave()
		elapse(2 * interval)
		h.install(instanceOf(1, 100))
		if n := len(h.engine.Resumes()); n != 1 {
			t.Fatalf("%d instances go on, want 1", n)
		}
		elapse(interval)
		h.start()
		h.mustBe("BACKUP")
		h.mustNotOwn()
	})
}

func TestOfAGroupAllGoOnOrNone(t *testing.T) {
	group := []InstanceConfig{instanceOf(1, 100, together), instance6(1, 100, together)}
	tests := map[string]struct {
		left    func(*host) // what happens until the next daemon is made
		started func(*host) // and until it runs
		resumes int
		want    string
	}{
		"both are fit":      {resumes: 2, want: "MASTER MASTER"},
		"one was no master": {left: func(h *host) { h.before[1].remembers.Store(0) }, want: "BACKUP BACKUP"},
		"it was yielded":    {left: func(h *host) { h.before[0].fakeLease.Load().yielded.Store(1) }, want: "BACKUP BACKUP"},
		"it is yielded meanwhile": {started: func(h *host) { h.paths[1].fakeLease.Load().yielded.Store(1) },
			resumes: 2, want: "BACKUP BACKUP"},
		"one is at fault": {started: func(h *host) { h.links.local = netip.Addr{} },
			resumes: 2, want: "FAULT FAULT"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.newHost(t, 1)
				h.install(group...)
				h.start()
				elapse(down)
				h.mustBe("MASTER MASTER")
				h.leave()
				h.journal()
				if test.left != nil {
					test.left(h)
				}
				h.install(group...)
				if n := len(h.engine.Resumes()); n != test.resumes {
					t.Errorf("%d go on, want %d", n, test.resumes)
				}
				if test.started != nil {
					test.started(h)
				}
				h.start()
				h.mustBe(test.want)
				switch {
				case test.want == "MASTER MASTER":
					if !h.paths[0].owns() || !h.paths[1].owns() {
						t.Error("a member does not own its addresses")
					}
					mustSay(t, h.journal(), 0, "lease 0|address -")
				case test.resumes > 0: // what nobody goes on with, whoever makes the engine clears up
					h.mustNotOwn()
				}
			})
		})
	}
}

func TestWhoIsHeldDoesNotGoOn(t *testing.T) {
	for name, held := range map[string]Holds{
		"by a switchover": {Switchovers: []Switchover{{Name: "gw1"}}},
		"for maintenance": {Maintenance: true},
	} {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.loneMaster(t)
				h.leave()
				h.world.Holds = held
				h.succeed(instanceOf(1, 100))
				h.mustBe("BACKUP")
				h.mustNotOwn()
			})
		})
	}
}

// A priority that a check has lowered stays until the check says otherwise: the
// configured one would preempt for as long as nothing is known.
func TestThePriorityIsHeldUntilTheChecksHaveResults(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100, tracking(-20))
		h.engine.Tracked(found(track.Down))
		elapse(4 * interval)
		h.mustBe("MASTER")
		h.leave()
		h.succeed(instanceOf(1, 100, tracking(-20)))
		elapse(interval)
		h.mustBe("MASTER")
		mustHavePriority(t, h, 80)
		mustSay(t, h.journal(), 0, "prio 100")
		h.engine.Tracked(found(track.Down))
		elapse(interval)
		mustHavePriority(t, h, 80)
		h.engine.Tracked(found(track.Up))
		elapse(interval)
		mustHavePriority(t, h, 100)
	})
}

func mustHavePriority(t *testing.T, h *host, want int) {
	t.Helper()
	if got := h.status()[0].EffectivePriority; int(got) != want {
		t.Errorf("the priority is %d, want %d", got, want)
	}
}

func TestAnUpgradeIsNoTransition(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		l.router(t, 2, 50)
		elapse(10 * interval)
		was := h.status()[0]
		h.told = nil
		snapshot := h.leave()
		h.install(instanceOf(1, 100))
		h.engine.Restore(snapshot)
		h.start()
		h.mustBe("MASTER")
		now := h.status()[0]
		if diff := cmp.Diff(was.Counters.Transitions, now.Counters.Transitions); diff != "" {
			t.Errorf("transitions (-want +got):\n%s", diff)
		}
		if now.LastTransition != was.LastTransition {
			t.Errorf("the last transition is %+v, was %+v", now.LastTransition, was.LastTransition)
		}
		if now.Counters.AdvertsSent <= was.Counters.AdvertsSent {
			t.Errorf("%d adverts are counted, %d were before", now.Counters.AdvertsSent, was.Counters.AdvertsSent)
		}
		if len(h.told) > 0 {
			t.Errorf("others were told of %v", h.told)
		}
	})
}

// Scripts must not believe in a master that was none any more when they could not be told.
func TestWhatNobodyWasToldBeforeAnUpgradeIsToldAfterIt(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		if err := h.engine.Hush(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.router(t, 2, 150)
		elapse(2 * down)
		h.mustBe("BACKUP")
		h.told = nil
		snapshot := h.leave()
		h.install(instanceOf(1, 100))
		h.engine.Restore(snapshot)
		h.start()
		h.mustBe("BACKUP")
		if len(h.told) == 0 {
			t.Error("nobody was told that it is no master any more")
		}
	})
}

// Whoever has said goodbye has no lease that another process could go on with.
func TestWhoIsLeavingForGoodCannotLeaveForAnother(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, backup := l.pair(t)
		h.engine.Stop()
		elapse(latency)
		if _, _, err := h.engine.Leave(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("%v, want %v", err, ErrStopped)
		}
		if err := h.engine.Hush(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("%v, want %v", err, ErrStopped)
		}
		if got := h.paths[0].remembers.Load(); got != 0 {
			t.Errorf("it is remembered as a master of priority %d", got)
		}
		elapse(down)
		backup.mustBe("MASTER")
		h.mustBeClean()
	})
}

func TestABackupComesBackAsABackup(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.pair(t)
		backup.leave()
		backup.succeed(instanceOf(1, 100))
		backup.mustBe("BACKUP")
		backup.mustNotOwn()
		elapse(2 * down)
		backup.mustBe("BACKUP")
	})
}

// The owner of the addresses is master at 255, whatever was remembered.
func TestTheOwnerOfTheAddressesGoesOn(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 255)
		elapse(interval)
		h.mustBe("MASTER")
		h.leave()
		h.journal()
		h.succeed(instanceOf(1, 255))
		h.mustBe("MASTER")
		mustHavePriority(t, h, 255)
		mustSay(t, h.journal(), 1, "reason=resumed")
	})
}
