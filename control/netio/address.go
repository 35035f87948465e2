package netio

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Address is one IPv4 address of an interface.
type Address struct {
	// Prefix is the address itself with its prefix length.
	Prefix netip.Prefix
	Label  string
	// Marked says that a vrrp-xdp put it there. Kernels before 5.18 do not keep the mark.
	Marked bool

	scope  uint8
	subnet netip.Prefix
}

// Addresses puts virtual addresses on interfaces and takes them off. It may be used from several goroutines.
//
// The kernel removes a primary address together with the other addresses of its subnet, be they virtual or the host's
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

// Add puts the IPv4 address of prefix on the interface, marked as ours, with global scope and no broadcast address.
// label may be empty; the kernel takes up to 15 bytes. added is false when the address was there already with this
// prefix length, whoever put it there.
func (a *Addresses) Add(ifindex int, prefix netip.Prefix, label string) (added bool, err error) {
	if err := a.promoteSecondaries(ifindex); err != nil {
		return false, fmt.Errorf("add address %s to interface %d: %w", prefix, ifindex, err)
	}
	request, err := addressRequest(ifindex, prefix)
	if err != nil {
		return false, err
	}
	request = append(request, nl.NewRtAttr(ifaProto, []byte{protocolVRRP}))
	if label != "" {
		request = append(request, nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(label)))
	}
	err = a.route.change(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, request...)
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add address %s to interface %d: %w", prefix, ifindex, err)
	}
	return true, nil
}

// Remove takes the IPv4 address of prefix off the interface, and no other, whoever put it there. It is no error when
// the address, or the interface with it, is gone already.
func (a *Addresses) Remove(ifindex int, prefix netip.Prefix) error {
	request, err := addressRequest(ifindex, prefix)
	if err != nil {
		return err
	}
	if err = a.promoteSecondaries(ifindex); err == nil {
		err = a.route.change(unix.RTM_DELADDR, 0, request...)
	}
	if err == nil || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return fmt.Errorf("remove address %s from interface %d: %w", prefix, ifindex, err)
}

// List returns the IPv4 addresses of the interface in the kernel's order.
func (a *Addresses) List(ifindex int) ([]Address, error) {
	return a.route.addresses(ifindex)
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

func addressRequest(ifindex int, prefix netip.Prefix) ([]nl.NetlinkRequestData, error) {
	if !prefix.IsValid() || !prefix.Addr().Is4() {
		return nil, fmt.Errorf("address %s for interface %d: not an IPv4 address with a prefix length", prefix, ifindex)
	}
	header := nl.NewIfAddrmsg(unix.AF_INET)
	header.Prefixlen = uint8(prefix.Bits())
	header.Scope = unix.RT_SCOPE_UNIVERSE
	header.Index = uint32(ifindex)
	ip := prefix.Addr().AsSlice()
	return []nl.NetlinkRequestData{header, nl.NewRtAttr(unix.IFA_LOCAL, ip), nl.NewRtAttr(unix.IFA_ADDRESS, ip)}, nil
}
