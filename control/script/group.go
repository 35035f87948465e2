package script

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
)

// await waits until the process ends, but does not take it away: as long as it
// is there, be it as a zombie, the kernel gives the number of its process group
// to nobody else. When ctx ends first, it ends the process group: the cause is
// returned, or errUnkillable.
func await(ctx context.Context, pid int) error {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		awaitZombie(pid)
	}()
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
	}
	signalGroup(pid, unix.SIGTERM)
	if !groupEnds(pid, killAfter) {
		signalGroup(pid, unix.SIGKILL)
		if !groupEnds(pid, giveUpAfter) {
			return errUnkillable
		}
	}
	<-exited
	return context.Cause(ctx)
}

func awaitZombie(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// signalGroup cannot fail in a way that matters: the members are gone, or by
// setuid of their own beyond what the daemon may signal.
func signalGroup(pgid int, signal unix.Signal) {
	_ = thread.Entitled(func() error { return unix.Kill(-pgid, signal) }) // it may be another user's
}

// groupEnds waits for the group to have no living member, but not for long.
func groupEnds(pgid int, patience time.Duration) bool {
	for deadline := time.Now().Add(patience); ; {
		if !groupLives(pgid) {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// groupLives looks for members of the group that are not zombies. Only who was
// told to end is looked for, so a walk through /proc is cheap enough.
func groupLives(pgid int) bool {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return !errors.Is(unix.Kill(-pgid, 0), unix.ESRCH)
	}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err == nil && livesIn(entry.Name(), pgid) {
			return true
		}
	}
	return false
}

// livesIn reads proc_pid_stat(5): pid (name) state ppid pgrp …, where name may
// hold anything.
func livesIn(pid string, pgid int) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return len(fields) > 2 && fields[2] == strconv.Itoa(pgid) && fields[0] != "Z" && fields[0] != "X"
}
