package netio

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// memberships holds the sockets that hold the memberships: the kernel ends a membership with its socket, also when
// the daemon is killed.
type memberships struct {
	fds []int
}

// Join makes the interface deliver what the virtual routers on it need: multicast groups of either family, at the IP
// level (so that IGMP or MLD reports them and snooping switches forward them) and in the NIC's filter, and the virtual
// MACs in the NIC's unicast filter. A device without a unicast filter becomes promiscuous while a virtual MAC is joined.
// The same group or MAC twice is as good as once: solicited-node groups of several addresses may coincide.
//
// The interface needs no address and may be down. Everything ends when the answer is closed. Memberships are counted:
// to change those of an interface, join the new set and then close the old, and nothing is missed in between.
// It runs in the network namespace of the calling thread.
func Join(ifindex int, groups []netip.Addr, macs ...[6]byte) (io.Closer, error) {
	m := &memberships{}
	err := m.joinGroups(ifindex, groups)
	if err == nil {
		err = m.joinLinkLayer(ifindex, groups, macs)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *memberships) joinGroups(ifindex int, groups []netip.Addr) error {
	sockets := make(map[int]int) // by address family
	joined := make(map[netip.Addr]bool)
	for _, group := range groups {
		if !group.IsMulticast() || group.Zone() != "" {
			return fmt.Errorf("join group %s on interface %d: not a multicast group without a zone", group, ifindex)
		}
		if joined[group] {
			continue
		}
		joined[group] = true
		if err := m.joinGroup(sockets, ifindex, group); err != nil {
			return fmt.Errorf("join %s on interface %d: %w", group, ifindex, err)
		}
	}
	return nil
}

// joinGroup takes a further socket when one is full: an IPv4 socket may hold net.ipv4.igmp_max_memberships groups, an
// IPv6 socket as many as net.core.optmem_max has room for.
func (m *memberships) joinGroup(sockets map[int]int, ifindex int, group netip.Addr) error {
	family := unix.AF_INET6
	if group.Is4() {
		family = unix.AF_INET
	}
	if fd, ok := sockets[family]; ok {
		err := addMembership(fd, ifindex, group)
		if !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.ENOMEM) {
			return err
		}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	m.fds = append(m.fds, fd)
	sockets[family] = fd
	return addMembership(fd, ifindex, group)
}

func addMembership(fd, ifindex int, group netip.Addr) error {
	if group.Is4() {
		request := &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(ifindex)}
		return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, request)
	}
	request := &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(ifindex)}
	return unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, request)
}

func (m *memberships) joinLinkLayer(ifindex int, groups []netip.Addr, macs [][6]byte) error {
	fd, err := openPacketSocket()
	if err != nil {
		return err
	}
	m.fds = append(m.fds, fd)
	for _, group := range groups {
		if err := addToFilter(fd, ifindex, unix.PACKET_MR_MULTICAST, groupMAC(group)); err != nil {
			return err
		}
	}
	for _, mac := range macs {
		if err := addToFilter(fd, ifindex, unix.PACKET_MR_UNICAST, mac); err != nil {
			return err
		}
	}
	return nil
}

func addToFilter(fd, ifindex int, kind uint16, mac [6]byte) error {
	request := &unix.PacketMreq{Ifindex: int32(ifindex), Type: kind, Alen: uint16(len(mac))}
	copy(request.Address[:], mac[:])
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, request); err != nil {
		return fmt.Errorf("add %x to the receive filter of interface %d: %w", mac, ifindex, err)
	}
	return nil
}

// Keep has the memberships outlive the execution of another program in this process, and returns the descriptors that
// hold them: whoever runs then closes these.
func (m *memberships) Keep() ([]int, error) {
	for _, fd := range m.fds {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return nil, fmt.Errorf("keep a membership socket: %w", err)
		}
	}
	return m.fds, nil
}

// Close ends the memberships. A second call does nothing.
func (m *memberships) Close() error {
	var errs []error
	for _, fd := range m.fds {
		if err := unix.Close(fd); err != nil {
			errs = append(errs, fmt.Errorf("close a membership socket: %w", err))
		}
	}
	m.fds = nil
	return errors.Join(errs...)
}
