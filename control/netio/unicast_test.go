package netio

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pair is a wire with addresses of every kind at both ends, and Unicast at both.
type pair struct {
	*wire
	here, there *Unicast
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{wire: newWire6(t)}
	give(t, p.lan, "192.0.2.1/24")
	give6(t, p.lan, "2001:db8::1/64")
	give6(t, p.lan, "fe80::1/64")
	p.here = openUnicastHere(t)
	p.atPeer(t, func() {
		give(t, p.far, "192.0.2.2/24")
		give6(t, p.far, "2001:db8::2/64")
		give6(t, p.far, "fe80::2/64")
		p.there = openUnicastHere(t)
	})
	return p
}

func openUnicastHere(t *testing.T) *Unicast {
	t.Helper()
	u, err := OpenUnicast(nil)
	must(t, err)
	t.Cleanup(func() { u.Close() })
	return u
}

// awaitPackets drains until there were n packets, and returns them with copies of their PDUs.
func awaitPackets(t *testing.T, u *Unicast, n int) []UnicastPacket {
	t.Helper()
	var packets []UnicastPacket
	deadline := time.After(patience)
	for len(packets) < n {
		select {
		case <-u.Ready():
		case <-deadline:
			t.Fatalf("%d of %d packets came: %+v", len(packets), n, packets)
		}
		must(t, u.Drain(func(p UnicastPacket) {
			p.PDU = append([]byte(nil), p.PDU...)
			packets = append(packets, p)
		}))
	}
	return packets
}

var unicastPairs = []struct {
	name     string
	from, to netip.Addr
	named    bool // must be named
}{
	{"IPv4", netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), false},
	{"IPv6", netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), false},
	{"link-local", netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2"), true},
	{"from link-local to global", netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::2"), true},
}

func TestAUnicastAdvertArrivesAsItWasSent(t *testing.T) {
	for _, tt := range unicastPairs {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			ifindex := 4711 // not looked at
			if tt.named {
				ifindex = p.index()
			}
			must(t, p.here.Send(ifindex, tt.from, tt.to, advertPDU))
			got := awaitPackets(t, p.there, 1)[0]
			got.At = 0
			want := UnicastPacket{Interface: p.far.Attrs().Index, Source: tt.from, Destination: tt.to, TTL: 255, PDU: advertPDU}
			if diff := cmp.Diff(want, got, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
				t.Errorf("packet (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAUnicastAdvertLeavesAsNetworkControlWithTheHighestTTL(t *testing.T) {
	const (
		wantV4 = "45c00020 ff70" // without what the kernel chooses: identification and fragments
		wantV6 = "6c00 000c70ff" // without the flow label
	)
	for _, tt := range unicastPairs {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			heard := p.capture(t)
			must(t, p.here.Send(p.index(), tt.from, tt.to, advertPDU))
			var got, want string
			heard.nextThat(t, "of protocol 112", func(frame []byte) bool {
				packet := frame[ethernetHeaderLen:]
				switch packet[0] >> 4 {
				case 4:
					got, want = fmt.Sprintf("%x %x", packet[:4], packet[8:10]), wantV4
				case 6:
					got, want = fmt.Sprintf("%02x%02x %x", packet[0], packet[1]&0xf0, packet[4:8]), wantV6
				}
				return packet[0]>>4 == 4 && packet[9] == protocolVRRP || packet[0]>>4 == 6 && packet[6] == protocolVRRP
			})
			if got != want {
				t.Errorf("header is %s, want %s", got, want)
			}
		})
	}
}

// sendRaw sends pdu from the peer's end with a socket that the test sets up.
func (p *pair) sendRaw(t *testing.T, to netip.Addr, pdu []byte, setUp func(fd int) error) {
	t.Helper()
	p.atPeer(t, func() {
		family, address := unix.AF_INET, unix.Sockaddr(nil)
		if to.Is6() {
			family, address = unix.AF_INET6, &unix.SockaddrInet6{Addr: to.As16()}
		} else {
			address = &unix.SockaddrInet4{Addr: to.As4()}
		}
		fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocolVRRP)
		must(t, err)
		defer unix.Close(fd)
		must(t, setUp(fd))
		must(t, unix.Sendto(fd, pdu, 0, address))
	})
}

func TestTheTTLThatAnAdvertArrivesWithIsTold(t *testing.T) {
	tests := []struct {
		to            string
		level, option int
	}{
		{"192.0.2.1", unix.IPPROTO_IP, unix.IP_TTL},
		{"2001:db8::1", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS},
	}
	for _, tt := range tests {
		t.Run(tt.to, func(t *testing.T) {
			p := newPair(t)
			p.sendRaw(t, netip.MustParseAddr(tt.to), advertPDU, func(fd int) error {
				return unix.SetsockoptInt(fd, tt.level, tt.option, 64)
			})
			if got := awaitPackets(t, p.here, 1)[0].TTL; got != 64 {
				t.Errorf("TTL is %d, want 64", got)
			}
		})
	}
}

func TestIPv4OptionsAreNoPartOfThePDU(t *testing.T) {
	p := newPair(t)
	p.sendRaw(t, netip.MustParseAddr("192.0.2.1"), advertPDU, func(fd int) error {
		const noOperation = "\x01\x01\x01\x01"
		return unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, noOperation)
	})
	if got := awaitPackets(t, p.here, 1)[0].PDU; !cmp.Equal(got, advertPDU) {
		t.Errorf("PDU is %x, want %x", got, advertPDU)
	}
}

func TestAnIPv4PacketWhoseLengthsDisagreeIsRefused(t *testing.T) {
	const good = "46000020 00000000 ff700000 c0000201 c0000202 01010101 310a6402 0064beef"
	if p, ok := packet4(unhex(good), nil, ancillary{}); !ok || !cmp.Equal(p.PDU, unhex("310a6402 0064beef")) {
		t.Fatalf("the good packet: %v, PDU %x", ok, p.PDU)
	}
	bad := map[string][]byte{
		"nothing":                                {},
		"less than a header":                     unhex(good)[:19],
		"another version":                        unhex("66" + good[2:]),
		"a header of four words":                 unhex("44" + good[2:]),
		"a header longer than the packet":        unhex("4f" + good[2:]),
		"a total length shorter than the header": unhex("46000017" + good[8:]),
		"a total length longer than the packet":  unhex("46000021" + good[8:]),
	}
	for name, data := range bad {
		if _, ok := packet4(data, nil, ancillary{}); ok {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestMulticastAdvertsAreNotHeardAsUnicast(t *testing.T) {
	p := newPair(t)
	membership, err := Join(p.index(), []netip.Addr{MulticastGroup4, MulticastGroup6})
	must(t, err)
	defer membership.Close()
	p.atPeer(t, func() {
		far := p.far.Attrs().Index
		sent(t, newSender(t).Send([]Frame{
			{far, AppendAdvert4(nil, virtualMAC, netip.MustParseAddr("192.0.2.2"), advertPDU)},
			{far, AppendAdvert6(nil, virtualMAC, netip.MustParseAddr("fe80::2"), advertPDU)},
		}))
	})
	for _, tt := range unicastPairs[:2] {
		must(t, p.there.Send(0, tt.to, tt.from, []byte("unicast")))
	}
	for _, got := range awaitPackets(t, p.here, 2) {
		if string(got.PDU) != "unicast" {
			t.Errorf("heard %+v", got)
		}
	}
}

func TestTheArrivalIsWhenThePacketCameAndNotWhenItIsRead(t *testing.T) {
	for _, tt := range unicastPairs[:2] {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t)
			// A kernel in which nobody has asked for time stamps stamps the first packets when they are read.
			for start := time.Now(); time.Since(start) < patience; {
				before := clock(unix.CLOCK_BOOTTIME)
				must(t, p.there.Send(0, tt.to, tt.from, advertPDU))
				<-p.here.Ready()
				arrived := clock(unix.CLOCK_BOOTTIME)
				time.Sleep(5 * time.Millisecond) // in the queue
				var at time.Duration
				must(t, p.here.Drain(func(p UnicastPacket) { at = p.At }))
				if at < before {
					t.Fatalf("arrived %v before it was sent", before-at)
				}
				if at <= arrived {
					return
				}
			}
			t.Error("no packet was stamped before it was read")
		})
	}
}

func TestAClockThatIsSetMovesNoArrivalBeyondWhatIsKnown(t *testing.T) {
	s := &unicastSocket{emptied: clock(unix.CLOCK_BOOTTIME) - time.Second}
	wall := clock(unix.CLOCK_REALTIME)
	if at := s.arrival(wall - time.Hour); at != s.emptied {
		t.Errorf("set forward: arrived %v after the queue was empty, want 0", at-s.emptied)
	}
	if at, now := s.arrival(wall+time.Hour), clock(unix.CLOCK_BOOTTIME); at > now {
		t.Errorf("set back: arrives in %v", at-now)
	}
	at, half := s.arrival(wall-500*time.Millisecond)-s.emptied, 500*time.Millisecond
	if at < half || at > half+400*time.Millisecond {
		t.Errorf("not set: arrived %v after the queue was empty, want %v", at, half)
	}
}

func TestTheQueueIsKnownToBeEmptyOnceItWasDrained(t *testing.T) {
	u := newPair(t).here
	before := clock(unix.CLOCK_BOOTTIME)
	must(t, u.Drain(func(UnicastPacket) {}))
	for _, s := range u.sockets {
		if s.emptied < before {
			t.Errorf("drained %v before it was", before-s.emptied)
		}
	}
}

func TestReadyReceivesOnceUntilItWasDrained(t *testing.T) {
	p := newPair(t)
	for round := range 3 {
		for _, tt := range unicastPairs[:2] {
			must(t, p.there.Send(0, tt.to, tt.from, advertPDU))
		}
		select {
		case <-p.here.Ready():
		case <-time.After(patience):
			t.Fatalf("round %d: nothing is ready", round)
		}
		select {
		case <-p.here.Ready():
			t.Errorf("round %d: ready twice", round)
		case <-time.After(20 * time.Millisecond):
		}
		must(t, p.here.Drain(func(UnicastPacket) {}))
	}
}

func TestAFloodDoesNotKeepTheReader(t *testing.T) {
	p := newPair(t)
	tt := unicastPairs[0]
	must(t, p.there.Send(0, tt.to, tt.from, advertPDU))
	<-p.here.Ready()
	calls := 0
	must(t, p.here.Drain(func(UnicastPacket) {
		calls++
		for range 2 {
			must(t, p.there.Send(0, tt.to, tt.from, advertPDU))
		}
		if calls > 2*drainLimit {
			t.Fatal("the drain does not end")
		}
	}))
	if calls < 2 {
		t.Errorf("%d packets: there was no flood", calls)
	}
}

func TestSendSaysWhatItCouldNotDo(t *testing.T) {
	v4, v6 := unicastPairs[0], unicastPairs[1]
	tests := []struct {
		name     string
		from, to netip.Addr
		want     error
	}{
		{"no route", v4.from, netip.MustParseAddr("198.51.100.1"), unix.ENETUNREACH},
		{"no IPv6 route", v6.from, netip.MustParseAddr("2001:db8:9::1"), unix.ENETUNREACH},
		{"a source that is not this host's", netip.MustParseAddr("192.0.2.77"), v4.to, unix.ENETUNREACH},
		{"an IPv6 source that is not this host's", netip.MustParseAddr("2001:db8::77"), v6.to, unix.EINVAL},
		{"two families", v4.from, v6.to, unix.EAFNOSUPPORT},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := newPair(t).here.Send(0, tt.from, tt.to, advertPDU); !errors.Is(err, tt.want) {
				t.Errorf("error is %v, want %v", err, tt.want)
			}
		})
	}
}

func TestWithoutIPv6InTheKernelIPv4Works(t *testing.T) {
	p := newPair(t)
	v4, err := openUnicast4()
	must(t, err)
	u, err := newUnicast(v4, &unicastSocket{fd: -1})
	must(t, err)
	defer u.Close()
	tt := unicastPairs[0]
	must(t, p.there.Send(0, tt.to, tt.from, advertPDU))
	awaitPackets(t, u, 1)
	must(t, u.Send(0, tt.from, tt.to, advertPDU))
	awaitPackets(t, p.there, 1)
	if err := u.Send(0, unicastPairs[1].from, unicastPairs[1].to, advertPDU); !errors.Is(err, unix.EAFNOSUPPORT) {
		t.Errorf("an IPv6 advert: error is %v, want EAFNOSUPPORT", err)
	}
}

func TestCloseOfAUnicastLeavesNothing(t *testing.T) {
	states := map[string]func(*testing.T, *pair, *Unicast){
		"while it waits": func(*testing.T, *pair, *Unicast) {},
		"while it has something to tell": func(t *testing.T, p *pair, _ *Unicast) {
			must(t, p.there.Send(0, unicastPairs[0].to, unicastPairs[0].from, advertPDU))
			awaitPackets(t, p.here, 1) // so that it has arrived at the other as well
		},
		"while it waits for the drain": func(t *testing.T, p *pair, u *Unicast) {
			must(t, p.there.Send(0, unicastPairs[0].to, unicastPairs[0].from, advertPDU))
			<-u.Ready()
		},
	}
	for name, prepare := range states {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			open := openFiles(t)
			u, err := OpenUnicast(nil)
			must(t, err)
			prepare(t, p, u)
			must(t, u.Close())
			select {
			case <-u.Ready():
				t.Error("ready after Close")
			default:
			}
			if got := openFiles(t); got != open {
				t.Errorf("%d files are open, %d were before", got, open)
			}
		})
	}
}
