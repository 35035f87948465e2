package netio

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

const (
	solicitationHex = "85 00 0000 00000000"
	sourceOption    = "01 01 020000000063"
	unknownOption   = "7f 02 0000000000000000000000000000"
)

func TestOnlyAValidRouterSolicitationIsTaken(t *testing.T) {
	host, nobody := netip.MustParseAddr("fe80::63"), netip.IPv6Unspecified()
	tests := []struct {
		name     string
		source   netip.Addr
		hopLimit uint8
		message  string
		want     bool
	}{
		{"without options", host, 255, solicitationHex, true},
		{"with its link-layer address", host, 255, solicitationHex + sourceOption, true},
		{"with an option that nobody knows", host, 255, solicitationHex + unknownOption + sourceOption, true},
		{"from a host without an address", nobody, 255, solicitationHex, true},
		{"from a host without an address, with another option", nobody, 255, solicitationHex + unknownOption, true},
		{"from a host without an address that has a link-layer address", nobody, 255, solicitationHex + unknownOption + sourceOption, false},
		{"forwarded by a router", host, 254, solicitationHex, false},
		{"another code", host, 255, "85 01" + solicitationHex[5:], false},
		{"another type", host, 255, "86 00" + solicitationHex[5:], false},
		{"too short", host, 255, solicitationHex[:17], false},
		{"an option of length zero", host, 255, solicitationHex + "7f 00 000000000000", false},
		{"an option longer than the message", host, 255, solicitationHex + "7f 02 000000000000", false},
		{"half an option", host, 255, solicitationHex + sourceOption + "7f 01 0000", false},
		{"nothing", host, 255, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := validSolicitation(tt.source, tt.hopLimit, unhex(tt.message)); got != tt.want {
				t.Errorf("valid is %v", got)
			}
		})
	}
}

// ask sends a Router Solicitation from the far end of the wire. change may spoil the frame.
func (w *wire) ask(t *testing.T, source netip.Addr, change func(frame []byte)) {
	t.Helper()
	frame := appendICMPv6(nil, groupMAC(allRouters), hostMAC, source, allRouters, unhex(solicitationHex))
	change(frame)
	w.atPeer(t, func() { sent(t, newSender(t).Send([]Frame{{w.far.Attrs().Index, frame}})) })
}

func watchSolicitations(t *testing.T, ifindexes ...int) <-chan RouterSolicitation {
	t.Helper()
	events, err := WatchRouterSolicitations(t.Context(), ifindexes)
	must(t, err)
	t.Cleanup(func() {
		for range events { // until the watch has closed its socket
		}
	})
	return events
}

func awaitSolicitation(t *testing.T, events <-chan RouterSolicitation) RouterSolicitation {
	t.Helper()
	select {
	case event, ok := <-events:
		if !ok {
			t.Fatal("the solicitations have ended")
		}
		return event
	case <-time.After(patience):
		t.Fatal("no solicitation was reported")
	}
	panic("not reached")
}

func asIs([]byte) {}

func TestARouterSolicitationIsReportedWithItsInterfaceAndSource(t *testing.T) {
	w := newWire6(t)
	events := watchSolicitations(t, w.index(), w.index())
	for _, source := range []netip.Addr{netip.MustParseAddr("fe80::63"), netip.IPv6Unspecified()} {
		w.ask(t, source, asIs)
		if got, want := awaitSolicitation(t, events), (RouterSolicitation{w.index(), source}); got != want {
			t.Errorf("reported %+v, want %+v", got, want)
		}
	}
}

func TestABadRouterSolicitationIsNotReported(t *testing.T) {
	const hopLimit, checksum = ethernetHeaderLen + 7, ethernetHeaderLen + ipv6HeaderLen + icmpChecksumOffset
	bad, good := netip.MustParseAddr("fe80::66"), netip.MustParseAddr("fe80::63")
	for name, offset := range map[string]int{"forwarded": hopLimit, "damaged": checksum} {
		t.Run(name, func(t *testing.T) {
			w := newWire6(t)
			events := watchSolicitations(t, w.index())
			w.ask(t, bad, func(frame []byte) { frame[offset]-- })
			w.ask(t, good, asIs)
			if got := awaitSolicitation(t, events); got.Source != good {
				t.Errorf("reported %+v", got)
			}
		})
	}
}

func TestRouterSolicitationsOfOtherInterfacesAreNotReported(t *testing.T) {
	w := newWire6(t)
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan1"}, PeerName: "end1"}))
	sysctl(t, "ipv6/conf/lan1/disable_ipv6", "0")
	elsewhere := watchSolicitations(t, linkNamed(t, "lan1").Attrs().Index)
	here := watchSolicitations(t, w.index())
	w.ask(t, netip.MustParseAddr("fe80::63"), asIs)
	awaitSolicitation(t, here)
	select {
	case got := <-elsewhere:
		t.Errorf("reported %+v", got)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestAllRoutersAreAGroupOfTheInterfaceWhileItIsWatched(t *testing.T) {
	const group = "ff020000000000000000000000000002"
	w := newWire6(t)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := WatchRouterSolicitations(ctx, []int{w.index()})
	must(t, err)
	if reported(t, w.lan, group) != 1 {
		t.Error("not joined")
	}
	cancel()
	for range events { // until the watch has closed its socket
	}
	if reported(t, w.lan, group) != 0 {
		t.Error("still joined")
	}
}

func TestAWatchForRouterSolicitationsEndsWithItsContext(t *testing.T) {
	for _, busy := range []bool{false, true} {
		name := map[bool]string{false: "while it waits for the kernel", true: "while it waits for its reader"}[busy]
		t.Run(name, func(t *testing.T) {
			w := newWire6(t)
			open := openFiles(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			events, err := WatchRouterSolicitations(ctx, []int{w.index()})
			must(t, err)
			if busy {
				w.ask(t, netip.MustParseAddr("fe80::63"), asIs)
				open++ // the sender's
				awaitStack(t, "(*solicitationWatch).emit", true)
			}
			cancel()
			for range events { // ends only if the channel is closed
			}
			if got := openFiles(t); got != open {
				t.Errorf("%d files are open, %d were before", got, open)
			}
		})
	}
}

func TestWatchingAMissingInterfaceForRouterSolicitationsFails(t *testing.T) {
	newWire6(t)
	open := openFiles(t)
	if _, err := WatchRouterSolicitations(t.Context(), []int{4711}); err == nil {
		t.Error("no error")
	}
	if got := openFiles(t); got != open {
		t.Errorf("%d files are open, %d were before", got, open)
	}
}
