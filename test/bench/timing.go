package main

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
)

// ringful is how many runs leave no more events than the ring buffer holds.
const ringful = 5000

// timing is the outcome of many runs.
type timing struct {
	perPacket float64 // ns
	code      uint32  // what the last one returned
	events    int     // that they left
}

// time times n runs of a program; where events are left, in portions that the
// ring buffer holds, without the time that it takes to read them.
func (h *host) time(program *ebpf.Program, s scenario, n int) (timing, error) {
	var t timing
	if err := h.xdp.hold(program); err != nil {
		return t, err
	}
	portion := n
	if s.events {
		portion = ringful
	}
	var total time.Duration
	for left := n; left > 0; left -= portion {
		took, code, err := runs(program, s.frame, min(left, portion))
		if err != nil {
			return t, err
		}
		events, err := h.drain()
		if err != nil {
			return t, err
		}
		total += took
		t.code = code
		t.events += events
	}
	t.perPacket = float64(total.Nanoseconds()) / float64(n)
	return t, nil
}

// runs times n runs in one system call, by the clock of the caller: the
// kernel's own result is in whole ns per run.
func runs(program *ebpf.Program, frame []byte, n int) (time.Duration, uint32, error) {
	options := &ebpf.RunOptions{Data: frame, Repeat: uint32(n)}
	start := time.Now()
	code, err := program.Run(options)
	took := time.Since(start)
	if err != nil {
		return 0, 0, fmt.Errorf("run a program %d times: %w", n, err)
	}
	return took, code, nil
}
