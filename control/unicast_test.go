package control

import (
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// post carries unicast adverts between hosts, by address.
type post struct {
	mu    sync.Mutex
	boxes map[netip.Addr]*mailbox
}

// mailbox is the unicast socket of a host.
type mailbox struct {
	post  *post
	host  *host
	ttl   uint8
	ready chan struct{}
	mu    sync.Mutex
	queue []netio.UnicastPacket
	err   error // of Send
}

func (b *mailbox) set(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
}

func (p *post) box(h *host, address netip.Addr) *mailbox {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.boxes == nil {
		p.boxes = make(map[netip.Addr]*mailbox)
	}
	b := &mailbox{post: p, host: h, ttl: vrrp.TTL, ready: make(chan struct{}, 1)}
	p.boxes[address] = b
	h.world.Unicast = func() (Unicast, error) { return b, nil }
	return b
}

func (b *mailbox) Close() error { return nil }

func (b *mailbox) Ready() <-chan struct{} { return b.ready }

func (b *mailbox) Drain(do func(netio.UnicastPacket)) error {
	b.mu.Lock()
	queue := b.queue
	b.queue = nil
	b.mu.Unlock()
	for _, p := range queue {
		do(p)
	}
	return nil
}

func (b *mailbox) Send(_ int, source, destination netip.Addr, pdu []byte) error {
	var err error
	var ttl uint8
	b.set(func() { ttl, err = b.ttl, b.err })
	if err != nil {
		return err
	}
	b.host.note("unicast prio %d to %v", pdu[2], destination)
	b.post.mu.Lock()
	to := b.post.boxes[destination]
	b.post.mu.Unlock()
	if to != nil {
		p := netio.UnicastPacket{Source: source, Destination: destination, TTL: ttl, At: bootNow() + latency, PDU: pdu}
		time.AfterFunc(latency, func() { to.receive(p) })
	}
	return nil
}

func (b *mailbox) receive(p netio.UnicastPacket) {
	b.mu.Lock()
	b.queue = append(b.queue, p)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func lan4(n byte) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, n}) }

func peers(list ...netip.Addr) func(*InstanceConfig) {
	return func(c *InstanceConfig) { c.Router.Peers = list }
}

// unicastRouter is a host whose instance has the peers.
func (l *lan) unicastRouter(t *testing.T, p *post, n, priority byte, changes ...func(*InstanceConfig)) (*host, *mailbox) {
	t.Helper()
	h := l.newHost(t, n)
	box := p.box(h, lan4(n))
	h.install(instanceOf(1, priority, changes...))
	h.start()
	return h, box
}

func TestPeersElectByUnicast(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		master, _ := l.unicastRouter(t, &p, 1, 120, peers(lan4(2)))
		elapse(down)
		backup, _ := l.unicastRouter(t, &p, 2, 100, peers(lan4(1)))
		elapse(2 * down)
		master.mustBe("MASTER")
		backup.mustBe("BACKUP")
		mustSay(t, master.journal(), 0, "send advert") // nothing by multicast
		if got := backup.status()[0].Counters.AdvertsReceived; got < 3 {
			t.Errorf("the backup has counted %d adverts", got)
		}
		master.engine.Stop()
		elapse(skew + 2*latency)
		backup.mustBe("MASTER")
	})
}

func TestAnAdvertOfNoPeerIsRefused(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		victim, _ := l.unicastRouter(t, &p, 1, 100, peers(lan4(2)))
		l.unicastRouter(t, &p, 3, 200, peers(lan4(1)))
		elapse(3 * down)
		victim.mustBe("MASTER")
		if got := victim.status()[0].Counters.AdvertsDropped["peer"]; got == 0 {
			t.Error("nothing was refused as of no peer")
		}
	})
}

func TestTheTTLOfAPeerIsCheckedWhenAskedFor(t *testing.T) {
	for least, want := range map[uint8]string{0: "BACKUP", 64: "BACKUP", 65: "MASTER"} {
		onLAN(t, func(t *testing.T, l *lan) {
			var p post
			h, _ := l.unicastRouter(t, &p, 1, 100, peers(lan4(2)), func(c *InstanceConfig) { c.Router.MinTTL = least })
			_, box := l.unicastRouter(t, &p, 2, 200, peers(lan4(1)))
			box.set(func() { box.ttl = 64 })
			elapse(3 * down)
			if got := h.state(); got != want {
				t.Errorf("min TTL %d, peer's 64: %s, want %s", least, got, want)
			}
		})
	}
}

// A peer that hears nothing takes over: the lease must not outlast that.
func TestALeaseNeedsAnAdvertToEveryPeer(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		h, box := l.unicastRouter(t, &p, 1, 100, peers(lan4(2), lan4(3)))
		elapse(down)
		h.mustBe("MASTER")
		box.set(func() { box.err = errNoBuffers })
		elapse(3*interval + latency)
		h.mustBe("BACKUP")
		mustSay(t, h.journal(), 1, "reason=lease_lost")
	})
}

// Nothing can be sent there, whatever this router does; the clients are served.
func TestAPeerWithoutARouteDoesNotTakeTheServiceDown(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		h, box := l.unicastRouter(t, &p, 1, 100, peers(lan4(2), lan4(3)))
		elapse(down)
		h.mustBe("MASTER")
		box.set(func() { box.err = fmt.Errorf("send: %w", netio.ErrNoRoute) })
		elapse(time.Minute)
		h.mustBe("MASTER")
		lines := h.journal()
		mustSay(t, lines, 1, "there is no route to a peer.*peer=198.51.100.2")
		mustSay(t, lines, 0, "lease_lost")
		box.set(func() { box.err = nil })
		elapse(2 * interval)
		mustSay(t, h.journal(), 2, "there is a route to the peer again")
	})
}

func TestAdvertsOfPeersAreCountedAsThoseOfTheLAN(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		h, _ := l.unicastRouter(t, &p, 1, 100, peers(lan4(2)))
		l.unicastRouter(t, &p, 2, 200, peers(lan4(1)), func(c *InstanceConfig) {
			c.Router.Interval = 2 * interval
			c.Router.Addresses = append(c.Router.Addresses, netip.MustParseAddr("192.0.2.99"))
		})
		elapse(4 * down)
		s := h.status()[0]
		n := s.Counters.AdvertsReceived
		want := InstanceCounts{AdvertsOdd: map[string]uint64{"interval": n, "address_list": n}, AdvertsByChecksum: map[string]uint64{"pseudo-header": n}}
		if n == 0 || !maps.Equal(s.Counters.AdvertsOdd, want.AdvertsOdd) || !maps.Equal(s.Counters.AdvertsByChecksum, want.AdvertsByChecksum) {
			t.Errorf("%d received, odd: %v, by checksum: %v", n, s.Counters.AdvertsOdd, s.Counters.AdvertsByChecksum)
		}
		if rfc := s.RFC.Statistics; rfc.IntervalErrors != n || rfc.AddressListErrors != n {
			t.Errorf("interval-errors %d, address-list-errors %d; want %d each", rfc.IntervalErrors, rfc.AddressListErrors, n)
		}
	})
}

func TestUnicastNeedsNoGroup(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		var p post
		h, _ := l.unicastRouter(t, &p, 1, 100, peers(lan4(2)))
		if h.joined[vrrp.GroupAddress(vrrp.IPv4)] {
			t.Error("the multicast group is joined")
		}
	})
}
