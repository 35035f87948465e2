package script

import "time"

// Command is a program with its arguments, and as whom it runs.
type Command struct {
	// Line is what the configuration says, for messages.
	Line string
	// Args are the program, an absolute path or a name that is looked up in
	// PATH, and its arguments.
	Args []string
	// Shell runs Line by /bin/sh -c instead. Args, if there are any, are its
	// $1, $2, ….
	Shell bool
	User  User
}

// Path is where programs are looked up, and the PATH that they get.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const shell = "/bin/sh"

// String is the command as the configuration says it.
func (c Command) String() string {
	if c.Line != "" {
		return c.Line
	}
	return join(c.Args)
}

// With is the command with further arguments.
func (c Command) With(args ...string) Command {
	c.Args = append(c.Args[:len(c.Args):len(c.Args)], args...)
	return c
}

// Result is how a run ended.
type Result struct {
	Exit     int    // exit status; -1: ended by a signal, or not started
	TimedOut bool   // it was killed
	Err      error  // it could not be started, or was ended by a signal
	Output   string // the beginning of what it wrote, for the log; at most 1 KiB
	Took     time.Duration
}
