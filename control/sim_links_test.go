package control

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

// simLinks are the interfaces of a host, as one daemon sees them: lan0 and lan1.
type simLinks struct{ d *simDaemon }

func simIndex(segment int) int   { return segment + 1 }
func simName(segment int) string { return fmt.Sprintf("lan%d", segment) }
func simSource4(segment, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 51, byte(100 + segment), byte(1 + host)})
}
func simSource6(segment, host int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: byte(100 + segment), 15: byte(1 + host)})
}

// Link takes a moment: the loop has done by then what it was about to do.
func (s simLinks) Link(name string) (netio.LinkInfo, error) {
	for wait := simApart / 4; ; {
		time.Sleep(wait)
		leave := s.d.beside()
		if !s.d.late {
			defer leave()
			break
		}
		wait = s.d.lateBy + simApart/4
		leave()
	}
	for segment, link := range s.d.host.links {
		if simName(segment) == name {
			return netio.LinkInfo{Index: simIndex(segment), Name: name, MAC: [6]byte{2, 5: byte(s.d.host.id)}, Up: link.up}, nil
		}
	}
	return netio.LinkInfo{}, fmt.Errorf("%w: %q", netio.ErrNoInterface, name)
}

func (s simLinks) PrimaryAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error) {
	return notAmong(exclude, simSource4(ifindex-1, s.d.host.id))
}

func (s simLinks) LinkLocalAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error) {
	return notAmong(exclude, simSource6(ifindex-1, s.d.host.id))
}

func notAmong(exclude []netip.Addr, a netip.Addr) (netip.Addr, error) {
	if slices.Contains(exclude, a) {
		return netip.Addr{}, netio.ErrNoAddress
	}
	return a, nil
}

func (s simLinks) HasAddress(int, netip.Addr) (bool, error) { return true, nil }

// Watch tells of what happens until ctx is done. The kernel waits for nobody.
func (s simLinks) Watch(ctx context.Context) (<-chan netio.LinkEvent, error) {
	defer s.d.beside()()
	const waiting = 256
	events := make(chan netio.LinkEvent, waiting)
	s.d.watches = append(s.d.watches, events)
	l := s.d.host.lan
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		s.d.watches = slices.DeleteFunc(s.d.watches, func(c chan netio.LinkEvent) bool { return c == events })
		close(events)
	})
	return events, nil
}

// changed tells the daemon that a link has changed.
func (h *simHost) changed(segment int) {
	if h.daemon == nil {
		return
	}
	d := h.daemon
	d.tell(func() {
		for _, events := range d.watches {
			select {
			case events <- netio.LinkEvent{Index: simIndex(segment), Name: simName(segment)}:
			default: // as many wait already
			}
		}
	})
}

// simEvents is the queue of the fast path, as one daemon reads it.
type simEvents struct{ d *simDaemon }

func (s simEvents) Ready() <-chan struct{} { return s.d.kernel.ready }

// Drain takes what is there when the daemon comes, which looks at the stamps anew
// from then on.
func (s simEvents) Drain(do func(FastEvent)) error {
	leave := s.d.enter()
	k := s.d.kernel
	records := k.ring
	k.ring = nil
	for _, p := range k.paths {
		p.look()
	}
	leave()
	for _, r := range records {
		before := s.d.refused(r)
		do(r.event)
		leave := s.d.enter()
		if s.d.refused(r) == before { // who refuses an advert has not heard it
			r.advert.heard = simNow()
			s.d.processed(r)
		}
		leave()
	}
	return nil
}

// refused counts the adverts that the instance has not accepted.
func (d *simDaemon) refused(r simRecord) (n uint64) {
	if place := d.engine.bySlot[r.event.Slot]; place != nil {
		for _, times := range place.instance.stats.discarded {
			n += times
		}
	}
	return n
}
