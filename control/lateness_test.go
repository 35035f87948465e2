package control

import (
	"sync/atomic"
	"testing"
	"time"
)

// suspended returns a clock that can be set forward: to its host the time in
// between was one in which it was not run.
func suspended(h *host) (suspend func(time.Duration)) {
	var missed atomic.Int64
	h.world.Now = func() time.Duration { return bootNow() + time.Duration(missed.Load()) }
	return func(d time.Duration) { missed.Add(int64(d)) }
}

// sleeper is a lone router whose process can be kept from running.
func (l *lan) sleeper(t *testing.T) (h *host, suspend func(time.Duration)) {
	t.Helper()
	h = l.newHost(t, 1)
	suspend = suspended(h)
	h.install(instanceOf(1, 100))
	h.start()
	return h, suspend
}

func TestAMasterThatWasNotRunSaysSoWithTheEvidence(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, suspend := l.sleeper(t)
		elapse(down + interval/2)
		suspend(5 * time.Second)
		elapse(interval)
		h.mustBe("BACKUP")
		mustSay(t, h.journal(), 1, `reason=lease_lost late=3s evidence="the lease ended 3s ago; the last advert left 6s ago; the loop ran 6s ago; this process was not run for 5s"`)
		s := h.status()[0]
		if s.Counters.LeasesLost != 1 || s.LastTransition.Evidence == "" {
			t.Errorf("status tells of %d leases lost, evidence %q", s.Counters.LeasesLost, s.LastTransition.Evidence)
		}
	})
}

func TestAMasterThatWasHeldUpSaysSo(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.set(func(s *fakeSender) { s.slow = 10 * interval })
		elapse(interval)
		h.sender.set(func(s *fakeSender) { s.slow = 0 })
		elapse(10 * interval)
		mustSay(t, h.journal(), 1, "reason=lease_lost.*the loop was held up for 10s")
	})
}

func TestAMasterThatCouldNotSendSaysWhyNot(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.fail(errNoBuffers)
		elapse(3 * interval)
		mustSay(t, h.journal(), 1, "reason=lease_lost evidence=.*the last advert left 3s ago;.*no advert could be sent: no buffer space available")
	})
}

func TestTheLatenessOfTheLoopIsCounted(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, suspend := l.sleeper(t)
		elapse(down + interval/2)
		before := h.engine.loopStatus()
		suspend(700 * time.Millisecond)
		elapse(interval)
		after := h.engine.loopStatus()
		if after.LatenessMaxMS != 700 {
			t.Errorf("the loop was at most %gms late, want 700ms", after.LatenessMaxMS)
		}
		for i, step := range after.Lateness {
			late := after.Rounds - step.Rounds
			if want := before.Rounds - before.Lateness[i].Rounds; step.MaxMS < 700 && late != want+1 || step.MaxMS > 700 && late != want {
				t.Errorf("%d rounds were more than %gms late, before %d", late, step.MaxMS, want)
			}
		}
	})
}

func TestALateBackupThatTheStampKeepsQuietIsCounted(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		l.router(t, 1, 120)
		elapse(down)
		h := l.newHost(t, 2)
		suspend := suspended(h)
		h.install(instanceOf(1, 100))
		h.start()
		elapse(10 * interval)
		if n := h.status()[0].Counters.PromotionsAvoided; n != 0 {
			t.Errorf("%d promotions were avoided by a backup that was in time", n)
		}
		suspend(20 * time.Second)
		h.paths[0].mu.Lock()
		h.paths[0].heard = h.world.Now() // its fast path was run
		h.paths[0].mu.Unlock()
		elapse(down - time.Millisecond) // its timer is due in this time
		h.mustBe("BACKUP")
		if n := h.status()[0].Counters.PromotionsAvoided; n != 1 {
			t.Errorf("%d promotions were avoided, want 1", n)
		}
	})
}

func TestTheLoopsOfTwoDaemonsAreAddedUp(t *testing.T) {
	var sum LoopStatus
	one := LoopStatus{Rounds: 2, LatenessSumMS: 3, LatenessMaxMS: 2, Lateness: []LatenessStep{{1, 1}, {5, 2}}}
	sum.Add(one)
	sum.Add(one)
	if sum.Rounds != 4 || sum.LatenessSumMS != 6 || sum.LatenessMaxMS != 2 || sum.Lateness[1] != (LatenessStep{5, 4}) || one.Lateness[1].Rounds != 2 {
		t.Errorf("got %+v", sum)
	}
}
