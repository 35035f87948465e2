package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// measured is a program, and what else to run to know its cost: an empty
// program, called in the same way.
type measured struct {
	subject, empty *ebpf.Program
	close          func() error
}

func (h *host) programs(s scenario) (*measured, error) {
	m := &measured{subject: h.datapath.Program(s.hook)}
	var err error
	if m.empty, err = ebpf.NewProgram(emptyProgram(s.hook)); err != nil {
		return nil, fmt.Errorf("load an empty program: %w", err)
	}
	m.close = m.empty.Close
	if !s.rewritten {
		return m, nil
	}
	defer m.empty.Close() // the wrapper around it keeps it
	return restored(m, s)
}

// like is a program that can call, and be called by, the program of that hook.
func like(hook datapath.Hook, code asm.Instructions) *ebpf.ProgramSpec {
	spec := &ebpf.ProgramSpec{Name: "bench", Type: ebpf.SchedCLS, License: "Dual BSD/GPL", Instructions: code}
	if hook == datapath.HookXDP {
		const hasFrags = 1 << 5 // BPF_F_XDP_HAS_FRAGS
		spec.Type, spec.AttachType, spec.Flags = ebpf.XDP, ebpf.AttachXDP, hasFrags
	}
	return spec
}

// emptyProgram passes every packet.
func emptyProgram(hook datapath.Hook) *ebpf.ProgramSpec {
	code := int32(-1) // TC_ACT_UNSPEC
	if hook == datapath.HookXDP {
		code = xdpPass
	}
	return like(hook, asm.Instructions{asm.Mov.Imm32(asm.R0, code), asm.Return()})
}

// restored wraps both programs: before each run the frame is what it was. A
// repeated run finds the packet as the run before has left it; an answered ARP
// request, say, is none any more.
func restored(m *measured, s scenario) (*measured, error) {
	subject, closeSubject, err := wrap(s, m.subject)
	if err != nil {
		return nil, err
	}
	empty, closeEmpty, err := wrap(s, m.empty)
	if err != nil {
		return nil, errors.Join(err, closeSubject())
	}
	return &measured{subject, empty, func() error { return errors.Join(closeSubject(), closeEmpty()) }}, nil
}

// wrap loads a program that restores the frame and then calls target.
func wrap(s scenario, target *ebpf.Program) (*ebpf.Program, func() error, error) {
	targets, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, nil, fmt.Errorf("make a map of programs: %w", err)
	}
	wrapper, err := ebpf.NewProgram(like(s.hook, restore(s, targets)))
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("load a program that restores the frame: %w", err), targets.Close())
	}
	if err := targets.Put(uint32(0), target); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("wrap a program: %w", err), wrapper.Close(), targets.Close())
	}
	return wrapper, func() error { return errors.Join(wrapper.Close(), targets.Close()) }, nil
}

// restore writes the frame into the packet, 8 bytes at a time and the rest by
// two, and goes on to the program in targets. It returns 0 if it cannot.
func restore(s scenario, targets *ebpf.Map) asm.Instructions {
	data, end := int16(76), int16(80) // in struct __sk_buff
	if s.hook == datapath.HookXDP {
		data, end = 0, 4 // in struct xdp_md
	}
	code := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, data, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, end, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, int32(len(s.frame))),
		asm.JGT.Reg(asm.R4, asm.R3, "out"),
	}
	at := 0
	for ; at+8 <= len(s.frame); at += 8 {
		code = append(code,
			asm.LoadImm(asm.R5, int64(binary.NativeEndian.Uint64(s.frame[at:])), asm.DWord),
			asm.StoreMem(asm.R2, int16(at), asm.R5, asm.DWord),
		)
	}
	for ; at < len(s.frame); at += 2 { // all frames here are of an even length
		code = append(code, asm.StoreImm(asm.R2, int16(at), int64(binary.NativeEndian.Uint16(s.frame[at:])), asm.Half))
	}
	return append(code,
		asm.LoadMapPtr(asm.R2, targets.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	)
}
