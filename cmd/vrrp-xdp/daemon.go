package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
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

	departures  chan os.Signal
	upgrades    int
	failure     string // of the last upgrade
	stopServing func()
	beside      sync.WaitGroup // what run waits for
	left        atomic.Bool    // everything stays as it is, for whoever comes next
	stopAsked   atomic.Bool    // by a signal
	failed      error          // of leaving; read when beside has ended
	next        atomic.Pointer[legacy]
	closers     []func() error
}

// runDaemon runs in the foreground until a signal, and executes another image in
// this process when it is upgraded. Should that fail it goes on with this one.
func runDaemon(e env, o daemonOptions, planner planner) error {
	before, err := receiveLegacy()
	if err != nil {
		return err
	}
	for {
		next, err := runImage(e, o, planner, before)
		if next == nil {
			return err
		}
		if err == nil {
			err = next.execute()
		}
		next.Upgrades--
		next.failure = err.Error()
		before = next
	}
}

// runImage runs until a signal, or until another image is to be executed.
func runImage(e env, o daemonOptions, planner planner, before *legacy) (next *legacy, err error) {
	out := newAsyncWriter(e.stderr)
	defer out.Close()
	log, err := newLogger(out, o.logFormat, o.debug)
	if err != nil {
		return nil, err
	}
	d := &daemon{log: log, options: o, planner: planner, signals: make(chan os.Signal, 2), hangups: make(chan os.Signal, 1), departures: make(chan os.Signal, 1)}
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
	signal.Notify(d.departures, syscall.SIGQUIT, syscall.SIGUSR2)
	defer signal.Stop(d.departures)
	defer func() { err = errors.Join(err, d.close()) }()
	if isTrial() {
		if err := beOrdinary(); err != nil {
			return nil, fmt.Errorf("be scheduled as other processes are: %w", err)
		}
	}
	if d.links, err = netio.NewLinks(); err != nil {
		return nil, err
	}
	d.later(d.links.Close)
	if err := o.changeUser(d.links); err != nil {
		return nil, err
	}
	p, err := d.planner(d.links, d.log)
	if err != nil {
		return nil, err
	}
	if err := checkPrivileges(); err != nil {
		return nil, err
	}
	if isTrial() {
		return nil, pass(e)
	}
	if err := schedule(p.global); err != nil {
		return nil, err
	}
	if o.realTime {
		scheduleRealTime(p.global, d.log)
	}
	if err := d.open(p); err != nil {
		return nil, err
	}
	d.inherit(before)
	err = d.run()
	return d.following(), errors.Join(err, d.failed)
}

// following is the image to execute, nil: none. It ends at once if that was asked
// for when the engine of this one had left.
func (d *daemon) following() *legacy {
	next := d.next.Load()
	if next == nil {
		return nil
	}
	select {
	case <-d.signals:
		d.stopAsked.Store(true)
	default:
	}
	next.Stop = d.stopAsked.Load()
	return next
}

// inherit goes on with what the image before this one has left.
func (d *daemon) inherit(before *legacy) {
	if before == nil {
		return
	}
	d.upgrades, d.failure = before.Upgrades, before.failure
	d.engine.Restore(before.Snapshot)
	if before.Stop {
		d.engine.Stop()
	}
	// To leave a group takes the kernel some of the time that the lease has.
	d.beside.Go(func() {
		if err := before.release(); err != nil {
			d.log.Warn("memberships of the image before", "error", err)
		}
	})
	if before.failure != "" {
		d.log.Error("not upgraded: this version goes on", "error", before.failure)
		return
	}
	d.log.Info("upgraded", "from", before.Version, "to", version)
}

// open claims, loads, installs and attaches; all of it is silent until run.
//
// A predecessor whose lease is valid is resumed: its programs answer until ours
// come in their place, which know all that they did. So installing comes before
// attaching, and its leases end after both. What it left on the interfaces, and
// nobody goes on with, goes before our programs come: its own keep that inert.
func (d *daemon) open(p plan) error {
	err := thread.Entitled(func() (err error) {
		d.path, err = datapath.Open(datapath.Options{Interfaces: p.interfaces})
		return err
	})
	if err != nil {
		return err
	}
	if err := programsLoaded(needed | files | toLock(p.global.NoSwap || d.options.realTime)); err != nil {
		return errors.Join(err, d.path.Close(true))
	}
	d.later(d.closePath)
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

func (d *daemon) closePath() error {
	if d.left.Load() {
		return d.path.Leave()
	}
	return d.path.Close(d.served && d.options.keepAttached)
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
		Holds:     readHolds(d.options.socket, d.log),
		KeepHolds: holdKeeper(d.options.socket),

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
	defer d.beside.Wait()
	defer cancel()
	reporter := d.reporter()
	stop, err := d.serve(reporter)
	if err != nil {
		return errors.Join(err, d.engine.Close())
	}
	d.stopServing = sync.OnceFunc(stop)
	defer d.stopServing()
	d.served = true
	d.trackers = track.NewSet(trackSystem{d.links, d.log}, d.log, d.engine.Tracked)
	defer d.trackers.Close()
	d.trackers.Apply(d.setup.Trackers)
	observer := control.Observer{List: reporter.Heard, Log: d.log}
	d.beside.Go(func() { observer.Run(ctx) })
	d.beside.Go(func() { d.clock.run(ctx) })
	d.beside.Go(func() { d.obeySignals(ctx) })
	d.beside.Go(func() { d.obeyHangups(ctx) })
	d.beside.Go(func() { d.obeyUpgrades(ctx) })
	d.beside.Go(func() { tellServiceManager(ctx, d.engine, d.log) })
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
			d.stopAsked.Store(true)
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
		Version:  version,
		Host:     host,
		PID:      os.Getpid(),
		Upgrades: d.upgrades, UpgradeError: d.failure,
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
