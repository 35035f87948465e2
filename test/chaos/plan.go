package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// kind is a kind of fault. It says what it does to a router, which is all that
// the checks know of it.
type kind struct {
	name  string
	out   bool // what the router sends may be lost
	in    bool // what is sent to it may be lost
	down  bool // its daemon does not run, or may not become master
	track track
	// shortest and longest say how long it takes, for kinds that last.
	shortest, longest time.Duration
}

// track is what can have one fault at a time.
type track int

const (
	daemonTrack track = iota
	cableTrack
	machineTrack
)

// Kinds of faults.
var (
	freeze     = &kind{name: "daemon stopped (SIGSTOP), and continued", down: true, shortest: 20 * ms, longest: 1500 * ms}
	killShort  = &kind{name: "daemon killed, back within its lease", down: true, shortest: 0, longest: 200 * ms}
	killLong   = &kind{name: "daemon killed, back after its lease", down: true, shortest: 400 * ms, longest: 1500 * ms}
	stop       = &kind{name: "daemon told to stop (SIGTERM), and started", down: true, shortest: 0, longest: 800 * ms}
	restart    = &kind{name: "daemon restarted (SIGQUIT), back within its lease", down: true, shortest: 0, longest: 150 * ms}
	upgrade    = &kind{name: "daemon upgraded in place", down: true}
	handover   = &kind{name: "switched over, and kept out for a while", down: true, shortest: 100 * ms, longest: 1500 * ms}
	reload     = &kind{name: "configuration reloaded"}
	cut        = &kind{name: "link cut", track: cableTrack, out: true, in: true, shortest: 10 * ms, longest: 1500 * ms}
	linkFlaps  = &kind{name: "link flapping", track: cableTrack, out: true, in: true, shortest: 100 * ms, longest: 1000 * ms}
	silence    = &kind{name: "switch port disabled, carrier up", track: cableTrack, out: true, in: true, shortest: 10 * ms, longest: 1500 * ms}
	portFlaps  = &kind{name: "switch port flapping, carrier up", track: cableTrack, out: true, in: true, shortest: 100 * ms, longest: 1000 * ms}
	mute       = &kind{name: "one-way loss: nothing from the router", track: cableTrack, out: true, shortest: 10 * ms, longest: 1500 * ms}
	deaf       = &kind{name: "one-way loss: nothing to the router", track: cableTrack, in: true, shortest: 10 * ms, longest: 1500 * ms}
	lossy      = &kind{name: "packet loss, 0..50 % each way", track: cableTrack, out: true, in: true, shortest: 200 * ms, longest: 3000 * ms}
	hogs       = &kind{name: "CPU hogs, twice the number of cores", track: machineTrack, shortest: 500 * ms, longest: 3000 * ms}
	clockSteps = &kind{name: "wall clock stepped, and put back", track: machineTrack, shortest: 20 * ms, longest: 250 * ms}
)

const ms = time.Millisecond

// kinds are all of them, in the order of reports.
var kinds = []*kind{
	freeze, killShort, killLong, stop, restart, upgrade, handover, reload,
	cut, linkFlaps, silence, portFlaps, mute, deaf, lossy,
	hogs, clockSteps,
}

// step is a fault to come.
type step struct {
	at, length time.Duration
	kind       *kind
	router     int // everybody: the machine
	// dice are for what the kind needs to know more, 0..1.
	dice [2]float64
}

// plan draws from a seed what happens in an episode. In some it is one thing at
// a time, with an election between any two, mostly to the best router; in the
// others everything that can happen together does.
func plan(seed uint64, length time.Duration, allowed func(*kind) bool) []step {
	rng := rand.New(rand.NewPCG(seed, 5))
	p := planner{rng: rng, length: length}
	for _, k := range kinds {
		if allowed(k) {
			p.kinds = append(p.kinds, k)
		}
	}
	if rng.IntN(2) == 0 {
		return p.calm()
	}
	return p.storm()
}

type planner struct {
	rng    *rand.Rand
	length time.Duration
	kinds  []*kind
}

func (p *planner) between(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(p.rng.Float64()*float64(longest-shortest))
}

// quiet is enough for an election, and for a daemon to start.
const quiet = 800 * ms

func (p *planner) calm() []step {
	var steps []step
	for at := quiet; ; {
		s := p.step(at, p.kinds)
		if s.kind.track != machineTrack && p.rng.IntN(10) < 6 {
			s.router = 0
		}
		if s.at+s.length > p.length {
			return steps
		}
		steps = append(steps, s)
		at += s.length + p.between(quiet, 2*quiet)
	}
}

func (p *planner) storm() []step {
	var steps []step
	for t := daemonTrack; t <= machineTrack; t++ {
		var of []*kind
		for _, k := range p.kinds {
			if k.track == t {
				of = append(of, k)
			}
		}
		for router := range routers {
			if len(of) == 0 || t == machineTrack && router > 0 {
				break
			}
			for at := p.between(0, 2*quiet); at < p.length; {
				s := p.step(at, of)
				if t != machineTrack {
					s.router = router
				}
				s.length = min(s.length, p.length-at)
				steps = append(steps, s)
				at += s.length + p.between(100*ms, 3*quiet)
			}
		}
	}
	return steps
}

func (p *planner) step(at time.Duration, of []*kind) step {
	k := of[p.rng.IntN(len(of))]
	s := step{at: at, kind: k, router: everybody, dice: [2]float64{p.rng.Float64(), p.rng.Float64()}}
	// Short ones are more frequent: leases and timers are short.
	s.length = k.shortest + time.Duration(p.rng.Float64()*p.rng.Float64()*float64(k.longest-k.shortest))
	if k.track != machineTrack {
		s.router = p.rng.IntN(routers)
	}
	return s
}

func (s step) String() string {
	return fmt.Sprintf("%v for %v", s.kind.name, s.length.Round(ms))
}
