package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

// fakePath is a virtual router in a fast path.
type fakePath struct {
	host      *host
	spec      FastSpec
	slot      uint32
	fakeLease atomic.Pointer[fakeLease]

	yields    atomic.Uint32 // to this priority and better ones
	remembers atomic.Uint32 // at what priority it is master

	mu       sync.Mutex
	follows  bool
	source   netip.Addr
	header   [8]byte
	heard    time.Duration
	device   [6]byte
	counters Counters
	arrivals Arrivals
	counting time.Duration // how long Counters takes
	removed  atomic.Bool
}

// fakeLease is what the members of a group share.
type fakeLease struct {
	lease   atomic.Int64
	yielded atomic.Int64 // when; 0: not
}

func (p *fakePath) Slot() uint32 { return p.slot }

// clashes says what of a new router this one has already.
func (p *fakePath) clashes(s FastSpec) string {
	if p.removed.Load() || p.spec.Interface != s.Interface {
		return ""
	}
	if p.spec.VRID == s.VRID && p.spec.Family == s.Family {
		return "the virtual router is there already"
	}
	for _, a := range slices.Concat(s.Addresses, s.Excluded) {
		if slices.Contains(p.spec.Addresses, a) || slices.Contains(p.spec.Excluded, a) {
			return "the address is there already"
		}
	}
	return ""
}

func (p *fakePath) Update(s FastSpec) error {
	for _, other := range p.host.paths {
		if other == p || p.removed.Load() {
			continue
		}
		if clash := other.clashes(s); clash != "" {
			return errors.New(clash)
		}
	}
	if s.Lease != p.spec.Lease {
		p.fakeLease.Store(p.host.lease(s.Lease, p.fakeLease.Load()))
	}
	p.spec = s
	p.host.note("update %d", s.VRID)
	return nil
}

func (p *fakePath) SetLease(until time.Duration) {
	p.fakeLease.Load().lease.Store(int64(until))
	if until == 0 {
		p.host.note("lease 0")
		return
	}
	p.host.note("lease %v", until-bootNow())
}

func (p *fakePath) owns() bool {
	return int64(bootNow()) < p.lease() && p.fakeLease.Load().yielded.Load() == 0
}

func (p *fakePath) lease() int64 { return p.fakeLease.Load().lease.Load() }

func (p *fakePath) YieldTo(priority uint8) { p.yields.Store(uint32(priority)) }
func (p *fakePath) Resume(at time.Duration) {
	yielded := &p.fakeLease.Load().yielded
	if at == 0 {
		yielded.Store(0)
	}
	yielded.CompareAndSwap(int64(at), 0)
}

func (p *fakePath) Yielded() bool { return p.fakeLease.Load().yielded.Load() != 0 }

func (p *fakePath) Remember(priority uint8) { p.remembers.Store(uint32(priority)) }

// Inherited is what the path of the process before this one left.
func (p *fakePath) Inherited() (time.Duration, uint8) {
	for _, b := range p.host.before {
		if b.spec.VRID != p.spec.VRID || b.spec.Family != p.spec.Family || b.spec.Interface != p.spec.Interface || b.spec.Companion != p.spec.Companion {
			continue
		}
		if priority := b.remembers.Load(); b.owns() && priority != 0 && b.spec.Interval == p.spec.Interval {
			return time.Duration(b.lease()), uint8(priority)
		}
	}
	return 0, 0
}

// hear takes an advert as the fast path does, and reports whether it is an event.
func (p *fakePath) hear(source netip.Addr, pdu []byte) bool {
	if least := p.yields.Load(); least != 0 && uint32(pdu[2]) >= least {
		p.fakeLease.Load().yielded.Store(int64(bootNow()))
	}
	return !p.stamps(source, pdu)
}

// remaining is how long the lease is valid yet.
func (p *fakePath) remaining() time.Duration { return time.Duration(p.lease()) - bootNow() }

func (p *fakePath) Follow(source netip.Addr, header [8]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.follows, p.source, p.header = true, source, header
}

func (p *fakePath) Unfollow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.follows = false
}

func (p *fakePath) Heard() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// stamps reports whether the advert is the followed one, whose arrival is but
// a stamp. None is where they are signed.
func (p *fakePath) stamps(source netip.Addr, pdu []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spec.Auth != nil || !p.follows || p.source != source || p.header != [8]byte(pdu) {
		return false
	}
	p.heard = bootNow()
	return true
}

func (p *fakePath) SetDeviceMAC(mac [6]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.device = mac
	return nil
}

func (p *fakePath) Counters() (Counters, error) {
	time.Sleep(p.counting)
	return p.counters, nil
}

func (p *fakePath) Arrivals() (Arrivals, error) { return p.arrivals, nil }

func (p *fakePath) Remove() error {
	if !slices.ContainsFunc(p.host.paths, func(o *fakePath) bool { return o != p && !o.removed.Load() && o.spec.Lease == p.spec.Lease }) {
		p.fakeLease.Load().lease.Store(0)
	}
	p.removed.Store(true)
	return nil
}

// fakeEvents is a queue.
type fakeEvents struct {
	ready chan struct{}
	mu    sync.Mutex
	queue []FastEvent
	taken atomic.Int64 // how many the engine took
	err   error
}

func (e *fakeEvents) push(ev FastEvent) {
	e.pushQuietly(ev)
	e.wake()
}

// pushQuietly wakes nobody: the loop has not come to it yet.
func (e *fakeEvents) pushQuietly(ev FastEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = append(e.queue, ev)
}

func (e *fakeEvents) wake() {
	select {
	case e.ready <- struct{}{}:
	default:
	}
}

func (e *fakeEvents) breakDown(err error) {
	e.mu.Lock()
	e.err = err
	e.mu.Unlock()
	e.wake()
}

func (e *fakeEvents) Ready() <-chan struct{} { return e.ready }

func (e *fakeEvents) Drain(do func(FastEvent)) error {
	e.mu.Lock()
	queue, err := e.queue, e.err
	e.queue = nil
	e.taken.Add(int64(len(queue)))
	e.mu.Unlock()
	for _, ev := range queue {
		do(ev)
	}
	return err
}

// fakeBook is the addresses of an interface.
type fakeBook struct {
	host    *host
	mu      sync.Mutex
	present map[string]bool
}

func (b *fakeBook) Add(_ int, a iproute.Address) (bool, error) {
	return b.put("address", a.Prefix.String())
}

func (b *fakeBook) put(kind, what string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.host.note("%s + %s", kind, what)
	if b.present[what] {
		return false, nil
	}
	b.present[what] = true
	return true, nil
}

func (b *fakeBook) take(kind, what string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.host.note("%s - %s", kind, what)
	delete(b.present, what)
	return nil
}

func (b *fakeBook) List(int) ([]netio.Address, error) {
	var list []netio.Address
	for _, text := range b.list() {
		if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, netio.Address{Prefix: p})
		}
	}
	return list, nil
}

func (b *fakeBook) AddRoute(r iproute.Route) (bool, error) { return b.put("route", r.String()) }
func (b *fakeBook) RemoveRoute(r iproute.Route) error      { return b.take("route", r.String()) }
func (b *fakeBook) AddRule(r iproute.Rule) (bool, error)   { return b.put("rule", r.String()) }
func (b *fakeBook) RemoveRule(r iproute.Rule) error        { return b.take("rule", r.String()) }

func (b *fakeBook) Remove(_ int, p netip.Prefix) error { return b.take("address", p.String()) }

func (b *fakeBook) list() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.present))
}

// fakeLinks is one interface, lan0.
type fakeLinks struct {
	events  chan netio.LinkEvent
	end     chan struct{} // closed: the kernel ends the watch
	refusal error         // of Watch

	mu      sync.Mutex
	link    netio.LinkInfo
	err     error // of Link
	primary []netip.Addr
	foreign []netip.Addr // that the host does not have
	local   netip.Addr
	hang    chan struct{} // Link waits for it to be closed
	reads   int
}

func (l *fakeLinks) LinkLocalAddress(_ int, exclude []netip.Addr) (netip.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.local.IsValid() || slices.Contains(exclude, l.local) {
		return netip.Addr{}, netio.ErrNoAddress
	}
	return l.local, nil
}

func (l *fakeLinks) HasAddress(_ int, a netip.Addr) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.Contains(l.foreign, a), nil
}

func newFakeLinks(primary netip.Addr) *fakeLinks {
	return &fakeLinks{
		events:  make(chan netio.LinkEvent),
		end:     make(chan struct{}),
		link:    netio.LinkInfo{Index: 3, Name: "lan0", MAC: [6]byte{2, 0, 0, 0, 0, 1}, Up: true},
		primary: []netip.Addr{primary},
		local:   linkLocal(primary),
	}
}

// linkLocal is fe80::1:n for an IPv4 address that ends in n.
func linkLocal(a netip.Addr) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 13: 1, 15: a.As4()[3]})
}

// change changes something, and says so.
func (l *fakeLinks) change(do func()) {
	l.mu.Lock()
	do()
	l.mu.Unlock()
	l.events <- netio.LinkEvent{Index: 3, Name: "lan0"}
}

func (l *fakeLinks) set(up bool) { l.change(func() { l.link.Up = up }) }

func (l *fakeLinks) Link(name string) (netio.LinkInfo, error) {
	l.mu.Lock()
	link, err, hang := l.link, l.err, l.hang
	l.reads++
	l.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if name != link.Name {
		err = fmt.Errorf("%w: %q", netio.ErrNoInterface, name)
	}
	return link, err
}

func (l *fakeLinks) PrimaryAddress(_ int, exclude []netip.Addr) (netip.Addr, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.primary {
		if !slices.Contains(exclude, a) {
			return a, nil
		}
	}
	return netip.Addr{}, netio.ErrNoAddress
}

func (l *fakeLinks) Watch(ctx context.Context) (<-chan netio.LinkEvent, error) {
	if l.refusal != nil {
		return nil, l.refusal
	}
	out := make(chan netio.LinkEvent)
	go func() {
		defer close(out)
		for {
			select {
			case ev := <-l.events:
				select {
				case out <- ev:
				case <-ctx.Done():
					return
				}
			case <-l.end:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

var errNoBuffers = errors.New("no buffer space available")
