package control

import (
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

func TestAnInterfaceThatIsMadeAnewIsUsedAgain(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		h.links.change(func() { h.links.err = netio.ErrNoInterface })
		elapse(latency)
		h.mustBe("FAULT")
		h.links.change(func() { h.links.err, h.links.link.Index = nil, 4 })
		elapse(down)
		h.mustBe("MASTER")
		if !h.paths[0].removed.Load() || h.paths[1].spec.Interface != 4 {
			t.Error("the fast path is not on the new interface")
		}
	})
}

// The reader may have been about to tell of the new interface for a second time.
func TestWhatWasReadBeforeAReplugIsNotBelieved(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.running(t, instanceOf(1, 100))
		h.links.change(func() { h.links.link.Index = 4 })
		elapse(down)
		h.mustBe("MASTER")
		before := portReading{name: "lan0", ifindex: 3, isNew: true, fault: "the interface is new"}
		if err := h.engine.inLoop(t.Context(), func() { h.engine.portRead(before) }); err != nil {
			t.Fatal(err)
		}
		elapse(down)
		h.mustBe("MASTER")
	})
}

func TestAnInstanceMayWaitForItsInterface(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.newHost(t, 1)
		h.links.err = netio.ErrNoInterface
		h.install(instanceOf(1, 100, func(c *InstanceConfig) { c.MayBeMissing = true }))
		h.start()
		h.mustBe("FAULT")
		if got := h.status()[0].Fault; got != "the interface does not exist" {
			t.Errorf("the fault is %q", got)
		}
		h.links.change(func() { h.links.err = nil })
		elapse(down + latency)
		h.mustBe("MASTER")
	})
}
