package control

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALeaseIsRenewedByEveryAdvert(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for range 5 {
			elapse(interval)
			if got := h.paths[0].remaining(); got != 3*interval {
				t.Fatalf("the lease lasts %v, want 3s from the advert", got)
			}
		}
	})
}

func TestARenewedLeaseCountsFromBeforeTheSend(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.set(func(s *fakeSender) { s.slow = 200 * time.Millisecond })
		elapse(interval + 200*time.Millisecond)
		if got := h.paths[0].remaining(); got != 2800*time.Millisecond {
			t.Errorf("the lease lasts %v after a send of 200ms, want 2.8s", got)
		}
	})
}

func TestAFailedSendDoesNotRenewTheLease(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.fail(errNoBuffers)
		elapse(interval)
		if got := h.paths[0].remaining(); got != 2*interval {
			t.Errorf("the lease lasts %v, want the 2s that are left of it", got)
		}
	})
}

func TestARouterThatCannotSendStepsDownWhenItsLeaseEnds(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.fail(errNoBuffers)
		elapse(3*interval - time.Nanosecond)
		h.mustBe("MASTER")
		elapse(time.Nanosecond)
		h.mustBe("BACKUP")
		lines := h.journal()
		mustSay(t, lines, 1, `level=ERROR msg="adverts cannot be sent.*error="no buffer space available"`)
		mustSay(t, lines, 1, `level=WARN msg="Entering BACKUP STATE".*reason=lease_lost`)
		if left := h.book.list(); len(left) > 0 {
			t.Errorf("addresses are left: %v", left)
		}
	})
}

func TestARouterWhoseAdvertsDoNotLeaveSaysSoOnceAndOwnsNothing(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100))
		h.sender.fail(errNoBuffers)
		h.start()
		for range 100 {
			if elapse(interval); h.paths[0].owns() {
				t.Fatal("it is the owner, and nobody has heard of it")
			}
		}
		h.mustBe("BACKUP")
		lines := h.journal()
		mustSay(t, lines, 1, "adverts cannot be sent")
		mustSay(t, lines, 3, "Entering ") // backup, master, backup
		if fault := h.status()[0].Fault; fault != "adverts cannot be sent: no buffer space available" {
			t.Errorf("status says %q", fault)
		}
		h.sender.fail(nil)
		elapse(interval)
		h.mustBe("MASTER")
		if h.status()[0].Fault != "" || !h.paths[0].owns() {
			t.Errorf("it can send: fault %q, owner %v", h.status()[0].Fault, h.paths[0].owns())
		}
	})
}

func TestALeaseThatWaitedForAnAdvertBeginsWithTheAnnouncements(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100))
		h.sender.fail(errNoBuffers)
		h.start()
		elapse(down)
		if h.mustBe("MASTER"); h.paths[0].owns() {
			t.Fatal("it is the owner, and nobody has heard of it")
		}
		h.sender.fail(nil)
		h.journal()
		elapse(interval)
		lines := withoutAddresses(h.journal())
		want := []string{"send advert 1 prio 100", "lease 3s", "send" + garps}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAQueueThatDropsEveryOtherAdvertDoesNotFillTheLog(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for range 50 {
			h.sender.fail(errNoBuffers)
			elapse(interval)
			h.sender.fail(nil)
			elapse(interval)
		}
		elapse(sendsAgainAfter)
		lines := h.journal()
		mustSay(t, lines, 1, "adverts cannot be sent")
		mustSay(t, lines, 1, "adverts can be sent again")
	})
}

// Whoever takes over must not be heard behind what he was asked to say before.
func TestAdvertsThatWaitLeaveBeforeALeaseBegins(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		every := func(d time.Duration) func(*InstanceConfig) {
			return func(c *InstanceConfig) { c.Router.Interval = d }
		}
		// The fourth advert of the one and Active_Down_Interval of the other: 8.68s.
		h.install(instanceOf(1, 255, every(2170*time.Millisecond)), instanceOf(2, 156, every(2560*time.Millisecond)))
		h.start()
		elapse(8680*time.Millisecond - 1)
		h.journal()
		elapse(1)
		lines := h.journal()
		advert, lease := slices.Index(lines, "send advert 1 prio 255, advert 2 prio 156"), slices.Index(lines, "lease 7.68s")
		if advert < 0 || lease < advert {
			t.Errorf("the advert does not come before the lease: %q", lines)
		}
	})
}

func TestADaemonThatWakesUpWithoutItsLeaseDoesNotCarryOn(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.set(func(s *fakeSender) { s.slow = 10 * interval }) // stands for a frozen process
		elapse(interval)
		h.sender.set(func(s *fakeSender) { s.slow = 0 })
		if elapse(3 * interval); h.paths[0].owns() {
			t.Error("the frozen daemon is owner")
		}
		elapse(7 * interval)
		h.mustBe("BACKUP")
		lines := h.journal()
		mustSay(t, lines, 1, "reason=lease_lost late=8s")
		mustSay(t, matching(lines, "^lease [^0]"), 0, "")
	})
}
