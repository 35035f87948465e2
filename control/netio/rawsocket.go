package netio

import (
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ancillarySpace is more than everything takes up that the kernel tells about a packet here.
const ancillarySpace = 256

// socketOption is one integer setting of a socket.
type socketOption struct {
	level, name, value int
}

// openRawSocket opens a socket for one IP protocol that never blocks.
func openRawSocket(family, protocol int, options []socketOption) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("set option %d.%d to %d: %w", o.level, o.name, o.value, err)
		}
	}
	return fd, nil
}

// ancillary is what the kernel tells about a packet beside its bytes. What it was not asked for is zero.
type ancillary struct {
	ifindex     int           // where it came in
	destination netip.Addr    // IPv6 only
	hopLimit    uint8         // IPv6 only
	wall        time.Duration // arrival on CLOCK_REALTIME
}

func parseAncillary(control []byte) (ancillary, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return ancillary{}, fmt.Errorf("parse what the kernel tells about a packet: %w", err)
	}
	var a ancillary
	for _, message := range messages {
		switch data := message.Data; [2]int{int(message.Header.Level), int(message.Header.Type)} {
		case [2]int{unix.IPPROTO_IP, unix.IP_PKTINFO}:
			if info, ok := cast[unix.Inet4Pktinfo](data); ok {
				a.ifindex = int(info.Ifindex)
			}
		case [2]int{unix.IPPROTO_IPV6, unix.IPV6_PKTINFO}:
			if info, ok := cast[unix.Inet6Pktinfo](data); ok {
				a.ifindex, a.destination = int(info.Ifindex), netip.AddrFrom16(info.Addr)
			}
		case [2]int{unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT}:
			if hops, ok := cast[int32](data); ok {
				a.hopLimit = uint8(hops)
			}
		case [2]int{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW}:
			if stamp, ok := cast[[2]int64](data); ok {
				a.wall = time.Duration(stamp[0])*time.Second + time.Duration(stamp[1])
			}
		}
	}
	return a, nil
}

// cast reads a value of the kernel's, which may be followed by padding.
func cast[T any](data []byte) (value T, ok bool) {
	size := int(unsafe.Sizeof(value))
	if len(data) < size {
		return value, false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&value)), size), data)
	return value, true
}
