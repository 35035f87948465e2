package track

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// control prepares a socket before it connects.
type control func(network, address string, c syscall.RawConn) error

// through binds sockets to the interface; "": to none. It is the zone of
// link-local addresses, too, that have none.
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
