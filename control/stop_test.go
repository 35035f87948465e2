package control

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

func TestAGracefulStopServesUntilTheSuccessorsAdvert(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		master.engine.Stop()
		elapse(latency + skew) // the successor's advert is sent now, and on its way
		mustSay(t, master.journal(), 1, "^send advert 1 prio 0$")
		if !master.paths[0].owns() || !backup.paths[0].owns() {
			t.Fatal("nobody serves while the successor's advert is on its way, or there is no successor")
		}
		elapse(2 * latency)
		lines := master.journal()
		if at := slices.Index(lines, "lease 0"); at != 0 {
			t.Errorf("the lease does not end first: %q", lines)
		}
		mustSay(t, lines, 1, "Entering INIT STATE.*reason=shutdown peer=198.51.100.2")
		master.mustBeClean()
	})
}

func TestASuccessorPutsAddressesOnWhileItWaitsItsSkew(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		master.engine.Stop()
		elapse(2 * latency)
		if !slices.Contains(backup.book.list(), vip.String()) {
			t.Error("the successor has no address on its interface yet")
		}
		if backup.mustBe("BACKUP"); backup.paths[0].owns() {
			t.Error("the successor does not wait")
		}
	})
}

func TestAGracefulStopWithoutSuccessorEndsAfterTheLongestSkew(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.engine.Stop()
		elapse(interval - time.Nanosecond)
		if h.hasEnded() || !h.paths[0].owns() {
			t.Fatal("it does not wait for a successor")
		}
		elapse(time.Nanosecond)
		h.mustBeClean()
	})
}

func TestASecondStopEndsAtOnce(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.engine.Stop()
		elapse(time.Millisecond)
		h.engine.Stop()
		elapse(0)
		h.mustBeClean()
	})
}

func TestABackupStopsAtOnce(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.pair(t)
		backup.engine.Stop()
		elapse(0)
		backup.mustBeClean()
	})
}

func TestAnEndedContextIsAGracefulStop(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 255))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(interval, cancel)
		started := time.Now()
		if err := h.engine.Run(ctx); err != nil {
			t.Error(err)
		}
		mustSay(t, h.journal(), 1, "send advert 1 prio 0")
		if took := time.Since(started); took != 2*interval {
			t.Errorf("it ran for %v, want the second until the end of the context and one for a successor", took)
		}
	})
}

func TestStopDoesNotWaitForALoopThatHangs(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		hang := make(chan struct{})
		h.sender.set(func(s *fakeSender) { s.hang = hang })
		elapse(interval)
		for range 5 {
			h.engine.Stop() // a deadlock of the bubble if it waits
		}
		close(hang)
	})
}

func TestStopBeforeRunIsNotForgotten(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100))
		h.engine.Stop()
		h.start()
		h.mustBeClean()
	})
}

// When Run cannot go on it must leave nothing, or nobody will serve the addresses.
func TestARunThatFailsLeavesNothing(t *testing.T) {
	broken := errors.New("the ring is broken")
	tests := map[string]func(*host){
		"the watch of the links ends": func(h *host) { close(h.links.end) },
		"the events cannot be read":   func(h *host) { h.events.breakDown(broken) },
	}
	for name, breakDown := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.loneMaster(t)
				breakDown(h)
				elapse(0)
				h.mustBeClean()
				if h.err == nil {
					t.Error("Run returns no error")
				}
				mustSay(t, h.journal(), 1, "send advert 1 prio 0")
			})
		})
	}
}

// slowLinks release their socket long after they were told to.
type slowLinks struct {
	*fakeLinks
	released bool
}

func (l *slowLinks) Watch(ctx context.Context) (<-chan netio.LinkEvent, error) {
	events := make(chan netio.LinkEvent)
	go func() {
		<-ctx.Done()
		time.Sleep(time.Second)
		l.released = true
		close(events)
	}()
	return events, nil
}

// Whoever called Run closes what the watch uses.
func TestRunReturnsAfterTheWatchHasEnded(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		links := &slowLinks{fakeLinks: h.links}
		h.world.Links = links
		h.install(instanceOf(1, 100))
		h.engine.Stop()
		h.start()
		<-h.running
		if !links.released {
			t.Error("the watch goes on")
		}
	})
}

func TestARunThatCannotWatchLinksDoesNotStart(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.links.refusal = errors.New("no netlink")
		h.install(instanceOf(1, 255))
		h.start()
		h.mustBeClean()
		if !errors.Is(h.err, h.links.refusal) {
			t.Errorf("Run returns %v", h.err)
		}
		mustSay(t, h.journal(), 0, "^lease [^0]")
	})
}

func TestAnInstallThatFailsTakesBackTheOthers(t *testing.T) {
	full := errors.New("more than 4096 virtual routers")
	tests := map[string]func(*host){
		"the fast path refuses the second": func(h *host) {
			h.world.Install = func(s FastSpec) (FastPath, error) {
				if s.VRID == 2 {
					return nil, full
				}
				return h.installPath(s)
			}
		},
		"the interface cannot be joined": func(h *host) {
			h.world.Join = func(int, []netip.Addr, ...[6]byte) (io.Closer, error) { return nil, full }
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			h := (&lan{}).newHost(t, 1)
			spoil(h)
			_, err := New(h.world, h.log, []InstanceConfig{instanceOf(1, 100), instanceOf(2, 100)})
			if !errors.Is(err, full) {
				t.Errorf("New returns %v", err)
			}
			if len(h.paths) == 0 || slices.ContainsFunc(h.paths, func(p *fakePath) bool { return !p.removed.Load() }) {
				t.Error("a virtual router is left in the fast path")
			}
		})
	}
}

func TestTheInterfaceIsJoinedWithAllVirtualMACs(t *testing.T) {
	h := (&lan{}).newHost(t, 1)
	h.install(instanceOf(1, 100), instanceOf(2, 100))
	if !h.joined[[6]byte{0, 0, 0x5e, 0, 1, 1}] || !h.joined[[6]byte{0, 0, 0x5e, 0, 1, 2}] {
		t.Errorf("joined: %v", h.joined)
	}
	if err := h.engine.Close(); err != nil || len(h.joined) > 0 {
		t.Errorf("after Close: %v, joined: %v", err, h.joined)
	}
}
