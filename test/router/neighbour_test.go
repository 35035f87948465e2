package router

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// shared are the addresses that move, and the only MAC that a host may know them by.
var shared = map[netip.Addr]lab.MAC{
	vip4:     lab.VirtualMAC4(vrid),
	vip6:     lab.VirtualMAC6(vrid),
	vipLocal: lab.VirtualMAC6(vrid),
}

// The master itself talks from the virtual addresses too: its kernel resolves
// the host, and the host learns from the question.
func TestAHostNeverLearnsAPhysicalMACForAVirtualAddress(t *testing.T) {
	eachMode(t, func(t testing.TB, s *site) {
		s.r1.start(120, both...)
		s.r1.await("MASTER MASTER")
		s.r2.start(100, both...)
		s.r2.await("BACKUP BACKUP")
		monitor, err := s.host.Start(lab.Command{Name: "monitor", Path: "ip", Args: []string{"monitor", "neigh", "dev", "eth0"}})
		must(t, err)
		sniffer, err := s.nic.Sniff(nil)
		must(t, err)

		for _, takeover := range []func(){
			func() {},
			func() { must(t, s.r1.daemon.Kill()); s.r2.await("MASTER MASTER") },
			func() { s.r1.start(120, both...); s.r1.await("MASTER MASTER") },
			func() { must(t, s.r1.daemon.Stop()); s.r2.await("MASTER MASTER") },
		} {
			takeover()
			s.talk()
			s.checkNeighbours()
		}
		s.checkMonitor(monitor.Log())
		s.checkClaims(sniffer.Stop())
	})
}

// master is the router that runs as such.
func (s *site) master() *router {
	for _, r := range []*router{s.r1, s.r2} {
		if r.daemon != nil && r.daemon.Running() && strings.HasPrefix(r.states(), "MASTER") {
			return r
		}
	}
	s.t.Fatal("there is no master")
	return nil
}

// talk lets host and master resolve and ping each other, both ways, by every
// shared address.
func (s *site) talk() {
	s.t.Helper()
	m := s.master()
	for vip := range shared {
		target, nic := host4, ""
		switch {
		case vip.Is4():
		case vip.IsLinkLocalUnicast():
			target, nic = s.nic.LinkLocal(), "%eth0"
		default:
			target = host6
		}
		m.FlushNeighbours()
		_, err := m.Run("ping", "-n", "-c", "2", "-i", "0.05", "-W", "2", "-I", vip.String()+nic, target.WithZone("").String()+nic)
		must(s.t, err)
		s.host.FlushNeighbours()
		s.ping(vip.WithZone(strings.TrimPrefix(nic, "%")))
	}
}

func (s *site) checkNeighbours() {
	s.t.Helper()
	for vip, want := range shared {
		s.ping(withZone(vip))
		if mac, state, ok := s.host.Neighbour("eth0", vip); !ok || mac != want {
			s.t.Errorf("the host knows %v as %v (%s), want %v", vip, mac, state, want)
		}
	}
}

func withZone(a netip.Addr) netip.Addr {
	if a.IsLinkLocalUnicast() && a.Is6() {
		return a.WithZone("eth0")
	}
	return a
}

// checkMonitor reads all that the host's kernel has ever put into its table.
func (s *site) checkMonitor(log string) {
	s.t.Helper()
	learned := 0
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		at := max(0, indexOf(fields, "lladdr"))
		if at == 0 || at+1 >= len(fields) {
			continue
		}
		address := fields[0]
		if address == "Deleted" || address == "miss" {
			address = fields[1]
		}
		ip, err := netip.ParseAddr(address)
		if want, ok := shared[ip]; err == nil && ok {
			learned++
			if fields[at+1] != want.String() {
				s.t.Errorf("the host learned %q", strings.TrimSpace(line))
			}
		}
	}
	if learned < len(shared) {
		s.t.Errorf("the host learned only %d times: nothing was tested:\n%s", learned, log)
	}
}

func indexOf(list []string, word string) int {
	for i, w := range list {
		if w == word {
			return i
		}
	}
	return -1
}

// checkClaims looks at every ARP and ND packet that reached the host.
func (s *site) checkClaims(frames []lab.Frame) {
	s.t.Helper()
	claims := make(map[netip.Addr]int)
	for _, f := range frames {
		for vip, mac := range claimsIn(f) {
			want, ours := shared[vip]
			if !ours || f.Direction == lab.In {
				continue
			}
			claims[vip]++
			if mac != want {
				s.t.Errorf("%v was claimed with %v at %v", vip, mac, f.At.Format(time.StampMicro))
			}
		}
	}
	for vip := range shared {
		if claims[vip] == 0 {
			s.t.Errorf("nobody claimed %v: nothing was tested", vip)
		}
	}
}

// claimsIn tells which addresses a frame binds to which MAC.
func claimsIn(f lab.Frame) map[netip.Addr]lab.MAC {
	claims := make(map[netip.Addr]lab.MAC)
	if arp, ok := lab.ParseARP(f.Data); ok {
		claims[arp.SenderIP] = arp.SenderMAC
	}
	nd, ok := lab.ParseND(f.Data)
	switch {
	case !ok || nd.LinkLayer.IsZero():
	case nd.Type == lab.NeighborSolicitation:
		claims[nd.SourceIP] = nd.LinkLayer
	default:
		claims[nd.Target] = nd.LinkLayer
	}
	return claims
}
