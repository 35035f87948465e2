package control

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestStatusTellsOfAMasterAndItsBackup(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		elapse(interval / 4)
		m, b := master.status()[0], backup.status()[0]
		if m.Master == nil || *m.Master != (MasterStatus{"198.51.100.1", 120}) || *m.Master != *b.Master {
			t.Errorf("the master says that %v is master, the backup says %v", m.Master, b.Master)
		}
		if m.LeaseRemainingMS != milliseconds(master.paths[0].remaining()) || b.LeaseRemainingMS != 0 {
			t.Errorf("leases remain %v and %v ms, want %v and 0", m.LeaseRemainingMS, b.LeaseRemainingMS, master.paths[0].remaining())
		}
		if b.ActiveDownMS != milliseconds(down) {
			t.Errorf("Active_Down_Interval is %v ms, want %v", b.ActiveDownMS, milliseconds(down))
		}
	})
}

func TestStatusHasTheOrderOfTheConfiguration(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(3, 100), instanceOf(1, 100), instanceOf(2, 100))
		h.start()
		for i, want := range []uint8{3, 1, 2} {
			if got := h.status()[i].VRID; got != want {
				t.Errorf("number %d is VRID %d, want %d", i, got, want)
			}
		}
	})
}

func TestStatusAfterTheEnd(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		h.engine.Stop()
		elapse(0)
		if _, err := h.engine.Status(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("got %v, want ErrStopped", err)
		}
	})
}

func TestStatusOfALoopThatHangs(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		hang := make(chan struct{})
		defer close(hang)
		h.sender.set(func(s *fakeSender) { s.hang = hang })
		elapse(interval)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := h.engine.Status(ctx)
		if !errors.Is(err, ErrStopped) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrStopped because of the deadline", err)
		}
	})
}

// Thousands of instances take long to count.
func TestTheLoopDoesNotWaitForCounters(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.paths[0].counting = 10 * interval
		if h.status(); !h.paths[0].owns() {
			t.Error("the lease ran out while the counters were read")
		}
	})
}
