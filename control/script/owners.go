package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// mostLinks is how many symbolic links the kernel follows.
const mostLinks = 40

var errLinks = errors.New("too many symbolic links")

// checkOwners walks the path as the kernel does, and finds what lets somebody
// other than root put another program there.
func checkOwners(path string) error {
	rest := strings.Split(filepath.Clean(path), "/")[1:]
	current := "/"
	if err := checkOwner(current); err != nil {
		return err
	}
	for links := 0; len(rest) > 0; {
		next := filepath.Join(current, rest[0])
		rest = rest[1:]
		if err := checkOwner(next); err != nil {
			return err
		}
		target, err := os.Readlink(next)
		if err != nil { // no link: checkOwner found it a moment ago
			current = next
			continue
		}
		if links++; links > mostLinks {
			return fmt.Errorf("%s: %w", path, errLinks)
		}
		if filepath.IsAbs(target) {
			current = "/"
		}
		rest = append(strings.FieldsFunc(target, func(r rune) bool { return r == '/' }), rest...)
	}
	return nil
}

// checkOwner: in a directory with the sticky bit only its owner removes a file,
// so that one of root's stays. The mode of a link means nothing.
func checkOwner(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	stat := info.Sys().(*syscall.Stat_t)
	mode := info.Mode()
	switch {
	case stat.Uid != 0:
		return fmt.Errorf("%s belongs to user %d: make it root's, or run the script as another user", path, stat.Uid)
	case mode.Type() == fs.ModeSymlink, mode.IsDir() && mode&fs.ModeSticky != 0:
		return nil
	case mode.Perm()&0o002 != 0:
		return fmt.Errorf("%s is writable by everybody: chmod o-w it, or run the script as another user", path)
	case mode.Perm()&0o020 != 0 && stat.Gid != 0:
		return fmt.Errorf("%s is writable by group %d: chmod g-w it, or run the script as another user", path, stat.Gid)
	}
	return nil
}
