package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// pausesSince are what was seen, on the clock of an episode.
func pausesSince(epoch time.Time, seen []lab.Pause) []pause {
	list := make([]pause, 0, len(seen))
	for _, p := range seen {
		list = append(list, pause{span{p.From.Sub(epoch), p.To.Sub(epoch)}, fmt.Sprintf("a CPU, %d", p.CPU)})
	}
	return list
}

// favourThread asks for real-time scheduling for this thread; where it is
// refused, more of what is seen is void.
func favourThread(priority uint32) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	favour(0, unix.SCHED_FIFO, priority)
}

func favour(thread int, policy, priority uint32) {
	_ = unix.SchedSetAttr(thread, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}, 0)
}

// hog starts programs that do nothing but use all of every CPU.
func hog(h *lab.Host) ([]*lab.Daemon, error) {
	var hogs []*lab.Daemon
	for range 2 * runtime.NumCPU() {
		d, err := h.Start(lab.Command{Name: "hog", Path: "chrt", Args: []string{"--other", "0", "sh", "-c", "while :; do :; done"}})
		if err != nil {
			return hogs, err
		}
		hogs = append(hogs, d)
	}
	return hogs, nil
}

// favourProcess gives this process, its threads to come and its children
// real-time scheduling, below that of the daemons: a thread that measures may
// have to wait for one that holds a lock of Go's runtime, and hogs would keep that
// from running.
func favourProcess() {
	// A thread that was not yet favoured may have started another meanwhile.
	for met, done := true, map[int]bool{}; met; {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return // then more is void
		}
		met = false
		for _, t := range threads {
			if id, err := strconv.Atoi(t.Name()); err == nil && !done[id] {
				favour(id, unix.SCHED_RR, 1)
				done[id], met = true, true
			}
		}
	}
}

func endHogs(hogs []*lab.Daemon) error {
	for _, d := range hogs {
		if err := d.Kill(); err != nil {
			return err
		}
		// Even to end it needs a CPU, which others may have.
		if _, err := d.Wait(time.Minute); err != nil {
			return err
		}
	}
	return nil
}

// clockStepper in the environment makes this program one that steps the clock.
const clockStepper = "CHAOS_CLOCK_STEP"

// stepClock moves the wall clock by step for a while. A process of its own does
// it, in a group of its own and deaf to signals: it puts the clock back whatever
// becomes of this one.
func stepClock(step, length time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d,%d", clockStepper, step, length))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("step the clock by %v: %w: %s", step, err, out)
	}
	return nil
}

// StepClockIfAsked is for the beginning of a program that runs episodes: the
// process that steps the clock does that, and ends here.
func StepClockIfAsked() {
	words := os.Getenv(clockStepper)
	if words == "" {
		return
	}
	var step, length int64
	_, err := fmt.Sscanf(words, "%d,%d", &step, &length)
	if err == nil {
		err = stepAndBack(time.Duration(step), time.Duration(length))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// stepAndBack sets the clock by what it was, and by how long ago that is on
// CLOCK_MONOTONIC: exactly, but for what a time service did meanwhile.
func stepAndBack(step, length time.Duration) error {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	// Two at once would put back what the other has set.
	alone, err := os.Open("/run")
	if err != nil {
		return err
	}
	defer alone.Close()
	if err := unix.Flock(int(alone.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("wait until nobody else steps the clock: %w", err)
	}
	runtime.LockOSThread()
	favourThread(1)
	before, start := clock(unix.CLOCK_REALTIME), clock(unix.CLOCK_MONOTONIC)
	set := func(more time.Duration) error {
		ts := unix.NsecToTimespec(before + (clock(unix.CLOCK_MONOTONIC) - start) + int64(more))
		return unix.ClockSettime(unix.CLOCK_REALTIME, &ts)
	}
	if err := set(step); err != nil {
		return err
	}
	time.Sleep(length)
	return set(0)
}

func clock(id int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic(err) // cannot happen: these clocks exist on every Linux
	}
	return ts.Nano()
}

func inode(f os.FileInfo) string {
	return strconv.FormatUint(f.Sys().(*syscall.Stat_t).Ino, 10)
}
