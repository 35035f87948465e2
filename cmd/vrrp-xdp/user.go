package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/script"
	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const (
	// needed are the capabilities that are in effect while a daemon runs: for interfaces, addresses
	// and attaching; for raw sockets; for programs and maps.
	needed capabilities = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW | 1<<unix.CAP_BPF
	// loading is in effect besides while the programs are loaded, without which
	// the verifier knows no packet pointer with a variable offset. An upgrade loads
	// again, so it stays permitted.
	loading capabilities = 1 << unix.CAP_PERFMON
	// files stays in effect for root, whose configuration may name files of others.
	files capabilities = 1 << unix.CAP_DAC_OVERRIDE
)

// capabilities is a set of them, as the kernel writes it.
type capabilities uint64

func (c capabilities) has(all capabilities) bool { return c&all == all }

// ownCapabilities are those that this thread has, and may have.
func ownCapabilities() (effective, permitted capabilities, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, 0, fmt.Errorf("read the capabilities of this process: %w", err)
	}
	both := func(low, high uint32) capabilities { return capabilities(low) | capabilities(high)<<32 }
	return both(data[0].Effective, data[1].Effective), both(data[0].Permitted, data[1].Permitted), nil
}

// checkPrivileges gives one clear line in place of the many ways in which what
// follows would fail.
func checkPrivileges() error {
	_, permitted, err := ownCapabilities()
	if err != nil {
		return err
	}
	const instead = 1 << unix.CAP_SYS_ADMIN // of what was split off it in Linux 5.8
	if !permitted.has(needed|loading) && !permitted.has(1<<unix.CAP_NET_ADMIN|1<<unix.CAP_NET_RAW|instead) {
		return fmt.Errorf("attach: %w", datapath.ErrNotPermitted)
	}
	return nil
}

// changeUser becomes the user that is asked for, with the needed capabilities and
// no other, by executing this program again: all its threads are then the same,
// and what it learns it learns with the rights that it will have. It returns when
// there is nothing to change.
func (o daemonOptions) changeUser(links *netio.Links) error {
	user, global, err := o.wanted(links)
	if user == nil || err != nil {
		return err
	}
	_, permitted, err := ownCapabilities()
	switch {
	case err != nil:
		return err
	case isUser(*user) && permitted&^(needed|loading) == 0:
		return nil
	case os.Geteuid() != 0:
		return usage(fmt.Errorf("user %s: the daemon was started as user %d, and only root can become another: start it as root, or as %s", user, os.Geteuid(), user))
	}
	if err := checkPrivileges(); err != nil {
		return err
	}
	if o.realTime {
		// What is not allowed is said later: see scheduleRealTime.
		_ = raiseLimits(config.Global{RealTime: realTimePriority, NoSwap: true})
	}
	return fmt.Errorf("become user %s: %w", user, become(*user, global))
}

// wanted is whom to become; nil: nobody else. What is wrong with the file is said
// later, with the rest.
func (o daemonOptions) wanted(links *netio.Links) (*script.User, config.Global, error) {
	var global config.Global
	if o.described != nil && o.described.path != "" {
		c, report := o.described.load(links)
		if report.Err() != nil {
			return nil, global, nil
		}
		global = c.Global
	}
	if o.user == "" {
		return global.User, global, nil
	}
	name, group, _ := strings.Cut(o.user, ":")
	user, err := script.LookupUser(name, group)
	if err != nil {
		return nil, global, usage(fmt.Errorf("--user: %w", err))
	}
	return &user, global, nil
}

func isUser(u script.User) bool { return os.Geteuid() == int(u.UID) && os.Getegid() == int(u.GID) }

// sameUser refuses a reload that only a start can do.
func sameUser(g config.Global) error {
	if g.User == nil || isUser(*g.User) {
		return nil
	}
	return usage(fmt.Errorf("vrrp_user %s: the daemon runs as user %d of group %d: restart it", g.User, os.Geteuid(), os.Getegid()))
}

// become does not return, but for an error. This thread is then good for nothing.
func become(user script.User, g config.Global) error {
	runtime.LockOSThread()
	if err := errors.Join(datapath.GiveTo(int(user.UID), int(user.GID)), raiseLimits(g)); err != nil {
		return err
	}
	for c := uintptr(0); unix.Prctl(unix.PR_CAPBSET_READ, c, 0, 0, 0) == nil; c++ {
		if (needed | loading).has(1 << c) {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("take capability %d out of reach: %w", c, err)
		}
	}
	if err := takeIdentity(user); err != nil {
		return err
	}
	if err := takeCapabilities(); err != nil {
		return err
	}
	// By its path, for its name is shown; but the user may not get there.
	if path, err := os.Executable(); err == nil {
		_ = unix.Exec(path, os.Args, os.Environ())
	}
	return fmt.Errorf("execute this program again: %w", unix.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// raiseLimits allows by limits what capabilities allow until now: the real-time
// class, a lower nice value and locked memory, as far as they are asked for.
func raiseLimits(g config.Global) error {
	raise := func(resource int, value uint64) error {
		return unix.Setrlimit(resource, &unix.Rlimit{Cur: value, Max: value})
	}
	var errs []error
	if g.RealTime > 0 {
		errs = append(errs, raise(unix.RLIMIT_RTPRIO, uint64(g.RealTime)))
	}
	if g.Nice != nil {
		errs = append(errs, raise(unix.RLIMIT_NICE, uint64(20-*g.Nice)))
	}
	if g.NoSwap {
		errs = append(errs, raise(unix.RLIMIT_MEMLOCK, unix.RLIM_INFINITY))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("raise the limits of this process: %w", err)
	}
	return nil
}

// takeIdentity changes this thread, and keeps its capabilities.
func takeIdentity(user script.User) error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	groups := make([]int, len(user.Groups))
	for i, gid := range user.Groups {
		groups[i] = int(gid)
	}
	if err := unix.Setgroups(groups); err != nil {
		return fmt.Errorf("take its groups: %w", err)
	}
	gid, uid := uintptr(user.GID), uintptr(user.UID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return fmt.Errorf("take group %d: %w", gid, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return fmt.Errorf("take user %d: %w", uid, errno)
	}
	return nil
}

// takeCapabilities lets this thread have those of a daemon only, and what it
// executes too.
func takeCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	sets := capabilitySets(needed|loading, needed|loading)
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("give capabilities up: %w", err)
	}
	for _, c := range []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF, unix.CAP_PERFMON} {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0); err != nil {
			return fmt.Errorf("keep capability %d: %w", c, err)
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// capabilitySets are what capset(2) takes. What may be inherited is what is permitted.
func capabilitySets(effective, permitted capabilities) [2]unix.CapUserData {
	set := func(shift int) unix.CapUserData {
		low := uint32(permitted >> shift)
		return unix.CapUserData{Effective: uint32(effective >> shift), Permitted: low, Inheritable: low}
	}
	return [2]unix.CapUserData{set(0), set(32)}
}

// programsLoaded leaves nothing in effect but what a daemon runs with. The rest stays
// permitted, where it is: to load again, and, for root, to run scripts as others (see
// thread.Entitled).
func programsLoaded(running capabilities) error {
	effective, permitted, err := ownCapabilities()
	if running &= permitted; err != nil || effective&^running == 0 || !permitted.has(needed|loading) {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	low, high := uint64(running)&math.MaxUint32, uint64(running)>>32
	sets[0].Effective, sets[1].Effective = uint32(low), uint32(high)
	var errno syscall.Errno
	thread.Apart(func() {
		// It spins until every other thread has done it. With a high real-time priority
		// it could keep those from running that they wait for.
		if now, err := unix.SchedGetAttr(0, 0); err == nil && now.Priority > 1 {
			now.Priority = 1
			_ = unix.SchedSetAttr(0, now, 0)
		}
		_, _, errno = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets[0])), 0)
	})
	if errno != 0 && errno != unix.ENOTSUP { // so it is in a program with C in it, which only tests are
		return fmt.Errorf("take the capabilities out of effect that are not needed: %w", errno)
	}
	return nil
}

// toLock is what a daemon needs besides whose memory is locked where that has a limit,
// as in containers: any further page would end it.
func toLock(locked bool) capabilities {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); !locked || err == nil && limit.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return 1 << unix.CAP_IPC_LOCK
}

// currentUser is whom scripts run as where the daemon can become nobody else.
func currentUser() (user, group string) {
	_, permitted, err := ownCapabilities()
	if err != nil || permitted.has(1<<unix.CAP_SETUID|1<<unix.CAP_SETGID) {
		return "", ""
	}
	return strconv.Itoa(os.Geteuid()), strconv.Itoa(os.Getegid())
}
