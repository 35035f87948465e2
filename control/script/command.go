package script

import (
	"context"
	"errors"
	"time"
)

// Command is a program with its arguments, and as whom it runs.
type Command struct {
	// Line is what the configuration says, for messages.
	Line string
	// Args are the program, an absolute path or a name that is looked up in
	// PATH, and its arguments.
	Args []string
	// Shell runs Line by /bin/sh -c instead.
	Shell bool
	User  User
}

// User is as whom a command runs.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary ones
}

// Result is how a run ended.
type Result struct {
	Exit     int    // exit status; -1: ended by a signal, or not started
	TimedOut bool   // it was killed
	Err      error  // it could not be started, or was ended by a signal
	Output   string // the beginning of what it wrote, for the log; at most 1 KiB
	Took     time.Duration
}

// Run runs the command and waits for it. After timeout, or when ctx ends, its
// whole process group gets SIGTERM, and killAfter later SIGKILL. 0: no timeout.
// env is added to a minimal environment (PATH, HOME, USER, SHELL of the user).
// stdin is /dev/null. For any goroutine.
func Run(ctx context.Context, c Command, timeout time.Duration, env ...string) Result {
	return Result{Err: errors.New("not written yet")}
}

// LookupUser finds a user, and the group if one is named, by name or number.
// group "": the user's own.
func LookupUser(user, group string) (User, error) {
	return User{}, errors.New("not written yet")
}

// Check says why a command would not run, or nil: there is no such program, it
// is not executable for its user, or, with secure, somebody other than root
// could change it (the file, or a directory on its path, with symbolic links
// followed, is writable by or owned by a user other than root) while it would
// run as root.
func Check(c Command, secure bool) error {
	return errors.New("not written yet")
}
