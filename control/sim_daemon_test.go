package control

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

// simDaemon is one life of the daemon: an engine, and how it is kept from running.
type simDaemon struct {
	host    *simHost
	kernel  *simKernel
	engine  *Engine
	ctx     context.Context
	cancel  context.CancelFunc
	ended   chan struct{}
	watches []chan netio.LinkEvent
	inbox   []func() // what it will hear of, one after the other

	dead     bool
	stopping bool
	resumed  chan struct{} // closed when a paused one goes on; nil: it runs
	stopIn   int           // after so many steps it is stopped
	stopFor  time.Duration
	steps    int
	lateBy   time.Duration // now and then
	late     bool          // it is, at this moment
	// reloading: it is not stopped meanwhile. A loop that found the next step of a
	// reload and a timer at once would take either.
	reloading bool
	failing   int // sends fail; how often that was asked for
}

// runs reports whether the daemon would notice something now.
func (d *simDaemon) runs() bool { return !d.dead && d.resumed == nil && !d.late }

const simLateEvery = 5 // steps of a late daemon from one delay to the next

// enter is where the loop of a daemon can be stopped, be late or die: at every
// touch of the world. What it returns lets others in again.
func (d *simDaemon) enter() (leave func()) {
	l := d.host.lan
	if leave = d.beside(); d.reloading {
		return leave
	}
	if d.steps++; d.lateBy > 0 && d.steps%simLateEvery == 0 {
		d.late = true
		by := d.lateBy
		leave()
		time.Sleep(by)
		leave = d.beside()
		d.late = false
		l.in(simApart, d.hear)
	}
	if d.stopIn > 0 {
		if d.stopIn--; d.stopIn == 0 {
			d.pause(d.stopFor)
			l.mu.Unlock()
			return d.beside()
		}
	}
	return leave
}

// beside is enter for the goroutines beside the loop. These run at the same time
// as it; what counts steps must not depend on them.
func (d *simDaemon) beside() (leave func()) {
	l := d.host.lan
	l.mu.Lock()
	for {
		switch resumed := d.resumed; {
		case d.dead:
			l.mu.Unlock()
			runtime.Goexit()
		case resumed == nil:
			return l.mu.Unlock
		default:
			l.mu.Unlock()
			<-resumed
			l.mu.Lock()
		}
	}
}

// simApart is between two things that a daemon is told of. A select that finds two
// at once takes either, and a seed would not play the same again.
const simApart = 10 * time.Microsecond

// tell has the daemon hear of something as soon as it runs.
func (d *simDaemon) tell(do func()) {
	if d.inbox = append(d.inbox, do); len(d.inbox) == 1 {
		d.host.lan.in(simApart, d.hear)
	}
}

func (d *simDaemon) hear() {
	if len(d.inbox) == 0 || !d.runs() {
		return
	}
	do := d.inbox[0]
	d.inbox = d.inbox[1:]
	do()
	d.host.lan.in(simApart, d.hear)
}

// boot starts a daemon on the configuration that the host has now.
func (h *simHost) boot() {
	if h.daemon != nil {
		return
	}
	h.lan.say("host %d boots", h.id)
	d := &simDaemon{host: h, ended: make(chan struct{})}
	d.kernel = &simKernel{host: h, daemon: d, ready: make(chan struct{}, 1)}
	h.daemon = d
	for _, g := range h.legs {
		g.state = ""
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.ctx, d.cancel = ctx, cancel
	go d.live(h.files)
}

func (d *simDaemon) live(configs []InstanceConfig) {
	defer d.bury()
	h := d.host
	engine, err := New(d.world(), h.lan.log(h), configs)
	if err != nil {
		panic(err)
	}
	leave := d.beside()
	d.engine = engine
	d.kernel.take()
	d.tell(func() {
		for key, state := range h.tracks {
			engine.Tracked(track.Result{Key: key, State: state})
		}
	})
	leave()
	if err := engine.Run(d.ctx); err != nil {
		panic(err)
	}
}

func (d *simDaemon) reload(configs []InstanceConfig) {
	if err := d.engine.Reload(context.Background(), configs); err != nil && !errors.Is(err, ErrStopped) {
		panic(err)
	}
	d.host.lan.mu.Lock()
	defer d.host.lan.mu.Unlock()
	d.reloading = false
}

func (d *simDaemon) switchOver(q SwitchoverRequest) {
	if _, err := d.engine.Switchover(d.ctx, q); errors.Is(err, ErrUnknown) {
		panic(err)
	}
}

// bury clears away what a crash leaves of the engine, and lets the host boot again.
func (d *simDaemon) bury() {
	d.cancel()
	if e := d.engine; d.dead && e != nil {
		if e.effects != nil {
			e.effects.finish()
		}
		if e.ports != nil {
			e.ports.finish()
		}
	}
	h := d.host
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	if h.daemon == d {
		h.ends(d)
	}
	close(d.ended)
}

// crash ends the daemon between two of its steps. The fast path stays.
func (d *simDaemon) crash() {
	d.dead = true
	d.resume()
	d.cancel()
}

func (d *simDaemon) pause(length time.Duration) {
	h := d.host
	if d.resumed != nil || d.dead {
		return
	}
	h.lan.say("host %d is stopped for %v", h.id, length)
	d.resumed = make(chan struct{})
	h.unwell()
	h.lan.in(length, d.goOn)
}

// goOn ends a pause.
func (d *simDaemon) goOn() {
	if d.resumed != nil && !d.dead {
		d.host.lan.say("host %d goes on", d.host.id)
		d.resume()
		d.host.lan.in(simApart, d.hear)
	}
}

func (d *simDaemon) resume() {
	if d.resumed != nil {
		close(d.resumed)
		d.resumed = nil
		d.host.well()
	}
}
