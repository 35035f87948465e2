package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// install makes the first instances.
func (e *Engine) install(configs []InstanceConfig) error {
	for _, c := range configs {
		in := e.newInstance(c)
		if c.Group != "" {
			in.lease = groupLease(c.Group)
		}
		e.instances = append(e.instances, in)
		for i, s := range c.places() {
			p, err := e.connect(c, s, in.lease)
			if p.path != nil {
				in.places()[i].plug = p
			}
			if err != nil {
				return fmt.Errorf("instance %q: %w", c.Name, err)
			}
		}
	}
	e.adopt(e.instances)
	e.regroup()
	e.inherit()
	ledger, err := e.openLedger(configs)
	if err != nil {
		return err
	}
	e.ledger = ledger
	unicast, err := e.openUnicast(configs)
	if err != nil {
		return err
	}
	e.unicast = unicast
	// In backup state already, so that a promotion touches no hardware.
	e.joined, err = e.join(e.instances)
	e.running.Store(&configs)
	return err
}

// adopt makes these the instances.
func (e *Engine) adopt(instances []*instance) {
	e.instances, e.signed = instances, false
	clear(e.bySlot)
	for _, in := range instances {
		e.signed = e.signed || in.config.Router.Auth != nil
		for _, p := range in.places() {
			if p.plugged() {
				e.bySlot[p.path.Slot()] = p
			}
		}
	}
	e.tellWallClock()
}

// newLease names a lease that nobody has.
func (e *Engine) newLease() string {
	e.leases++
	return fmt.Sprint("lease ", e.leases)
}

// openUnicast opens what carries adverts to peers, once somebody has some; nil:
// nobody has, or it is open.
func (e *Engine) openUnicast(configs []InstanceConfig) (Unicast, error) {
	if e.unicast != nil || !slices.ContainsFunc(configs, InstanceConfig.unicast) {
		return nil, nil
	}
	return e.world.Unicast()
}

// membership is what an interface delivers to us, and how long.
type membership struct {
	wish
	io.Closer
}

// wish is what an interface has to deliver to us.
type wish struct {
	groups []netip.Addr
	macs   [][6]byte
}

func (w *wish) add(p *place) {
	c := p.instance.config
	w.macs = append(w.macs, p.mac)
	if p == p.instance.place && !c.unicast() {
		w.groups = append(w.groups, vrrp.GroupAddress(p.family))
	}
	if p.family != vrrp.IPv6 {
		return
	}
	for _, s := range c.places() {
		if s.iface == p.iface && s.family == p.family {
			for _, a := range slices.Concat(s.addresses, s.excluded) {
				w.groups = append(w.groups, netio.SolicitedNode(a))
			}
		}
	}
}

func (w wish) equal(other wish) bool {
	return slices.Equal(w.groups, other.groups) && slices.Equal(w.macs, other.macs)
}

// join makes interfaces deliver what the instances need. Memberships that stay
// the same are taken over from before; what is left of those is for the caller
// to close, once nothing needs it any more.
func (e *Engine) join(instances []*instance) (map[int]*membership, error) {
	wanted := make(map[int]*wish)
	for _, in := range instances {
		for _, p := range in.places() {
			if !p.plugged() {
				continue
			}
			if wanted[p.ifindex] == nil {
				wanted[p.ifindex] = &wish{}
			}
			wanted[p.ifindex].add(p)
		}
	}
	joined := make(map[int]*membership)
	for ifindex, w := range wanted {
		if before := e.joined[ifindex]; before != nil && before.equal(*w) {
			joined[ifindex] = before
			continue
		}
		closer, err := e.world.Join(ifindex, w.groups, w.macs...)
		if err != nil {
			return joined, errors.Join(err, closeOthers(joined, e.joined))
		}
		joined[ifindex] = &membership{*w, closer}
	}
	return joined, nil
}

// closeOthers closes the memberships that are not among those to keep.
func closeOthers(memberships, keep map[int]*membership) error {
	var errs []error
	for ifindex, m := range memberships {
		if keep[ifindex] != m {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}

// Close takes the instances out of the fast path. Run does so itself.
func (e *Engine) Close() error {
	var errs []error
	for _, in := range slices.Concat(e.instances, e.clearing) {
		for _, p := range in.places() {
			errs = append(errs, p.path.Remove())
		}
	}
	errs = append(errs, closeOthers(e.joined, nil))
	if e.unicast != nil {
		errs = append(errs, e.unicast.Close())
	}
	if e.ledger != nil {
		errs = append(errs, e.ledger.Close())
	}
	e.instances, e.clearing, e.joined, e.unicast, e.ledger = nil, nil, nil, nil, nil
	return errors.Join(errs...)
}

// dropEnded forgets the instances that a reload has removed, once they have
// ended. What they leave is cleared away beside the loop.
func (e *Engine) dropEnded() {
	ended := func(in *instance) bool { return in.removed && in.router.State() == vrrp.Init }
	if !slices.ContainsFunc(e.instances, ended) {
		return
	}
	for _, in := range e.instances {
		if ended(in) {
			e.clearing = append(e.clearing, in)
		}
	}
	e.adopt(slices.DeleteFunc(slices.Clone(e.instances), ended))
	e.beside.Go(func() {
		e.reloading.Lock()
		defer e.reloading.Unlock()
		e.clearEnded(e.watching)
		e.leaveOthers()
		e.releaseUnused()
	})
}

// clearEnded takes the instances that have ended out of the fast path, where
// others may want their places. The caller holds e.reloading, and is not the loop.
func (e *Engine) clearEnded(ctx context.Context) {
	var list []*instance
	if e.inLoop(ctx, func() { list, e.clearing = e.clearing, nil }) != nil {
		return // Close does it
	}
	for _, in := range list {
		if err := in.unplug(); err != nil {
			in.log.Error("a virtual router that has ended stays in the fast path", "error", err)
		}
	}
}

// leaveOthers ends the memberships that only instances needed that have ended.
func (e *Engine) leaveOthers() {
	var before, joined map[int]*membership
	var err error
	if e.inLoop(e.watching, func() {
		before = e.joined
		if joined, err = e.join(e.instances); err == nil {
			e.joined = joined
		}
	}) != nil {
		return // Close does it
	}
	if err == nil {
		err = closeOthers(before, joined)
	}
	if err != nil {
		e.log.Error("an interface still delivers what is not needed any more", "error", err)
	}
}

// unplug takes an instance that has ended out of the fast path.
func (in *instance) unplug() error {
	var errs []error
	for _, p := range in.places() {
		errs = append(errs, p.path.Remove())
		p.plug = plug{path: absentPath{}}
	}
	return errors.Join(errs...)
}
