package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// daemonOptions say how a daemon runs, whatever it runs.
type daemonOptions struct {
	socket       string // name of the control socket
	mode         datapath.Mode
	keepAttached bool
	logFormat    string
	realTime     bool
	debug        bool
	web          webOptions
	// reloads makes SIGHUP a reload; otherwise it ends the daemon, as a terminal
	// that goes away does.
	reloads   bool
	user      string       // --user: USER[:GROUP] to become; "": that of the file
	described *fileOptions // where vrrp_user may stand; nil: there is no file
}

// plan is what a daemon is to run.
type plan struct {
	interfaces []string // that are there now
	setup      control.Setup
	global     config.Global
}

// planner decides what to run, and touches nothing. It is asked again for every reload.
type planner func(links *netio.Links, log *slog.Logger) (plan, error)

// daemon is everything that runs, and closes in the order opposite to opening.
type daemon struct {
	log       *slog.Logger
	options   daemonOptions
	planner   planner
	links     *netio.Links
	addresses *netio.Addresses
	routes    *netio.Routes
	sender    *netio.Sender
	path      *datapath.Datapath
	events    *datapath.Events
	ports     ports
	swapping  bool // interfaces are claimed, and still carry the programs of a predecessor
	engine    *control.Engine
	trackers  *track.Set
	notifier  *notify.Notifier
	clock     *clockWatch
	setup     control.Setup // that runs
	reloading sync.Mutex
	signals   chan os.Signal
	hangups   chan os.Signal
	ended     bool // under reloading: nothing is reloaded any more
	served    bool // it got as far as that
	closers   []func() error
}

// runDaemon runs in the foreground until a signal.
func runDaemon(e env, o daemonOptions, planner planner) (err error) {
	out := newAsyncWriter(e.stderr)
	defer out.Close()
	log, err := newLogger(out, o.logFormat, o.debug)
	if err != nil {
		return err
	}
	d := &daemon{log: log, options: o, planner: planner, signals: make(chan os.Signal, 2), hangups: make(chan os.Signal, 1)}
	// From here on a signal ends the daemon in good order, whatever is attached
	// by then; a terminal that goes away is no reason to leave things behind.
	signal.Notify(d.signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(d.signals)
	hangups := d.signals
	if o.reloads {
		hangups = d.hangups // on their own: however many, they hide no other signal
	}
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	signal.Ignore(syscall.SIGPIPE)
	defer func() { err = errors.Join(err, d.close()) }()
	if d.links, err = netio.NewLinks(); err != nil {
		return err
	}
	d.later(d.links.Close)
	if err := o.changeUser(d.links); err != nil {
		return err
	}
	p, err := d.planner(d.links, d.log)
	if err != nil {
		return err
	}
	if err := checkPrivileges(); err != nil {
		return err
	}
	if err := schedule(p.global); err != nil {
		return err
	}
	if o.realTime {
		scheduleRealTime(p.global, d.log)
	}
	if err := d.open(p); err != nil {
		return err
	}
	return d.run()
}

// open claims, loads, installs and attaches; all of it is silent until run.
//
// A predecessor whose lease is valid is resumed: its programs answer until ours
// come in their place, which know all that they did. So installing comes before
// attaching, and its leases end after both. What it left on the interfaces, and
// nobody goes on with, goes before our programs come: its own keep that inert.
func (d *daemon) open(p plan) error {
	var err error
	if d.path, err = datapath.Open(datapath.Options{Interfaces: p.interfaces}); err != nil {
		return err
	}
	if err := programsLoaded(); err != nil {
		return errors.Join(err, d.path.Close(true))
	}
	d.later(func() error { return d.path.Close(d.served && d.options.keepAttached) })
	if err := d.openSockets(); err != nil {
		return err
	}
	left := d.path.Leftovers()
	if err := d.checkOwn(p.setup.Instances, left); err != nil {
		return err // nothing was touched
	}
	d.later(func() error { return d.cleanUnserved(left, p) })
	if d.events, err = d.path.Events(); err != nil {
		return err
	}
	d.later(d.events.Close)
	d.swapping = true
	if err := d.openEngine(p); err != nil {
		return err
	}
	d.swapping = false
	if err := d.clean(left, p, d.engine.Resumes()); err != nil {
		return errors.Join(err, d.engine.Close())
	}
	return d.attachAll(p.interfaces)
}

// attachAll attaches to what has been claimed, and ends what predecessors had there.
func (d *daemon) attachAll(names []string) error {
	for _, name := range names {
		if _, err := d.attach(name); err != nil {
			return errors.Join(err, d.engine.Close())
		}
	}
	if err := d.path.EndPredecessors(); err != nil {
		return errors.Join(err, d.engine.Close())
	}
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
	if d.routes, err = netio.NewRoutes(); err != nil {
		return err
	}
	d.later(d.routes.Close)
	return nil
}

// clean puts the interfaces into the state that a start expects: with what the
// resumed instances need, and nothing else of a predecessor.
func (d *daemon) clean(left []datapath.Leftover, p plan, resumed []control.InstanceConfig) error {
	keep := d.addressesOf(resumed)
	var errs []error
	for _, ifindex := range indexes(left, d.path, p.interfaces) {
		errs = append(errs, removeLeftovers(d.addresses, ifindex, left, keep, d.log.With("ifindex", ifindex)))
	}
	d.removeStaleRouting(slices.DeleteFunc(slices.Clone(p.setup.Instances), func(c control.InstanceConfig) bool {
		return slices.ContainsFunc(resumed, func(r control.InstanceConfig) bool { return r.Name == c.Name })
	}))
	return errors.Join(errs...)
}

// cleanUnserved takes off what a predecessor left, after a start that has failed:
// the programs that keep it inert go next.
func (d *daemon) cleanUnserved(left []datapath.Leftover, p plan) error {
	if d.served {
		return nil
	}
	return d.clean(left, p, nil)
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

func (d *daemon) openEngine(p plan) error {
	if len(p.setup.Instances) == 0 {
		// Adverts reach an interface only if somebody there wants them.
		for _, name := range p.interfaces {
			membership, err := netio.Join(d.path.Port(name).Index, []netip.Addr{netio.MulticastGroup4, netio.MulticastGroup6})
			if err != nil {
				return err
			}
			d.later(membership.Close)
		}
	}
	d.notifier = notify.New(d.log)
	d.later(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), farewellPatience)
		defer cancel()
		return d.notifier.Close(ctx)
	})
	if err := d.notifier.Apply(p.setup.Notify); err != nil {
		return err
	}
	d.setup = p.setup
	var err error
	if d.clock, err = watchClock(); err != nil {
		return err
	}
	world := control.World{
		Now:       datapath.Now,
		Attach:    d.attach,
		Release:   d.release,
		Install:   installer(d.path),
		Events:    fastEvents{d.events},
		Sender:    d.sender,
		Unicast:   unicastOpener(d.path),
		Ledger:    func(anew bool) (control.Ledger, error) { return openLedger(d.options.socket, anew) },
		Addresses: d.addresses,
		Routes:    routeBook{d.routes, d.links},
		Links:     d.links,
		Join:      netio.Join,
		Notify:    d.notifier.Tell,

		Solicitations: netio.WatchRouterSolicitations,

		ClockSet:      d.clock.set,
		TellWallClock: d.path.SetWallClock,
	}
	d.engine, err = control.New(world, d.log, p.setup.Instances)
	return err
}

// farewellPatience bounds how long the last notifications may take.
const farewellPatience = 15 * time.Second

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
	d.trackers = track.NewSet(trackSystem{d.links, d.log}, d.log, d.engine.Tracked)
	defer d.trackers.Close()
	d.trackers.Apply(d.setup.Trackers)
	observer := control.Observer{List: reporter.Heard, Log: d.log}
	beside.Go(func() { observer.Run(ctx) })
	beside.Go(func() { d.clock.run(ctx) })
	beside.Go(func() { d.obeySignals(ctx) })
	beside.Go(func() { d.obeyHangups(ctx) })
	beside.Go(func() { tellServiceManager(ctx, d.engine, d.log) })
	defer d.endReloading()
	return d.engine.Run(context.Background())
}

// endReloading waits for a reload that is under way. What it uses is closed next.
func (d *daemon) endReloading() {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.ended = true
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

// obeyHangups reloads.
func (d *daemon) obeyHangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.hangups:
			_ = d.reload(ctx) // which has said so
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
		Interfaces: func() ([]control.InterfaceStatus, error) { return interfaces(d.ports.list()) },
		Others:     func() ([]control.Other, error) { return others(d.path, d.ports.list()) },
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
