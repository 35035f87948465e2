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

// Join makes the interface deliver what the virtual routers on it need: the IPv4 multicast group, at the IP level (so
// that IGMP reports it and snooping switches forward it) and in the NIC's filter, and the virtual MACs in the NIC's
// unicast filter. A device without a unicast filter becomes promiscuous while a virtual MAC is joined.
//
// The interface needs no address and may be down. Everything ends when the answer is closed. Memberships are counted:
// to change the MACs of an interface, join the new set and then close the old, and nothing is missed in between.
// It runs in the network namespace of the calling thread.
func Join(ifindex int, group netip.Addr, macs ...[6]byte) (io.Closer, error) {
	if !group.Is4() || !group.IsMulticast() {
		return nil, fmt.Errorf("join group %s on interface %d: not an IPv4 multicast group", group, ifindex)
	}
	m := &memberships{}
	err := m.joinGroup4(ifindex, group)
	if err == nil {
		err = m.joinLinkLayer(ifindex, groupMAC(group), macs)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// joinGroup4 uses a socket of its own per call: a socket may hold only net.ipv4.igmp_max_memberships groups.
func (m *memberships) joinGroup4(ifindex int, group netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket to join %s: %w", group, err)
	}
	m.fds = append(m.fds, fd)
	request := &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(ifindex)}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, request); err != nil {
		return fmt.Errorf("join %s on interface %d: %w", group, ifindex, err)
	}
	return nil
}

func (m *memberships) joinLinkLayer(ifindex int, group [6]byte, macs [][6]byte) error {
	fd, err := openPacketSocket()
	if err != nil {
		return err
	}
	m.fds = append(m.fds, fd)
	if err := addToFilter(fd, ifindex, unix.PACKET_MR_MULTICAST, group); err != nil {
		return err
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
