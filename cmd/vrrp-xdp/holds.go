package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// keptHolds is the file beside the control socket that says what is kept out of
// MASTER. /run is emptied when the host starts, and so CLOCK_BOOTTIME means the
// same to whoever reads it.
type keptHolds struct {
	// Namespace is the cookie of the network namespace: directories are named
	// after inode numbers, which another namespace may get.
	Namespace uint64        `json:"namespace"`
	Holds     control.Holds `json:"holds"`
}

func holdsPath(name string) (string, error) {
	dir, err := datapath.RunDir()
	return filepath.Join(dir, name+".holds"), err
}

// readHolds reads what the daemon before has kept. A file that says nothing holds
// nothing: better a master too many than a gateway without one.
func readHolds(name string, log *slog.Logger) control.Holds {
	kept, err := loadHolds(name)
	if err != nil {
		log.Error("what was kept out of MASTER is not known any more", "error", err)
	}
	return kept
}

func loadHolds(name string) (control.Holds, error) {
	path, err := holdsPath(name)
	if err != nil {
		return control.Holds{}, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return control.Holds{}, nil
	}
	if err != nil {
		return control.Holds{}, err
	}
	var kept keptHolds
	if err := json.Unmarshal(text, &kept); err != nil {
		return control.Holds{}, fmt.Errorf("%s: %w", path, err)
	}
	if cookie, err := namespaceCookie(); err != nil || cookie != kept.Namespace {
		return control.Holds{}, err
	}
	return kept.Holds, nil
}

// holdKeeper replaces the file in one step; there is none if nothing is held.
func holdKeeper(name string) func(control.Holds) error {
	return func(h control.Holds) error {
		path, err := holdsPath(name)
		if err != nil {
			return err
		}
		if h.Empty() {
			if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
				return err
			}
			return nil
		}
		cookie, err := namespaceCookie()
		if err != nil {
			return err
		}
		text, err := json.Marshal(keptHolds{cookie, h})
		if err != nil {
			return err
		}
		return replaceFile(path, append(text, '\n'))
	}
}

func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// namespaceCookie is a number that no other network namespace gets while the host
// is up (Linux 5.14).
func namespaceCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0, fmt.Errorf("ask for the cookie of the network namespace: %w", err)
	}
	return cookie, nil
}
