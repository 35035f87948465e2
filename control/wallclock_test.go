package control

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// The clock of the moment of arrival counts: what waited is not stale for that.
func TestAdvertsThatWaitedInTheQueueAreAsNewAsWhenTheyCame(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.signedPair(t, signedWith(t))
		go func() { _ = backup.engine.inLoop(t.Context(), func() { time.Sleep(10 * time.Second) }) }()
		elapse(10*time.Second + 2*latency)
		backup.mustBe("BACKUP")
		backup.mustHaveNoTransition()
		if n := backup.dropped(vrrp.ReasonAuthStale); n != 0 {
			t.Errorf("%d were taken for stale", n)
		}
	})
}

// offClock gives the host a time of day that is off by as much as its answer says.
func (h *host) offClock() *atomic.Int64 {
	var off atomic.Int64
	h.world.Wall = func() time.Duration { return time.Duration(time.Now().UnixNano() + off.Load()) }
	return &off
}

func TestClocksThatDriftApartAreSaidOnce(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master := l.newHost(t, 1)
		off := master.offClock()
		master.install(instanceOf(1, 120, signedWith(t)))
		master.start()
		elapse(down)
		backup := l.router(t, 2, 100, signedWith(t))
		elapse(2 * down)
		backup.journal()
		off.Store(int64(-3 * time.Second))
		elapse(3 * down)
		backup.mustBe("BACKUP")
		mustSay(t, backup.journal(), 1, "level=WARN msg=.the clocks are more than half")
		off.Store(0)
		elapse(down)
		mustSay(t, backup.journal(), 1, "level=INFO msg=.the clocks agree again")
	})
}

// Both clocks are set by the same server, one a second after the other.
func TestClocksThatAreSetShortlyAfterEachOtherMakeNoTransition(t *testing.T) {
	for name, step := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				off := make(map[*host]*atomic.Int64)
				start := func(n byte, priority uint8) *host {
					h := l.newHost(t, n)
					off[h] = h.offClock()
					h.install(instanceOf(1, priority, signedWith(t)))
					h.start()
					elapse(down + interval)
					return h
				}
				master, backup := start(1, 120), start(2, 100)
				master.mustBe("MASTER")
				backup.journal()
				master.journal()
				off[master].Store(int64(step))
				elapse(interval)
				off[backup].Store(int64(step))
				elapse(5 * down)
				master.mustHaveNoTransition()
				backup.mustHaveNoTransition()
			})
		})
	}
}

func TestTheFastPathIsToldTheTimeOfDayWhileItNeedsIt(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		var told []time.Duration
		h.world.TellWallClock = func(offset time.Duration) { told = append(told, offset) }
		h.install(instanceOf(1, 1))
		h.start()
		elapse(10 * time.Second)
		if len(told) != 0 {
			t.Errorf("told %d times without need", len(told))
		}
		h.reload(instanceOf(1, 1, signedWith(t)))
		elapse(10 * time.Second)
		if want := time.Duration(bootTime.UnixNano()); len(told) < 10 || slices.Max(told) != want || slices.Min(told) != want {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

func TestTheSignatureIsThatOfTheClock(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		l.signedPair(t, signedWith(t))
		heard := l.tap()
		elapse(interval)
		_, pdu, _ := advertIn(heard.last(t))
		if seconds := int64(binary.BigEndian.Uint32(pdu[len(pdu)-24:])); time.Since(time.Unix(seconds, 0)).Abs() > 2*time.Second {
			t.Errorf("it was signed at %v, and it is %v", time.Unix(seconds, 0), time.Now())
		}
	})
}
