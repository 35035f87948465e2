package netio

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

const patience = 5 * time.Second // far more than any event takes

func watchLinks(t *testing.T) <-chan LinkEvent {
	t.Helper()
	events, err := newLinks(t).Watch(t.Context())
	must(t, err)
	t.Cleanup(func() {
		for range events { // until the watch has closed its socket
		}
	})
	return events
}

// await reads until an event satisfies the condition, and returns it.
func await(t *testing.T, events <-chan LinkEvent, what string, satisfied func(LinkEvent) bool) LinkEvent {
	t.Helper()
	deadline := time.After(patience)
	var seen []LinkEvent
	for {
		select {
		case event, ok := <-events:
			if !ok {
				t.Fatalf("the events ended while waiting for %s", what)
			}
			if satisfied(event) {
				return event
			}
			seen = append(seen, event)
		case <-deadline:
			t.Fatalf("no event for %s; there were %+v", what, seen)
		}
	}
}

func isUp(event LinkEvent) bool   { return event.Name == "lan0" && event.Up && !event.AddressChanged }
func isDown(event LinkEvent) bool { return event.Name == "lan0" && !event.Up && !event.AddressChanged }

func TestSettingALinkDownAndUpIsReported(t *testing.T) {
	w := newWire(t)
	events := watchLinks(t)
	must(t, netlink.LinkSetDown(w.lan))
	if event := await(t, events, "down", isDown); event.Deleted || event.Index != w.index() {
		t.Errorf("event is %+v", event)
	}
	must(t, netlink.LinkSetUp(w.lan))
	await(t, events, "up", isUp)
}

func TestACarrierThatGoesAndComesIsReported(t *testing.T) {
	w := newWire(t)
	events := watchLinks(t)
	w.atPeer(t, func() { must(t, netlink.LinkSetDown(w.far)) })
	await(t, events, "carrier lost", isDown)
	w.atPeer(t, func() { must(t, netlink.LinkSetUp(w.far)) })
	await(t, events, "carrier back", isUp)
}

func TestANewMACIsReported(t *testing.T) {
	w := newWire(t)
	events := watchLinks(t)
	mac := [6]byte{2, 0, 0, 0, 0, 9}
	must(t, netlink.LinkSetHardwareAddr(w.lan, net.HardwareAddr(mac[:])))
	await(t, events, "the new MAC", func(e LinkEvent) bool { return e.Index == w.index() && e.MAC == mac })
}

func TestANewNameIsReported(t *testing.T) {
	w := newWire(t)
	events := watchLinks(t)
	must(t, netlink.LinkSetDown(w.lan))
	must(t, netlink.LinkSetName(w.lan, "wan0"))
	await(t, events, "the new name", func(e LinkEvent) bool { return e.Index == w.index() && e.Name == "wan0" })
}

func TestADeletedLinkIsReported(t *testing.T) {
	w := newWire(t)
	events := watchLinks(t)
	must(t, netlink.LinkDel(w.lan))
	event := await(t, events, "deletion", func(e LinkEvent) bool { return e.Deleted })
	if event.Index != w.index() || event.Up {
		t.Errorf("event is %+v", event)
	}
}

func TestALinkThatLeavesABridgeIsNotReportedAsDeleted(t *testing.T) {
	w := newWire(t)
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	must(t, netlink.LinkAdd(bridge))
	must(t, netlink.LinkSetMaster(w.lan, bridge))
	events := watchLinks(t)
	must(t, netlink.LinkSetNoMaster(w.lan))
	must(t, netlink.LinkSetDown(w.lan))
	await(t, events, "down", func(e LinkEvent) bool {
		if e.Deleted {
			t.Errorf("event is %+v", e)
		}
		return isDown(e)
	})
}

func TestAnAddressThatComesAndGoesIsReportedWithItsLink(t *testing.T) {
	w := newWire(t)
	a := newAddresses(t)
	events := watchLinks(t)
	changed := func(e LinkEvent) bool { return e.AddressChanged }
	add(t, a, w.index(), "192.168.1.1/24")
	event := await(t, events, "the new address", changed)
	if want := (LinkEvent{Index: w.index(), Name: "lan0", Up: true, MAC: event.MAC, AddressChanged: true}); event != want {
		t.Errorf("event is %+v, want %+v", event, want)
	}
	must(t, a.Remove(w.index(), netip.MustParsePrefix("192.168.1.1/24")))
	await(t, events, "the address gone", changed)
}

func TestAReaderThatFallsBehindIsToldAndThenHearsNothingOld(t *testing.T) {
	w := newWire(t)
	events := watchLinks(t)
	last := overrun(t, w.lan)
	await(t, events, "lost events", func(e LinkEvent) bool { return e == LinkEvent{Resync: true} })
	must(t, netlink.LinkSetDown(w.lan))
	await(t, events, "down", func(e LinkEvent) bool {
		if e.MAC != last {
			t.Errorf("after the resync came %+v, which is older", e)
		}
		return isDown(e)
	})
}

// overrun causes more notifications than the socket of a watch can hold, each of which takes more than 1 KiB of it. It
// returns the MAC that the link has in the end, and only then.
func overrun(t *testing.T, link netlink.Link) (last [6]byte) {
	t.Helper()
	for i := range watchBuffer / 512 {
		last = [6]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}
		must(t, netlink.LinkSetHardwareAddr(link, last[:]))
	}
	return last
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	for _, busy := range []bool{false, true} {
		name := map[bool]string{false: "while it waits for the kernel", true: "while it waits for its reader"}[busy]
		t.Run(name, func(t *testing.T) {
			w := newWire(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			open := openFiles(t)
			links := newLinks(t)
			events, err := links.Watch(ctx)
			must(t, err)
			if busy {
				must(t, netlink.LinkSetDown(w.lan))
				awaitStack(t, "(*watch).emit", true)
			}
			cancel()
			awaitStack(t, "netio.(*watch)", false)
			for range events { // ends only if the channel is closed
			}
			must(t, links.Close())
			if got := openFiles(t); got != open {
				t.Errorf("%d files are open, %d were before", got, open)
			}
		})
	}
}

// awaitStack waits until some goroutine runs a function of that name, or until none does.
func awaitStack(t *testing.T, function string, wanted bool) {
	t.Helper()
	for start := time.Now(); time.Since(start) < patience; runtime.Gosched() {
		var stacks bytes.Buffer
		must(t, pprof.Lookup("goroutine").WriteTo(&stacks, 2))
		if bytes.Contains(stacks.Bytes(), []byte(function)) == wanted {
			return
		}
	}
	t.Fatalf("waited for %s to be running: %v", function, wanted)
}
