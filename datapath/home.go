package datapath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// homeEnv names the descriptor of this network namespace's folder in the BPF file
// system. The file system's root is root's alone: who has become another user
// does not get there any more, but keeps what was opened before.
const homeEnv = "VRRP_XDP_PINS_FD"

// GiveTo makes what a daemon needs on disk, in this network namespace, for the
// user that it is to become: the folder for pins, the folder for sockets and
// locks, and what a predecessor has left in them. What this process executes
// next, as that user, finds the pins by its environment.
func GiveTo(uid, gid int) error {
	run, err := RunDir()
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(run, 0o755), chown(run, uid, gid)); err != nil {
		return fmt.Errorf("give %s to user %d: %w", run, uid, err)
	}
	pins, err := openPins()
	if err != nil {
		return err
	}
	defer pins.fs.Close()
	if err := errors.Join(os.MkdirAll(pins.path, 0o700), chown(pins.path, uid, gid)); err != nil {
		return fmt.Errorf("give the folder for pins to user %d: %w", uid, err)
	}
	fd, err := unix.Open(pins.path, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("open the folder for pins: %w", err)
	}
	return os.Setenv(homeEnv, strconv.Itoa(fd))
}

// chown is for a folder and what is in it. The folder may be that user's already,
// who may exchange anything in it for a link at any moment: nothing beyond it is
// given away.
func chown(dir string, uid, gid int) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, uid, gid)
	})
}

// KeepHome lets what this process executes next have the folder that it was
// given, or, with keep false, takes that back: no script is to have it.
func KeepHome(keep bool) error {
	if keep {
		return markHome(0)
	}
	return markHome(unix.FD_CLOEXEC)
}

// markHome sets the flags of the descriptor, if there is one.
func markHome(flags int) error {
	fd, ok := homeFD()
	if !ok {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags); err != nil {
		return fmt.Errorf("%s=%d is no folder for pins: start as root, or without it: %w", homeEnv, fd, err)
	}
	return nil
}

func homeFD() (int, bool) {
	fd, err := strconv.Atoi(os.Getenv(homeEnv))
	return fd, err == nil
}

// openHome opens the folder that this process was given; nil: it was given none.
func openHome() (*os.File, error) {
	fd, ok := homeFD()
	if !ok {
		return nil, nil
	}
	// A child that tries whether it could start has its parent's.
	for _, process := range []string{"self", strconv.Itoa(os.Getppid())} {
		path := filepath.Join("/proc", process, "fd", strconv.Itoa(fd))
		if !isBPFFS(path) {
			continue
		}
		if process == "self" {
			if err := KeepHome(false); err != nil {
				return nil, err
			}
		}
		return openDir(path + "/.")
	}
	return nil, fmt.Errorf("%s=%d is no folder of a BPF file system: start as root, or without it", homeEnv, fd)
}
