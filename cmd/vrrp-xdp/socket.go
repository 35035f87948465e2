package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
)

// listenPrivately makes a socket that is its user's alone from the first moment:
// by the umask of a thread that has one to itself.
func listenPrivately(path string) (l net.Listener, err error) {
	thread.Apart(func() {
		if err = unix.Unshare(unix.CLONE_FS); err != nil {
			return
		}
		unix.Umask(0o177)
		l, err = net.Listen("unix", path)
	})
	return l, err
}

// ownListener hangs up on whoever is neither root nor the daemon's user, whatever
// has become of the socket's mode.
type ownListener struct {
	net.Listener
	log *slog.Logger
}

// Accept waits for one of ours.
func (l ownListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, err := peerUser(c)
		if err == nil && (uid == 0 || uid == uint32(os.Geteuid())) {
			return c, nil
		}
		l.log.Warn("somebody else asks at the control socket: refused", "uid", uid, "error", err)
		_ = c.Close()
	}
}

// peerUser is who has connected.
func peerUser(c net.Conn) (uint32, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0, fmt.Errorf("a peer without credentials, at %v", c.LocalAddr())
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var failure error
	if err := raw.Control(func(fd uintptr) {
		credentials, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if failure != nil {
		return 0, fmt.Errorf("who asks at the control socket: %w", failure)
	}
	return credentials.Uid, nil
}
