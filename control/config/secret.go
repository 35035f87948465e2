package config

import (
	"fmt"
	"os"
	"slices"
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
