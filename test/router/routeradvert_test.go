package router

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// A real kernel is the host: it takes its default router from the master's
// advertisements, and keeps it when the master dies.
func TestAHostKeepsItsDefaultRouterAcrossAFailover(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		guest := s.lab.Host("guest")
		guest.AcceptRouterAdvertisements()
		nic := guest.Connect(s.lan, "eth0")
		advertise := append([]string{"--router-advertisement", "--ra-interval", "4s", "--ra-lifetime", "60s", "--ra-prefix", "2001:db8:1::/64"}, both...)
		s.r1.start(120, advertise...)
		s.r1.await("MASTER MASTER")
		s.r2.start(100, advertise...)
		s.r2.await("BACKUP BACKUP")
		awaitRoute(t, guest)
		checkAutoconfigured(t, guest, nic)
		sniffer, err := nic.Sniff(isRouterAdvertisement)
		must(t, err)
		monitor, err := guest.Start(lab.Command{Name: "monitor", Path: "ip", Args: []string{"-6", "monitor", "route"}})
		must(t, err)

		must(t, s.r1.daemon.Kill())
		s.r2.await("MASTER MASTER")
		s.pingFrom(guest, vip6.String())
		checkRoute(t, guest)
		s.r1.start(120, advertise...)
		s.r1.await("MASTER MASTER")
		must(t, s.r1.daemon.Stop())
		s.r2.await("MASTER MASTER")
		time.Sleep(time.Second) // for a farewell that must not come
		checkRoute(t, guest)

		if log := monitor.Log(); strings.Contains(log, "Deleted default") {
			t.Errorf("the host lost its default router:\n%s", log)
		}
		checkAdvertisements(t, sniffer.Stop())
	})
}

func awaitRoute(t testing.TB, h *lab.Host) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(defaultRoute(t, h), "via fe80::10 ") {
		if time.Now().After(deadline) {
			t.Fatalf("the host has no default router: %q", defaultRoute(t, h))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func checkRoute(t testing.TB, h *lab.Host) {
	t.Helper()
	if route := defaultRoute(t, h); strings.Count(route, "default") != 1 || !strings.Contains(route, "via fe80::10 ") {
		t.Errorf("the host's default routes are %q, want one via fe80::10", route)
	}
	if mac, state, ok := h.Neighbour("eth0", vipLocal); ok && mac != lab.VirtualMAC6(vrid) {
		t.Errorf("the host knows its router as %v (%s), want the virtual MAC", mac, state)
	}
}

func defaultRoute(t testing.TB, h *lab.Host) string {
	t.Helper()
	out, err := h.Run("ip", "-6", "route", "show", "default")
	must(t, err)
	return out
}

// checkAutoconfigured wants an address from the advertised prefix.
func checkAutoconfigured(t testing.TB, h *lab.Host, nic *lab.NIC) {
	t.Helper()
	for _, a := range h.Addresses(nic.Name) {
		if strings.HasPrefix(a.Addr().String(), "2001:db8:1:") {
			return
		}
	}
	t.Errorf("the host has made no address from the prefix: %v", h.Addresses(nic.Name))
}

func (s *site) pingFrom(h *lab.Host, target string) {
	s.t.Helper()
	_, err := h.Run("ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", target)
	must(s.t, err)
}

const (
	atICMP       = 14 + 40
	atLifetime   = atICMP + 6
	routerAdvert = 134
)

func isRouterAdvertisement(f lab.Frame) bool {
	return len(f.Data) > atLifetime+2 && f.Data[12] == 0x86 && f.Data[13] == 0xdd && f.Data[14+6] == 58 && f.Data[atICMP] == routerAdvert
}

// checkAdvertisements wants all of them from the virtual MAC and address, and
// none that ends the router's lifetime.
func checkAdvertisements(t testing.TB, frames []lab.Frame) {
	t.Helper()
	if len(frames) < 2 {
		t.Errorf("only %d router advertisements were seen", len(frames))
	}
	for _, f := range frames {
		if f.Data[atLifetime] == 0 && f.Data[atLifetime+1] == 0 {
			t.Error("an advertisement ends the router's lifetime")
		}
		if f.Source() != lab.VirtualMAC6(vrid) || ipv6Source(f) != vipLocal {
			t.Errorf("an advertisement is from %v, %v", f.Source(), ipv6Source(f))
		}
	}
}

func ipv6Source(f lab.Frame) netip.Addr { return netip.AddrFrom16([16]byte(f.Data[14+8:])) }
