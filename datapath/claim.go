package datapath

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const runDir = "/run/vrrp-xdp"

// RunDir is the folder for this network namespace's sockets and lock files. It
// need not exist.
func RunDir() (string, error) {
	ns, err := networkNamespace()
	if err != nil {
		return "", err
	}
	return filepath.Join(runDir, ns), nil
}

// claim is the right of this process to an interface. The kernel ends it with
// the process, however that ends.
type claim struct {
	file *os.File
}

// claimInterface claims name in this network namespace, or fails with *HeldError.
func claimInterface(name string) (*claim, error) {
	dir, err := RunDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name+".lock")
	for {
		if err := os.MkdirAll(dir, 0o755); errors.Is(err, os.ErrNotExist) {
			continue // whoever leaves has just removed the folder above
		} else if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("claim %s: %w: start as root with vrrp_user or --user, or give the user its folder: install -d -o %d %s", name, err, os.Geteuid(), dir)
		} else if err != nil {
			return nil, fmt.Errorf("claim %s: %w", name, err)
		}
		c, again, err := tryClaim(path)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, holder(name, path)
		}
		if err != nil {
			return nil, fmt.Errorf("claim %s: %w", name, err)
		}
		if !again {
			return c, nil
		}
	}
}

// tryClaim locks the file at path. The previous holder may have removed it, or
// its folder, between our opening and our locking: then it has to be done again.
func tryClaim(path string) (c *claim, again bool, err error) {
	f, err := openLock(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	if !sameFile(f, path) {
		return nil, true, f.Close()
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return &claim{f}, false, nil
}

// openLock opens what nobody but this user may lock: who can open the file for
// reading can. Its folder may be another user's, so a link is not followed.
func openLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

func holder(name, path string) error {
	held := &HeldError{Interface: name, Command: "unknown"}
	text, err := os.ReadFile(path)
	if err != nil {
		return held
	}
	if held.PID, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return held
	}
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", held.PID)); err == nil {
		held.Command = strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	}
	return held
}

// release gives the interface free and leaves no file behind.
func (c *claim) release() error {
	if c == nil {
		return nil
	}
	err := os.Remove(c.file.Name())
	// Not empty is no fault: another interface is still claimed.
	_ = os.Remove(filepath.Dir(c.file.Name()))
	_ = os.Remove(runDir)
	return errors.Join(err, c.file.Close())
}
