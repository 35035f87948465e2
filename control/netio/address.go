package netio

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// Address is one IPv4 or IPv6 address of an interface.
type Address struct {
	// Prefix is the address itself with its prefix length.
	Prefix netip.Prefix
	// Label is empty for IPv6.
	Label string
	// Marked says that a vrrp-xdp put it there. Kernels before 5.18 do not keep the mark.
	Marked bool

	scope  uint8
	subnet netip.Prefix
	usable bool // duplicate address detection is over, and found no other owner
}

// Addresses puts virtual addresses on interfaces and takes them off. It may be used from several goroutines.
//
// The kernel removes a primary IPv4 address together with the other addresses of its subnet, be they virtual or the host's
// own, unless net.ipv4.conf.IF.promote_secondaries is set. So Add and Remove set it first, where it is not set, and
// Close restores it.
type Addresses struct {
	route    route
	mu       sync.Mutex
	promoted map[int]struct{} // interfaces on which this object set promote_secondaries
}

// NewAddresses works on the interfaces of the network namespace of the calling thread.
func NewAddresses() (*Addresses, error) {
	route, err := openRoute()
	if err != nil {
		return nil, err
	}
	return &Addresses{route: route, promoted: make(map[int]struct{})}, nil
}

// Close restores promote_secondaries where Add or Remove set it and releases the socket. Addresses stay.
func (a *Addresses) Close() error {
	defer a.route.close()
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for ifindex := range a.promoted {
		if err := a.route.setPromotion(ifindex, false); err != nil && !errors.Is(err, unix.ENODEV) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Add puts an address on the interface, marked as ours; its Interface and NoTrack are the caller's business. Unless it
// says otherwise an IPv6 address is not what connections of the host's own start from, unless there is no other: they
// would not survive a failover. Nor is it tested for duplicates, because the master of the moment may well have it too;
// with DAD it can be used about a second later. added is false when the address was there already, whoever put it there:
// for IPv4 with this prefix length, for IPv6 with any.
func (a *Addresses) Add(ifindex int, address iproute.Address) (added bool, err error) {
	prefix := address.Prefix
	request, err := newAddress(ifindex, address)
	if err != nil {
		return false, err
	}
	if err = a.spareOthers(ifindex, prefix); err == nil {
		err = a.route.change(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, request...)
	}
	switch {
	case err == nil && prefix.Addr().Is6() && !address.DAD:
		return true, a.route.addLocalRoute(ifindex, prefix.Addr())
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EEXIST):
		return false, nil
	}
	return false, fmt.Errorf("add address %s to interface %d: %w%s", prefix, ifindex, err, remedy(err, prefix))
}

// remedy says what to do about an error of Add, where that is known.
func remedy(err error, prefix netip.Prefix) string {
	switch {
	case errors.Is(err, unix.EACCES) && prefix.Addr().Is6():
		return ": set net.ipv6.conf.INTERFACE.disable_ipv6 to 0"
	case errors.Is(err, unix.EINVAL) && prefix.Addr().Is4():
		return ": all addresses of a subnet must have the same scope on an interface"
	}
	return ""
}

// Remove takes the address of prefix off the interface, and no other, whoever put it there. It is no error when the
// address, or the interface with it, is gone already: the kernel itself removes IPv6 addresses from an interface that is
// set down.
func (a *Addresses) Remove(ifindex int, prefix netip.Prefix) error {
	request, err := addressRequest(ifindex, prefix, prefix.Addr())
	if err != nil {
		return err
	}
	if prefix.Addr().Is6() {
		if err := a.route.removeLocalRoute(ifindex, prefix.Addr()); err != nil {
			return err
		}
	}
	if err = a.spareOthers(ifindex, prefix); err == nil {
		err = a.route.change(unix.RTM_DELADDR, 0, request...)
	}
	if errors.Is(err, unix.EADDRNOTAVAIL) && prefix.Addr().Is4() {
		err = a.removeWithPeer(ifindex, prefix)
	}
	// ENXIO: the interface has no IPv6 at all, as happens when its MTU falls below 1280.
	if err == nil || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil
	}
	return fmt.Errorf("remove address %s from interface %d: %w", prefix, ifindex, err)
}

// removeWithPeer takes an IPv4 address off that has another one as its other end: the kernel wants to be told its subnet.
func (a *Addresses) removeWithPeer(ifindex int, prefix netip.Prefix) error {
	addresses, err := a.List(ifindex)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(addresses, func(a Address) bool { return a.Prefix == prefix })
	if i < 0 {
		return unix.EADDRNOTAVAIL
	}
	request, err := addressRequest(ifindex, prefix, addresses[i].subnet.Addr())
	if err != nil {
		return err
	}
	return a.route.change(unix.RTM_DELADDR, 0, request...)
}

// List returns the IPv4 and IPv6 addresses of the interface in the kernel's order.
func (a *Addresses) List(ifindex int) ([]Address, error) {
	return a.route.addresses(ifindex)
}

// spareOthers sees to it that removing the address of prefix removes no other one. Of IPv6 addresses none depends on
// another.
func (a *Addresses) spareOthers(ifindex int, prefix netip.Prefix) error {
	if prefix.Addr().Is6() {
		return nil
	}
	return a.promoteSecondaries(ifindex)
}

// promoteSecondaries makes the removal of one address spare the others. It writes only where it must, because every
// write makes the kernel announce a change of the link.
func (a *Addresses) promoteSecondaries(ifindex int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	set, err := a.route.promotion(ifindex)
	if err != nil || set {
		return err
	}
	if err := a.route.setPromotion(ifindex, true); err != nil {
		return err
	}
	a.promoted[ifindex] = struct{}{}
	return nil
}
