package netio

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// UnicastPacket is one IP packet of protocol 112 that was sent to an address of this host.
type UnicastPacket struct {
	// Interface is the index of the interface that it came in by. The same link-local addresses may be in use on
	// several.
	Interface int
	// Source and Destination have no zone.
	Source, Destination netip.Addr
	// TTL is the IPv6 hop limit as well.
	TTL uint8
	// At is the time of arrival on CLOCK_BOOTTIME, before any queue.
	At time.Duration
	// PDU is what follows the IP headers, unchecked. It is valid during the call.
	PDU []byte
}

// Unicast exchanges adverts with peers through the routing table (not in RFC 9568; keepalived's unicast_peer). It
// belongs to no multicast group and hears nothing that is sent to one.
//
// Anybody who can reach this host can send to it: the reader must look at Source, whatever a filter lets through. One goroutine may call Drain; Send is
// for any.
type Unicast struct {
	sockets   [2]*unicastSocket // IPv4, IPv6
	readiness *readiness
}

// OpenUnicast opens sockets of both families in the network namespace of the calling thread. In a kernel without IPv6
// the IPv4 one works, and Send to an IPv6 address fails. filter, if not nil, is told of each socket before it is read,
// to keep out of its queue what is not for the reader.
func OpenUnicast(filter func(socket int) error) (*Unicast, error) {
	v4, err := openUnicast4()
	if err != nil {
		return nil, fmt.Errorf("open a raw IPv4 socket for unicast adverts: %w", err)
	}
	v6, err := openUnicast6()
	if errors.Is(err, unix.EAFNOSUPPORT) {
		v6, err = &unicastSocket{fd: -1}, nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a raw IPv6 socket for unicast adverts: %w", err), v4.close())
	}
	for _, s := range []*unicastSocket{v4, v6} {
		if filter == nil || s.fd < 0 {
			continue
		}
		if err := filter(s.fd); err != nil {
			return nil, errors.Join(err, v4.close(), v6.close())
		}
	}
	return newUnicast(v4, v6)
}

func newUnicast(v4, v6 *unicastSocket) (*Unicast, error) {
	readiness, err := watchReadiness(v4.fd, v6.fd)
	if err != nil {
		return nil, errors.Join(err, v4.close(), v6.close())
	}
	return &Unicast{[2]*unicastSocket{v4, v6}, readiness}, nil
}

// Ready receives when there is something to drain: once, until it was drained.
func (u *Unicast) Ready() <-chan struct{} { return u.readiness.ready }

// Drain calls do for every packet that there was when it was called, for those of one family in order, and does not
// block. Most of those that come meanwhile are for the next call: a flood must not keep the caller from everything else.
func (u *Unicast) Drain(do func(UnicastPacket)) error {
	defer u.readiness.drained()
	var errs []error
	for _, socket := range u.sockets {
		if err := socket.drain(do); err != nil {
			errs = append(errs, fmt.Errorf("receive unicast adverts: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Send sends pdu, a complete VRRP advertisement, from source, an address of this host, to destination, of the same
// family, through the routing table. It leaves with TTL or hop limit 255. ifindex is the interface to use when one of
// the addresses is link-local; otherwise it is not looked at. It never blocks. Without error the kernel has taken the
// packet: it reports a missing route (ENETUNREACH), a source that is not this host's (ENETUNREACH, for IPv6 EINVAL) and
// a firewall that refuses (EPERM), but neither a neighbour that does not answer nor a queue that is full, as routers on
// the way do not either. The error wraps ErrNoRoute where it is the way that is missing, and not the source.
func (u *Unicast) Send(ifindex int, source, destination netip.Addr, pdu []byte) error {
	if !source.IsLinkLocalUnicast() && !destination.IsLinkLocalUnicast() {
		ifindex = 0
	}
	err := u.send(ifindex, source, destination, pdu)
	if err == nil {
		return nil
	}
	if (errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH)) && isOwn(source) {
		err = fmt.Errorf("%w: %w", ErrNoRoute, err)
	}
	return fmt.Errorf("send an advert from %s to %s: %w", source, destination, err)
}

// ErrNoRoute is wrapped by Send's error when the routing table has no way to the peer.
var ErrNoRoute = errors.New("no route to the peer")

// isOwn reports whether the address is one of this host. For IPv4 the kernel says of a foreign source, too, that the
// network is unreachable.
func isOwn(a netip.Addr) bool {
	if !a.Is4() {
		return true
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet4{Addr: a.As4()}) == nil
}

func (u *Unicast) send(ifindex int, source, destination netip.Addr, pdu []byte) error {
	switch {
	case source.Is4() && destination.Is4():
		info := unix.PktInfo4(&unix.Inet4Pktinfo{Ifindex: int32(ifindex), Spec_dst: source.As4()})
		return unix.Sendmsg(u.sockets[0].fd, pdu, info, &unix.SockaddrInet4{Addr: destination.As4()}, unix.MSG_DONTWAIT)
	case source.Is6() && destination.Is6() && u.sockets[1].fd < 0:
		return fmt.Errorf("this kernel runs without IPv6: %w", unix.EAFNOSUPPORT)
	case source.Is6() && destination.Is6():
		info := unix.PktInfo6(&unix.Inet6Pktinfo{Ifindex: uint32(ifindex), Addr: source.As16()})
		return unix.Sendmsg(u.sockets[1].fd, pdu, info, &unix.SockaddrInet6{Addr: destination.As16()}, unix.MSG_DONTWAIT)
	}
	return fmt.Errorf("the addresses are not of one family: %w", unix.EAFNOSUPPORT)
}

// Close frees everything. Ready receives nothing more; neither Drain nor Send may be called afterwards.
func (u *Unicast) Close() error {
	return errors.Join(u.readiness.close(), u.sockets[0].close(), u.sockets[1].close())
}
