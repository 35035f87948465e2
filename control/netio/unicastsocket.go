package netio

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// unicastBuffer holds what hundreds of peers send while the reader is kept from running. The kernel doubles it.
	unicastBuffer = 1 << 20
	// drainLimit is more packets than the buffer can hold: each takes up more than 512 bytes of kernel memory.
	drainLimit = 2 * unicastBuffer / 512
)

// unicastSocket receives and sends the unicast adverts of one family.
type unicastSocket struct {
	fd      int // negative if the kernel does not know the family
	packet  func(data []byte, from unix.Sockaddr, told ancillary) (UnicastPacket, bool)
	emptied time.Duration // CLOCK_BOOTTIME: what is still to be read came later
	data    []byte
	control [ancillarySpace]byte
}

// openUnicast4 sets the priority after the DSCP, which sets one too.
func openUnicast4() (*unicastSocket, error) {
	return openUnicast(unix.AF_INET, packet4, []socketOption{
		{unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
		{unix.IPPROTO_IP, unix.IP_PKTINFO, 1},
		{unix.IPPROTO_IP, unix.IP_TTL, ttl},
		{unix.IPPROTO_IP, unix.IP_TOS, dscpCS6},
	})
}

func openUnicast6() (*unicastSocket, error) {
	return openUnicast(unix.AF_INET6, packet6, []socketOption{
		{unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0},
		{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, ttl},
		{unix.IPPROTO_IPV6, unix.IPV6_TCLASS, dscpCS6},
	})
}

func openUnicast(family int, packet func([]byte, unix.Sockaddr, ancillary) (UnicastPacket, bool), options []socketOption) (*unicastSocket, error) {
	options = append(options,
		socketOption{unix.SOL_SOCKET, unix.SO_PRIORITY, priorityControl},
		socketOption{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1},
		socketOption{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, unicastBuffer},
	)
	s := &unicastSocket{packet: packet, emptied: clock(unix.CLOCK_BOOTTIME), data: make([]byte, 1<<16)}
	var err error
	s.fd, err = openRawSocket(family, protocolVRRP, options)
	return s, err
}

func (s *unicastSocket) drain(do func(UnicastPacket)) error {
	if s.fd < 0 {
		return nil
	}
	for range drainLimit {
		before := clock(unix.CLOCK_BOOTTIME)
		n, controlLen, _, from, err := unix.Recvmsg(s.fd, s.data, s.control[:], unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			s.emptied = before
			return nil
		}
		if err != nil {
			return err
		}
		told, err := parseAncillary(s.control[:controlLen])
		if err != nil {
			return err
		}
		if packet, ok := s.packet(s.data[:n], from, told); ok && !packet.Destination.IsMulticast() {
			packet.Interface, packet.At = told.ifindex, s.arrival(told.wall)
			do(packet)
		}
	}
	return nil
}

// arrival translates the kernel's stamp, which exists on CLOCK_REALTIME only, by what that clock shows now. If it was
// set since the packet arrived, the answer is wrong by as much: so it is held within what is known for certain. A
// preemption between the two readings makes the packet seem younger, which delays a takeover but starts none too early.
func (s *unicastSocket) arrival(stamp time.Duration) time.Duration {
	age := clock(unix.CLOCK_REALTIME) - stamp
	now := clock(unix.CLOCK_BOOTTIME)
	return within(s.emptied, now-age, now)
}

func within(least, t, most time.Duration) time.Duration { return min(max(t, least), most) }

func clock(id int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		panic("read a clock that every kernel has: " + err.Error())
	}
	return time.Duration(t.Nano())
}

func (s *unicastSocket) close() error {
	if s.fd < 0 {
		return nil
	}
	return unix.Close(s.fd)
}

// packet4 takes the IP header off, which IPv4 delivers. The kernel has checked it; what follows is only taken as far as
// the header's own lengths agree with what came.
func packet4(data []byte, _ unix.Sockaddr, _ ancillary) (UnicastPacket, bool) {
	if len(data) < ipv4HeaderLen {
		return UnicastPacket{}, false
	}
	header, total := int(data[0]&0xf)*4, int(binary.BigEndian.Uint16(data[2:]))
	if data[0]>>4 != 4 || header < ipv4HeaderLen || total < header || total > len(data) {
		return UnicastPacket{}, false
	}
	return UnicastPacket{
		Source:      netip.AddrFrom4([4]byte(data[12:])),
		Destination: netip.AddrFrom4([4]byte(data[16:])),
		TTL:         data[8],
		PDU:         data[header:total],
	}, true
}

// packet6 gets no header: the kernel tells what was in it.
func packet6(data []byte, from unix.Sockaddr, told ancillary) (UnicastPacket, bool) {
	source, ok := from.(*unix.SockaddrInet6)
	if !ok || !told.destination.IsValid() {
		return UnicastPacket{}, false
	}
	return UnicastPacket{
		Source:      netip.AddrFrom16(source.Addr),
		Destination: told.destination,
		TTL:         told.hopLimit,
		PDU:         data,
	}, true
}
