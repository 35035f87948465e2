package control

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// simKernel is the fast path of a host, as one daemon has loaded it. It outlives
// that daemon, and works on until the next one has attached.
type simKernel struct {
	host   *simHost
	daemon *simDaemon
	waking bool // it is to be woken
	paths  []*simPath
	ring   []simRecord
	ready  chan struct{}
}

// simRecord is what waits in the ring buffer.
type simRecord struct {
	event  FastEvent
	advert *simAdvert
}

// simLease is what the virtual routers of a group share.
type simLease struct{ until, yielded vrrp.Instant }

// simPath is one virtual router in the fast path.
type simPath struct {
	absentPath
	kernel  *simKernel
	daemon  *simDaemon
	leg     *simLeg // nil: a companion
	spec    FastSpec
	slot    uint32
	lease   *simLease
	removed bool

	yieldsTo uint8
	follows  bool
	source   netip.Addr
	header   [8]byte
	heard    vrrp.Instant
	stamped  []*simAdvert // while the daemon did not look

	remembered uint8
	inherits   bool // from the daemon before
}

// receive is the advert path: what is followed is stamped, a better router's
// ends the ownership, and everything but the followed goes to the daemon.
func (k *simKernel) receive(segment int, source netip.Addr, pdu []byte, a *simAdvert) {
	now := simNow()
	for _, p := range k.paths {
		s := p.spec
		if p.removed || s.Companion || s.Interface != simIndex(segment) || s.VRID != pdu[1] || s.Family != vrrp.FamilyOf(source) {
			continue
		}
		a.arrived = now
		p.leg.arrived(a)
		if s.Auth == nil && p.follows && p.source == source && p.header == [8]byte(pdu) {
			p.heard = now
			p.stamp(a)
			return
		}
		p.report(now, source, pdu, a)
		return
	}
}

// stamp: the daemon knows of it at once if it could look. One that does not run
// knows of it when it begins to look again.
func (p *simPath) stamp(a *simAdvert) {
	if p.daemon.runs() {
		a.heard = simNow()
		return
	}
	p.stamped = append(p.stamped, a)
}

// look: a master, or a member of a group that is about to be, has decided already.
func (p *simPath) look() {
	if p.leg != nil && p.leg.state == notify.Master {
		return
	}
	for _, a := range p.stamped {
		a.heard = simNow()
	}
	p.stamped = nil
}

func (p *simPath) report(now vrrp.Instant, source netip.Addr, pdu []byte, a *simAdvert) {
	k, l := p.kernel, p.kernel.host.lan
	yields := !l.neverYields && p.yieldsTo != 0 && pdu[2] >= p.yieldsTo
	full := len(k.ring) >= k.host.room
	if full {
		l.check.count("lost event")
	}
	if yields && !full {
		p.lease.yielded = now
		k.refresh()
	}
	if full {
		return
	}
	l.check.yielded(p.leg, a)
	k.ring = append(k.ring, simRecord{FastEvent{At: time.Duration(now), Slot: p.slot, Source: source, TTL: vrrp.TTL, PDU: pdu}, a})
	k.wake()
}

// wake tells the daemon that there is something to drain.
func (k *simKernel) wake() {
	d := k.daemon
	switch {
	case d.runs() && len(d.inbox) == 0:
		wake(k.ready)
	case !k.waking:
		k.waking = true
		d.tell(func() {
			k.waking = false
			wake(k.ready)
		})
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // awake already
	}
}

// refresh looks who owns what, after something has changed.
func (k *simKernel) refresh() {
	if k.host.kernel != k {
		return // its programs are not in place yet
	}
	for _, p := range k.paths {
		if p.leg != nil && !p.removed {
			p.leg.owns(p)
		}
	}
}

// take replaces the programs of the daemon before: both say the same of every lease
// that was taken over, and what those have yielded meanwhile, these have.
func (k *simKernel) take() {
	h := k.host
	if before := h.kernel; before != nil {
		for _, p := range k.paths {
			if former := before.pathOf(p.spec); p.inherits && former != nil && p.lease.yielded == 0 {
				p.lease.yielded = former.lease.yielded
			}
		}
		for _, p := range before.paths {
			p.lease.until, p.removed = 0, true
		}
	}
	h.kernel = k
	k.refresh()
}

func (k *simKernel) pathOf(s FastSpec) *simPath {
	for _, p := range k.paths {
		if o := p.spec; !p.removed && o.Interface == s.Interface && o.VRID == s.VRID && o.Family == s.Family {
			return p
		}
	}
	return nil
}

// install makes a path, with the lease of that name, or else one that is like
// another.
func (k *simKernel) install(d *simDaemon, s FastSpec) *simPath {
	p := &simPath{kernel: k, daemon: d, spec: s, slot: uint32(len(k.paths) + 7), lease: k.lease(s.Lease, simLease{})}
	if r := k.host.lan.routerOf(s.Interface-1, s.VRID, s.Family); r != nil && !s.Companion {
		p.leg = r.legs[k.host.id]
	}
	k.paths = append(k.paths, p)
	k.refresh()
	return p
}

func (k *simKernel) lease(name string, like simLease) *simLease {
	for _, p := range k.paths {
		if !p.removed && p.spec.Lease == name {
			return p.lease
		}
	}
	return &like
}

// The methods of a path that only the loop calls may be where it is stopped.

func (p *simPath) Slot() uint32 { return p.slot }

func (p *simPath) SetLease(until time.Duration) {
	defer p.daemon.enter()()
	l := p.kernel.host.lan
	if until != 0 && l.leaseLonger {
		until += l.interval
	}
	if until != 0 && l.lateLease {
		until = max(until, bootNow()+3*l.interval)
	}
	p.lease.until = vrrp.Instant(until)
	p.inherits = p.inherits && until != 0
	p.kernel.refresh()
}

func (p *simPath) YieldTo(priority uint8) {
	defer p.daemon.enter()()
	p.yieldsTo = priority
}

func (p *simPath) Resume(at time.Duration) {
	defer p.daemon.enter()()
	if p.kernel.host.lan.yieldForever || at != 0 && p.lease.yielded != vrrp.Instant(at) {
		return
	}
	p.lease.yielded = 0
	p.kernel.refresh()
}

func (p *simPath) Yielded() bool {
	defer p.daemon.enter()()
	return p.lease.yielded != 0
}

func (p *simPath) Remember(priority uint8) {
	defer p.daemon.enter()()
	p.remembered = priority
}

// Inherited looks into the maps of the daemon before.
func (p *simPath) Inherited() (time.Duration, uint8) {
	defer p.daemon.beside()()
	h := p.kernel.host
	if h.kernel == nil || h.kernel == p.kernel {
		return 0, 0
	}
	former := h.kernel.pathOf(p.spec)
	if former == nil || former.remembered == 0 || former.lease.yielded != 0 || former.spec.Interval != p.spec.Interval {
		return 0, 0
	}
	until := former.lease.until
	if !until.After(simNow()) {
		if until == 0 || !h.lan.lateHeirs {
			return 0, 0
		}
		until = simNow().Add(h.lan.interval)
	}
	p.inherits = true
	h.lan.check.count("leases inherited")
	return time.Duration(until), former.remembered
}

func (p *simPath) Follow(source netip.Addr, header [8]byte) {
	defer p.daemon.enter()()
	p.follows, p.source, p.header = true, source, header
}

func (p *simPath) Unfollow() {
	defer p.daemon.enter()()
	p.follows = false
}

func (p *simPath) Heard() time.Duration {
	defer p.daemon.enter()()
	p.look()
	if p.kernel.host.lan.ignoreStamps {
		return 0
	}
	return time.Duration(p.heard)
}

func (p *simPath) Update(s FastSpec) error {
	defer p.daemon.beside()()
	if s.Lease != p.spec.Lease {
		p.lease = p.kernel.lease(s.Lease, *p.lease)
	}
	p.spec = s
	p.kernel.refresh()
	return nil
}

func (p *simPath) Remove() error {
	defer p.daemon.beside()()
	if !slices.ContainsFunc(p.kernel.paths, func(o *simPath) bool { return o != p && !o.removed && o.lease == p.lease }) {
		p.lease.until = 0
	}
	p.kernel.refresh()
	p.removed = true
	return nil
}
