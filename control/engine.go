package control

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Engine runs virtual routers. All of its state belongs to the goroutine in
// Run; other goroutines ask it through Status, Reload, Tracked and Stop.
type Engine struct {
	world      World
	log        *slog.Logger
	running    atomic.Pointer[[]InstanceConfig] // for any goroutine
	instances  []*instance                      // in the order of configuration, those that leave last
	clearing   []*instance                      // that have ended, and are still in the fast path
	bySlot     map[uint32]*place
	outbox     outbox
	pacer      pacer
	sent       []sentAdvert
	results    results
	effects    *effectWorker
	ports      *portReader
	unicast    Unicast      // nil until an instance has peers
	ledger     Ledger       // nil until an instance has Auth
	forgetful  bool         // the ledger does not take what it is told
	signed     bool         // some instance has Auth
	clockAt    vrrp.Instant // when the time of day is looked at again
	joined     map[int]*membership
	asked      solicitations
	watching   context.Context // of all that Run watches
	beside     sync.WaitGroup  // what Run waits for at its end
	leases     int             // names that were given
	rounds     rounds
	holding    holding
	reloading  gate
	attached   map[string]bool // interfaces; whoever holds reloading
	replugging atomic.Bool     // it is asked for
	commands   chan func()
	stops      chan struct{} // for every Stop that means something
	stopped    chan struct{} // closed when the loop has ended
	stopping   bool
	left       bool      // see Leave
	hushed     *Snapshot // see Hush
}

// gate is a mutex that tests in virtual time can wait at.
type gate chan struct{}

func (g gate) Lock()   { g <- struct{}{} }
func (g gate) Unlock() { <-g }

// sentAdvert remembers that an advert left, until the actions that came with it
// are done.
type sentAdvert struct {
	instance *instance
	at       vrrp.Instant
}

// New installs the instances, silent, in the order given; Run starts them. On
// error nothing is left installed. The caller must call Run, or else Close.
func New(world World, log *slog.Logger, configs []InstanceConfig) (*Engine, error) {
	e := &Engine{
		world:    world,
		log:      log,
		bySlot:   make(map[uint32]*place),
		joined:   make(map[int]*membership),
		attached: make(map[string]bool),
		results:  newResults(),
		commands: make(chan func()),
		stops:    make(chan struct{}, 2), // a third says nothing new
		stopped:  make(chan struct{}),

		reloading: make(gate, 1),
		holding:   holding{changing: make(gate, 1)},
	}
	e.outbox.world, e.outbox.unicast, e.pacer.outbox = &e.world, &e.unicast, &e.outbox
	e.running.Store(new([]InstanceConfig))
	if err := e.install(configs); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Run starts the virtual routers and runs them until all have ended after Stop,
// or until ctx is done, which ends them as Stop does. When it returns, also
// with an error, no lease is held, no virtual address of ours is on an
// interface, the fast path knows none of the instances, and nothing runs on.
func (e *Engine) Run(ctx context.Context) error {
	ended := sync.OnceFunc(func() { close(e.stopped) })
	defer ended()
	watching, stopWatching := context.WithCancel(context.Background())
	defer stopWatching()
	e.watching = watching
	links, err := e.world.Links.Watch(watching)
	if err != nil {
		return errors.Join(err, e.Close())
	}
	if err := e.asked.watch(e.watching, e.world, e.advertisingInterfaces()); err != nil {
		stopWatching()
		awaitClosed(links)
		return errors.Join(err, e.Close())
	}
	e.effects = startEffectWorker(e.world, e.log)
	e.ports = newPortReader(e.world.Links, e.instances, e.log)
	e.start()
	e.ports.run()
	err = e.loop(ctx, links)
	if !e.left {
		e.endAtOnce()
	}
	ended()
	e.ports.finish()
	e.effects.finish()
	stopWatching()
	awaitClosed(links)
	e.asked.finish()
	e.beside.Wait()
	e.reloading.Lock() // one that was under way takes back what it has done
	defer e.reloading.Unlock()
	if e.left {
		return errors.Join(err, e.closeLeft())
	}
	return errors.Join(err, e.Close())
}

// awaitClosed waits until the watch has released what it uses: whoever called
// Run closes that next.
func awaitClosed[T any](watch <-chan T) {
	for range watch {
		// Nobody wants them any more.
	}
}

func (e *Engine) loop(ctx context.Context, links <-chan netio.LinkEvent) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	cancelled := ctx.Done()
	for !e.ended() {
		select {
		case <-timer.C:
		case <-e.world.Events.Ready():
		case <-e.unicastReady():
		case s, ok := <-e.asked.questions:
			if !ok {
				return errors.New("the kernel no longer tells about router solicitations")
			}
			e.solicited(s)
		case ev, ok := <-links:
			if !ok {
				return errors.New("the kernel no longer tells about links")
			}
			e.ports.ask(ev)
			e.effects.verify(ev)
		case <-e.world.ClockSet:
		case p := <-e.ports.readings:
			e.portRead(p)
		case <-e.results.wake:
			e.takeResults()
		case do := <-e.commands:
			do()
		case <-e.stops:
			e.stop()
		case <-cancelled:
			cancelled = nil
			e.stop()
		}
		if err := e.tick(); err != nil {
			return err
		}
		now, next := e.now(), e.nextDeadline()
		e.rounds.rest(now, next)
		timer.Reset(untilOrIdle(now, next))
	}
	return nil
}

// tick takes what has arrived before it looks at timers: an advert that waits
// in the queue must not come after the timer that it re-arms. So a timer is due
// only if it was before the queue was emptied.
func (e *Engine) tick() error {
	now := e.now()
	e.rounds.wake(now)
	e.tellWallClock()
	if err := e.world.Events.Drain(e.fastEvent); err != nil {
		return err
	}
	if err := e.drainUnicast(); err != nil {
		return err
	}
	for _, in := range e.instances {
		if at, ok := in.router.Deadline(); ok && !now.Before(at) {
			e.due(in)
		}
	}
	e.settle()
	for _, in := range e.instances {
		e.advertise(in)
		e.announceExtra(in)
		e.lookAtConflicts(in)
	}
	e.pacer.send(now)
	e.settle()
	e.settleHolds(now)
	e.dropEnded()
	return nil
}

// due runs a timer. The fast path's stamp comes first: a backup that was kept
// from running must not take the adverts it slept through for silence.
func (e *Engine) due(in *instance) {
	e.avoidsPromotion(in, func() { e.readStamp(in) })
	e.step(in, vrrp.Timer{})
}

// readStamp tells the router when the master was last heard. See vrrp.Follow
// for when that must be told.
func (e *Engine) readStamp(in *instance) {
	e.step(in, vrrp.MasterHeard{At: e.heard(in)})
}

// settle sends what has gathered and tells the routers what was sent.
func (e *Engine) settle() {
	for e.flush(); len(e.sent) > 0; e.flush() {
		sent := e.sent
		e.sent = nil
		for _, s := range sent {
			e.step(s.instance, vrrp.AdvertSent{At: s.at})
		}
	}
}

func (e *Engine) flush() { e.sent = append(e.sent, e.outbox.flush()...) }

func (e *Engine) flushAdverts() { e.sent = append(e.sent, e.outbox.flushAdverts()...) }

func (e *Engine) now() vrrp.Instant { return vrrp.Instant(e.world.Now()) }

// nextDeadline is the earliest of all, 0 for none.
func (e *Engine) nextDeadline() vrrp.Instant {
	next := e.pacer.next()
	sooner := func(at vrrp.Instant) {
		if at != 0 && (next == 0 || at.Before(next)) {
			next = at
		}
	}
	sooner(e.clockDeadline())
	sooner(e.holdDeadline())
	for _, in := range e.instances {
		at, _ := in.router.Deadline()
		sooner(at)
		sooner(in.advertiseDeadline())
		sooner(in.extraDeadline())
		sooner(in.conflictDeadline())
	}
	return next
}

// untilOrIdle is the time to the deadline, if there is one, and at most idle.
func untilOrIdle(now, deadline vrrp.Instant) time.Duration {
	const idle = time.Minute
	if deadline == 0 {
		return idle
	}
	return min(max(deadline.Sub(now), 0), idle)
}

func (e *Engine) start() {
	e.adoptHolds(e.world.Holds)
	for _, p := range e.ports.readAll() {
		e.portRead(p)
	}
	for _, in := range e.instances {
		e.applyHold(in) // who is held does not resume
	}
	e.resumeAll()
	for _, in := range e.instances {
		e.applyTracks(in)
		e.startUp(in)
	}
	e.settle()
}

// stop asks every router to end; asked again, it does not wait for successors.
func (e *Engine) stop() {
	again := e.stopping
	e.stopping = true
	for _, in := range e.instances {
		if again || !in.removed { // which leaves already
			e.step(in, vrrp.Shutdown{})
		}
	}
}

// endAtOnce ends what still runs when the loop cannot go on.
func (e *Engine) endAtOnce() {
	e.stop()
	e.stop()
	e.settle()
}

func (e *Engine) ended() bool {
	if e.left {
		return true
	}
	if !e.stopping {
		return false
	}
	for _, in := range e.instances {
		if in.router.State() != vrrp.Init {
			return false
		}
	}
	return true
}

// Stop ends Run: masters send priority 0 and serve until a successor is heard,
// or until the slowest possible one would have taken over. A second Stop ends
// them at once. It does not wait, not even for a loop that hangs. For any
// goroutine.
func (e *Engine) Stop() {
	select {
	case e.stops <- struct{}{}:
	default: // asked for twice already
	}
}
