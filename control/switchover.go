package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// SwitchoverRequest asks for a switchover of an instance, or of a sync group.
type SwitchoverRequest struct {
	Name string `json:"name"`
	// For is how long it is kept out of MASTER; 0: until told.
	For time.Duration `json:"for_ns,omitempty"`
	// Force: also if nobody is there to take over.
	Force bool `json:"force,omitempty"`
	// End ends the one before.
	End bool `json:"end,omitempty"`
}

// mostHold bounds how long a switchover can last that ends by itself.
const mostHold = 10 * 365 * 24 * time.Hour

func (q SwitchoverRequest) validate() error {
	if q.For < 0 || q.For > mostHold {
		return fmt.Errorf("switchover of %q for %v: it is 0 to %v", q.Name, q.For, mostHold)
	}
	return nil
}

// ErrUnknown means that there is no instance and no sync group of the name.
var ErrUnknown = errors.New("there is no such instance or sync group")

// The outcomes of a switchover, for each instance.
const (
	HandedOver  = "handed_over"  // another router is master
	NoSuccessor = "no_successor" // it is not master any more, and nobody was heard that is
	StaysMaster = "stays_master" // nobody has answered
	LostLease   = "lost_lease"   // it was too late to decide
	WasNoMaster = "no_master"    // there was nothing to hand over
	StillLeaves = "leaving"      // it was not over when the answer was due
)

// HoldOutcome is what became of one instance.
type HoldOutcome struct {
	Instance  string  `json:"instance"`
	Outcome   string  `json:"outcome"`
	State     string  `json:"state"`
	Successor string  `json:"successor,omitempty"` // who took over; or, of a backup, its master
	TookMS    float64 `json:"took_ms,omitempty"`   // from the farewell to the end
}

// handoverWatch waits until some instances have done what they were told.
type handoverWatch struct {
	members []*watched
	began   vrrp.Instant
	done    chan []HoldOutcome // of one
}

type watched struct {
	*instance
	wasMaster bool
	took      time.Duration // 0: it is on its way
}

// watch begins before the members are told.
func (e *Engine) watch(members []*instance) *handoverWatch {
	w := &handoverWatch{began: e.now(), done: make(chan []HoldOutcome, 1)}
	for _, in := range members {
		w.members = append(w.members, &watched{instance: in, wasMaster: in.router.State() == vrrp.Master})
	}
	e.holding.watches = append(e.holding.watches, w)
	return w
}

// look tells the outcome if all is over.
func (w *handoverWatch) look(now vrrp.Instant) bool {
	isOver := true
	for _, m := range w.members {
		switch {
		case m.router.Leaving():
			isOver = false
		case m.took == 0:
			m.took = max(now.Sub(w.began), 1)
		}
	}
	if isOver {
		w.done <- w.outcomes()
	}
	return isOver
}

func (w *handoverWatch) outcomes() []HoldOutcome {
	var list []HoldOutcome
	for _, m := range w.members {
		list = append(list, m.outcome())
	}
	return list
}

func (m *watched) outcome() HoldOutcome {
	o := HoldOutcome{Instance: m.config.Name, State: m.router.State().String()}
	if source, _, ok := m.router.Master(); ok && m.router.State() == vrrp.Backup {
		o.Successor = source.String()
	}
	if !m.wasMaster {
		o.Outcome = WasNoMaster
		return o
	}
	o.TookMS = milliseconds(m.took)
	switch {
	case m.router.Leaving():
		o.Outcome = StillLeaves
	case m.router.State() == vrrp.Master:
		o.Outcome = StaysMaster
	case m.last.Reason == vrrp.LeaseLost.String():
		o.Outcome = LostLease
	case o.Successor == "":
		o.Outcome = NoSuccessor
	default:
		o.Outcome = HandedOver
	}
	return o
}

// Switchover makes an instance, or all of a sync group, hand over and keeps it
// out of MASTER; or ends that. It returns when it is over, or ctx is done. Errors:
// ErrUnknown, ErrNotHeld, ErrStopped; with any, nothing has changed. For any
// goroutine but the loop's.
func (e *Engine) Switchover(ctx context.Context, q SwitchoverRequest) ([]HoldOutcome, error) {
	if err := q.validate(); err != nil {
		return nil, err
	}
	return e.changeHolds(ctx, func(h Holds) (holdChange, error) {
		s, known := e.targetOf(q.Name)
		if !known {
			return holdChange{}, fmt.Errorf("%w: %q; there is %s", ErrUnknown, q.Name, strings.Join(e.names(), ", "))
		}
		before, found := h.find(s)
		switch {
		case q.End && !found:
			return holdChange{}, fmt.Errorf("end the switchover of %s: %w by switchover", s.Name, ErrNotHeld)
		case q.End:
			say := func() { e.log.Info("switchover over", "name", s.Name, "because", "it was told") }
			return holdChange{h.without(s), e.membersOf(s), say}, nil
		}
		if s.Alone = !q.Force && (!found || before.Alone); q.For > 0 {
			s.Until = e.world.Now() + q.For
		}
		say := func() {
			e.log.Info("switchover: kept out of MASTER", "name", s.Name, "until", e.describeUntil(s), "force", q.Force)
		}
		return holdChange{h.with(s), e.membersOf(s), say}, nil
	})
}

// Maintenance makes every instance hand over and keeps all out of MASTER, whoever
// else is there; or ends that. As Switchover.
func (e *Engine) Maintenance(ctx context.Context, on bool) ([]HoldOutcome, error) {
	return e.changeHolds(ctx, func(h Holds) (holdChange, error) {
		say := func() {}
		switch {
		case on && !h.Maintenance:
			say = func() { e.log.Info("maintenance: all is kept out of MASTER") }
		case !on && h.Maintenance:
			say = func() { e.log.Info("maintenance over") }
		}
		h.Maintenance = on
		var all []*instance
		for _, in := range e.instances {
			if !in.removed {
				all = append(all, in)
			}
		}
		return holdChange{h, all, say}, nil
	})
}

// holdChange is what is to be held, whom that concerns, and the log's line.
type holdChange struct {
	holds   Holds
	members []*instance
	say     func()
}

// changeHolds keeps what is to be held, then does it, and waits for the outcome.
// change is called in the loop.
func (e *Engine) changeHolds(ctx context.Context, change func(Holds) (holdChange, error)) ([]HoldOutcome, error) {
	w, err := e.beginHolds(ctx, change)
	if err != nil {
		return nil, err
	}
	select {
	case outcomes := <-w.done:
		return outcomes, nil
	case <-e.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
	}
	var outcomes []HoldOutcome
	err = e.inLoop(context.WithoutCancel(ctx), func() { outcomes = w.outcomes() })
	return outcomes, err
}

func (e *Engine) beginHolds(ctx context.Context, change func(Holds) (holdChange, error)) (*handoverWatch, error) {
	e.holding.changing.Lock()
	defer e.holding.changing.Unlock()
	var next holdChange
	var wrong error
	err := e.inLoop(ctx, func() {
		if e.stopping {
			wrong = fmt.Errorf("%w: it is stopping", ErrStopped)
			return
		}
		next, wrong = change(e.holding.Holds)
	})
	if err := errors.Join(err, wrong); err != nil {
		return nil, err
	}
	if err := e.keepHolds(next.holds); err != nil {
		return nil, fmt.Errorf("nothing was done, because it could not be kept for the next daemon: %w", err)
	}
	var w *handoverWatch
	err = e.inLoop(context.WithoutCancel(ctx), func() {
		next.say()
		w = e.watch(next.members)
		e.holding.Holds = next.holds
		e.applyHolds()
	})
	return w, err
}
