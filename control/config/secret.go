package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// CheckSecret refuses a file that everybody on this host can read, or write: it
// is for files that hold a password or a key. The owner and the group are whom
// the administrator has named, such as the user that the daemon runs as.
func CheckSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("find out who can read the secret: %w", err)
	}
	const others = 0o006
	if mode := info.Mode().Perm(); mode&others != 0 {
		return fmt.Errorf("everybody can read %s (mode %04o), and it holds a secret: chmod o-rwx %[1]s", path, mode)
	}
	return nil
}

// longestSecret is longer than any file that a key is read from.
const longestSecret = 1024

// ReadSecret reads a file that holds nothing but a key. It refuses one that others
// than its owner can read, or write: whoever has the key is a router.
func ReadSecret(path string) ([]byte, error) {
	// It does not wait for whoever may write into a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("read the key: %w: the daemon reads it as user %d, who must own it", err, os.Geteuid())
	}
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("find out who can read the key: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read the key: %s is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others than its owner can read %s (mode %04o), and it holds a key: chmod 600 %[1]s", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, longestSecret+1))
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if len(text) > longestSecret {
		return nil, fmt.Errorf("read the key: %s is too long for one", path)
	}
	return text, nil
}

// checkSecret refuses a secret in the statement if everybody can read the file it
// stands in, or one that the definitions of its line come from.
func (n *node) checkSecret() {
	files := slices.Concat([]string{n.File}, n.d.borrowed[n.Pos])
	slices.Sort(files)
	for _, path := range slices.Compact(files) {
		if err := n.d.options.System.CheckSecret(path); err != nil {
			n.fail("%s: %v", n.Keyword(), err)
		}
	}
}
