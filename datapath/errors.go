package datapath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

var (
	// ErrNotPermitted: the process lacks the privileges that loading or attaching BPF needs.
	ErrNotPermitted = errors.New("not permitted: run as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW and, to load the programs, CAP_PERFMON")
	// ErrNoBPFFS: there is no BPF file system, and it cannot be mounted.
	ErrNoBPFFS = errors.New("no BPF file system at " + bpffsMount)
	// ErrNoInterface: there is no interface of that name.
	ErrNoInterface = errors.New("no such interface")
)

// HeldError says which process has claimed an interface.
type HeldError struct {
	Interface string
	PID       int    // 0 if it could not be read
	Command   string // its command line
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is held by process %d (%s): stop that first", e.Interface, e.PID, e.Command)
}

// OccupiedError says which foreign XDP program sits on an interface.
type OccupiedError struct {
	Interface string
	Program   string
	ID        uint32
}

func (e *OccupiedError) Error() string {
	return fmt.Sprintf("%s already runs another XDP program, %s (id %d): stop the program that has put it there, or attach beside it with --mode tc",
		e.Interface, e.Program, e.ID)
}

func explainLoad(err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &verifier):
		return fmt.Errorf("load the BPF programs: the kernel's verifier refuses them: %w", err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("load the BPF programs: %w", ErrNotPermitted)
	default:
		return fmt.Errorf("load the BPF programs: %w", err)
	}
}
