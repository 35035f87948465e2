package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
)

const (
	// killAfter is how long a process group has to end after SIGTERM.
	killAfter = 2 * time.Second
	// giveUpAfter is how long the kernel has to end it after SIGKILL: a process
	// that waits for a disk or a file server that is gone does not end at all.
	giveUpAfter = 3 * time.Second
)

var (
	errNothing    = errors.New("there is nothing to run")
	errUnkillable = errors.New("its process does not end even by SIGKILL: it waits in the kernel")
)

// Run runs the command and waits for it. After timeout, or when ctx ends, its
// whole process group gets SIGTERM, and 2 s later SIGKILL. 0: no timeout.
// env is added to a minimal environment (PATH, HOME, USER, LOGNAME, SHELL of the
// user). It runs in /, with umask 0022, without any capability, and reads from
// /dev/null. Processes that it leaves behind when it ends by itself live on. For
// any goroutine.
func Run(ctx context.Context, c Command, timeout time.Duration, env ...string) Result {
	start := time.Now()
	result := run(ctx, c, timeout, env)
	result.Took = time.Since(start)
	return result
}

func run(ctx context.Context, c Command, timeout time.Duration, env []string) Result {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	if ctx.Err() != nil {
		return notRun(fmt.Errorf("run %s: %w", c, context.Cause(ctx)))
	}
	output, err := newOutput()
	if err != nil {
		return notRun(fmt.Errorf("run %s: %w", c, err))
	}
	cmd, err := start(c, output.file(), env)
	output.started()
	if err != nil {
		return notRun(fmt.Errorf("start %s as %s: %w", c, c.User, err))
	}
	killed := await(ctx, cmd.Process.Pid)
	if errors.Is(killed, errUnkillable) {
		go cmd.Wait() //nolint:errcheck // it takes the zombie away, should there ever be one
		return Result{Exit: -1, TimedOut: isTimeout(ctx), Err: fmt.Errorf("kill %s: %w", c, killed), Output: output.text()}
	}
	result := ended(cmd.Wait(), cmd)
	result.Output = output.text()
	if killed != nil {
		result.Exit = -1
		result.TimedOut = isTimeout(ctx)
		result.Err = fmt.Errorf("%s was killed: %w", c, killed)
	}
	return result
}

var errTimeout = errors.New("it took too long")

func isTimeout(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errTimeout) }

func notRun(err error) Result { return Result{Exit: -1, Err: err} }

func ended(err error, cmd *exec.Cmd) Result {
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return Result{Exit: -1, Err: fmt.Errorf("ended by %s", unix.SignalName(status.Signal()))}
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return Result{Exit: -1, Err: err}
	}
	return Result{Exit: status.ExitStatus()}
}

// start forks from a thread that then ends: umask is of the thread's file system
// attributes, and those of the daemon stay as they are. So does its scheduling: a
// check that loops must not have the real-time class that adverts are sent in.
func start(c Command, output *os.File, env []string) (cmd *exec.Cmd, err error) {
	if cmd, err = build(c, output, env); err != nil {
		return nil, err
	}
	err = thread.Entitled(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return err
		}
		unix.Umask(0o022)
		if err := beOrdinary(); err != nil {
			return err
		}
		if err := renounce(c.User); err != nil {
			return err
		}
		return cmd.Start()
	})
	return cmd, err
}

// beOrdinary gives this thread the scheduling that processes usually have.
func beOrdinary() error {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}
	now, err := unix.SchedGetAttr(0, 0)
	if err != nil || now.Policy == unix.SCHED_NORMAL && now.Nice >= 0 {
		return err
	}
	return unix.SchedSetAttr(0, attr, 0)
}

func build(c Command, output *os.File, env []string) (*exec.Cmd, error) {
	args, err := c.argv()
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: args[0], Args: args, Dir: "/",
		Env:    append(c.User.environment(), env...),
		Stdout: output, Stderr: output, // stdin: nil is /dev/null
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	// Where setuid(2) changes nothing it may not even be allowed.
	if !c.User.isOurs() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups}
	}
	return cmd, nil
}

// argv is what is executed: a path and the arguments, of which the first is the path.
func (c Command) argv() ([]string, error) {
	if c.Shell {
		return append([]string{shell, "-c", c.Line, shell}, c.Args...), nil
	}
	if len(c.Args) == 0 || c.Args[0] == "" {
		return nil, errNothing
	}
	path, err := find(c.Args[0])
	if err != nil {
		return nil, err
	}
	return append([]string{path}, c.Args[1:]...), nil
}

// find looks a program up. The daemon's own PATH does not count, so that a
// command means the same wherever the daemon was started.
func find(program string) (string, error) {
	switch {
	case filepath.IsAbs(program):
		return program, nil
	case strings.Contains(program, "/"):
		return "", fmt.Errorf("%q is a relative path: give the absolute one", program)
	}
	for _, dir := range filepath.SplitList(Path) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program %q in %s: give its absolute path", program, Path)
}
