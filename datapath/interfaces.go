package datapath

import (
	"errors"
	"fmt"
	"slices"
)

// Claim claims one interface more, as Open does: what a previous daemon left in
// its maps is added to Leftovers, but for the interfaces that have routers of
// ours, and its leases end. There is no effect when the interface is claimed
// already; but if it has been deleted since, and made anew, its old Port is
// dropped for a new one, which is to be attached. Routers on the old ifindex are
// left to be removed. On error nothing has changed but those leases. Errors as
// of Open.
func (d *Datapath) Claim(name string) error {
	d.interfaces.Lock()
	defer d.interfaces.Unlock()
	l, err := findLink(name)
	if err != nil {
		return err
	}
	p := d.newPort(l)
	if err := d.refuseRenamed(p); err != nil {
		return err
	}
	old := d.Port(p.Name)
	switch {
	case old == nil:
		return d.claimAnother(p)
	case old.Index != p.Index:
		return d.claimAnew(old, p)
	}
	return nil
}

// refuseRenamed says which claimed interface the port is under another name: its
// pins and its lock have that name.
func (d *Datapath) refuseRenamed(p *Port) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, other := range d.ports {
		if other.Index == p.Index && other.Name != p.Name {
			return fmt.Errorf("claim %s: it was claimed as %s, before it was renamed: release %s first", p.Name, other.Name, other.Name)
		}
	}
	return nil
}

// claimPort finds the interface and claims it.
func (d *Datapath) claimPort(name string) (*Port, error) {
	l, err := findLink(name)
	if err != nil {
		return nil, err
	}
	p := d.newPort(l)
	if p.claim, err = claimInterface(p.Name); err != nil {
		return nil, err
	}
	return p, nil
}

func (d *Datapath) claimAnother(p *Port) error {
	var err error
	if p.claim, err = claimInterface(p.Name); err != nil {
		return err
	}
	if err := d.succeed(p); err != nil {
		return errors.Join(err, p.release())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports = append(d.ports, p)
	return nil
}

// claimAnew puts the port in the place of the one that had the name before.
func (d *Datapath) claimAnew(old, p *Port) error {
	// The pins of the old one are of our own maps: nothing that a predecessor left.
	if err := d.clear(old); err != nil {
		return fmt.Errorf("claim %s, which was made anew: %w", p.Name, err)
	}
	p.claim = old.claim
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports[slices.Index(d.ports, old)] = p
	return nil
}

// succeed is meet for an interface that is claimed at run time: what a previous
// daemon was there ends at once.
func (d *Datapath) succeed(p *Port) error {
	if err := d.meet(p); err != nil {
		return err
	}
	return d.EndPredecessors()
}

// Release takes the programs off the interface, and its pins, and gives it free
// for other processes; also if it is gone already. It refuses while virtual
// routers are installed on it. When the programs cannot be taken off, it stays
// claimed: Release can be tried again.
func (d *Datapath) Release(name string) error {
	d.interfaces.Lock()
	defer d.interfaces.Unlock()
	p := d.Port(name)
	if p == nil {
		return fmt.Errorf("release %s: it was not claimed", name)
	}
	d.mu.Lock()
	routers := d.installed[p.Index]
	d.mu.Unlock()
	if routers > 0 {
		return fmt.Errorf("release %s: %d virtual routers are installed on it: remove them first", name, routers)
	}
	if err := d.clear(p); err != nil {
		return fmt.Errorf("release %s: %w", name, err)
	}
	d.pins.tidy()
	d.mu.Lock()
	d.ports = slices.DeleteFunc(d.ports, func(other *Port) bool { return other == p })
	d.mu.Unlock()
	return p.release()
}

// clear takes everything off the interface, and what was counted and heard there.
func (d *Datapath) clear(p *Port) error {
	if err := p.detach(d.pins); err != nil {
		return err
	}
	_ = d.objects.PortCounters.Delete(uint32(p.Index)) // there are none if it was not attached
	d.forgetOthers(p.Index)
	return nil
}
