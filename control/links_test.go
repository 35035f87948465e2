package control

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

func TestALinkThatGoesDownIsAFaultAndComesBack(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.links.set(false)
		elapse(latency)
		h.mustBe("FAULT")
		lines := h.journal()
		mustSay(t, lines, 1, `level=WARN msg="Entering FAULT STATE".*reason=link_down fault="the link is down"`)
		mustSay(t, lines, 1, "^lease 0$")
		mustSay(t, lines, 1, "^address - ")
		h.links.set(true)
		elapse(latency)
		h.mustBe("BACKUP")
		elapse(down)
		h.mustBe("MASTER")
	})
}

func TestAFarewellThatADeadLinkDoesNotTakeIsNoError(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.sender.fail(errors.New("network is down"))
		h.links.set(false)
		elapse(latency)
		mustSay(t, h.journal(), 0, "level=ERROR")
	})
}

func TestEveryFaultIsNamed(t *testing.T) {
	tests := map[string]func(*fakeLinks){
		"the link is down":                        func(l *fakeLinks) { l.link.Up = false },
		"the interface is gone":                   func(l *fakeLinks) { l.err = netio.ErrNoInterface },
		"the interface has no address of its own": func(l *fakeLinks) { l.primary = nil },
	}
	for fault, change := range tests {
		t.Run(fault, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				h := l.loneMaster(t)
				h.links.change(func() { change(h.links) })
				elapse(latency)
				if fault == noAddress {
					h.mustBe("MASTER") // who took it may put it back
					elapse(sourceGrace)
				}
				h.mustBe("FAULT")
				if got := h.status()[0].Fault; got != fault {
					t.Errorf("status says %q, want %q", got, fault)
				}
			})
		})
	}
}

func TestARouterStartsInFaultWithoutLink(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.links.link.Up = false
		h.install(instanceOf(1, 255))
		h.start()
		h.mustBe("FAULT")
		mustSay(t, h.journal(), 0, "^lease [^0]")
		h.links.set(true)
		elapse(latency)
		h.mustBe("MASTER")
	})
}

// A VIP is not the address that adverts are sent from, but for the owner's.
func TestTheOwnersAddressIsItsOwn(t *testing.T) {
	tests := map[uint8]string{255: "MASTER", 254: "FAULT"}
	for priority, want := range tests {
		onLAN(t, func(t *testing.T, l *lan) {
			h := l.newHost(t, 1)
			h.links.primary = []netip.Addr{vip.Addr()}
			h.install(instanceOf(1, priority))
			h.start()
			if got := h.state(); got != want {
				t.Errorf("priority %d: the state is %s, want %s", priority, got, want)
			}
		})
	}
}

func TestAdvertsAreSentFromTheNewPrimaryAddress(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		master, backup := l.pair(t)
		source := netip.MustParseAddr("198.51.100.77")
		master.links.change(func() { master.links.primary = []netip.Addr{source} })
		elapse(2 * interval)
		master.mustBe("MASTER")
		if got := backup.status()[0].Master; got == nil || got.Address != source.String() {
			t.Errorf("the backup hears %v, want %v", got, source)
		}
	})
}

func TestAnAddressThatIsTakenOffAndPutBackIsNoFault(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		own := h.links.primary
		for range 3 {
			h.links.change(func() { h.links.primary = nil })
			elapse(sourceGrace / 2)
			h.links.change(func() { h.links.primary = own })
			elapse(sourceGrace)
		}
		mustSay(t, h.journal(), 0, "STATE|lease 0")
		h.mustBe("MASTER")
	})
}

func TestTheFastPathLearnsTheInterfacesNewMAC(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		mac := [6]byte{2, 0, 0, 0, 0, 99}
		h.links.change(func() { h.links.link.MAC = mac })
		elapse(latency)
		if got := h.paths[0].device; got != mac {
			t.Errorf("the fast path knows %v, want %v", got, mac)
		}
		h.mustBe("MASTER")
	})
}

func TestAnEventOfAnotherInterfaceIsIgnored(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		reads := h.links.reads
		h.links.events <- netio.LinkEvent{Index: 99, Deleted: true}
		elapse(latency)
		if h.mustBe("MASTER"); h.links.reads != reads {
			t.Error("the interface was read")
		}
	})
}

func TestLostEventsMakeEveryInterfaceBeRead(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.links.link.Up = false
		h.links.events <- netio.LinkEvent{Resync: true}
		elapse(latency)
		h.mustBe("FAULT")
	})
}

// Netlink waits for whoever reconfigures an interface of the host.
func TestTheLoopDoesNotWaitForNetlink(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		hang := make(chan struct{})
		reads := h.links.reads
		h.links.change(func() { h.links.hang = hang })
		elapse(0)
		for range 100 { // a storm, while the first is read
			h.links.events <- netio.LinkEvent{Index: 3}
		}
		elapse(10 * interval)
		h.mustBe("MASTER")
		if !h.paths[0].owns() {
			t.Error("the lease has run out")
		}
		h.links.mu.Lock()
		h.links.hang = nil
		h.links.mu.Unlock()
		close(hang)
		elapse(latency)
		if n := h.links.reads - reads; n != 2 {
			t.Errorf("the storm made %d readings, want the first and one for the rest", n)
		}
	})
}

func TestAQuestionThatFailsIsNoFaultAndIsAskedAgain(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		h.links.change(func() { h.links.err = errors.New("interrupted") })
		elapse(latency)
		h.mustBe("MASTER")
		h.links.mu.Lock()
		h.links.err, h.links.link.Up = nil, false
		h.links.mu.Unlock()
		elapse(readAgainAfter)
		h.mustBe("FAULT")
	})
}
