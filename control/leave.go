package control

import (
	"context"
	"errors"
	"io"
	"maps"

	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Snapshot is what a process tells the one that takes its place. Leases are not
// in it: they are in the fast path, and valid or not.
type Snapshot struct {
	Instances map[string]InstanceSnapshot `json:"instances"`
	Groups    map[string]string           `json:"groups"` // the states that others were told of
	Results   []track.Result              `json:"results"`
}

// InstanceSnapshot is what is only known of an instance by the process that ran it.
type InstanceSnapshot struct {
	State       string            `json:"state"` // that others were told of
	Transitions map[string]uint64 `json:"transitions"`
	Last        LastTransition    `json:"last"`
	Sent        uint64            `json:"sent"`
	ZeroSent    uint64            `json:"zero_sent"`
	Discarded   map[string]uint64 `json:"discarded"`
	Refused     uint64            `json:"refused"`
	Received    uint64            `json:"received"`
	Zero        uint64            `json:"zero_received"`
	Odd         map[string]uint64 `json:"odd"`
	ByChecksum  map[string]uint64 `json:"by_checksum"`
}

// Leave ends Run for the sake of a process that comes next: nobody is told that
// anything ends, masters say once more that they are there, and all stays as it is
// for as long as the leases last. What interfaces deliver to us they do until the
// memberships are closed, which is up to the caller. Errors: ErrStopped.
// For any goroutine.
func (e *Engine) Leave(ctx context.Context) (s Snapshot, kept []io.Closer, err error) {
	stopping := false
	err = e.inLoop(ctx, func() {
		if stopping = e.stopping; stopping {
			return
		}
		s = e.snapshotOfAll()
		e.sayOnceMore()
		for _, m := range e.joined {
			kept = append(kept, m.Closer)
		}
		e.left = true
	})
	if err == nil && stopping {
		err = ErrStopped
	}
	return s, kept, err
}

// Hush is called before nobody is told of transitions any more: the process that
// comes next tells of those that happen from now on. Errors: ErrStopped. For any
// goroutine.
func (e *Engine) Hush(ctx context.Context) error {
	stopping := false
	err := e.inLoop(ctx, func() {
		if stopping = e.stopping; !stopping {
			s := e.snapshotOfAll()
			e.hushed = &s
		}
	})
	if err == nil && stopping {
		err = ErrStopped
	}
	return err
}

// toldOf is what others have been told of the state of an instance and its group.
func (e *Engine) toldOf(in *instance) (state, group string) {
	state, group = in.router.State().String(), in.group.told
	if e.hushed == nil {
		return state, group
	}
	if was, known := e.hushed.Instances[in.config.Name]; known {
		state = was.State
	}
	if told, known := e.hushed.Groups[in.group.name]; known {
		group = told
	}
	return state, group
}

// sayOnceMore makes the leases as long as they can be.
func (e *Engine) sayOnceMore() {
	for _, in := range e.instances {
		if in.remembered() != 0 {
			e.sendAdvert(in, in.router.Priority())
		}
	}
	e.settle()
}

// closeLeft is Close of an engine that has left.
func (e *Engine) closeLeft() error {
	var errs []error
	if e.unicast != nil {
		errs = append(errs, e.unicast.Close())
	}
	if e.ledger != nil {
		errs = append(errs, e.ledger.Close())
	}
	return errors.Join(errs...)
}

func (e *Engine) snapshotOfAll() Snapshot {
	s := Snapshot{Instances: make(map[string]InstanceSnapshot), Groups: make(map[string]string)}
	for _, in := range e.instances {
		state, told := e.toldOf(in)
		s.Instances[in.config.Name] = InstanceSnapshot{
			State: state, Transitions: maps.Clone(in.stats.transitions), Last: in.last,
			Sent: in.stats.sent, ZeroSent: in.stats.zeroSent,
			Discarded: maps.Clone(in.stats.discarded), Refused: in.stats.refused,
			Received: in.stats.received, Zero: in.stats.zeroReceived,
			Odd: maps.Clone(in.stats.odd), ByChecksum: maps.Clone(in.stats.byChecksum),
		}
		if in.group.name != "" {
			s.Groups[in.group.name] = told
		}
	}
	for _, r := range e.results.known {
		s.Results = append(s.Results, r)
	}
	return s
}

// Restore takes what the process before this one has told. Before Run.
func (e *Engine) Restore(s Snapshot) {
	for _, r := range s.Results {
		e.results.known[r.Key] = r
	}
	var configs []InstanceConfig
	for _, in := range e.instances {
		configs = append(configs, in.config)
		if was, ok := s.Instances[in.config.Name]; ok {
			in.restore(was)
		}
		if told := s.Groups[in.group.name]; in.group.name != "" {
			in.group.told = told
		}
	}
	e.results.forget(configs)
}

func (in *instance) restore(was InstanceSnapshot) {
	in.restored = &was
	in.last = was.Last
	in.stats.sent, in.stats.zeroSent, in.stats.refused = was.Sent, was.ZeroSent, was.Refused
	in.stats.received, in.stats.zeroReceived = was.Received, was.Zero
	addAll(in.stats.transitions, was.Transitions)
	addAll(in.stats.discarded, was.Discarded)
	addAll(in.stats.odd, was.Odd)
	addAll(in.stats.byChecksum, was.ByChecksum)
}

// isNoNews reports whether the transition only repeats what the process before
// this one had come to: it is not counted, and nobody is told again.
func (in *instance) isNoNews(t vrrp.Transition) bool {
	was := in.restored
	in.restored = nil
	return was != nil && t.From == vrrp.Init && t.To.String() == was.State
}
