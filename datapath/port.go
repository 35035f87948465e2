package datapath

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
)

// Mode is how the programs are attached to an interface.
type Mode string

// Modes. Auto takes native where the driver has it and nothing speaks against
// it, else tc; it never takes generic, which halves the throughput of TCP.
const (
	Auto    Mode = "auto"
	Native  Mode = "native"
	TC      Mode = "tc"
	Generic Mode = "generic"
)

// ParseMode reads a mode as a user writes it.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Auto, Native, TC, Generic:
		return m, nil
	}
	return "", fmt.Errorf("mode %s: must be auto, native, tc or generic", s)
}

// Port is an interface that is claimed and, after Attach, carries the programs.
// What it says does not change after Attach, nor when it is released.
type Port struct {
	Name   string
	Index  int
	Mode   Mode   // as attached: native, tc or generic
	Reason string // why this mode, for a person

	datapath *Datapath
	claim    *claim
	kind     string // of the device: veth, bridge, vlan, … empty for a NIC
	links    []link.Link
	attached bool
}

// newPort is the interface as it is found now, not claimed yet.
func (d *Datapath) newPort(l netlink.Link) *Port {
	kind := l.Type()
	if kind == "device" {
		kind = ""
	}
	// The name that it was asked for by may be another.
	return &Port{Name: l.Attrs().Name, Index: l.Attrs().Index, datapath: d, kind: kind}
}

func findLink(name string) (netlink.Link, error) {
	l, err := netlink.LinkByName(name)
	if err == nil {
		return l, nil
	}
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); !missing {
		return nil, fmt.Errorf("look up interface %s: %w", name, err)
	}
	var names []string
	links, err := netlink.LinkList()
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", name, ErrNoInterface)
	}
	return nil, fmt.Errorf("%s: %w; there are %s", name, ErrNoInterface, strings.Join(names, ", "))
}

// Port returns the claimed interface of that name, nil if there is none.
func (d *Datapath) Port(name string) *Port {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.ports {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Attach puts the programs on a claimed interface, and touches no other. What a
// previous daemon left there is replaced in place, without a moment in which
// nothing is attached. On error nothing of this interface stays attached. Errors:
// *OccupiedError when native or generic was asked for and another XDP program
// has the place.
func (d *Datapath) Attach(name string, mode Mode) (*Port, error) {
	d.interfaces.Lock()
	defer d.interfaces.Unlock()
	p := d.Port(name)
	if p == nil {
		return nil, fmt.Errorf("attach to %s: it was not claimed", name)
	}
	if p.attached {
		return nil, fmt.Errorf("attach to %s: it is attached already, in mode %s", name, p.Mode)
	}
	err := p.attach(mode)
	if err == nil {
		err = d.pins.pinMaps(name, d.maps())
	}
	if err == nil {
		err = p.makeCounters()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("attach to %s in mode %s: %w", name, mode, err), p.detach(d.pins))
	}
	p.attached = true
	return p, nil
}

func (p *Port) makeCounters() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count the CPUs: %w", err)
	}
	return p.datapath.objects.PortCounters.Put(uint32(p.Index), make([]vrrpCounters, cpus))
}

// detach takes programs and pins off.
func (p *Port) detach(pins pinDir) error {
	var errs []error
	if pins.fs != nil {
		_, err := pins.remove(p.Name)
		errs = append(errs, err)
	}
	for _, l := range p.links {
		errs = append(errs, l.Close())
	}
	p.links, p.attached = nil, false
	// Filters have no link: those of a previous daemon are found here only.
	_, err := removeClsact(p.Index)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("detach from %s: %w", p.Name, err)
	}
	return nil
}

// release gives the interface free for other processes.
func (p *Port) release() error {
	for _, l := range p.links {
		_ = l.Close() // pinned: stays attached
	}
	return p.claim.release()
}

// Detach takes the programs and pins off an interface, whoever left them, and
// tells whether there were any. Before that it calls first, with the virtual
// addresses that the programs know, so that they do not stay behind unguarded.
// Errors: *HeldError when a daemon is using it.
func Detach(name string, first func(ifindex int, left []Leftover) error) (found bool, err error) {
	l, missing := findLink(name)
	if missing == nil {
		name = l.Attrs().Name // it may be known by others
	}
	c, err := claimInterface(name)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.release()) }()
	pins, err := openPins()
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, pins.close()) }()
	pins.removeSpares()
	if missing == nil {
		if err := first(l.Attrs().Index, pins.leftovers(name)); err != nil {
			return false, err
		}
	}
	found, err = pins.remove(name)
	if missing != nil {
		if found {
			return true, err
		}
		return false, missing
	}
	filters, clsactErr := removeClsact(l.Attrs().Index)
	return found || filters, errors.Join(err, clsactErr)
}
