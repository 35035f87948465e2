package control

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// pacer lets announcements leave one at a time where the user wants that:
// switches that limit ARP drop what comes in bursts. Its frames wait in order
// for their interface.
type pacer struct {
	outbox *outbox
	queues []*pacedQueue
}

type pacedQueue struct {
	ifindex int
	at      vrrp.Instant // the earliest that the next may leave
	frames  []pacedFrame
}

type pacedFrame struct {
	place *place
	gap   time.Duration // to the one after it
	bytes []byte
}

// add has a frame leave from a place, at once where there is no pace.
func (p *pacer) add(at *place, pace time.Duration, frame []byte) {
	if pace == 0 {
		p.outbox.addOther(at, frame)
		return
	}
	i := slices.IndexFunc(p.queues, func(q *pacedQueue) bool { return q.ifindex == at.ifindex })
	if i < 0 {
		i = len(p.queues)
		p.queues = append(p.queues, &pacedQueue{ifindex: at.ifindex})
	}
	p.queues[i].frames = append(p.queues[i].frames, pacedFrame{at, pace, frame})
}

// send gives the outbox what is due.
func (p *pacer) send(now vrrp.Instant) {
	for _, q := range p.queues {
		for len(q.frames) > 0 && !now.Before(q.at) {
			f := q.frames[0]
			q.frames = q.frames[1:]
			q.at = max(q.at, now).Add(f.gap)
			p.outbox.addOther(f.place, f.bytes)
		}
	}
}

// next is when something is due, 0 for never.
func (p *pacer) next() vrrp.Instant {
	var next vrrp.Instant
	for _, q := range p.queues {
		if len(q.frames) > 0 && (next == 0 || q.at < next) {
			next = max(q.at, 1)
		}
	}
	return next
}

// forget drops what waits of an instance that is not master any more.
func (p *pacer) forget(in *instance) {
	for _, q := range p.queues {
		q.frames = slices.DeleteFunc(q.frames, func(f pacedFrame) bool { return f.place.instance == in })
	}
}

// announce tells the neighbours about every address, as often as asked.
func (e *Engine) announce(in *instance, repeat int) {
	for range repeat {
		for _, p := range in.places() {
			e.announceAt(p, p.addresses())
		}
	}
}

// announceGroup tells the neighbours about every address of the group, as a new
// master does.
func (e *Engine) announceGroup(g *leaseGroup) {
	for _, in := range g.order {
		e.announce(in, in.router.Config().Announcing().Repeat)
	}
}

// announceAt tells the neighbours at a place about addresses.
func (e *Engine) announceAt(p *place, addresses []netip.Addr) {
	if !p.plugged() {
		return
	}
	for _, a := range addresses {
		e.pacer.add(p, p.instance.config.Pace, p.announcement(a))
	}
}

// announcement is the frame that tells where an address is.
func (p *place) announcement(a netip.Addr) []byte {
	if p.family == vrrp.IPv6 {
		return netio.AppendUnsolicitedNA(nil, p.mac, a)
	}
	return netio.AppendGratuitousARP4(nil, p.mac, a)
}

// extraDeadline is when addresses on other interfaces are announced again, 0 for never.
func (in *instance) extraDeadline() vrrp.Instant {
	if in.config.ExtraRefresh == 0 || len(in.companions) == 0 || in.router.State() != vrrp.Master || !in.group.leased {
		return 0
	}
	return in.extraAt
}

// announceExtra announces addresses on other interfaces, where no advert tells
// switches from time to time where the virtual MAC is.
func (e *Engine) announceExtra(in *instance) {
	due := in.extraDeadline()
	if due == 0 || e.now().Before(due) {
		return
	}
	in.extraAt = e.now().Add(in.config.ExtraRefresh)
	for _, p := range in.companions {
		e.announceAt(p, p.addresses())
	}
}
