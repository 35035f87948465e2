package control

import (
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// claimBy is an ARP packet of a station that claims the virtual address.
func claimBy(h *host, station byte) FastEvent {
	return FastEvent{Kind: AddressClaimed, At: bootNow(), Slot: h.paths[0].slot, Source: vip.Addr(), Hardware: [6]byte{2, 0, 0, 0, 9, station}}
}

func TestAConflictIsToldOncePerClaimant(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for range 10 {
			h.events.push(claimBy(h, 1))
			h.events.push(claimBy(h, 2))
			elapse(latency)
		}
		lines := h.journal()
		const line = `level=WARN msg="another station claims.*address=192.0.2.1 station=02:00:00:00:09:`
		mustSay(t, lines, 1, line+"01$")
		mustSay(t, lines, 1, line+"02$")
	})
}

func TestMadeUpClaimantsDoNotFillTheLog(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for station := range byte(200) {
			h.events.push(claimBy(h, station))
		}
		elapse(latency)
		lines := h.journal()
		mustSay(t, lines, mostClaims, "another station claims")
		mustSay(t, lines, 1, "further ones are only counted")
	})
}

// keepalived announces a virtual address with the physical MAC, unless it is
// told to use the virtual one.
func TestABackupTakesAClaimForThatOfAMaster(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		h.events.push(claimBy(h, 1))
		elapse(latency)
		mustSay(t, h.journal(), 0, "level=WARN")
		elapse(down)
		h.events.push(claimBy(h, 1))
		elapse(latency)
		mustSay(t, h.journal(), 1, "level=WARN.*another station claims")
	})
}

func TestANoticeNamesTheSender(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		for range 10 {
			h.events.push(masterAdvert(t, h.paths[0].slot, func(a *vrrp.Advert) { a.Interval = 2 * interval }))
			elapse(interval)
		}
		mustSay(t, h.journal(), 1, `level=WARN msg="advertisement interval differs.*source=198.51.100.9 interval=2s`)
	})
}
