package datapath

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now is the present on CLOCK_BOOTTIME, the clock of leases and arrival times.
func Now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("read CLOCK_BOOTTIME: " + err.Error()) // it exists on every kernel that runs BPF
	}
	return time.Duration(ts.Nano())
}
