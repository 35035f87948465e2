package lab

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// loss throws frames away at a switch port: what the host sends in the port's XDP program, what it is sent at tc egress. No
// capture at the switch sees what is lost: with native XDP it never became a packet, and captures look after tc egress.
type loss struct {
	rates    *ebpf.Map // by direction: frames lost of 2^32
	programs []*ebpf.Program
	egress   link.Link
}

// Lose makes the switch lose this share, 0..1, of the frames from the host, and of those to it; each frame by itself, at
// random. Carrier stays up. The kernel must have tcx (6.6).
func (n *NIC) Lose(fromHost, toHost float64) {
	n.lossMu.Lock()
	defer n.lossMu.Unlock()
	if n.loss == nil {
		l, err := n.loseNothing()
		n.must("making a lossy port of", err)
		n.loss = l
	}
	for direction, share := range []float64{inDirection: fromHost, outDirection: toHost} {
		rate := uint64(math.Round(min(max(share, 0), 1) * (1 << 32)))
		n.must("setting the loss of", n.loss.rates.Put(uint32(direction), rate))
	}
}

// Numbers of directions, for arrays.
const (
	inDirection = iota
	outDirection
	directions
)

// loseNothing puts the programs in their places.
func (n *NIC) loseNothing() (l *loss, err error) {
	l = &loss{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.rates, err = ebpf.NewMap(&ebpf.MapSpec{Name: "lab_loss", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: directions}); err != nil {
		return l, err
	}
	const xdpDrop, xdpPass, tcxPass, tcxDrop = 1, 2, 0, 2
	in, err := l.load(ebpf.XDP, inDirection, xdpPass, xdpDrop)
	if err != nil {
		return l, err
	}
	out, err := l.load(ebpf.SchedCLS, outDirection, tcxPass, tcxDrop)
	if err != nil {
		return l, err
	}
	if err := n.Switch.replacePass(n.portIndex, in); err != nil {
		return l, err
	}
	err = n.Switch.ns.do(func() error {
		l.egress, err = link.AttachTCX(link.TCXOptions{Program: out, Interface: n.portIndex, Attach: ebpf.AttachTCXEgress})
		return err
	})
	return l, err
}

// load makes a program that passes a frame, or drops it when a random number is below the rate of the direction.
func (l *loss) load(kind ebpf.ProgramType, direction int64, pass, drop int32) (*ebpf.Program, error) {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "lab_lose", Type: kind, License: "GPL",
		Instructions: asm.Instructions{
			asm.FnGetPrandomU32.Call(),
			asm.Mov.Reg(asm.R6, asm.R0),
			asm.StoreImm(asm.RFP, -4, direction, asm.Word),
			asm.LoadMapPtr(asm.R1, l.rates.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JEq.Imm(asm.R0, 0, "pass"),
			asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
			asm.JGE.Reg(asm.R6, asm.R1, "pass"),
			asm.Mov.Imm(asm.R0, drop),
			asm.Return(),
			asm.Mov.Imm(asm.R0, pass).WithSymbol("pass"),
			asm.Return(),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("loading a program that loses frames: %w", err)
	}
	l.programs = append(l.programs, p)
	return p, nil
}

// close leaves the program in the port's XDP link, which goes with the switch.
func (l *loss) close() error {
	var errs []error
	if l.egress != nil {
		errs = append(errs, l.egress.Close())
	}
	for _, p := range l.programs {
		errs = append(errs, p.Close())
	}
	if l.rates != nil {
		errs = append(errs, l.rates.Close())
	}
	return errors.Join(errs...)
}
