package control

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// latency of the LAN. Not 0, so that a question and its answer are in order.
const latency = 100 * time.Microsecond

// lan carries frames from each host to all others.
type lan struct {
	hosts []*host
	mu    sync.Mutex
	cut   bool
	heard func(frame []byte) // everything; nil: nobody listens
}

// onLAN runs a test in virtual time. It fails if a goroutine is left behind.
func onLAN(t *testing.T, test func(*testing.T, *lan)) {
	synctest.Test(t, func(t *testing.T) { test(t, &lan{}) })
}

// router is a host with one instance that runs.
func (l *lan) router(t *testing.T, n byte, priority uint8, changes ...func(*InstanceConfig)) *host {
	t.Helper()
	h := l.newHost(t, n)
	h.install(instanceOf(1, priority, changes...))
	h.start()
	return h
}

// pair is a router that has become master, and one that follows it.
// Their journals are empty.
func (l *lan) pair(t *testing.T) (master, backup *host) {
	t.Helper()
	master = l.router(t, 1, 120)
	elapse(down)
	backup = l.router(t, 2, 100)
	elapse(interval)
	master.mustBe("MASTER")
	backup.mustBe("BACKUP")
	master.journal()
	backup.journal()
	return master, backup
}

// loneMaster is a router that has become master, with an empty journal.
func (l *lan) loneMaster(t *testing.T) *host {
	t.Helper()
	h := l.router(t, 1, 100)
	elapse(down)
	h.mustBe("MASTER")
	h.journal()
	return h
}

func (l *lan) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

func (l *lan) carry(from *host, frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return
	}
	if l.heard != nil {
		l.heard(frame)
	}
	for _, h := range l.hosts {
		if h != from {
			time.AfterFunc(latency, func() { h.receive(frame) })
		}
	}
}

// receive does with a frame what the fast path does.
func (h *host) receive(frame []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deaf {
		return
	}
	source, pdu, ok := advertIn(frame)
	for _, p := range h.paths {
		if ok && !p.removed.Load() && !p.spec.Companion && p.spec.VRID == pdu[1] && p.spec.Family == vrrp.FamilyOf(source) && p.hear(source, pdu) {
			h.events.push(FastEvent{At: bootNow(), Slot: p.slot, Source: source, TTL: vrrp.TTL, PDU: pdu})
		}
	}
}

const (
	ethernet = 14 // lengths of headers
	ip4, ip6 = 20, 40
)

// advertIn takes the advert out of an Ethernet frame, if there is one.
func advertIn(frame []byte) (source netip.Addr, pdu []byte, ok bool) {
	ip := frame[ethernet:]
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case kind == 0x0800 && len(ip) >= ip4+8 && ip[9] == vrrp.Protocol:
		return netip.AddrFrom4([4]byte(ip[12:])), ip[ip4:], true
	case kind == 0x86dd && len(ip) >= ip6+8 && ip[6] == vrrp.Protocol:
		return netip.AddrFrom16([16]byte(ip[8:])), ip[ip6:], true
	}
	return netip.Addr{}, nil, false
}

// describeFrame says what a frame is: "advert 1 prio 120", "arp 192.0.2.1",
// "na 2001:db8::1", "ra fe80::1".
func describeFrame(frame []byte) string {
	if _, pdu, ok := advertIn(frame); ok {
		return fmt.Sprintf("advert %d prio %d", pdu[1], pdu[2])
	}
	if binary.BigEndian.Uint16(frame[12:]) == 0x0806 {
		return fmt.Sprintf("arp %v", netip.AddrFrom4([4]byte(frame[ethernet+14:])))
	}
	icmp := frame[ethernet+ip6:]
	if icmp[0] == 134 {
		return fmt.Sprintf("ra %v", netip.AddrFrom16([16]byte(frame[ethernet+8:])))
	}
	return fmt.Sprintf("na %v", netip.AddrFrom16([16]byte(icmp[8:])))
}

// fakeSender puts frames on the LAN.
type fakeSender struct {
	host *host
	lan  *lan
	mu   sync.Mutex
	err  error         // of every frame
	slow time.Duration // how long it takes
	hang chan struct{} // waits for it to be closed
	last []byte        // the last advert that left
}

func (s *fakeSender) set(do func(*fakeSender)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

func (s *fakeSender) fail(err error) { s.set(func(s *fakeSender) { s.err = err }) }

func (s *fakeSender) remember(frame []byte) {
	if _, _, ok := advertIn(frame); ok {
		s.set(func(s *fakeSender) { s.last = frame })
	}
}

func (s *fakeSender) lastAdvert() (frame []byte) {
	s.set(func(s *fakeSender) { frame = s.last })
	return frame
}

func (s *fakeSender) Send(frames []netio.Frame) []error {
	s.mu.Lock()
	err, slow, hang := s.err, s.slow, s.hang
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
	time.Sleep(slow)
	var about []string
	errs := make([]error, len(frames))
	for i, f := range frames {
		about = append(about, describeFrame(f.Bytes))
		if errs[i] = err; err == nil {
			s.remember(f.Bytes)
			s.lan.carry(s.host, f.Bytes)
		}
	}
	s.host.note("send %s", strings.Join(about, ", "))
	return errs
}
