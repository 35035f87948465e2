package datapath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
)

// Names of pinned links. The mode is part of an XDP link's name, because a link
// cannot change it.
const (
	pinNative  = "xdp-native"
	pinGeneric = "xdp-generic"
	pinIngress = "ingress"
	pinEgress  = "egress"
)

func (p *Port) attach(mode Mode) error {
	switch mode {
	case Native:
		return p.attachAskedXDP(Native, "asked for")
	case Generic:
		return p.attachAskedXDP(Generic, "asked for; slower than tc")
	case TC:
		return p.attachTC("asked for")
	case Auto:
		return p.attachAuto()
	}
	return fmt.Errorf("unknown mode %q", mode)
}

// attachAskedXDP refuses what would answer in the wrong VLAN, though asked for.
func (p *Port) attachAskedXDP(mode Mode, reason string) error {
	if hidden := p.hiddenVLANs(); hidden != "" {
		return errors.New(hidden)
	}
	if mode == Native && (p.kind == "bond" || p.kind == "team") {
		return fmt.Errorf("%s is a %s: native XDP would run on its legs, see other interfaces than this, and hear nothing: use --mode tc", p.Name, p.kind)
	}
	return p.attachXDP(mode, reason)
}

func (p *Port) attachAuto() error {
	if reason := p.againstNative(); reason != "" {
		return p.attachTC(reason)
	}
	err := p.attachXDP(Native, "the driver has native XDP")
	if err == nil {
		return nil
	}
	return p.attachTC(fmt.Sprintf("native XDP failed: %v", err))
}

// againstNative says why native XDP should not even be tried, or "".
func (p *Port) againstNative() string {
	switch p.kind {
	case "":
		return p.hiddenVLANs()
	case "veth":
		return "a veth loses segmentation offload under native XDP"
	case "bond", "team":
		return "on a " + p.kind + " native XDP would answer on the inactive leg as well"
	}
	return "virtual devices such as this " + p.kind + " have no native XDP, or none that helps"
}

func (p *Port) attachXDP(mode Mode, reason string) error {
	flags, pin, other := link.XDPDriverMode, pinNative, pinGeneric
	if mode == Generic {
		flags, pin, other = link.XDPGenericMode, pinGeneric, pinNative
	}
	o := &p.datapath.objects
	if err := p.datapath.pins.removeLink(p.Name, other); err != nil {
		return err
	}
	err := p.attachLink(pin, o.VrrpXdp, func() (link.Link, error) {
		return link.AttachXDP(link.XDPOptions{Program: o.VrrpXdp, Interface: p.Index, Flags: flags})
	})
	if err != nil {
		return p.explainXDP(err)
	}
	// XDP alone cannot make a frame to the virtual MAC ours on every device.
	if err := p.attachHooks(o.VrrpAccept); err != nil {
		return err
	}
	p.Mode, p.Reason = mode, reason+p.tagWarning()
	return nil
}

func (p *Port) attachTC(reason string) error {
	for _, pin := range []string{pinNative, pinGeneric} {
		if err := p.datapath.pins.removeLink(p.Name, pin); err != nil {
			return err
		}
	}
	if err := p.attachHooks(p.datapath.objects.VrrpIngress); err != nil {
		return err
	}
	p.Mode, p.Reason = TC, reason
	return nil
}

// attachHooks attaches the tc programs: by tcx, or, where the kernel is older
// than 6.6, by the clsact qdisc.
func (p *Port) attachHooks(ingress *ebpf.Program) error {
	egress := p.datapath.objects.VrrpEgress
	err := p.attachTCX(pinIngress, ebpf.AttachTCXIngress, ingress, link.Head())
	if errors.Is(err, ebpf.ErrNotSupported) {
		return attachClsact(p.Index, ingress, egress)
	}
	if err != nil {
		return fmt.Errorf("tc ingress: %w", err)
	}
	// Last on the way out, so that nobody changes what the guard has checked.
	if err := p.attachTCX(pinEgress, ebpf.AttachTCXEgress, egress, link.Tail()); err != nil {
		return fmt.Errorf("tc egress: %w", err)
	}
	return nil
}

func (p *Port) attachTCX(pin string, hook ebpf.AttachType, program *ebpf.Program, where link.Anchor) error {
	return p.attachLink(pin, program, func() (link.Link, error) {
		return link.AttachTCX(link.TCXOptions{Interface: p.Index, Program: program, Attach: hook, Anchor: where})
	})
}

// attachLink adopts the pinned link of that name or makes and pins a new one.
func (p *Port) attachLink(pin string, program *ebpf.Program, create func() (link.Link, error)) error {
	if l, ok := p.datapath.pins.adoptLink(p, pin, program); ok {
		p.links = append(p.links, l)
		return nil
	}
	l, err := create()
	if err != nil {
		return err
	}
	p.links = append(p.links, l)
	return p.datapath.pins.pinLink(p, pin, l)
}

// explainXDP names the program that has the place, if that is what went wrong.
func (p *Port) explainXDP(err error) error {
	l, linkErr := netlink.LinkByIndex(p.Index)
	if linkErr != nil || l.Attrs().Xdp == nil || !l.Attrs().Xdp.Attached {
		return fmt.Errorf("%w (try --mode tc)", err)
	}
	id := l.Attrs().Xdp.ProgId
	return &OccupiedError{Interface: p.Name, Program: programName(id), ID: id}
}

func programName(id uint32) string {
	program, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return "of unknown name"
	}
	defer program.Close()
	info, err := program.Info()
	if err != nil || info.Name == "" {
		return "without a name"
	}
	return info.Name
}
