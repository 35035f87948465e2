package track

import (
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// control prepares a socket before it connects.
type control func(network, address string, c syscall.RawConn) error

// through binds sockets to the interface; "": to none.
func through(device string, more ...func(fd int) error) control {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		failed := c.Control(func(fd uintptr) {
			if device != "" {
				if err = unix.BindToDevice(int(fd), device); err != nil {
					err = fmt.Errorf("bind to interface %s: %w", device, err)
				}
			}
			for i := 0; i < len(more) && err == nil; i++ {
				err = more[i](int(fd))
			}
		})
		if failed != nil {
			return failed
		}
		return err
	}
}

// zoned gives a link-local address the interface as its zone, if it has none.
func zoned(address netip.Addr, device string) netip.Addr {
	if address.Is6() && address.IsLinkLocalUnicast() && address.Zone() == "" && device != "" {
		return address.WithZone(device)
	}
	return address
}
