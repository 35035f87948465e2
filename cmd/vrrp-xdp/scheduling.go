package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
)

// schedule gives the process the scheduling that the configuration asks for.
// Threads that begin later inherit it.
func schedule(g config.Global) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list the threads of this process: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		// A thread may have ended since it was listed.
		if err := scheduleThread(id, g); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	if g.NoSwap {
		if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE); err != nil {
			return fmt.Errorf("vrrp_no_swap: lock the memory of this process: %w", err)
		}
	}
	return nil
}

func scheduleThread(id int, g config.Global) error {
	if g.Nice != nil {
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, *g.Nice); err != nil {
			return fmt.Errorf("vrrp_priority %d: %w", *g.Nice, err)
		}
	}
	if g.RealTime > 0 {
		attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: uint32(g.RealTime)}
		if err := unix.SchedSetAttr(id, attr, 0); err != nil {
			return fmt.Errorf("vrrp_rt_priority %d: %w", g.RealTime, err)
		}
	}
	if len(g.CPUs) > 0 {
		var set unix.CPUSet
		for _, cpu := range g.CPUs {
			set.Set(cpu)
		}
		if err := unix.SchedSetaffinity(id, &set); err != nil {
			return fmt.Errorf("vrrp_cpu_affinity %v: %w", g.CPUs, err)
		}
	}
	return nil
}
