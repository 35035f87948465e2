package netio

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	ethernetHeaderLen = 14
	// sendBuffer holds the frames of one tick until the NIC has sent them: 4,096 adverts of 1 KiB of kernel memory each.
	sendBuffer = 4 << 20
	// priorityControl is TC_PRIO_CONTROL: qdiscs with bands send adverts before traffic.
	priorityControl = 7
)

// Frame is one Ethernet frame, header included and checksum excluded, and the index of the interface that sends it.
type Frame struct {
	Interface int
	Bytes     []byte
}

// Sender sends raw Ethernet frames on any interface of its network namespace. It never receives. Frames pass the
// egress hooks and qdiscs of the interface as those of any program do. One goroutine may use it.
type Sender struct {
	fd        int
	messages  []unix.Mmsghdr
	buffers   []unix.Iovec
	addresses []unix.RawSockaddrLinklayer
	errs      []error
	transmit  func(fd int, messages []unix.Mmsghdr) (int, unix.Errno)
}

// NewSender opens a sender in the network namespace of the calling thread.
func NewSender() (*Sender, error) {
	fd, err := openPacketSocket()
	if err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set the send buffer of a packet socket: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, priorityControl); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("set the priority of a packet socket: %w", err)
	}
	return &Sender{fd: fd, transmit: sendmmsg}, nil
}

// openPacketSocket opens an AF_PACKET socket that receives nothing: protocol 0 hooks it to no packet.
func openPacketSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open a packet socket: %w", err)
	}
	return fd, nil
}

// Send hands all frames to their interfaces, in order and in one system call as long as none fails and there are at
// most 1,024. It never blocks. The answer holds one error per frame, nil for a frame that was handed over; it is
// valid until the next call. A frame that fails does not hold up the others. Among the errors:
//
//	ENOBUFS   an egress program or a qdisc dropped the frame
//	EAGAIN    the send buffer is full
//	ENETDOWN  the interface is administratively down
//	ENXIO     there is no such interface
//
// The kernel discards a frame for an interface without carrier and reports no error. Links.Link sees that at once,
// Links.Watch when the kernel announces it, up to a second later.
func (s *Sender) Send(frames []Frame) []error {
	s.prepare(frames)
	for next := 0; next < len(frames); {
		sent, errno := s.transmit(s.fd, s.messages[next:])
		if errno != 0 {
			frame := frames[next]
			s.errs[next] = fmt.Errorf("send %d bytes on interface %d: %w", len(frame.Bytes), frame.Interface, errno)
			sent = 1
		}
		next += sent
	}
	return s.errs
}

// prepare lays out one message per frame. The arrays grow to the largest tick seen and are then reused.
func (s *Sender) prepare(frames []Frame) {
	if n := len(frames); n > cap(s.errs) {
		s.messages = make([]unix.Mmsghdr, n)
		s.buffers = make([]unix.Iovec, n)
		s.addresses = make([]unix.RawSockaddrLinklayer, n)
		s.errs = make([]error, n)
	}
	s.messages, s.errs = s.messages[:len(frames)], s.errs[:len(frames)]
	for i, frame := range frames {
		s.errs[i] = nil
		s.addresses[i] = unix.RawSockaddrLinklayer{
			Family:   unix.AF_PACKET,
			Protocol: etherType(frame.Bytes),
			Ifindex:  int32(frame.Interface),
		}
		s.buffers[i].Base = unsafe.SliceData(frame.Bytes)
		s.buffers[i].SetLen(len(frame.Bytes))
		header := &s.messages[i].Hdr
		header.Name = (*byte)(unsafe.Pointer(&s.addresses[i]))
		header.Namelen = unix.SizeofSockaddrLinklayer
		header.Iov = &s.buffers[i]
		header.SetIovlen(1)
	}
}

// etherType reads the type in network byte order, as the socket address wants it and filters by protocol see it.
func etherType(frame []byte) uint16 {
	if len(frame) < ethernetHeaderLen {
		return 0
	}
	return binary.NativeEndian.Uint16(frame[ethernetHeaderLen-2:])
}

// sendmmsg returns how many messages were sent, at least one, or why the first was not.
func sendmmsg(fd int, messages []unix.Mmsghdr) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(messages))),
		uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// Close releases the socket. The sender is of no use afterwards.
func (s *Sender) Close() error {
	fd := s.fd
	s.fd = -1
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close a packet socket: %w", err)
	}
	return nil
}
