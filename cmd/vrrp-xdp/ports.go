package main

import (
	"errors"
	"slices"
	"sync"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// ports are the interfaces that the fast path is attached to.
type ports struct {
	mu  sync.Mutex
	all []*datapath.Port
}

func (p *ports) list() []*datapath.Port {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all)
}

// put adds a port, in place of one of the same name.
func (p *ports) put(port *datapath.Port) {
	p.drop(port.Name)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, port)
}

func (p *ports) drop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = slices.DeleteFunc(p.all, func(port *datapath.Port) bool { return port.Name == name })
}

func (p *ports) has(link netio.LinkInfo) bool {
	return slices.ContainsFunc(p.list(), func(port *datapath.Port) bool {
		return port.Name == link.Name && port.Index == link.Index
	})
}

// attach makes the fast path work on an interface. Where it does already,
// nothing happens.
func (d *daemon) attach(name string) (netio.LinkInfo, error) {
	link, err := d.links.Link(name)
	if err != nil || d.ports.has(link) {
		return link, err
	}
	claimed := d.path.Port(link.Name)
	isNew := claimed == nil || claimed.Index != link.Index
	if d.swapping && !isNew {
		return link, nil // attachAll does it
	}
	if isNew {
		if err := d.claim(link); err != nil {
			return link, err
		}
	}
	var p *datapath.Port
	err = thread.Entitled(func() (err error) { // to name whose program is in the way
		p, err = d.path.Attach(link.Name, d.options.mode)
		return err
	})
	if err != nil && isNew {
		return link, errors.Join(err, d.path.Release(link.Name))
	}
	if err != nil {
		return link, err
	}
	d.ports.put(p)
	d.log.Info("attached", "interface", p.Name, "mode", p.Mode, "because", p.Reason)
	return link, nil
}

// claim takes an interface that was not there, or not needed, at the start.
func (d *daemon) claim(link netio.LinkInfo) error {
	if err := d.path.Claim(link.Name); err != nil {
		return err
	}
	return removeLeftovers(d.addresses, link.Index, d.path.Leftovers(), nil, d.log.With("interface", link.Name))
}

// release takes the fast path off an interface.
func (d *daemon) release(name string) error {
	if err := d.path.Release(name); err != nil {
		return err
	}
	d.ports.drop(name)
	d.log.Info("detached", "interface", name)
	return nil
}
