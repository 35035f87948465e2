package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command says what to run on a host.
type Command struct {
	Name  string    // for logs and errors; the base name of Path when empty
	Path  string    // looked up in PATH when it holds no slash
	Args  []string  // without the program itself
	Env   []string  // KEY=value, added to the caller's environment
	Dir   string    // working directory; the caller's when empty
	Stdin io.Reader // nothing when nil

	// ViaIPNetns runs the command through `ip netns exec`, as a user would: in a mount namespace of its own, where /sys is
	// remounted and bpffs is hidden. Otherwise it keeps the caller's mount namespace.
	ViaIPNetns bool
}

// Daemon is a process that Host.Start started, with its output. It leads a process group of its own. Its methods may be
// called from any goroutine.
type Daemon struct {
	Name string
	Host *Host

	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed after cmd.Wait and after the rest of the output was read
}

// outputGrace is how long output is awaited after the exit: a grandchild may hold the pipe open for ever.
const outputGrace = 500 * time.Millisecond

const freezeTimeout = 2 * time.Second

// Start starts a command in the host's network namespace and captures its standard output and error, interleaved, line
// by line. It returns when the process exists, not when it is ready: see WaitLog. Close kills what still runs.
func (h *Host) Start(c Command) (*Daemon, error) {
	cmd, enter := h.prepare(c)
	if c.Name == "" {
		c.Name = c.Path
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd.Stdout, cmd.Stderr = w, w
	if err := enter(cmd.Start); err != nil {
		r.Close()
		return nil, fmt.Errorf("starting %s on %s: %w", c.Name, h.Name, err)
	}
	d := &Daemon{Name: c.Name, Host: h, cmd: cmd, output: newOutput(r), exited: make(chan struct{})}
	go d.output.read()
	go d.reap()
	h.lab.mu.Lock()
	h.lab.daemons = append(h.lab.daemons, d)
	h.lab.mu.Unlock()
	return d, nil
}

// prepare returns the command and the way into the namespace. `ip netns exec` execs, so in both ways the process id is
// the program's.
func (h *Host) prepare(c Command) (*exec.Cmd, func(func() error) error) {
	enter := h.ns.do
	cmd := exec.Command(c.Path, c.Args...)
	if c.ViaIPNetns {
		cmd = exec.Command("ip", append([]string{"netns", "exec", h.ns.name, c.Path}, c.Args...)...)
		enter = func(start func() error) error { return start() }
	}
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir, cmd.Stdin = c.Dir, c.Stdin
	cmd.WaitDelay = outputGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, enter
}

func (d *Daemon) reap() {
	_ = d.cmd.Wait() // the exit status is in ProcessState
	select {
	case <-d.output.finished:
	case <-time.After(outputGrace):
		d.output.stop()
	}
	close(d.exited)
}

// PID is the process id, which is also the id of its process group.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Running reports whether the process has not exited; a frozen one runs.
func (d *Daemon) Running() bool {
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// Freeze stops the process and then its group with SIGSTOP, and returns when every thread of the daemon stands still.
// The process goes first: a child stopped between vfork and exec would hold its parent in the kernel, short of the stop.
func (d *Daemon) Freeze() error {
	if err := d.Signal(unix.SIGSTOP); err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- d.awaitStop() }()
	select {
	case err := <-stopped:
		if err != nil {
			return fmt.Errorf("waiting until %s on %s is frozen: %w", d.Name, d.Host.Name, err)
		}
	case <-time.After(freezeTimeout):
		return fmt.Errorf("%s on %s does not stand still %v after SIGSTOP", d.Name, d.Host.Name, freezeTimeout)
	}
	return d.signalGroup(unix.SIGSTOP)
}

func (d *Daemon) awaitStop() error {
	for {
		err := unix.Waitid(unix.P_PID, d.PID(), nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// Thaw lets a frozen process group go on (SIGCONT).
func (d *Daemon) Thaw() error { return d.signalGroup(unix.SIGCONT) }

// Kill kills the process group with SIGKILL, all members at one stroke: a child with a parent-death signal has no chance
// to say goodbye. It does not wait.
func (d *Daemon) Kill() error { return d.signalGroup(unix.SIGKILL) }

// Stop asks the process, not its group, to end (SIGTERM). It does not wait.
func (d *Daemon) Stop() error { return d.Signal(unix.SIGTERM) }

// Signal sends a signal to the process.
func (d *Daemon) Signal(sig syscall.Signal) error {
	if err := d.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("%v to %s on %s: %w", sig, d.Name, d.Host.Name, err)
	}
	return nil
}

func (d *Daemon) signalGroup(sig syscall.Signal) error {
	err := os.ErrProcessDone
	if d.Running() {
		err = unix.Kill(-d.PID(), sig)
	}
	if err != nil {
		return fmt.Errorf("%v to %s on %s: %w", sig, d.Name, d.Host.Name, err)
	}
	return nil
}

// Wait waits for the exit and returns the exit status: 128 + n after signal n, as in a shell. It returns -1 and an error
// when the process has not ended within the timeout. After Wait the log is complete.
func (d *Daemon) Wait(timeout time.Duration) (int, error) {
	select {
	case <-d.exited:
	case <-time.After(timeout):
		return -1, fmt.Errorf("%s on %s still runs after %v", d.Name, d.Host.Name, timeout)
	}
	status, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return d.cmd.ProcessState.ExitCode(), nil
}

// release waits for the reaper of a process that was killed with its namespace.
func (d *Daemon) release() error {
	// A daemon that left the namespace was not found there.
	if err := d.signalGroup(unix.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, unix.ESRCH) {
		return err
	}
	_, err := d.Wait(5 * time.Second)
	return err
}
