package datapath

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// rawSocket receives what this host is sent of protocol 112.
func rawSocket(t *testing.T, family int) int {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 112)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// queued empties the socket, and tells how much there was.
func queued(t *testing.T, fd int) (n int) {
	t.Helper()
	for b := make([]byte, 1500); ; n++ {
		if _, _, err := unix.Recvfrom(fd, b, 0); errors.Is(err, unix.EAGAIN) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func setTTL(t *testing.T, fd, domain, ttl int) {
	t.Helper()
	level, option := unix.IPPROTO_IP, unix.IP_TTL
	if domain == unix.AF_INET6 {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	if err := unix.SetsockoptInt(fd, level, option, ttl); err != nil {
		t.Fatal(err)
	}
}

func sockaddr(a netip.Addr) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Addr: a.As4()}
	}
	return &unix.SockaddrInet6{Addr: a.As16()}
}

func TestTheQueueOfUnicastAdvertsIsForPeers(t *testing.T) {
	for _, test := range []struct {
		domain               int
		family               uint8
		self, peer, stranger string
	}{
		{unix.AF_INET, 4, "127.0.0.1", "127.0.0.2", "127.0.0.3"},
		{unix.AF_INET6, 6, "2001:db8::1", "2001:db8::2", "2001:db8::3"},
	} {
		t.Run(test.self, func(t *testing.T) {
			newNetwork(t) // of this goroutine's thread
			d := openOn(t, "lo")
			lo, err := netlink.LinkByName("lo")
			if err != nil {
				t.Fatal(err)
			}
			if err := netlink.LinkSetUp(lo); err != nil {
				t.Fatal(err)
			}
			for _, a := range []string{test.self, test.peer, test.stranger} {
				if prefix := netip.PrefixFrom(netip.MustParseAddr(a), 128); test.family == 6 {
					address, err := netlink.ParseAddr(prefix.String())
					if err != nil {
						t.Fatal(err)
					}
					address.Flags = unix.IFA_F_NODAD
					if err := netlink.AddrAdd(lo, address); err != nil {
						t.Fatal(err)
					}
				}
			}
			peer := netip.MustParseAddr(test.peer)
			spec := RouterSpec{Interface: loopback, VRID: 10, Family: test.family, Version: 3, VirtualMAC: virtualMAC, Unicast: true,
				Pace: testPace, Peers: []netip.Addr{peer}, MinTTL: 63, MaxTTL: 64}
			r, err := d.AddRouter(spec)
			if err != nil {
				t.Fatal(err)
			}
			in := rawSocket(t, test.domain)
			if err := d.FilterUnicast(in); err != nil {
				t.Fatal(err)
			}
			ttl := 64
			send := func(from string, vrid byte, times int) int {
				t.Helper()
				out := rawSocket(t, test.domain)
				setTTL(t, out, test.domain, ttl)
				if err := unix.Bind(out, sockaddr(netip.MustParseAddr(from))); err != nil {
					t.Fatal(err)
				}
				for range times {
					if err := unix.Sendto(out, []byte{0x31, vrid, 100, 1, 0, 100, 0, 0, 1, 2, 3, 4}, 0, sockaddr(netip.MustParseAddr(test.self))); err != nil {
						t.Fatal(err)
					}
				}
				return queued(t, in)
			}
			// Once strangers have said what they may say together.
			send(test.stranger, 10, 40)
			if n := send(test.stranger, 10, 1000); n > 40 {
				t.Errorf("%d of 1,000 adverts of a stranger are queued, want nearly none", n)
			}
			if n := send(test.peer, 10, 1); n != 1 {
				t.Errorf("%d adverts of a peer are queued, want 1", n)
			}
			if n := send(test.peer, 11, 1000); n > 40 {
				t.Errorf("%d of 1,000 adverts of a peer for another VRID are queued, want nearly none", n)
			}
			for _, ttl = range []int{62, 65} {
				if n := send(test.peer, 10, 1000); n > 1 {
					t.Errorf("%d of 1,000 adverts that came with TTL %d are queued, want nearly none", n, ttl)
				}
			}
			ttl = 64
			if c, err := r.Counters(); err != nil || c.AdvertsDropped["ttl"] < 1900 {
				t.Errorf("counted are %v, %v; want nearly 2,000 for their TTL", c.AdvertsDropped, err)
			}
			if n := send(test.peer, 10, 1); n != 1 {
				t.Errorf("%d adverts of a peer are queued, in whose name others were sent from afar, want 1", n)
			}
			began := Now()
			n := send(test.peer, 10, 5000)
			if most := burst + 2 + int((Now()-began)/testPace); n < burst-1 || n > most {
				t.Errorf("%d of 5,000 adverts of a peer are queued, want %d..%d", n, burst-1, most)
			}
			if c, err := r.Counters(); err != nil || c.AdvertsDropped["rate"] < uint64(5000-n) {
				t.Errorf("counted are %v, %v; want %d for their rate", c.AdvertsDropped, err, 5000-n)
			}
			if err := r.Remove(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond) // of what strangers may say, three
			if n := send(test.peer, 10, 1000); n == 0 || n > 40 {
				t.Errorf("%d of 1,000 adverts of a former peer are queued, want a few", n)
			}
		})
	}
}
