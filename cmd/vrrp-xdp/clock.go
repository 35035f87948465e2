package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// clockWatch tells that somebody has set the time of day.
type clockWatch struct {
	timer *os.File
	set   chan struct{}
}

func watchClock() (*clockWatch, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch the clock: %w", err)
	}
	return &clockWatch{os.NewFile(uintptr(fd), "clock"), make(chan struct{}, 1)}, nil
}

// run watches until ctx is done. The timer never expires: all that it is there for
// is that the kernel takes it back when the clock is set.
func (c *clockWatch) run(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { _ = c.timer.Close() })()
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32 << 2}}
	buffer := make([]byte, 8)
	for ctx.Err() == nil {
		err := c.arm(&never)
		if err == nil {
			_, err = c.timer.Read(buffer)
		}
		if !errors.Is(err, unix.ECANCELED) {
			return // the watch is over
		}
		select {
		case c.set <- struct{}{}:
		default: // told already
		}
	}
}

func (c *clockWatch) arm(at *unix.ItimerSpec) error {
	conn, err := c.timer.SyscallConn()
	if err != nil {
		return err
	}
	var armed error
	err = conn.Control(func(fd uintptr) {
		armed = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, at, nil)
	})
	return errors.Join(err, armed)
}

// openLedger opens what a daemon remembers of signed adverts. One that is started
// again, or another version, finds it there.
func openLedger(socket string, anew bool) (control.Ledger, error) {
	dir, err := datapath.RunDir()
	if err != nil {
		return nil, err
	}
	l, err := control.OpenLedger(filepath.Join(dir, socket+".signed"), anew)
	if err != nil {
		return nil, err
	}
	return l, nil
}
