// Package datapath is the fast path as Go sees it: it loads the BPF programs,
// attaches them to interfaces, and writes and reads their maps. It is the only
// package that knows BPF, and imports nothing of the control plane.
//
// All points in time are CLOCK_BOOTTIME, as a time.Duration since boot: the
// clock of the programs, which goes on while the machine is suspended.
package datapath

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
)

// Limits of the maps, fixed at load.
const (
	MaxRouters   = 4096
	MaxAddresses = 65536 // of each family

	maxGroups  = MaxRouters
	maxSenders = 16384
)

// Datapath is one loaded set of programs and maps, attached to the interfaces
// of one daemon. Its methods are for any goroutine, but for Close, which comes
// after all others. None that looks at an interface holds up one that does not.
type Datapath struct {
	objects vrrpObjects
	pins    pinDir
	leases  *words
	routers *words
	current *words
	heard   *words
	auths   *words
	wall    *words
	peers   peerBook

	// interfaces has what takes time, and what changes ports, one after the other.
	interfaces sync.Mutex

	// mu guards what follows. It is held for moments, never during a syscall:
	// the goroutine that renews leases waits for it.
	mu        sync.Mutex
	slots     slots
	groups    groups
	installed map[int]int // virtual routers, by ifindex
	ports     []*Port
	left      []Leftover
	former    []*predecessor // until EndPredecessors
	released  bool
}

// Options for Open.
type Options struct {
	// Interfaces to claim, by name. More of them can be claimed later, by Claim.
	Interfaces []string
}

// Open claims the interfaces for this process and loads the programs with maps
// of their own. What a previous daemon left in the maps that are pinned for the
// interfaces goes on until EndPredecessors; a router that is added before that
// may take over its lease: see Inherited. On error nothing has changed. The
// caller must Close the result. Errors: *HeldError when another process has
// claimed one of the interfaces, ErrNoBPFFS when there is no BPF file system and
// none can be mounted, ErrNotPermitted without the privileges that BPF needs.
func Open(o Options) (*Datapath, error) {
	d := &Datapath{slots: slots{limit: MaxRouters}, groups: newGroups(), installed: make(map[int]int)}
	if err := d.open(o.Interfaces); err != nil {
		// What a predecessor left stays: its programs keep its addresses inert.
		return nil, errors.Join(err, d.Close(true))
	}
	return d, nil
}

func (d *Datapath) open(interfaces []string) error {
	for _, name := range interfaces {
		port, err := d.claimPort(name)
		if err != nil {
			return err
		}
		d.ports = append(d.ports, port)
	}
	var err error
	if d.pins, err = openPins(); err != nil {
		return err
	}
	for _, p := range d.ports {
		if err := d.meet(p); err != nil {
			return err
		}
	}
	if err := d.load(); err != nil {
		return err
	}
	return d.mapWords()
}

// load makes programs and maps: those that were prepared, or new ones. The maps
// of a previous daemon are not used again: one set may be pinned for several
// interfaces, which need not have the same daemon the next time.
func (d *Datapath) load() error {
	if d.pins.takeSpare(&d.objects) {
		return nil
	}
	d.pins.removeSpares()
	return load(&d.objects)
}

// load loads programs and maps into the kernel.
func load(o *vrrpObjects) error {
	spec, err := loadVrrp()
	if err != nil {
		return fmt.Errorf("read the compiled BPF programs: %w", err)
	}
	err = spec.LoadAndAssign(o, nil)
	if err != nil && clearFrags(spec) {
		// Kernels before 5.18 do not know the flag; what else is wrong will be again.
		if spec.LoadAndAssign(o, nil) == nil {
			return nil
		}
	}
	return explainLoad(err)
}

// clearFrags takes multi-buffer support off the XDP program, and tells whether
// there was any.
func clearFrags(spec *ebpf.CollectionSpec) bool {
	const hasFrags = 1 << 5 // BPF_F_XDP_HAS_FRAGS
	p := spec.Programs[vrrpProgVrrpXdp]
	had := p.Flags&hasFrags != 0
	p.Flags &^= hasFrags
	return had
}

func (d *Datapath) mapWords() error {
	for to, m := range map[**words]*ebpf.Map{
		&d.leases:  d.objects.Leases,
		&d.routers: d.objects.Routers,
		&d.current: d.objects.Current,
		&d.heard:   d.objects.Heard,
		&d.auths:   d.objects.Auths,
		&d.wall:    d.objects.WallClock,
	} {
		var err error
		if *to, err = mapWords(m); err != nil {
			return err
		}
	}
	return nil
}

// Close ends every lease, takes the programs off the interfaces and the pins
// off the BPF file system, and gives the interfaces free; with keepAttached
// the programs stay, silent, for the next daemon to adopt.
func (d *Datapath) Close(keepAttached bool) error {
	d.interfaces.Lock()
	defer d.interfaces.Unlock()
	if d.released {
		return nil
	}
	if d.leases != nil {
		d.leases.clear()
	}
	return d.close(keepAttached)
}

// Leave is Close(true), but that the leases are left to whoever comes next: they
// run out by themselves.
func (d *Datapath) Leave() error {
	d.interfaces.Lock()
	defer d.interfaces.Unlock()
	if d.released {
		return nil
	}
	return d.close(true)
}

func (d *Datapath) close(keepAttached bool) error {
	d.released = true
	var errs []error
	if !keepAttached && d.pins.fs != nil {
		d.pins.removeSpares()
	}
	for _, p := range d.ports {
		if !keepAttached {
			errs = append(errs, p.detach(d.pins))
		}
		errs = append(errs, p.release())
	}
	for _, p := range d.former {
		errs = append(errs, p.close())
	}
	errs = append(errs, d.leases.unmap(), d.routers.unmap(), d.current.unmap(), d.heard.unmap(), d.auths.unmap(), d.wall.unmap(), d.objects.Close(), d.pins.close())
	return errors.Join(errs...)
}
