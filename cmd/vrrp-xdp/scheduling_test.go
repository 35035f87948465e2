package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// scheduled is set in a process that is only there to be scheduled.
const scheduled = "VRRP_XDP_TEST_SCHEDULED"

func TestARealTimeDaemonIsOneInAllItsThreadsAndStaysInMemory(t *testing.T) {
	if os.Getenv(scheduled) != "" {
		scheduleRealTime(config.Global{}, slog.New(slog.NewTextHandler(os.Stdout, nil)))
		tellScheduling()
		return
	}
	out := inAnotherProcess(t)
	for _, bad := range []string{"policy 0", "level=WARN", "locked 0 kB"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q is in:\n%s", bad, out)
		}
	}
	if !strings.Contains(out, fmt.Sprintf("policy %d priority %d", unix.SCHED_RR, realTimePriority)) {
		t.Errorf("no thread is real-time:\n%s", out)
	}
}

func TestTheTrialOfARealTimeDaemonIsOrdinary(t *testing.T) {
	if os.Getenv(scheduled) != "" {
		scheduleRealTime(config.Global{}, slog.New(slog.NewTextHandler(os.Stdout, nil)))
		if err := beOrdinary(); err != nil {
			fmt.Println(err)
		}
		tellScheduling()
		return
	}
	if out := inAnotherProcess(t); strings.Contains(out, fmt.Sprint("policy ", unix.SCHED_RR)) || !strings.Contains(out, "policy 0 priority 0") {
		t.Errorf("its threads are:\n%s", out)
	}
}

// inAnotherProcess runs the test once more, with scheduled set, and returns what it prints.
func inAnotherProcess(t *testing.T) string {
	t.Helper()
	lab.NeedRoot(t)
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), scheduled+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// tellScheduling prints how every thread is scheduled, and how much memory is locked.
func tellScheduling() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		fmt.Println(err)
	}
	for _, thread := range threads {
		var id int
		if _, err := fmt.Sscan(thread.Name(), &id); err != nil {
			continue
		}
		if attr, err := unix.SchedGetAttr(id, 0); err == nil {
			fmt.Println("policy", attr.Policy, "priority", attr.Priority)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println(err)
	}
	for line := range strings.Lines(string(status)) {
		if locked, ok := strings.CutPrefix(line, "VmLck:"); ok {
			fmt.Println("locked", strings.TrimSpace(locked))
		}
	}
}

// A thread that is not real-time may hold a lock of Go's runtime when a hog keeps
// it from running: a loop was 90 ms late for that.
func TestAThreadThatStartedMeanwhileIsScheduledToo(t *testing.T) {
	threads := []int{1, 2}
	times := make(map[int]int)
	err := eachThread(func() ([]int, error) { return threads, nil }, func(id int) error {
		times[id]++
		switch id {
		case 2:
			threads = []int{1, 2, 3} // 2 has started it before it was done itself
		case 3:
			threads = []int{1, 2}
			return unix.ESRCH
		}
		return nil
	})
	if err != nil || times[1] != 1 || times[2] != 1 || times[3] != 1 {
		t.Errorf("scheduled %v times, %v; want each thread once", times, err)
	}
	if err := eachThread(ownThreads, func(int) error { return unix.EPERM }); err == nil {
		t.Error("what is not permitted is no error")
	}
}
