package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	runsDir   = "/run/vxlab"
	netnsDir  = "/run/netns"
	netnsStem = "vxlab-"
)

var (
	ownNamespace = regexp.MustCompile(`^vxlab-([0-9]+(?:\.[0-9]+)?)-.+$`)
	runName      = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)?$`)
)

// run is one lab's entry below runsDir. It is alive while its lock file is locked: unlike a process id, a lock cannot be
// taken for somebody else's after the owner was killed.
type run struct {
	name string // "<pid>", or "<pid>.<n>" for further labs of one process
	dir  string
	lock *os.File
}

// register sweeps the leftovers of dead runs and claims a name. The sweep and the claim happen under one lock, so that
// nobody sweeps a run between the making and the locking of its entry.
func register() (*run, error) {
	if err := os.MkdirAll(runsDir, 0o755); err != nil {
		return nil, err
	}
	all, err := lockFile(filepath.Join(runsDir, "lock"), unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := sweep(); err != nil {
		return nil, fmt.Errorf("removing leftovers of a killed run: %w", err)
	}
	return claim()
}

func claim() (*run, error) {
	name := strconv.Itoa(os.Getpid())
	for n := 1; ; n++ {
		dir := filepath.Join(runsDir, name)
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			lock, err := lockFile(filepath.Join(dir, "lock"), unix.LOCK_EX|unix.LOCK_NB)
			return &run{name: name, dir: dir, lock: lock}, err
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		name = fmt.Sprintf("%d.%d", os.Getpid(), n)
	}
}

// namespace is the name of a host's or switch's network namespace.
func (r *run) namespace(host string) string { return netnsStem + r.name + "-" + host }

func (r *run) release() error {
	return errors.Join(os.RemoveAll(r.dir), r.lock.Close())
}

// sweep removes namespaces, processes and directories of every run that is not alive.
func sweep() error {
	var errs []error
	for name, namespaces := range knownRuns() {
		if alive(name) {
			continue
		}
		for _, ns := range namespaces {
			errs = append(errs, removeNamespace(ns))
		}
		errs = append(errs, os.RemoveAll(filepath.Join(runsDir, name)))
	}
	return errors.Join(errs...)
}

// knownRuns maps each run that left a trace to its namespaces.
func knownRuns() map[string][]string {
	runs := map[string][]string{}
	dirs, _ := os.ReadDir(runsDir)
	for _, d := range dirs {
		if runName.MatchString(d.Name()) {
			runs[d.Name()] = nil
		}
	}
	namespaces, _ := os.ReadDir(netnsDir)
	for _, ns := range namespaces {
		if m := ownNamespace.FindStringSubmatch(ns.Name()); m != nil {
			runs[m[1]] = append(runs[m[1]], ns.Name())
		}
	}
	return runs
}

// alive reports whether the run's owner still holds its lock. A run makes its entry before its first namespace and
// removes it after the last, so without an entry nobody owns the namespaces.
func alive(name string) bool {
	path := filepath.Join(runsDir, name, "lock")
	if _, err := os.Stat(path); err != nil {
		return false
	}
	f, err := lockFile(path, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return true
	}
	f.Close()
	return false
}

func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if err == nil {
			return f, nil
		}
		if err != unix.EINTR {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
	}
}
