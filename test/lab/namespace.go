package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namespace is a named network namespace with a netlink connection into it.
type namespace struct {
	name   string
	handle netns.NsHandle
	nl     *netlink.Handle
}

// newNamespace leaves the making to iproute2: it also shares the mount, which `ip netns exec` and `ip netns del` rely on.
func newNamespace(name string) (*namespace, error) {
	if err := command("ip", "netns", "add", name); err != nil {
		return nil, err
	}
	handle, err := netns.GetFromName(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening namespace %s: %w", name, err), removeNamespace(name))
	}
	nl, err := netlink.NewHandleAt(handle, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("netlink in %s: %w", name, err), handle.Close(), removeNamespace(name))
	}
	return &namespace{name: name, handle: handle, nl: nl}, nil
}

func (n *namespace) remove() error {
	n.nl.Close()
	return errors.Join(n.handle.Close(), removeNamespace(n.name))
}

// do runs fn on the calling goroutine, its thread locked and moved into the namespace.
func (n *namespace) do(fn func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("finding the way back from %s: %w", n.name, err)
	}
	defer home.Close()
	if err := netns.Set(n.handle); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering namespace %s: %w", n.name, err)
	}
	defer func() {
		// A thread that is stuck elsewhere must never run other goroutines.
		if err := netns.Set(home); err != nil {
			panic(fmt.Sprintf("lab: leaving namespace %s: %v", n.name, err))
		}
		runtime.UnlockOSThread()
	}()
	return fn()
}

// sysctl writes values below /proc/sys/net of the namespace; keys use slashes.
func (n *namespace) sysctl(settings ...[2]string) error {
	return n.do(func() error {
		for _, s := range settings {
			if err := os.WriteFile(filepath.Join("/proc/sys/net", s[0]), []byte(s[1]), 0); err != nil {
				return fmt.Errorf("sysctl in %s: %w", n.name, err)
			}
		}
		return nil
	})
}

// removeNamespace kills what runs in the namespace, then unlinks it: a live process would keep it, its wires and its
// adverts without a name.
func removeNamespace(name string) error {
	errKill := errors.Join(killInside(name), forget(name))
	if _, err := os.Lstat(filepath.Join(netnsDir, name)); errors.Is(err, fs.ErrNotExist) {
		return errKill
	}
	return errors.Join(errKill, command("ip", "netns", "del", name))
}

// forget removes what a daemon that was killed in the namespace left pinned or listening. Both are filed under the
// number of the namespace, which the kernel will give to another.
func forget(name string) error {
	var inside unix.Stat_t
	if err := unix.Stat(filepath.Join(netnsDir, name), &inside); err != nil {
		return nil
	}
	var errs []error
	for _, dir := range []string{"/sys/fs/bpf/vrrp-xdp", "/run/vrrp-xdp"} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, strconv.FormatUint(inside.Ino, 10))))
		_ = os.Remove(dir) // unless another namespace's are there
	}
	return errors.Join(errs...)
}

// killInside kills until a look finds nobody: a parent may have started a child between the look and the kill.
func killInside(name string) error {
	var inside unix.Stat_t
	if err := unix.Stat(filepath.Join(netnsDir, name), &inside); err != nil {
		return nil
	}
	for range 10 {
		pids := processesIn(inside)
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := killIn(inside, pid); err != nil {
				return fmt.Errorf("killing process %d in %s: %w", pid, name, err)
			}
		}
	}
	return fmt.Errorf("processes in %s keep coming back", name)
}

// processesIn lists the processes of a namespace, except this one and the dead.
func processesIn(ns unix.Stat_t) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid != os.Getpid() && isIn(ns, pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isIn is false for zombies too: they have left their namespace.
func isIn(ns unix.Stat_t, pid int) bool {
	var st unix.Stat_t
	err := unix.Stat(fmt.Sprintf("/proc/%d/ns/net", pid), &st)
	return err == nil && st.Dev == ns.Dev && st.Ino == ns.Ino
}

// killIn kills through a pidfd, looked at again after it was opened: the number cannot pass to another process meanwhile.
func killIn(ns unix.Stat_t, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return ignore(err, unix.ESRCH, unix.EINVAL)
	}
	defer unix.Close(fd)
	if !isIn(ns, pid) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return ignore(err, unix.ESRCH)
	}
	return awaitExit(fd, 5*time.Second)
}

func awaitExit(pidfd int, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		left := max(0, int(time.Until(deadline).Milliseconds()))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, left)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("still there %v after SIGKILL", timeout)
		default:
			return nil
		}
	}
}

func ignore(err error, expected ...error) error {
	for _, e := range expected {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// command runs a tool of the host; its words become part of the error.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %q: %w: %s", name, args, err, out)
	}
	return nil
}
