package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Check says why a command would not run, or nil: there is no such program, it
// is not executable for its user, or, with secure, somebody other than root
// could change it (the file, or a directory on its path, with symbolic links
// followed, is writable by or owned by a user other than root) while it would
// run as root. It is for the start, not for every run; a zero User is root.
func Check(c Command, secure bool) error {
	argv, err := c.argv()
	if err != nil {
		return fmt.Errorf("%s would not run: %w", c, err)
	}
	if err := mayBecome(c.User); err != nil {
		return fmt.Errorf("%s would not run: %w", c, err)
	}
	if err := checkProgram(argv[0], c.User); err != nil {
		return fmt.Errorf("%s would not run: %w", c, err)
	}
	if secure && c.User.UID == 0 {
		if err := checkOwners(argv[0]); err != nil {
			return fmt.Errorf("%s would run as root, but %w", c, err)
		}
	}
	return nil
}

func checkProgram(path string, user User) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	if err := mayExecute(path, user); err != nil {
		return fmt.Errorf("user %s may not execute %s: %w: give execute permission on the file, and search permission on the directories above it", user, path, err)
	}
	return checkInterpreter(path)
}

// checkInterpreter finds what execve(2) refuses: a text without #!, and one whose
// interpreter is missing. What it cannot read it leaves to execve.
func checkInterpreter(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	head := make([]byte, 256) // as much as the kernel looks at
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil
	}
	head = head[:n]
	line, isScript := bytes.CutPrefix(head, []byte("#!"))
	if !isScript {
		if isText(head) {
			return fmt.Errorf("%s is a text: begin it with #!%s, or another interpreter", path, shell)
		}
		return nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return fmt.Errorf("the #! line of %s names no interpreter", path)
	}
	if _, err := os.Stat(words[0]); err != nil {
		return fmt.Errorf("the interpreter of %s: %w", path, err)
	}
	return nil
}

// isText says that it is no program in some binary format, which the kernel may know.
func isText(head []byte) bool {
	for _, b := range head {
		if b < ' ' && !isBlank(b) || b == 0x7f {
			return false
		}
	}
	return true
}

// mayExecute asks the kernel, as the user: it knows of access control lists and
// of file systems without programs.
func mayExecute(path string, user User) error {
	ask := func() error { return unix.Faccessat2(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) }
	if user.isOurs() {
		return ask()
	}
	return asUser(user, ask)
}
