package main

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
)

// dispatcher keeps one XDP program at a time attached to a device without
// traffic. The kernel calls XDP programs through a piece of code that it writes
// anew whenever a program comes or goes; for a program that is attached nowhere
// BPF_PROG_RUN does that twice, which takes longer than what is to be measured.
type dispatcher struct {
	device int // ifindex
	link   link.Link
}

func newDispatcher() (*dispatcher, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "bench0"
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "bench1"}); err != nil {
		return nil, fmt.Errorf("make a pair of interfaces: %w", err)
	}
	l, err := netlink.LinkByName(attrs.Name)
	if err != nil {
		return nil, fmt.Errorf("find interface %s: %w", attrs.Name, err)
	}
	return &dispatcher{device: l.Attrs().Index}, nil
}

// hold attaches a program in place of the one before; programs of other types
// need none of this.
func (d *dispatcher) hold(program *ebpf.Program) error {
	if program.Type() != ebpf.XDP {
		return nil
	}
	var err error
	if d.link == nil {
		d.link, err = link.AttachXDP(link.XDPOptions{Program: program, Interface: d.device, Flags: link.XDPDriverMode})
	} else {
		err = d.link.Update(program)
	}
	if err != nil {
		return fmt.Errorf("attach an XDP program to a device without traffic: %w", err)
	}
	return nil
}

// close needs not remove the devices: they end with their network namespace.
func (d *dispatcher) close() error {
	if d == nil || d.link == nil {
		return nil
	}
	return d.link.Close()
}
