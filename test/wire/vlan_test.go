package wire

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
)

// injector sends frames out of the switch port that the router is connected to.
type injector struct{ fd, port int }

// injector sees to it that VLAN tags come to the router in the frames, as on a
// wire: what crosses a bridge may have them beside the frame, where native XDP
// does not see them.
func (s *site) injector() injector {
	s.t.Helper()
	var in injector
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- in.open(s.lan.Namespace(), s.nic.SwitchPort)
	}()
	must(s.t, <-done)
	s.t.Cleanup(func() { unix.Close(in.fd) })
	return in
}

// open leaves the thread in the namespace.
func (in *injector) open(namespace, port string) error {
	ns, err := unix.Open("/run/netns/"+namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open namespace %s: %w", namespace, err)
	}
	defer unix.Close(ns)
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace %s: %w", namespace, err)
	}
	device, err := net.InterfaceByName(port)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", port, namespace, err)
	}
	in.port = device.Index
	in.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	return err
}

// sendTimed is like that of the site.
func (in injector) sendTimed(s *site, frame []byte) time.Time {
	s.t.Helper()
	before := time.Now()
	must(s.t, unix.Sendto(in.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: in.port}))
	return s.firstAfter(before, carries(frame)).At
}

// An advert on a VLAN is one of a virtual router of that VLAN.
func TestAnAdvertOnAVLANIsListedThere(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		in := s.injector()
		s.start(ours)
		s.await("MASTER")
		p := s.pack(s.advert(better))
		p.Tags = []forge.Tag{forge.Customer(20)}
		in.sendTimed(s, p.Frame())
		time.Sleep(settling)
		var heard []string
		for _, o := range s.report().Others {
			heard = append(heard, fmt.Sprintf("VLAN %d, VRID %d of %s by %s: %s", o.VLAN, o.VRID, o.Family, o.Master, o.Mismatch))
		}
		want := []string{fmt.Sprintf("VLAN 20, VRID %d of %v by %v: ", vrid, s.family, s.other)}
		if !slices.Equal(heard, want) {
			t.Errorf("heard are %q, want %q", heard, want)
		}
	})
}

// The same with the tag beside the frame, where NICs and veths put it that take
// it off: also an interface without VLAN devices may be on a trunk. tc sees the
// tag. XDP cannot, and the status says so of an interface where that can be.
func TestAnAdvertWhoseTagIsBesideTheFrameIsNotForTheUntaggedRouter(t *testing.T) {
	eachUndisturbed(t, []dialect{v3, v3ipv6}, func(t testing.TB, s *site) {
		s.start(ours)
		s.await("MASTER")
		if i := s.report().Interfaces[0]; i.Mode == "native" {
			if !strings.Contains(i.ModeReason, "no trunk may end here") {
				t.Errorf("the status does not warn of hidden tags: %q", i.ModeReason)
			}
			return
		}
		p := s.pack(s.advert(better))
		p.Tags = []forge.Tag{forge.Customer(20)}
		s.checkUndisturbed(func() {
			s.sendTimed(p.Frame())
			time.Sleep(settling)
		})
	})
}
