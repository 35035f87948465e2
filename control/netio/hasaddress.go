package netio

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// HasAddress reports whether the host has the address, on whatever interface; a link-local IPv6 address, on this one.
func (l *Links) HasAddress(ifindex int, a netip.Addr) (bool, error) {
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte(a.AsSlice()[:4])})
	if a.Is6() {
		local := &unix.SockaddrInet6{Addr: a.As16()}
		if a.IsLinkLocalUnicast() {
			local.ZoneId = uint32(ifindex)
		}
		family, to = unix.AF_INET6, local
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("ask whether this host has the address %v: %w", a, err)
	}
	defer unix.Close(fd)
	err = unix.Bind(fd, to)
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask whether this host has the address %v: %w", a, err)
	}
	return true, nil
}
