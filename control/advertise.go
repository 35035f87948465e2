package control

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Advertise says what router advertisements an IPv6 master sends, from the
// virtual link-local address and with the virtual MAC, so that hosts keep their
// default router across a failover (RFC 9568 §6.4.3, §8.2.3).
type Advertise struct {
	netio.RouterAdvertisement
	Interval time.Duration // between two unasked ones, 4 s..1800 s, RFC 4861 §6.2.1
}

// RFC 4861 §10.
const (
	initialAdvertisements        = 3
	initialAdvertisementInterval = 16 * time.Second
	betweenAdvertisements        = 3 * time.Second
	leastAdvertisementInterval   = 4 * time.Second
	mostAdvertisementInterval    = 1800 * time.Second
	mostRouterLifetime           = 9000 * time.Second
)

func (a *Advertise) validate(router vrrp.Config) error {
	if a == nil {
		return nil
	}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case router.Family != vrrp.IPv6:
		fault("router advertisements: they exist for ipv6 only")
	case len(router.Addresses) > 0 && !router.Addresses[0].IsLinkLocalUnicast():
		fault("router advertisements: they come from the first virtual address, which must be link-local (fe80::/10)")
	}
	if a.Interval < leastAdvertisementInterval || a.Interval > mostAdvertisementInterval {
		fault("router advertisements: an interval of %v is outside %v..%v", a.Interval, leastAdvertisementInterval, mostAdvertisementInterval)
	}
	if a.Lifetime != 0 && a.Lifetime < a.Interval || a.Lifetime > mostRouterLifetime {
		fault("router advertisements: a router lifetime of %v is neither 0 nor within the interval %v..%v", a.Lifetime, a.Interval, mostRouterLifetime)
	}
	for _, p := range a.Prefixes {
		if !p.Prefix.Addr().Is6() || p.Prefix.Addr().IsLinkLocalUnicast() || p.Prefix.Addr().IsMulticast() {
			fault("router advertisements: %v is not an IPv6 prefix that hosts can use", p.Prefix)
		}
		if p.Preferred > p.Valid {
			fault("router advertisements: prefix %v is preferred for %v, longer than it is valid (%v)", p.Prefix, p.Preferred, p.Valid)
		}
	}
	return errors.Join(errs...)
}

// advertiser sends the router advertisements of one instance. The zero time
// means that none is due.
type advertiser struct {
	next, last vrrp.Instant
	early      int // how many of the first few are yet to be sent
}

// advertises reports whether router advertisements are this instance's to send.
func (in *instance) advertises() bool {
	return in.config.Advertise != nil && in.router.State() == vrrp.Master && !in.router.Leaving() && in.group.leased
}

// advertiseDeadline is when the next router advertisement is due, 0 for never.
func (in *instance) advertiseDeadline() vrrp.Instant {
	if !in.advertises() {
		return 0
	}
	return in.advertiser.next
}

// beginAdvertising is called when the instance becomes master.
func (in *instance) beginAdvertising(now vrrp.Instant) {
	in.advertiser = advertiser{next: now, early: initialAdvertisements}
}

// advertise sends a router advertisement if one is due. Deviates from RFC 4861
// §6.2.4 and §6.2.6, which spread advertisements and answers at random so that
// many routers on a link do not speak at once: here one speaks, the owner.
//
// When the master fails none says so: its hosts keep their router, which lives
// on elsewhere.
func (e *Engine) advertise(in *instance) {
	due := in.advertiseDeadline()
	if due == 0 {
		return // as for nearly all: not even the clock is read
	}
	now, a := e.now(), &in.advertiser
	if now.Before(due) {
		return
	}
	e.outbox.addOther(in.place, netio.AppendRouterAdvertisement(nil, in.mac, in.virtualLinkLocal(), in.config.Advertise.RouterAdvertisement))
	interval := in.config.Advertise.Interval
	if a.early > 0 {
		a.early--
		interval = min(interval, initialAdvertisementInterval)
	}
	a.last, a.next = now, now.Add(interval)
}

// solicited brings the next router advertisement forward, because a host on the
// interface asks for one.
func (e *Engine) solicited(s netio.RouterSolicitation) {
	for _, in := range e.instances {
		if in.ifindex != s.Interface || !in.advertises() {
			continue
		}
		a := &in.advertiser
		a.next = min(a.next, max(e.now(), a.last.Add(betweenAdvertisements)))
	}
}

// virtualLinkLocal is the first virtual address of an IPv6 router, RFC 9568 §5.2.9.
func (in *instance) virtualLinkLocal() netip.Addr { return in.config.Router.Addresses[0] }

// advertisingInterfaces lists where somebody may ask for advertisements.
func (e *Engine) advertisingInterfaces() []int { return advertisingInterfaces(e.instances) }

func advertisingInterfaces(instances []*instance) []int {
	var list []int
	for _, in := range instances {
		if in.config.Advertise != nil && in.plugged() {
			list = append(list, in.ifindex)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// solicitations are the questions of hosts for router advertisements.
type solicitations struct {
	questions  <-chan netio.RouterSolicitation // nil: nobody listens
	interfaces []int
	stop       context.CancelFunc
}

// watch begins to listen on the interfaces, if there are any.
func (s *solicitations) watch(ctx context.Context, world World, interfaces []int) error {
	if len(interfaces) == 0 {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	questions, err := world.Solicitations(ctx, interfaces)
	if err != nil {
		stop()
		return err
	}
	*s = solicitations{questions, interfaces, stop}
	return nil
}

// finish ends listening, and waits for that.
func (s *solicitations) finish() {
	if s.stop != nil {
		s.stop()
		awaitClosed(s.questions)
	}
}
