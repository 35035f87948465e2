package datapath

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Hook names one of the programs.
type Hook string

// The programs, see bpf/vrrp.bpf.c.
const (
	HookXDP     Hook = "xdp"
	HookIngress Hook = "ingress"
	HookAccept  Hook = "accept"
	HookEgress  Hook = "egress"
)

// Verdict is what a program wants done with a frame, in words common to all hooks.
type Verdict string

// Verdicts.
const (
	Pass  Verdict = "pass"
	Drop  Verdict = "drop"
	Reply Verdict = "reply"
)

// Outcome of Run.
type Outcome struct {
	Verdict Verdict
	Frame   []byte        // as the program left it
	Took    time.Duration // one run, the mean of all
}

// Run runs a program on a frame that arrives at the loopback interface of this
// network namespace, without any network; repeat times, on what the run before
// left of the frame. For tests and benchmarks.
func (d *Datapath) Run(hook Hook, frame []byte, repeat int) (Outcome, error) {
	program := d.program(hook)
	if program == nil {
		return Outcome{}, fmt.Errorf("run program %q: there is none of that name", hook)
	}
	options := &ebpf.RunOptions{Data: frame, DataOut: make([]byte, len(frame)+256), Repeat: uint32(repeat)}
	code, took, err := runProgram(program, options)
	if err != nil {
		return Outcome{}, fmt.Errorf("run program %q: %w", hook, err)
	}
	verdict, err := verdictOf(hook, code)
	return Outcome{verdict, options.DataOut, took / time.Duration(max(repeat, 1))}, err
}

// runProgram repeats a run that a signal has cut short.
func runProgram(program *ebpf.Program, options *ebpf.RunOptions) (uint32, time.Duration, error) {
	for {
		started := time.Now()
		code, err := program.Run(options)
		if !errors.Is(err, unix.EINTR) {
			return code, time.Since(started), err
		}
	}
}

// Program gives the loaded program of a hook, for inspection. It stays the datapath's.
func (d *Datapath) Program(hook Hook) *ebpf.Program { return d.program(hook) }

func (d *Datapath) program(hook Hook) *ebpf.Program {
	switch hook {
	case HookXDP:
		return d.objects.VrrpXdp
	case HookIngress:
		return d.objects.VrrpIngress
	case HookAccept:
		return d.objects.VrrpAccept
	case HookEgress:
		return d.objects.VrrpEgress
	}
	return nil
}

func verdictOf(hook Hook, code uint32) (Verdict, error) {
	const (
		xdpDrop, xdpPass, xdpTX            = 1, 2, 3
		tcNext, tcShot, tcRedirect         = 1<<32 - 1, 2, 7
		unknown                    Verdict = ""
	)
	verdicts := map[uint32]Verdict{tcNext: Pass, tcShot: Drop, tcRedirect: Reply}
	if hook == HookXDP {
		verdicts = map[uint32]Verdict{xdpPass: Pass, xdpDrop: Drop, xdpTX: Reply}
	}
	if v, ok := verdicts[code]; ok {
		return v, nil
	}
	return unknown, fmt.Errorf("program %q returned %d, which is no verdict", hook, code)
}
