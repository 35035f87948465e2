package datapath

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const bpffsMount = "/sys/fs/bpf"

// openBPFFS opens the BPF file system whose pins outlive this process.
//
// A mount of it lives as long as the mount namespace that holds it. Under `ip
// netns exec` /sys/fs/bpf is hidden and the namespace is private to the
// command: what is pinned in a mount made there dies with the daemon, the
// programs come off, and a crashed master would answer for its addresses with
// its physical MAC. So where there is no BPF file system in sight, that of
// process 1 is used, and mounted there if need be; or, where we may not look at
// process 1, that of the next best.
func openBPFFS() (*os.File, error) {
	if isBPFFS(bpffsMount) {
		return openDir(bpffsMount)
	}
	for _, pid := range nextBest() {
		root := filepath.Join("/proc", strconv.Itoa(pid), "root")
		if _, err := os.Stat(root + "/."); err != nil {
			continue
		}
		if !isBPFFS(root + bpffsMount) {
			if err := mountFor(pid); err != nil {
				return nil, fmt.Errorf("%w, and it cannot be mounted (mount -t bpf bpf %s): %w", ErrNoBPFFS, bpffsMount, err)
			}
		}
		return openDir(root + bpffsMount)
	}
	return nil, fmt.Errorf("%w: mount -t bpf bpf %s", ErrNoBPFFS, bpffsMount)
}

func openDir(path string) (*os.File, error) {
	// Who may pass through may not be allowed to list it.
	dir, err := os.OpenFile(path, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the BPF file system: %w", err)
	}
	return dir, nil
}

func isBPFFS(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.BPF_FS_MAGIC
}

// nextBest lists processes whose mount namespace may outlive ours: process 1,
// then the others above us, the outermost first, then any, then ourselves.
func nextBest() []int {
	self := os.Getpid()
	var above []int
	for pid := os.Getppid(); pid > 1; pid = parent(pid) {
		above = append(above, pid)
	}
	slices.Reverse(above)
	list := append([]int{1}, above...)
	list = append(list, otherProcesses(self)...)
	return append(list, self)
}

// otherProcesses lists the processes outside our mount namespace, the oldest
// numbers first.
func otherProcesses(self int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	ours := mountNamespace(self)
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if ns := mountNamespace(pid); ns != "" && ns != ours {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// mountNamespace names the mount namespace of a process; "" if we may not know.
func mountNamespace(pid int) string {
	name, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "ns/mnt"))
	if err != nil {
		return ""
	}
	return name
}

func parent(pid int) int {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	// pid (comm) state ppid …; comm may hold anything, also blanks and brackets.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	ppid, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return ppid
}

// mountFor mounts the BPF file system in the mount namespace of pid. A thread
// that has left its mount namespace is no use to anybody else: it ends here.
func mountFor(pid int) error {
	ns, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "ns/mnt"))
	if err != nil {
		return err
	}
	defer ns.Close()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the runtime ends the thread
		done <- mountIn(ns)
	}()
	return <-done
}

func mountIn(ns *os.File) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the shared file system state: %w", err)
	}
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter the mount namespace: %w", err)
	}
	if err := unix.Mount("bpf", bpffsMount, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700"); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}
