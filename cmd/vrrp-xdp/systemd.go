package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

// notifyManager tells systemd something, if it is there to be told.
func notifyManager(log *slog.Logger, state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		log.Warn("the service manager cannot be told", "state", state, "error", err)
	}
}

// tellServiceManager says that the daemon is ready once its loop runs, and, if a
// watchdog is asked for, that the loop still does, until ctx is done. A loop
// that hangs has lost its leases by then; the watchdog gets it replaced.
func tellServiceManager(ctx context.Context, engine *control.Engine, log *slog.Logger) {
	if engine.Alive(ctx) != nil {
		return
	}
	notifyManager(log, sd.SdNotifyReady)
	patience, err := sd.SdWatchdogEnabled(false)
	if err != nil || patience == 0 {
		return
	}
	ticker := time.NewTicker(patience / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, patience/3)
		if engine.Alive(asking) == nil {
			notifyManager(log, sd.SdNotifyWatchdog)
		}
		cancel()
	}
}

// reloadingState is how systemd is told that a reload begins: sd_notify(3).
func reloadingState() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // which cannot fail
	return fmt.Sprintf("%s\nMONOTONIC_USEC=%d", sd.SdNotifyReloading, now.Nano()/1000)
}
