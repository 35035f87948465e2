package control

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

func (h *host) conflicts() []Conflict {
	h.t.Helper()
	return h.status()[0].Conflicts
}

// says pushes an advert of another router, as the fast path tells of it.
func (h *host) says(change ...func(*vrrp.Advert)) {
	ev := masterAdvert(h.t, h.paths[0].slot, change...)
	ev.At, ev.Hardware = bootNow(), h.paths[0].spec.VirtualMAC
	h.events.push(ev)
}

func lesser(a *vrrp.Advert) { a.Priority = 50 }

func TestAClaimIsOneConflictHoweverManyPacketsItIsMadeOf(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		began := bootNow()
		for range 100 {
			h.events.push(claimBy(h, 1))
			elapse(interval)
		}
		last := bootNow() - interval
		list := h.conflicts()
		if len(list) != 1 {
			t.Fatalf("got %+v, want one", list)
		}
		c := list[0]
		if c.Kind != AddressClaim || c.Interface != "lan0" || c.Address != vip.Addr().String() || c.MAC != "02:00:00:00:09:01" || c.Packets != 100 {
			t.Errorf("the evidence is %+v", c)
		}
		if c.Last.Sub(c.Since) != last-began {
			t.Errorf("it lasted %v, want %v", c.Last.Sub(c.Since), last-began)
		}
		elapse(quietFor - interval - time.Nanosecond)
		if len(h.conflicts()) != 1 {
			t.Error("it is over too early")
		}
		elapse(time.Nanosecond)
		if left := h.conflicts(); len(left) != 0 {
			t.Errorf("it is not over: %+v", left)
		}
		lines := h.journal()
		mustSay(t, lines, 1, `level=WARN msg="another station claims`)
		mustSay(t, lines, 1, `level=INFO msg="conflict over: nothing more was heard of it".*kind=address_claim address=192.0.2.1 station=02:00:00:00:09:01 packets=100 lasted=1m39s`)
		if n := h.status()[0].Counters.Conflicts[AddressClaim]; n != 1 {
			t.Errorf("%d conflicts are counted, want 1", n)
		}
	})
}

// Threat A11: ownership stays, and the neighbours are put right.
func TestAClaimIsAnsweredByAnAnnouncementAtMostOnceASecond(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		elapse(10 * interval) // the second batch after the promotion is over
		h.journal()
		for range 1000 {
			h.events.push(claimBy(h, 1))
			elapse(10 * time.Millisecond)
		}
		h.mustBe("MASTER")
		if said := len(matching(h.journal(), "arp 192.0.2.1")); said < 10 || said > 11 {
			t.Errorf("announced %d times in 10 s, want once a second", said)
		}
		elapse(10 * interval)
		h.journal()
		for range 2 {
			h.events.push(claimBy(h, 1))
			elapse(latency)
			mustSay(t, h.journal(), 1, "arp 192.0.2.1") // the second time: after the pause
			h.events.push(claimBy(h, 1))
			elapse(answerPause)
		}
	})
}

func TestTheClaimOfASuccessorIsNotContradicted(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		elapse(10 * interval)
		h.engine.Stop()
		elapse(latency)
		h.journal()
		h.events.push(claimBy(h, 1))
		elapse(latency)
		mustSay(t, h.journal(), 0, "arp 192.0.2.1")
	})
}

func TestASecondMasterIsAConflictUntilItIsSilent(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for range 10 {
			h.says(lesser)
			elapse(interval)
		}
		list := h.conflicts()
		if len(list) != 1 || list[0].Kind != SecondMaster || list[0].Address != "198.51.100.9" || list[0].Priority != 50 || list[0].Packets < 9 {
			t.Fatalf("got %+v", list)
		}
		lines := h.journal()
		mustSay(t, lines, 1, `level=WARN msg="another router is master beside this one`)
		elapse(down)
		lines = h.journal()
		mustSay(t, lines, 1, `conflict over: the other master is gone.*kind=second_master address=198.51.100.9`)
		if len(matching(lines, "^send .*"+strings.TrimSpace(garps))) == 0 {
			t.Errorf("the master that remains does not announce its addresses:\n%s", strings.Join(lines, "\n"))
		}
		if len(h.conflicts()) != 0 {
			t.Error("it is not over")
		}
	})
}

func TestOneAdvertOfALesserMasterIsNoConflict(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.says(lesser)
		elapse(2 * down)
		mustSay(t, h.journal(), 0, "beside this one|conflict over")
	})
}

func TestAMasterThatStepsDownHasNoSecondMasterAnyMore(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for range 3 {
			h.says(lesser)
			h.events.push(claimBy(h, 1))
			elapse(latency)
		}
		l.router(t, 2, 200)
		elapse(5 * interval)
		h.mustBe("BACKUP")
		mustSay(t, h.journal(), 2, "conflict over: this router is not master any more")
		if list := h.conflicts(); len(list) != 0 {
			t.Errorf("left is %+v", list)
		}
	})
}

// own is our own advert as it comes back.
func own(h *host) FastEvent {
	frame := h.sender.lastAdvert()
	source, pdu, _ := advertIn(frame)
	return FastEvent{Kind: AdvertArrived, At: bootNow(), Slot: h.paths[0].slot, Source: source, Hardware: [6]byte(frame[6:]), TTL: vrrp.TTL, PDU: pdu}
}

func TestOurOwnAdvertsThatComeBackAreAReflection(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for range 20 {
			h.events.push(own(h))
			elapse(interval)
		}
		list := h.conflicts()
		if len(list) != 1 || list[0].Kind != Reflection || list[0].Packets != 20 {
			t.Fatalf("got %+v, want one reflection", list)
		}
		lines := h.journal()
		mustSay(t, lines, 1, `level=WARN msg="our own adverts come back.*kind=reflection address=198.51.100.1 station=00:00:5e:00:01:01`)
		h.mustBe("MASTER")
		elapse(quietFor)
		mustSay(t, h.journal(), 1, "conflict over.*kind=reflection")
	})
}

func TestAdvertsFromOurAddressThatAreNotOursAreAnotherHosts(t *testing.T) {
	tests := map[string]func(*host) FastEvent{
		"another MAC": func(h *host) FastEvent {
			ev := own(h)
			ev.Hardware = [6]byte{2, 0, 0, 0, 9, 9}
			return ev
		},
		"another priority": func(h *host) FastEvent {
			ev := masterAdvert(h.t, h.paths[0].slot)
			ev.Source, ev.Hardware = own(h).Source, h.paths[0].spec.VirtualMAC
			advert, err := h.engine.instances[0].router.Advert(77).AppendBinary(nil, ev.Source, vrrp.GroupAddress(vrrp.IPv4))
			if err != nil {
				h.t.Fatal(err)
			}
			ev.PDU = advert
			return ev
		},
	}
	for name, event := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.loneMaster(t)
				h.events.push(event(h))
				elapse(latency)
				if list := h.conflicts(); len(list) != 1 || list[0].Kind != OwnAddress {
					t.Errorf("got %+v", list)
				}
				mustSay(t, h.journal(), 1, `level=WARN msg="another host sends adverts from our own address.*kind=own_address`)
			})
		})
	}
}

func TestABackupThatHearsItsOwnAddressHearsAnotherHost(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		ev := own(h)
		l.router(t, 2, 200)
		elapse(10 * interval)
		h.mustBe("BACKUP")
		h.events.push(ev)
		elapse(latency)
		if list := h.conflicts(); len(list) != 1 || list[0].Kind != OwnAddress {
			t.Errorf("got %+v", list)
		}
	})
}

func TestMadeUpConflictsDoNotFillTheMemory(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		for station := range byte(200) {
			h.events.push(claimBy(h, station))
		}
		elapse(latency)
		if n := len(h.conflicts()); n != mostConflicts {
			t.Errorf("%d conflicts are kept, want %d", n, mostConflicts)
		}
		elapse(quietFor)
		if n := len(h.conflicts()); n != 0 {
			t.Errorf("%d conflicts are left", n)
		}
	})
}

func TestSecondMastersThatComeAndGoDoNotFillTheLog(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		const rounds = 30
		began := bootNow()
		for range rounds {
			for range 2 {
				for source := range byte(mostConflicts) {
					ev := masterAdvert(h.t, h.paths[0].slot, lesser, func(a *vrrp.Advert) { a.Checksum = vrrp.MessageOnly })
					ev.At, ev.Hardware, ev.Source = bootNow(), h.paths[0].spec.VirtualMAC, netip.AddrFrom4([4]byte{198, 51, 100, 10 + source})
					h.events.push(ev)
				}
				elapse(interval)
			}
			elapse(2 * down) // they are over
		}
		lines := h.journal()
		most := mostConflicts + int((bootNow()-began)/tellPause) + 1
		begins, ends := len(matching(lines, "beside this one")), len(matching(lines, "conflict over"))
		if begins != ends || begins < most/2 || begins > most {
			t.Errorf("%d begin and %d end in the log, want as many of both, and at most %d", begins, ends, most)
		}
		if n := h.status()[0].Counters.Conflicts[SecondMaster]; n != rounds*mostConflicts {
			t.Errorf("%d are counted, want %d", n, rounds*mostConflicts)
		}
	})
}

// What the other may have drawn to itself is the traffic of the whole group.
func TestAfterASecondMasterTheWholeGroupAnnounces(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.dual(t, 1, 100, together)
		elapse(down + 10*interval)
		for range 3 {
			h.says(lesser)
			elapse(interval)
		}
		elapse(2 * interval)
		h.journal()
		elapse(2 * interval)
		mustSay(t, h.journal(), 1, "na fe80::1")
	})
}
