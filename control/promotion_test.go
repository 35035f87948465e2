package control

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALoneRouterBecomesMasterAfterActiveDownInterval(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		elapse(down - time.Nanosecond)
		h.mustBe("BACKUP")
		elapse(time.Nanosecond)
		h.mustBe("MASTER")
	})
}

// withoutAddresses leaves out what is done beside the loop.
func withoutAddresses(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l[:4] == "addr" })
}

const garps = " arp 192.0.2.1, arp 192.0.2.1, arp 192.0.2.1, arp 192.0.2.1, arp 192.0.2.1"

func TestAPromotionIsAdvertThenLeaseThenARPThenAddressesThenLog(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		h.journal()
		elapse(down)
		lines := h.journal()
		want := []string{
			"send advert 1 prio 100",
			"lease 3s",
			"send" + garps,
			`log level=INFO msg="Entering MASTER STATE" instance=gw1 interface=lan0 vrid=1 from=BACKUP reason=master_down`,
		}
		if diff := cmp.Diff(want, withoutAddresses(lines)); diff != "" {
			t.Error(diff)
		}
		if slices.Index(lines, "address + 192.0.2.1/24") < slices.Index(lines, want[1]) {
			t.Errorf("the address comes before the announcement, or not at all: %q", lines)
		}
	})
}

func TestThePromotionAfterAFarewellNamesThePeer(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		master.engine.Stop()
		elapse(interval)
		mustSay(t, backup.journal(), 1, `msg="Entering MASTER STATE" instance=gw1 interface=lan0 vrid=1 from=BACKUP reason=master_left peer=198.51.100.1$`)
	})
}

func TestADemotionIsLeaseThenAddressesThenLog(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		l.router(t, 2, 200)
		elapse(4 * interval)
		lines := h.journal()
		lines = lines[slices.Index(lines, "lease 0"):]
		want := []string{
			"lease 0",
			`log level=INFO msg="Entering BACKUP STATE" instance=gw1 interface=lan0 vrid=1 from=MASTER reason=higher_priority peer=198.51.100.2`,
		}
		if diff := cmp.Diff(want, withoutAddresses(lines)); diff != "" {
			t.Error(diff)
		}
		if !slices.Contains(lines, "address - 192.0.2.1/24") {
			t.Errorf("the address stays: %q", lines)
		}
	})
}

func TestAnnouncementsAreRepeatedOnceLater(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		elapse(20 * interval)
		mustSay(t, h.journal(), 1, "arp 192.0.2.1")
	})
}

func TestInstancesDueTogetherLeaveTogether(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 100), instanceOf(2, 100))
		h.start()
		elapse(down)
		h.mustBe("MASTER MASTER")
		h.journal()
		elapse(interval)
		mustSay(t, h.journal(), 1, "^send advert 1 prio 100, advert 2 prio 100$")
	})
}

func TestALatePromotionSaysByHowMuch(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.install(instanceOf(1, 101), instanceOf(2, 100)) // 1/256 of a second apart
		h.sender.set(func(s *fakeSender) { s.slow = time.Second })
		h.start()
		elapse(down + 5*interval)
		late := 2*interval - interval/256
		mustSay(t, h.journal(), 1, "Entering MASTER STATE.*vrid=2 .*late="+late.String())
	})
}
