package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// daemon is everything that runs, and closes in the order opposite to opening.
type daemon struct {
	log       *slog.Logger
	options   attachOptions
	links     *netio.Links
	addresses *netio.Addresses
	sender    *netio.Sender
	path      *datapath.Datapath
	events    *datapath.Events
	ports     []*datapath.Port
	engine    *control.Engine
	signals   chan os.Signal
	served    bool // it got as far as that
	closers   []func() error
}

// attach runs in the foreground until a signal.
func attach(e env, o attachOptions) (err error) {
	out := newAsyncWriter(e.stderr)
	defer out.Close()
	log, err := newLogger(out, o.logFormat, o.debug)
	if err != nil {
		return err
	}
	d := &daemon{log: log, options: o, signals: make(chan os.Signal, 2)}
	// From here on a signal ends the daemon in good order, whatever is attached
	// by then; a terminal that goes away is no reason to leave things behind.
	signal.Notify(d.signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(d.signals)
	signal.Ignore(syscall.SIGPIPE)
	defer func() { err = errors.Join(err, d.close()) }()
	configs, err := d.plan()
	if err != nil {
		return err
	}
	if err := d.open(configs); err != nil {
		return err
	}
	return d.run()
}

// plan decides what to run, and touches nothing.
func (d *daemon) plan() ([]control.InstanceConfig, error) {
	var err error
	if d.links, err = netio.NewLinks(); err != nil {
		return nil, err
	}
	d.later(d.links.Close)
	ports, err := lookPorts(d.links, d.options.interfaces)
	if err != nil {
		return nil, err
	}
	for i, p := range ports {
		d.options.interfaces[i] = p.Name // it may have been called by another
	}
	configs, err := planInstances(d.options.instance, ports, d.log)
	if err != nil {
		return nil, err
	}
	return configs, checkPrivileges()
}

// checkPrivileges gives one clear line in place of the many ways in which what
// follows would fail.
func checkPrivileges() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read the capabilities of this process: %w", err)
	}
	has := func(c int) bool { return data[c/32].Effective&(1<<(c%32)) != 0 }
	if !has(unix.CAP_NET_ADMIN) || !has(unix.CAP_NET_RAW) || !has(unix.CAP_BPF) && !has(unix.CAP_SYS_ADMIN) {
		return fmt.Errorf("attach: %w", datapath.ErrNotPermitted)
	}
	return nil
}

// open claims, loads, attaches and installs; all of it is silent until run.
// What a crashed predecessor left on the interfaces goes before anything that
// can fail and take its programs off: they are what keeps its addresses inert.
func (d *daemon) open(configs []control.InstanceConfig) error {
	var err error
	if d.path, err = datapath.Open(datapath.Options{Interfaces: d.options.interfaces}); err != nil {
		return err
	}
	d.later(func() error { return d.path.Close(d.served && d.options.keepAttached) })
	if err := d.openSockets(); err != nil {
		return err
	}
	if err := d.clean(configs); err != nil {
		return err
	}
	if err := d.attachAll(); err != nil {
		return err
	}
	return d.openEngine(configs)
}

func (d *daemon) attachAll() error {
	for _, name := range d.options.interfaces {
		p, err := d.path.Attach(name, d.options.mode)
		if err != nil {
			return err
		}
		d.ports = append(d.ports, p)
		d.log.Info("attached", "interface", p.Name, "mode", p.Mode, "because", p.Reason)
	}
	var err error
	d.events, err = d.path.Events()
	if err != nil {
		return err
	}
	d.later(d.events.Close)
	return nil
}

func (d *daemon) openSockets() error {
	var err error
	if d.addresses, err = netio.NewAddresses(); err != nil {
		return err
	}
	d.later(d.addresses.Close)
	if d.sender, err = netio.NewSender(); err != nil {
		return err
	}
	d.later(d.sender.Close)
	return nil
}

// clean puts the interfaces into the state that a start expects.
func (d *daemon) clean(configs []control.InstanceConfig) error {
	var errs []error
	left := d.path.Leftovers()
	for _, c := range configs {
		errs = append(errs, checkOwnAddresses(d.addresses, d.path.Port(c.Interface).Index, c, left))
	}
	if err := errors.Join(errs...); err != nil {
		return err // nothing was touched
	}
	for _, ifindex := range indexes(left, d.path, d.options.interfaces) {
		errs = append(errs, removeLeftovers(d.addresses, ifindex, left, d.log.With("ifindex", ifindex)))
	}
	return errors.Join(errs...)
}

// indexes lists our interfaces and those on which a predecessor left something.
func indexes(left []datapath.Leftover, path *datapath.Datapath, names []string) []int {
	var list []int
	for _, name := range names {
		list = append(list, path.Port(name).Index)
	}
	for _, l := range left {
		list = append(list, l.Interface)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (d *daemon) openEngine(configs []control.InstanceConfig) error {
	if len(configs) == 0 {
		// Adverts reach an interface only if somebody there wants them.
		for _, p := range d.ports {
			membership, err := netio.Join(p.Index, []netip.Addr{netio.MulticastGroup4, netio.MulticastGroup6})
			if err != nil {
				return err
			}
			d.later(membership.Close)
		}
	}
	world := control.World{
		Now:       datapath.Now,
		Install:   installer(d.path),
		Events:    fastEvents{d.events},
		Sender:    d.sender,
		Addresses: d.addresses,
		Links:     d.links,
		Join:      netio.Join,

		Solicitations: netio.WatchRouterSolicitations,
	}
	if slices.ContainsFunc(configs, func(c control.InstanceConfig) bool { return len(c.Router.Peers) > 0 }) {
		unicast, err := netio.OpenUnicast()
		if err != nil {
			return err
		}
		d.later(unicast.Close)
		world.Unicast = unicast
	}
	var err error
	d.engine, err = control.New(world, d.log, configs)
	return err
}

// run serves until a signal has ended the engine.
func (d *daemon) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	reporter := d.reporter()
	stop, err := d.serve(reporter)
	if err != nil {
		return errors.Join(err, d.engine.Close())
	}
	defer stop()
	d.served = true
	observer := control.Observer{List: reporter.Heard, Log: d.log}
	beside.Go(func() { observer.Run(ctx) })
	beside.Go(func() { d.obeySignals(ctx) })
	return d.engine.Run(context.Background())
}

// obeySignals ends the engine gracefully at the first signal, at once at the second.
func (d *daemon) obeySignals(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-d.signals:
			d.log.Info("stopping", "signal", s.String())
			d.engine.Stop()
		}
	}
}

func (d *daemon) reporter() control.Reporter {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return control.Reporter{
		Version:    version,
		Host:       host,
		PID:        os.Getpid(),
		Engine:     d.engine,
		Interfaces: func() ([]control.InterfaceStatus, error) { return interfaces(d.ports) },
		Others:     func() ([]control.Other, error) { return others(d.path, d.ports) },
	}
}

func (d *daemon) later(f func() error) { d.closers = append(d.closers, f) }

func (d *daemon) close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	return errors.Join(errs...)
}
