package control

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Reload makes these the instances, all or, with an error, none of them. What
// did not change is not touched: it sends nothing, loses nothing, and stays what
// it is. An instance is the same one as long as its interface, VRID, family and
// version are; whatever else of it changes, it stays master or backup. One that
// is not there any more says farewell with priority 0, and serves until it has a
// successor. Not before Run. For any goroutine but the loop's.
func (e *Engine) Reload(ctx context.Context, configs []InstanceConfig) error {
	if err := Validate(configs); err != nil {
		return err
	}
	e.reloading.Lock()
	defer e.reloading.Unlock()
	return e.reload(ctx, configs)
}

func (e *Engine) reload(ctx context.Context, configs []InstanceConfig) error {
	e.clearEnded(ctx)
	var r *reload
	if err := e.inLoop(ctx, func() { r = e.compare(configs) }); err != nil {
		return err
	}
	if err := r.prepare(); err != nil {
		return errors.Join(err, r.undo())
	}
	var errs []error
	if err := e.inLoop(ctx, func() { errs = r.apply() }); err != nil {
		return errors.Join(err, r.undo())
	}
	e.running.Store(&configs)
	r.finish()
	if err := errors.Join(errs...); err != nil {
		return PartialError{err}
	}
	return nil
}

// PartialError is why a reload that is in force has not reached everything. What
// it is about is tried again by the next one.
type PartialError struct{ error }

// Unwrap returns what went wrong.
func (p PartialError) Unwrap() error { return p.error }

// reload is the way from what runs to what is to run.
type reload struct {
	engine   *Engine
	wanted   []*wanted
	removed  []*instance
	held     map[any]*instance // who has what only one can have
	links    map[string]netio.LinkInfo
	joined   map[int]*membership
	before   map[int]*membership
	unicast  Unicast        // nil: as before
	ledger   Ledger         // nil: as before
	asked    *solicitations // nil: as before
	askedOld *solicitations
	ports    map[string]port
	readings []portReading
}

// wanted is an instance as it is to be.
type wanted struct {
	config  InstanceConfig
	current *instance // nil: it is new
	changed bool
	// next is a new instance, or else the shape that current is to take.
	next *instance
	// late are places that can only be served once others have let go.
	late []*place
	// installed are the places that were plugged in for this reload.
	installed []*place
}

// compare finds out what stays. In the loop, which goes on unchanged.
func (e *Engine) compare(configs []InstanceConfig) *reload {
	r := &reload{engine: e, held: make(map[any]*instance), links: make(map[string]netio.LinkInfo), before: e.joined}
	kept := make(map[*instance]bool)
	for _, c := range configs {
		c.Router.Grouped = c.Group != ""
		w := &wanted{config: c, current: e.sameAs(c)}
		w.changed = w.current == nil || w.current.spoiled || !reflect.DeepEqual(w.current.config, c)
		kept[w.current] = true
		r.wanted = append(r.wanted, w)
	}
	for _, in := range e.instances {
		if !kept[in] {
			r.removed = append(r.removed, in)
		}
		for _, key := range in.holdings() {
			r.held[key] = in
		}
	}
	return r
}

// sameAs is the instance that this configuration is of, nil if there is none.
func (e *Engine) sameAs(c InstanceConfig) *instance {
	for _, in := range e.instances {
		if !in.removed && in.config.key() == c.key() && in.config.Router.Version == c.Router.Version {
			return in
		}
	}
	return nil
}

// holdings lists what only one instance can have.
func (in *instance) holdings() []any {
	var list []any
	for _, s := range in.config.places() {
		list = append(list, s.holdings(in.config.Router.VRID)...)
	}
	return list
}

func (s placeSpec) holdings(vrid uint8) []any {
	list := []any{routerKey{s.iface, vrid, s.family}}
	for _, a := range unique(s.addresses, s.excluded) {
		list = append(list, addressOn{s.iface, a})
	}
	return list
}

// prepare does all that may fail or take its time. Nothing that runs sees it.
func (r *reload) prepare() error {
	for _, w := range r.wanted {
		if err := r.shape(w); err != nil {
			return fmt.Errorf("instance %q: %w", w.config.Name, err)
		}
	}
	next := r.next()
	var err error
	if r.unicast, err = r.engine.openUnicast(r.configs()); err != nil {
		return err
	}
	if r.ledger, err = r.engine.openLedger(r.configs()); err != nil {
		return err
	}
	if r.joined, err = r.engine.join(append(next, r.removed...)); err != nil {
		r.joined = nil
		return err
	}
	if interfaces := advertisingInterfaces(next); !slices.Equal(interfaces, r.engine.asked.interfaces) {
		r.asked = &solicitations{}
		if err := r.asked.watch(r.engine.watching, r.engine.world, interfaces); err != nil {
			return err
		}
	}
	r.ports = portsOf(append(slices.Clone(r.removed), next...)) // none of theirs is a source
	for name, p := range r.ports {
		if r.concerns(name) {
			r.readings = append(r.readings, readPort(r.engine.world.Links, name, p))
		}
	}
	return nil
}

// next are the instances as they are to be.
func (r *reload) next() []*instance {
	var list []*instance
	for _, w := range r.wanted {
		list = append(list, w.next)
	}
	return list
}

func (r *reload) configs() []InstanceConfig {
	var list []InstanceConfig
	for _, w := range r.wanted {
		list = append(list, w.config)
	}
	return list
}

// concerns reports whether something on the interface is new or changed.
func (r *reload) concerns(name string) bool {
	return slices.ContainsFunc(r.wanted, func(w *wanted) bool {
		return w.changed && slices.ContainsFunc(w.next.places(), func(p *place) bool { return p.iface == name })
	})
}

// shape makes the instance as it is to be, and installs what of it is new.
func (r *reload) shape(w *wanted) error {
	w.next = r.engine.newInstance(w.config)
	for i, s := range w.config.places() {
		p := w.next.places()[i]
		known, err := r.attach(w.config, s.iface)
		if err != nil {
			return err
		}
		if before := w.current.placeAt(s); before != nil && (before.ifindex == known || known == 0) {
			p.plug = before.plug
			continue
		}
		w.changed = w.changed || known != 0
		if err := r.install(w, p, s); err != nil {
			return err
		}
	}
	return nil
}

// placeAt is the place of that interface and family, nil if there is none.
func (in *instance) placeAt(s placeSpec) *place {
	if in == nil {
		return nil
	}
	for _, p := range in.places() {
		if p.iface == s.iface && p.family == s.family {
			return p
		}
	}
	return nil
}

// attach makes the fast path work on an interface, and returns its index: 0 if
// it is missing, and may be.
func (r *reload) attach(c InstanceConfig, name string) (ifindex int, err error) {
	if link, known := r.links[name]; known {
		return link.Index, nil
	}
	link, err := r.engine.world.Attach(name)
	runs := slices.ContainsFunc(*r.engine.running.Load(), func(c InstanceConfig) bool {
		return slices.ContainsFunc(c.places(), func(s placeSpec) bool { return s.iface == name })
	})
	if errors.Is(err, netio.ErrNoInterface) && (c.MayBeMissing || runs) {
		link, err = netio.LinkInfo{}, nil
	}
	if err != nil {
		return 0, err
	}
	r.links[name] = link
	if link.Index != 0 {
		r.engine.attached[name] = true
	}
	return link.Index, nil
}

// install serves a new place, unless somebody has to let go first.
func (r *reload) install(w *wanted, p *place, s placeSpec) error {
	link := r.links[s.iface]
	if link.Index == 0 {
		return nil // it is missing
	}
	p.ifindex, p.device = link.Index, link.MAC
	for _, key := range s.holdings(w.config.Router.VRID) {
		if other := r.held[key]; other != nil && (other != w.current || w.current.placeAt(s) == nil) {
			w.late = append(w.late, p)
			return nil
		}
	}
	path, err := r.engine.world.Install(p.spec(w.config, s, r.leaseOf(w)))
	if err != nil {
		p.plug = plug{path: absentPath{}}
		return err
	}
	p.path = path
	w.installed = append(w.installed, p)
	return nil
}

// leaseOf is the lease that the places of an instance have now.
func (r *reload) leaseOf(w *wanted) string {
	if w.current != nil {
		return w.current.lease
	}
	return w.next.lease
}

// undo takes back what prepare has done.
func (r *reload) undo() error {
	var errs []error
	for _, w := range r.wanted {
		for _, p := range w.installed {
			errs = append(errs, p.path.Remove())
		}
	}
	errs = append(errs, closeOthers(r.joined, r.before))
	if r.unicast != nil {
		errs = append(errs, r.unicast.Close())
	}
	if r.ledger != nil {
		errs = append(errs, r.ledger.Close())
	}
	if r.asked != nil {
		r.asked.finish()
	}
	r.engine.releaseUnused()
	return errors.Join(errs...)
}

// finish clears away what nothing uses any more.
func (r *reload) finish() {
	if err := closeOthers(r.before, r.joined); err != nil {
		r.engine.log.Error("an interface still delivers what is not needed any more", "error", err)
	}
	if r.askedOld != nil {
		r.askedOld.finish()
	}
	r.engine.releaseUnused()
}

// releaseUnused takes the fast path off the interfaces on which no instance is.
// The caller holds e.reloading.
func (e *Engine) releaseUnused() {
	var used map[string]port
	if e.inLoop(e.watching, func() { used = portsOf(slices.Concat(e.instances, e.clearing)) }) != nil {
		return // all is cleared away at the end
	}
	for name := range e.attached {
		if _, needed := used[name]; needed {
			continue
		}
		if err := e.world.Release(name); err != nil {
			e.log.Error("the fast path stays on an interface that nothing needs any more", "interface", name, "error", err)
			continue
		}
		delete(e.attached, name)
	}
}

// replug attaches anew to interfaces that were made anew. In the loop, which
// goes on.
func (e *Engine) replug() {
	if e.replugging.Swap(true) {
		return
	}
	e.beside.Go(func() {
		e.reloading.Lock()
		defer e.reloading.Unlock()
		e.replugging.Store(false)
		if err := e.reload(e.watching, *e.running.Load()); err != nil && !errors.Is(err, ErrStopped) {
			e.log.Error("an interface that was made anew cannot be used; trying again", "error", err)
			e.ports.askAgain("")
		}
	})
}

// end steps the instance to its end.
func (e *Engine) end(in *instance, atOnce bool) {
	e.step(in, vrrp.Shutdown{})
	if atOnce && in.router.State() != vrrp.Init {
		e.step(in, vrrp.Shutdown{})
	}
}
