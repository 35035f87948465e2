package netio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// watchBuffer holds the notifications of a storm (a bridge with hundreds of ports going down) until they are read.
	watchBuffer = 1 << 20
	// receiveSize is more than the largest notification that the kernel sends.
	receiveSize = 1 << 16
)

// LinkEvent says that something about an interface changed. Unless Resync is set, Index, Name, Up and MAC are those of
// LinkInfo. Nothing need differ from the event before.
type LinkEvent struct {
	Index int
	Name  string
	Up    bool
	MAC   [6]byte
	// Deleted says that the interface is gone from this namespace.
	Deleted bool
	// AddressChanged says that an IPv4 or IPv6 address came, went or changed.
	AddressChanged bool
	// Resync says that events were lost: read everything again. All other fields are zero.
	Resync bool
}

type watch struct {
	links  *Links
	socket *os.File
	events chan LinkEvent
	buffer [receiveSize]byte
}

// Watch reports changes of links and addresses from now on, in order. Call it before the first question to Link, in a
// thread of the same network namespace, and no change falls between. The channel is closed once ctx has ended
// and everything is released; if it is closed before, the kernel refused to go on. A slow reader loses events, but not the Resync event that says so.
func (l *Links) Watch(ctx context.Context) (<-chan LinkEvent, error) {
	socket, err := subscribe(watchBuffer, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return nil, fmt.Errorf("subscribe to link and address changes: %w", err)
	}
	w := &watch{links: l, socket: socket, events: make(chan LinkEvent)}
	return readUntilDone(ctx, socket, w.events, w.run), nil
}

// subscribe opens a socket for notifications of which it holds that many bytes, as the kernel counts them.
func subscribe(buffer int, groups ...uint) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	address := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	for _, group := range groups {
		address.Groups |= 1 << (group - 1)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer)
	if err == nil {
		err = unix.Bind(fd, address)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "rtnetlink"), nil
}

func (w *watch) run(ctx context.Context) {
	for {
		n, err := w.socket.Read(w.buffer[:])
		if errors.Is(err, unix.ENOBUFS) {
			if !w.drain() || !w.emit(ctx, LinkEvent{Resync: true}) {
				return
			}
			continue
		}
		if err != nil || !w.report(ctx, w.buffer[:n]) {
			return
		}
	}
}

// drain empties the socket: after an overrun the kernel drops whatever comes until it is empty, and what it still
// holds is older than the state that the reader of a Resync event will find.
func (w *watch) drain() bool {
	raw, err := w.socket.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Control(func(fd uintptr) {
		for !errors.Is(err, unix.EAGAIN) {
			_, _, err = unix.Recvfrom(int(fd), w.buffer[:], unix.MSG_DONTWAIT)
		}
	}) == nil
}

// report emits the events of one datagram. It is false when the context ended.
func (w *watch) report(ctx context.Context, datagram []byte) bool {
	messages, err := syscall.ParseNetlinkMessage(datagram)
	if err != nil {
		return w.emit(ctx, LinkEvent{Resync: true})
	}
	for _, message := range messages {
		if event, ok := w.event(message); ok && !w.emit(ctx, event) {
			return false
		}
	}
	return true
}

func (w *watch) emit(ctx context.Context, event LinkEvent) bool {
	select {
	case w.events <- event:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *watch) event(message syscall.NetlinkMessage) (LinkEvent, bool) {
	switch message.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return linkEvent(message)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return w.addressEvent(message.Data)
	}
	return LinkEvent{}, false
}

func linkEvent(message syscall.NetlinkMessage) (LinkEvent, bool) {
	// Bridges report their ports under their own family, and a port that leaves as a deletion.
	if nl.DeserializeIfInfomsg(message.Data).Family != unix.AF_UNSPEC {
		return LinkEvent{}, false
	}
	info, err := parseLink(message.Data)
	if err != nil {
		return LinkEvent{Resync: true}, true
	}
	event := newLinkEvent(info)
	event.Deleted = message.Header.Type == unix.RTM_DELLINK
	return event, true
}

// addressEvent looks the interface up, because an address notification says nothing about it. One that is gone has
// its own event.
func (w *watch) addressEvent(data []byte) (LinkEvent, bool) {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = int32(nl.DeserializeIfAddrmsg(data).Index)
	info, err := w.links.route.link(header)
	if err != nil {
		return LinkEvent{}, false
	}
	event := newLinkEvent(info)
	event.AddressChanged = true
	return event, true
}

func newLinkEvent(info LinkInfo) LinkEvent {
	return LinkEvent{Index: info.Index, Name: info.Name, Up: info.Up, MAC: info.MAC}
}
