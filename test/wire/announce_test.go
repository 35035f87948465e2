package wire

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// RFC 9568 §7.2: what our adverts look like.
func TestOurAdvertsAreAsTheRFCHasThem(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v2, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		v, ok := lab.ParseVRRP(s.firstAfter(time.Time{}, s.ownAdvert).Data)
		group, mac := groupOf(s.family)
		if !ok || v.Source != s.virtualMAC() || v.Destination != mac || v.SourceIP != s.own || v.DestinationIP != group || v.TTL != 255 {
			t.Errorf("the advert is %v > %v, %v > %v, TTL %d; want %v > %v, %v > %v, TTL 255",
				v.Source, v.Destination, v.SourceIP, v.DestinationIP, v.TTL, s.virtualMAC(), mac, s.own, group)
		}
		want := s.packFrom(s.own, s.advert(ours)).PDU
		if string(v.PDU) != string(want) {
			t.Errorf("the message is % x, want % x", v.PDU, want)
		}
	})
}

// RFC 9568 §8.1.2 and §8.2.2: nothing but reports of group memberships leaves.
func TestABackupAnnouncesNothing(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		defer s.talk(s.pack(s.advert(better)).Frame(), s.interval)()
		s.start(ours)
		s.await("BACKUP")
		time.Sleep(10 * s.interval)
		for _, f := range s.between(time.Time{}, time.Now(), func(f lab.Frame) bool { return f.Direction == lab.In }) {
			if !isReportOfGroups(f) {
				t.Errorf("the backup sent % x", f.Data)
			}
		}
	})
}

// The groups are joined in the backup already: RFC 9568 §6.4.2 would have the
// solicited-node groups joined by the master only, which takes its time.
func TestTheGroupsAreJoined(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("BACKUP")
		groups := []netip.Addr{vrrp.GroupAddress(s.family)}
		if s.family == vrrp.IPv6 {
			for _, vip := range s.vips {
				groups = append(groups, netio.SolicitedNode(vip))
			}
		}
		joined, err := s.router.Run("ip", "maddr", "show", "dev", "eth0")
		must(t, err)
		for _, group := range groups {
			if !slices.Contains(strings.Fields(joined), group.String()) {
				t.Errorf("%v is not joined:\n%s", group, joined)
			}
			s.checkReported(group)
		}
		s.stop()
		left, err := s.router.Run("ip", "maddr", "show", "dev", "eth0")
		must(t, err)
		if slices.Contains(strings.Fields(left), groups[0].String()) {
			t.Errorf("%v is still joined:\n%s", groups[0], left)
		}
	})
}

// checkReported wants the group in an IGMP or MLD report.
func (s *site) checkReported(group netip.Addr) {
	s.t.Helper()
	_, err := s.wire.Await(2*time.Second, func(f lab.Frame) bool {
		return f.Direction == lab.In && isReportOfGroups(f) && strings.Contains(string(f.Data[14+40-20:]), string(group.AsSlice()))
	})
	if err != nil {
		s.t.Errorf("%v is not reported: %v", group, err)
	}
}

// RFC 9568 §8.1.2 and §8.2.2: the virtual MAC is in the message and in the frame.
func TestAMastersAnswerHasTheVirtualMAC(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("MASTER")
		for _, vip := range s.vips {
			asked := time.Now()
			must(t, s.host.Send(s.questionFor(vip)))
			f := s.firstAfter(asked, func(f lab.Frame) bool { return f.Direction == lab.In && f.Destination() == s.host.MAC })
			if address, mac := claim(f); address != vip || mac != s.virtualMAC() || f.Source() != mac {
				t.Errorf("the answer, from %v, says that %v is at %v, want %v at %v", f.Source(), address, mac, vip, s.virtualMAC())
			}
		}
	})
}

// claim is which address a frame says to be where.
func claim(f lab.Frame) (netip.Addr, lab.MAC) {
	if arp, ok := lab.ParseARP(f.Data); ok {
		return arp.SenderIP, arp.SenderMAC
	}
	nd, ok := lab.ParseND(f.Data)
	if ok && nd.Type == lab.NeighborSolicitation {
		return nd.SourceIP, nd.LinkLayer
	}
	return nd.Target, nd.LinkLayer
}

// The master's kernel itself asks, when somebody pings from the virtual address.
func TestAQuestionOfTheVirtualRouterHasTheVirtualMAC(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("MASTER")
		s.awaitAddresses()
		vip, target, nic := s.vips[0], "192.168.1.77", ""
		if s.family == vrrp.IPv6 {
			target, nic = s.host.LinkLocal().String(), "%eth0"
		}
		_, err := s.router.Run("ping", "-n", "-c", "1", "-W", "2", "-I", vip.String()+nic, target+nic)
		must(t, err)
		asked := s.between(time.Time{}, time.Now(), func(f lab.Frame) bool {
			address, _ := claim(f)
			return f.Direction == lab.In && isQuestion(f) && address == vip && f.Destination() != s.host.MAC
		})
		if len(asked) == 0 {
			t.Fatalf("the router did not ask; it sent %s", sent(s.wire.Frames()))
		}
		for _, f := range asked {
			if _, mac := claim(f); mac != s.virtualMAC() || f.Source() != mac {
				t.Errorf("the question, from %v, says that %v is at %v, want %v", f.Source(), vip, mac, s.virtualMAC())
			}
		}
	})
}

// isQuestion selects what asks for an address, and does not announce one.
func isQuestion(f lab.Frame) bool {
	if arp, ok := lab.ParseARP(f.Data); ok {
		return arp.Operation == lab.ARPRequest && arp.SenderIP != arp.TargetIP
	}
	nd, ok := lab.ParseND(f.Data)
	return ok && nd.Type == lab.NeighborSolicitation
}

// awaitAddresses waits until the virtual addresses are on the interface, and the
// kernel sends from them: that takes it a moment.
func (s *site) awaitAddresses() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !s.hasAddresses(); time.Sleep(settling) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the virtual addresses are not on the interface: %v", s.router.Addresses("eth0"))
		}
	}
}

func (s *site) hasAddresses() bool {
	s.t.Helper()
	list, err := s.router.Run("ip", "-oneline", "addr", "show", "dev", "eth0", "-tentative")
	must(s.t, err)
	for _, prefix := range s.prefixes {
		if !slices.Contains(strings.Fields(list), prefix) {
			return false
		}
	}
	return true
}

// sent lists what the router sent, for a person.
func sent(frames []lab.Frame) string {
	var b strings.Builder
	for _, f := range frames {
		if f.Direction == lab.In {
			fmt.Fprintf(&b, "\n%v % x", f.At.Format(time.StampMicro), f.Data)
		}
	}
	return b.String()
}
