package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"github.com/cilium/ebpf"
)

// Options configure a Lab.
type Options struct {
	// Name appears in error messages. Optional.
	Name string
	// Fail is told about a step of the topology that failed (Switch, Host, Connect, Cut, Route, ...). It must not return
	// normally: it panics or ends the goroutine. The default panics with a *Failure, which Catch turns into an error.
	Fail func(error)
}

// Failure is what a topology step panics with when Options.Fail is not set.
type Failure struct{ Err error }

// Error names the lab and the step that failed.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Catch turns a *Failure that is passing by into *err: `defer lab.Catch(&err)`. Other panics go on.
func Catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Failure:
		*err = p
	default:
		panic(p)
	}
}

// Lab is a set of namespaces, wires and daemons that go away together. Its methods may be called from any goroutine.
type Lab struct {
	opts Options
	run  *run
	pass *ebpf.Program

	mu       sync.Mutex
	hosts    []*Host
	switches []*Switch
	daemons  []*Daemon
	closers  []func()
	nicCount uint16
	closed   bool
}

// New makes an empty lab and removes what killed runs left behind. It needs root. The caller must Close the lab.
func New(opts Options) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("lab %s: network namespaces need root", opts.Name)
	}
	if opts.Fail == nil {
		opts.Fail = func(err error) { panic(&Failure{err}) }
	}
	pass, err := loadPass()
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", opts.Name, err)
	}
	r, err := register()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lab %s: %w", opts.Name, err), pass.Close())
	}
	return &Lab{opts: opts, run: r, pass: pass}, nil
}

// Dir is a directory (mode 0755) that Close removes: for configuration files, sockets and the like.
func (l *Lab) Dir() string { return l.run.dir }

// Switch adds a switch: a namespace with a bridge that forwards at once and snoops nothing. Its ports are the wires of
// the hosts connected to it.
func (l *Lab) Switch(name string) *Switch {
	sw, err := newSwitch(l, name)
	if err != nil {
		l.fail("switch %s: %w", name, err)
	}
	return sw
}

// Host adds a host: a namespace with loopback up, IPv6 duplicate address detection and router advertisements off, and
// no reverse path filter.
func (l *Lab) Host(name string) *Host {
	h, err := newHost(l, name)
	if err != nil {
		l.fail("host %s: %w", name, err)
	}
	return h
}

// Who names the host whose NIC has this MAC; empty when none has it (a virtual router MAC, for example).
func (l *Lab) Who(mac MAC) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		for _, nic := range h.nics {
			if nic.MAC == mac {
				return h.Name
			}
		}
	}
	return ""
}

// Daemons lists everything started with Host.Start, in order.
func (l *Lab) Daemons() []*Daemon {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Daemon(nil), l.daemons...)
}

// Close stops probers and captures, kills every process in the lab's namespaces (frozen ones too) and removes the
// namespaces and Dir. It is idempotent, goes on after errors and returns them joined.
func (l *Lab) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	hosts, switches, daemons, closers := l.hosts, l.switches, l.daemons, l.closers
	l.mu.Unlock()

	for _, stop := range closers {
		stop()
	}
	var errs []error
	for _, h := range hosts {
		errs = append(errs, h.remove())
	}
	for _, sw := range switches {
		errs = append(errs, sw.remove())
	}
	for _, d := range daemons {
		errs = append(errs, d.release())
	}
	errs = append(errs, l.pass.Close(), l.run.release())
	return errors.Join(errs...)
}

// onClose registers a function that must run before the namespaces go.
func (l *Lab) onClose(stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, stop)
}

func (l *Lab) fail(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if l.opts.Name != "" {
		err = fmt.Errorf("lab %s: %w", l.opts.Name, err)
	}
	l.opts.Fail(err)
	panic("lab: Options.Fail returned")
}

// nextMAC gives each NIC of the lab a MAC of its own: 02:00:00:00:hh:ll.
func (l *Lab) nextMAC() MAC {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nicCount++
	return MAC{0x02, 0, 0, 0, byte(l.nicCount >> 8), byte(l.nicCount)}
}

// hasAddress reports whether a NIC was connected with this address.
func (l *Lab) hasAddress(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		for _, nic := range h.nics {
			for _, p := range nic.addresses {
				if p.Addr() == addr {
					return true
				}
			}
		}
	}
	return false
}

// tempDir makes a directory below Dir.
func (l *Lab) tempDir(pattern string) (string, error) {
	dir, err := os.MkdirTemp(l.Dir(), filepath.Base(pattern)+"-*")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}
