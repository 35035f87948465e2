package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
)

// schedule gives the process the scheduling that the configuration asks for.
// Threads that begin later inherit it.
func schedule(g config.Global) error {
	if err := eachThread(ownThreads, func(id int) error { return scheduleThread(id, g) }); err != nil {
		return err
	}
	if g.NoSwap {
		if err := lockMemory(); err != nil {
			return fmt.Errorf("vrrp_no_swap: lock the memory of this process: %w", err)
		}
	}
	return nil
}

// eachThread does something to every thread. It looks again until there is none
// that it has not met: one that was not yet done may have started another
// meanwhile, which has inherited nothing. A thread may have ended since it was
// listed.
func eachThread(list func() ([]int, error), do func(id int) error) error {
	done := make(map[int]bool)
	for met := true; met; {
		threads, err := list()
		if err != nil {
			return err
		}
		met = false
		for _, id := range threads {
			if done[id] {
				continue
			}
			if err := do(id); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			done[id], met = true, true
		}
	}
	return nil
}

func ownThreads() ([]int, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("list the threads of this process: %w", err)
	}
	var threads []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			threads = append(threads, id)
		}
	}
	return threads, nil
}

// lockMemory keeps what is in memory there, and what comes into it. A limit would
// end the process at the next allocation that goes beyond, so there must be none.
// What Go only reserves is not filled for that.
func lockMemory() error {
	effective, _, err := ownCapabilities()
	if err != nil {
		return err
	}
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited); err != nil && !effective.has(1<<unix.CAP_IPC_LOCK) {
		return fmt.Errorf("raise the limit of locked memory (LimitMEMLOCK= of a unit): %w", err)
	}
	return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}

// realTimePriority is that of a daemon that is told to be real-time, and not how
// much: before all ordinary processes, behind the kernel's own threads.
const realTimePriority = 10

// scheduleRealTime does as --realtime says what the file has left open. A kernel or
// a container that does not allow it is no reason not to serve.
func scheduleRealTime(g config.Global, log *slog.Logger) {
	if g.RealTime == 0 {
		if err := schedule(config.Global{RealTime: realTimePriority}); err != nil {
			log.Warn("this daemon competes with ordinary processes: under load it may be late, and lose its leases", "error", err)
		}
	}
	if !g.NoSwap {
		if err := schedule(config.Global{NoSwap: true}); err != nil {
			log.Warn("this daemon may be swapped out: then it is late, and may lose its leases", "error", err)
		}
	}
}

// beOrdinary takes back what a trial has inherited from a real-time daemon, which
// would have to wait its turn while the verifier is at work.
func beOrdinary() error {
	ordinary := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}
	return eachThread(ownThreads, func(id int) error { return unix.SchedSetAttr(id, ordinary, 0) })
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
