package netio

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// What a real kernel at the far end makes of our frames.

// awaitAtPeer waits until the peer's kernel has what is asked for.
func (w *wire) awaitAtPeer(t *testing.T, what string, satisfied func() bool) {
	t.Helper()
	w.atPeer(t, func() {
		for start := time.Now(); !satisfied(); time.Sleep(5 * time.Millisecond) {
			if time.Since(start) > patience {
				t.Fatalf("the peer has no %s", what)
			}
		}
	})
}

// defaultRoute returns the default router of the thread's namespace that a router advertisement named.
func defaultRoute(t *testing.T) (router netip.Addr, found bool) {
	t.Helper()
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Protocol: unix.RTPROT_RA}, netlink.RT_FILTER_PROTOCOL)
	must(t, err)
	for _, route := range routes {
		if ones, _ := route.Dst.Mask.Size(); ones == 0 {
			router, _ = netip.AddrFromSlice(route.Gw)
			return router, true
		}
	}
	return netip.Addr{}, false
}

// neighbor returns the MAC that the thread's namespace knows for an address.
func neighbor(t *testing.T, link netlink.Link, address netip.Addr) (mac [6]byte) {
	t.Helper()
	neighbors, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_V6)
	must(t, err)
	for _, n := range neighbors {
		if n.IP.Equal(address.AsSlice()) {
			copy(mac[:], n.HardwareAddr)
		}
	}
	return mac
}

// newHostWire has a host at the far end that believes in router advertisements.
func newHostWire(t *testing.T) *wire {
	t.Helper()
	w := newWire6(t)
	w.atPeer(t, func() {
		sysctl(t, "ipv6/conf/far0/accept_ra", "1")
		sysctl(t, "ipv6/conf/far0/forwarding", "0")
		give6(t, w.far, "fe80::63/64")
	})
	return w
}

func TestAHostTakesTheVirtualRouterAsItsDefaultRouter(t *testing.T) {
	w := newHostWire(t)
	sent(t, newSender(t).Send([]Frame{{w.index(), AppendRouterAdvertisement(nil, virtualMAC6, virtualLL, advertisement)}}))
	w.awaitAtPeer(t, "default route", func() bool {
		router, found := defaultRoute(t)
		if found && router != virtualLL {
			t.Fatalf("the default router is %s, want %s", router, virtualLL)
		}
		return found
	})
	w.awaitAtPeer(t, "neighbour with the virtual MAC", func() bool { return neighbor(t, w.far, virtualLL) == virtualMAC6 })
	w.awaitAtPeer(t, "route to the prefix that is on the link", func() bool {
		routes, err := netlink.RouteGet(net.ParseIP("2001:db8::99"))
		return err == nil && routes[0].Gw == nil
	})
	w.awaitAtPeer(t, "link MTU", func() bool {
		return bytes.Equal(readSysctl(t, "ipv6/conf/far0/mtu"), []byte("1400\n"))
	})
}

func TestAHostMakesItselfAnAddressInAnAutonomousPrefix(t *testing.T) {
	w := newHostWire(t)
	w.atPeer(t, func() { sysctl(t, "ipv6/conf/far0/addr_gen_mode", "0") })
	ra := RouterAdvertisement{Prefixes: []AdvertisedPrefix{{
		Prefix: netip.MustParsePrefix("2001:db8:7::/64"), Autonomous: true, Valid: time.Hour, Preferred: time.Hour,
	}}}
	sent(t, newSender(t).Send([]Frame{{w.index(), AppendRouterAdvertisement(nil, virtualMAC6, virtualLL, ra)}}))
	w.awaitAtPeer(t, "address in the prefix", func() bool {
		addresses, err := netlink.AddrList(w.far, netlink.FAMILY_V6)
		must(t, err)
		for _, a := range addresses {
			if ip, _ := netip.AddrFromSlice(a.IP); ra.Prefixes[0].Prefix.Contains(ip) {
				return true
			}
		}
		return false
	})
	w.atPeer(t, func() {
		if router, found := defaultRoute(t); found {
			t.Errorf("a router lifetime of 0 gave the default router %s", router)
		}
	})
}

func TestAnUnsolicitedNAMovesANeighbourToTheVirtualMAC(t *testing.T) {
	w := newHostWire(t)
	w.atPeer(t, func() {
		must(t, netlink.NeighSet(&netlink.Neigh{
			LinkIndex: w.far.Attrs().Index, IP: virtual6.AsSlice(), HardwareAddr: hostMAC[:], State: netlink.NUD_STALE,
		}))
	})
	sent(t, newSender(t).Send([]Frame{{w.index(), AppendUnsolicitedNA(nil, virtualMAC6, virtual6)}}))
	w.awaitAtPeer(t, "neighbour with the virtual MAC", func() bool { return neighbor(t, w.far, virtual6) == virtualMAC6 })
}

func TestASolicitedNAIsTheAnswerToAHostsQuestion(t *testing.T) {
	w := newHostWire(t)
	w.atPeer(t, func() { give6(t, w.far, "2001:db8::99/64") })
	heard := w.capture(t)
	w.atPeer(t, func() {
		connection, err := net.Dial("udp6", "[2001:db8::1]:9")
		must(t, err)
		defer connection.Close()
		_, err = connection.Write([]byte("a question must come first"))
		must(t, err)
	})
	w.awaitAtPeer(t, "question", func() bool { return len(neighborsOf(t, w.far)) > 0 })
	answer := Solicitation{Source: asker, Hardware: [6]byte(w.far.Attrs().HardwareAddr), Target: virtual6}
	sent(t, newSender(t).Send([]Frame{{w.index(), AppendSolicitedNA(nil, virtualMAC6, answer)}}))
	heard.nextThat(t, "of UDP to the virtual MAC", func(frame []byte) bool {
		return bytes.Equal(frame[:6], virtualMAC6[:]) && frame[ethernetHeaderLen+6] == unix.IPPROTO_UDP
	})
}

func neighborsOf(t *testing.T, link netlink.Link) []netlink.Neigh {
	t.Helper()
	neighbors, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_V6)
	must(t, err)
	return neighbors
}
