package netio

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// RouterSolicitation says that a host asks for a Router Advertisement.
type RouterSolicitation struct {
	// Interface is the index of the interface that it came in by.
	Interface int
	// Source is who asks, :: for a host that has no address yet. It has no zone.
	Source netip.Addr
}

type solicitationWatch struct {
	interfaces []int
	socket     *os.File
	events     chan RouterSolicitation
	data       [2048]byte
	control    [ancillarySpace]byte
}

// WatchRouterSolicitations reports the valid Router Solicitations (RFC 4861 §6.1.1) that arrive on the interfaces, which
// join the group of all routers for it. It runs in the network namespace of the calling thread. The channel is closed
// once ctx has ended and everything is released; if it is closed before, the kernel refused to go on. A slow reader
// loses some, and hosts ask again.
func WatchRouterSolicitations(ctx context.Context, ifindexes []int) (<-chan RouterSolicitation, error) {
	socket, err := openSolicitationSocket(ifindexes)
	if err != nil {
		return nil, fmt.Errorf("listen for router solicitations: %w", err)
	}
	w := &solicitationWatch{interfaces: slices.Clone(ifindexes), socket: socket, events: make(chan RouterSolicitation)}
	return readUntilDone(ctx, socket, w.events, w.run), nil
}

func openSolicitationSocket(ifindexes []int) (*os.File, error) {
	fd, err := openRawSocket(unix.AF_INET6, unix.IPPROTO_ICMPV6, []socketOption{
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0},
		{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
	})
	if err != nil {
		return nil, err
	}
	if err = admitOnly(fd, icmpRouterSolicitation); err == nil {
		err = joinAllRouters(fd, ifindexes)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "router solicitations"), nil
}

// admitOnly lets one type of ICMPv6 message in: a bit that is set keeps its type out.
func admitOnly(fd, kind int) error {
	var filter unix.ICMPv6Filter
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0)
	}
	filter.Data[kind/32] &^= 1 << (kind % 32)
	return os.NewSyscallError("setsockopt", unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &filter))
}

// joinAllRouters takes interfaces that are named twice as good as once.
func joinAllRouters(fd int, ifindexes []int) error {
	for _, ifindex := range ifindexes {
		if err := addMembership(fd, ifindex, allRouters); err != nil && !errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("join %s on interface %d: %w", allRouters, ifindex, err)
		}
	}
	return nil
}

func (w *solicitationWatch) run(ctx context.Context) {
	raw, err := w.socket.SyscallConn()
	if err != nil {
		return
	}
	for {
		var event RouterSolicitation
		var valid bool
		readable := raw.Read(func(fd uintptr) bool {
			event, valid, err = w.receive(int(fd))
			return !errors.Is(err, unix.EAGAIN)
		})
		if readable != nil || err != nil {
			return
		}
		if valid && !w.emit(ctx, event) {
			return
		}
	}
}

func (w *solicitationWatch) emit(ctx context.Context, event RouterSolicitation) bool {
	select {
	case w.events <- event:
		return true
	case <-ctx.Done():
		return false
	}
}

// receive reads one message. The kernel has checked its checksum. One that was sent to an address of ours may have come
// in by any interface.
func (w *solicitationWatch) receive(fd int) (event RouterSolicitation, valid bool, err error) {
	n, controlLen, _, from, err := unix.Recvmsg(fd, w.data[:], w.control[:], 0)
	if err != nil {
		return event, false, err
	}
	told, err := parseAncillary(w.control[:controlLen])
	if err != nil {
		return event, false, err
	}
	sender, ok := from.(*unix.SockaddrInet6)
	if !ok || !slices.Contains(w.interfaces, told.ifindex) {
		return event, false, nil
	}
	event = RouterSolicitation{Interface: told.ifindex, Source: netip.AddrFrom16(sender.Addr)}
	return event, validSolicitation(event.Source, told.hopLimit, w.data[:n]), nil
}

// validSolicitation checks a Router Solicitation as RFC 4861 §6.1.1 demands.
func validSolicitation(source netip.Addr, hopLimit uint8, message []byte) bool {
	const headerLen = 8
	if hopLimit != ttl || len(message) < headerLen || message[0] != icmpRouterSolicitation || message[1] != 0 {
		return false
	}
	for options := message[headerLen:]; len(options) > 0; {
		if len(options) < optionUnit {
			return false
		}
		length := int(options[1]) * optionUnit
		if length == 0 || length > len(options) || options[0] == optionSourceLinkLayer && source.IsUnspecified() {
			return false
		}
		options = options[length:]
	}
	return true
}
