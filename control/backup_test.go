package control

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

func TestAHealthyBackupIsNotWokenByUnchangedAdverts(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.pair(t)
		before := backup.events.taken.Load()
		elapse(100 * interval)
		backup.mustBe("BACKUP")
		if n := backup.events.taken.Load() - before; n != 0 {
			t.Errorf("%d adverts were events", n)
		}
		if heard := backup.paths[0].Heard(); heard < bootNow()-2*interval {
			t.Errorf("the master was heard %v ago", bootNow()-heard)
		}
	})
}

// The stamp moves while no event comes: at the timer it is all that keeps the
// backup from a second promotion.
func TestAStarvedBackupReadsTheStampBeforeItPromotesItself(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		l.setCut(true)
		elapse(down - 2*interval)
		p := backup.paths[0]
		p.mu.Lock()
		p.heard = bootNow()
		p.mu.Unlock()
		elapse(2 * interval)
		backup.mustBe("BACKUP")
		master.mustBe("MASTER")
		elapse(down)
		backup.mustBe("MASTER") // what was heard then is no longer enough
	})
}

func TestABackupTakesOverFromASilentMaster(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		l.setCut(true)
		elapse(down + interval)
		backup.mustBe("MASTER")
		master.mustBe("MASTER") // it is only cut off
		l.setCut(false)
		elapse(2 * interval)
		backup.mustBe("BACKUP")
		mustSay(t, backup.journal(), 1, "Entering BACKUP STATE.*reason=higher_priority peer=198.51.100.1")
	})
}

// masterAdvert is an advert of 198.51.100.9, and so nobody's who sends it.
func masterAdvert(t *testing.T, slot uint32, changes ...func(*vrrp.Advert)) FastEvent {
	t.Helper()
	a := vrrp.Advert{Version: vrrp.V3, VRID: 1, Priority: 150, Interval: interval, Addresses: []netip.Addr{vip.Addr()}}
	for _, change := range changes {
		change(&a)
	}
	source := netip.MustParseAddr("198.51.100.9")
	pdu, err := a.AppendBinary(nil, source, vrrp.GroupAddress(vrrp.IPv4))
	if err != nil {
		t.Fatal(err)
	}
	return FastEvent{At: bootNow(), Slot: slot, Source: source, TTL: 255, PDU: pdu}
}

func TestAnAdvertThatWaitsInTheQueueIsTakenBeforeTheTimer(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		elapse(down - time.Nanosecond)
		h.events.pushQuietly(masterAdvert(t, h.paths[0].slot))
		elapse(time.Nanosecond)
		h.mustBe("BACKUP")
		mustSay(t, h.journal(), 0, "MASTER")
	})
}

// slowEvents takes time to drain, once, and then does something.
type slowEvents struct {
	*fakeEvents
	took  time.Duration
	after func()
}

func (e *slowEvents) Drain(do func(FastEvent)) error {
	err := e.fakeEvents.Drain(do)
	if e.took != 0 {
		time.Sleep(e.took)
		e.took = 0
		e.after()
	}
	return err
}

// An advert may come after the queue was emptied and before the clock is read.
func TestATimerThatBecomesDueWhileTheQueueIsEmptiedWaits(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		events := &slowEvents{fakeEvents: h.events}
		h.world.Events = events
		h.install(instanceOf(1, 100))
		h.start()
		elapse(down - time.Millisecond)
		events.took = 2 * time.Millisecond
		events.after = func() { h.events.pushQuietly(masterAdvert(t, h.paths[0].slot)) }
		h.events.wake()
		elapse(interval)
		h.mustBe("BACKUP")
	})
}

// An advert of another master makes the router follow that one; the present
// master's last arrival must be told before, while its interval is known. It is
// what the farewell of the new one cannot take back.
func TestTheStampIsReadBeforeAnotherMasterIsFollowed(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.pair(t)
		elapse(2*interval + latency) // stamps only
		p := backup.paths[0]
		stamped := p.Heard()
		slower := func(a *vrrp.Advert) { a.Interval = 2 * interval }
		backup.events.push(masterAdvert(t, p.slot, slower))
		elapse(latency)
		l.setCut(true)
		backup.events.push(masterAdvert(t, p.slot, slower, func(a *vrrp.Advert) { a.Priority = 0 }))
		elapse(stamped + down - bootNow() - time.Nanosecond)
		backup.mustBe("BACKUP")
		elapse(time.Nanosecond)
		backup.mustBe("MASTER")
	})
}

// The stamp after a change of master is told at once, or it would pass for an
// arrival of the former master and delay a handover of the new one.
func TestTheStampIsReadAfterAnotherMasterIsFollowed(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		_, backup := l.pair(t)
		l.setCut(true)
		p := backup.paths[0]
		elapse(2 * interval)
		backup.events.push(masterAdvert(t, p.slot))
		elapse(interval)
		again := masterAdvert(t, p.slot)
		if !p.stamps(again.Source, again.PDU) {
			t.Fatal("the new master is not followed")
		}
		elapse(latency)
		backup.events.push(masterAdvert(t, p.slot, func(a *vrrp.Advert) { a.Priority = 0 }))
		elapse(skew)
		backup.mustBe("MASTER")
	})
}

func TestARefusedAdvertIsCountedAndMovesNoTimer(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(*vrrp.Advert)
		ttl    uint8
	}{
		"by the parser":        {"ttl", func(*vrrp.Advert) {}, 254},
		"by the state machine": {"vrid", func(a *vrrp.Advert) { a.VRID = 9 }, 255},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.router(t, 1, 100)
				elapse(down - interval)
				ev := masterAdvert(t, h.paths[0].slot, test.change)
				ev.TTL = test.ttl
				h.events.push(ev)
				elapse(interval)
				h.mustBe("MASTER")
				if got := h.status()[0].Counters.AdvertsDropped[test.reason]; got != 1 {
					t.Errorf("%d of %s were counted, want 1", got, test.reason)
				}
			})
		})
	}
}

func TestAnEventOfNoInstanceIsIgnored(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		h.journal()
		h.events.push(masterAdvert(t, 4095))
		elapse(interval)
		mustSay(t, h.journal(), 0, "")
	})
}
