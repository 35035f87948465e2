// Package chaos breaks three routers in every way that routers break, at random
// from a seed, and watches who owns the gateway's addresses: on the wire, and in
// the leases. See docs/reliability.md.
package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// options say how episodes run.
type options struct {
	binary string
	length time.Duration // of the part with faults
	allow  func(*kind) bool
	// before is told of the site when all runs, and may do what no record shows.
	before func(*site) error
	steps  []step // in place of a plan
}

// site is three routers and a client on one switch.
type site struct {
	setup     setup
	binary    string
	lab       *lab.Lab
	lan       *lab.Switch
	routers   [routers]*router
	client    *lab.Host
	clientNIC *lab.NIC
	epoch     time.Time

	mu     sync.Mutex
	faults []fault
	found  []violation
}

// settle is enough, after the last fault, for an election and for the best
// router to come back; served is how long it must then have served.
const (
	settle = 1500 * ms
	served = 500 * ms
)

// episode plays what the seed says, and returns the record.
func episode(o options, seed uint64) (r *record, err error) {
	l, err := lab.New(lab.Options{Name: fmt.Sprintf("chaos, seed %d", seed)})
	if err != nil {
		return nil, err
	}
	names := []string{}
	defer func() {
		if err = errors.Join(err, l.Close()); err == nil {
			r.found = append(r.found, stillThere(names, r.length)...)
		}
	}()
	defer lab.Catch(&err)
	s := newSite(l, o.binary, newSetup(seed))
	for _, h := range s.routers {
		names = append(names, h.Namespace())
	}
	if err := s.startAll(); err != nil {
		return nil, err
	}
	steps := o.steps
	if steps == nil {
		steps = plan(seed, o.length, o.allow)
	}
	return s.play(steps, o)
}

func newSite(l *lab.Lab, binary string, setup setup) *site {
	s := &site{setup: setup, binary: binary, lab: l, lan: l.Switch("lan"), epoch: time.Now()}
	s.client = l.Host("client")
	s.clientNIC = s.client.Connect(s.lan, nic, "192.168.1.77/24", "2001:db8:1::77/64")
	for i := range s.routers {
		s.routers[i] = newRouter(s, i)
	}
	return s
}

func (s *site) now() time.Duration { return time.Since(s.epoch) }

func (s *site) startAll() error {
	for _, r := range s.routers {
		if err := r.write(); err != nil {
			return err
		}
		if err := r.start(); err != nil {
			return err
		}
	}
	for _, instance := range []string{"V4", "V6"} {
		if err := s.routers[0].daemon.WaitLog(startPatience, `Entering MASTER STATE" instance=`+instance); err != nil {
			return err
		}
	}
	time.Sleep(quiet)
	return nil
}

// play watches, lets things go wrong, and puts everything in order again.
func (s *site) play(steps []step, o options) (*record, error) {
	s.epoch = time.Now()
	r := &record{setup: s.setup}
	pauses := lab.WatchPauses()
	var hosts [routers]*lab.Host
	for i, h := range s.routers {
		hosts[i] = h.Host
	}
	leases := watchLeases(s.epoch, hosts, 3*s.setup.interval+margin)
	wire, err := watchWire(s)
	if err == nil && o.before != nil {
		err = o.before(s)
	}
	if err == nil {
		err = s.runSteps(steps)
		r.settled = s.now() + settle
		time.Sleep(settle + served)
	}
	if wire != nil {
		err = errors.Join(err, wire.stop(r))
	}
	leases.stop()
	r.length = s.now()
	if n := len(r.asked[ipv6]); n > 0 {
		r.length = min(r.length, r.asked[ipv4][len(r.asked[ipv4])-1], r.asked[ipv6][n-1])
	}
	r.owned, r.pauses = leases.owned, append(r.pauses, append(pausesSince(s.epoch, pauses.Stop()), leases.blind...)...)
	s.found = append(s.found, leases.tooLong...)
	s.stopAll()
	r.faults, r.found = s.faults, s.found
	s.collectLogs(r)
	return r, err
}

// stopAll ends the daemons in good order, and looks at what they leave.
func (s *site) stopAll() {
	for _, r := range s.routers {
		if err := r.daemon.Stop(); err != nil {
			s.violated("%s: %v", r.Name, err)
		}
	}
	for _, r := range s.routers {
		if err := r.ended(0); err != nil {
			s.violated("stopping at the end: %v", err)
		}
	}
	for _, r := range s.routers {
		for _, left := range r.leftovers() {
			s.violated("%s was left behind: %s", r.Name, left)
		}
	}
}

// violated notes what was found beside the record.
func (s *site) violated(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, violation{span: span{s.now(), s.now()}, what: fmt.Sprintf(format, args...)})
}

func (s *site) collectLogs(r *record) {
	for _, h := range s.routers {
		for _, d := range h.daemons {
			for _, line := range d.Lines() {
				r.log = append(r.log, logLine{line.At.Sub(s.epoch), h.number, line.Text})
			}
		}
	}
}

// stillThere looks for what the lab cannot have been left with.
func stillThere(namespaces []string, at time.Duration) []violation {
	var list []violation
	entries, err := os.ReadDir("/run/netns")
	if err != nil && !os.IsNotExist(err) {
		return []violation{{span: span{at, at}, what: err.Error()}}
	}
	for _, e := range entries {
		for _, name := range namespaces {
			if e.Name() == name {
				list = append(list, violation{span: span{at, at}, what: "namespace left behind: " + filepath.Join("/run/netns", name)})
			}
		}
	}
	return list
}

// runSteps does the steps: those of one track of one router one after the
// other, all else side by side.
func (s *site) runSteps(steps []step) error {
	type lane struct {
		track  track
		router int
	}
	lanes := map[lane][]step{}
	for _, st := range steps {
		lanes[lane{st.kind.track, st.router}] = append(lanes[lane{st.kind.track, st.router}], st)
	}
	start := s.now()
	errs := make(chan error)
	for _, steps := range lanes {
		go func() { errs <- s.runLane(start, steps) }()
	}
	var all []error
	for range lanes {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

func (s *site) runLane(start time.Duration, steps []step) (err error) {
	defer lab.Catch(&err)
	for _, st := range steps {
		time.Sleep(start + st.at - s.now())
		f := fault{kind: st.kind, router: st.router, span: span{from: s.now()}}
		if f.detail, err = s.do(&f, st); err != nil {
			return fmt.Errorf("%s on %s: %w", st.kind.name, nameOf(st.router), err)
		}
		f.to = s.now()
		s.mu.Lock()
		s.faults = append(s.faults, f)
		s.mu.Unlock()
	}
	return nil
}
