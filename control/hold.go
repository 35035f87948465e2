package control

import (
	"errors"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// A planned switchover, or maintenance, keeps instances out of MASTER: see
// vrrp.Hold. What is held is kept where the next daemon finds it, before
// anything is handed over.

// Holds is all that is held. It outlives the daemon.
type Holds struct {
	Maintenance bool         `json:"maintenance,omitempty"` // of all instances, until told
	Switchovers []Switchover `json:"switchovers,omitempty"`
}

// Switchover is what keeps an instance, or a sync group, out of MASTER.
type Switchover struct {
	Name  string `json:"name"`
	Group bool   `json:"group,omitempty"` // Name is that of a sync group
	// Until is CLOCK_BOOTTIME, which nobody sets; 0: until told.
	Until time.Duration `json:"until_ns,omitempty"`
	// Alone: it ends by itself if no other router serves: none was seen yet.
	Alone bool `json:"alone,omitempty"`
}

// isOf reports whether it is for the same.
func (s Switchover) isOf(o Switchover) bool { return s.Name == o.Name && s.Group == o.Group }

// Empty reports whether nothing is held.
func (h Holds) Empty() bool { return !h.Maintenance && len(h.Switchovers) == 0 }

// with returns h with the switchover in place of one that is for the same.
func (h Holds) with(s Switchover) Holds {
	h = h.without(s)
	h.Switchovers = append(h.Switchovers, s)
	return h
}

func (h Holds) without(s Switchover) Holds {
	h.Switchovers = slices.DeleteFunc(slices.Clone(h.Switchovers), s.isOf)
	return h
}

func (h Holds) find(s Switchover) (Switchover, bool) {
	i := slices.IndexFunc(h.Switchovers, s.isOf)
	if i < 0 {
		return s, false
	}
	return h.Switchovers[i], true
}

// holding is what the loop knows of holds.
type holding struct {
	Holds
	changing gate // whoever changes them; not the loop
	watches  []*handoverWatch
	saving   bool // somebody is about to save
}

// HeldStatus says why an instance is kept out of MASTER, and for how long.
type HeldStatus struct {
	Reason string     `json:"reason"` // switchover, maintenance
	Until  *time.Time `json:"until,omitempty"`
}

// targetOf is what a name stands for: a sync group, also by the name of a member,
// or an instance of its own.
func (e *Engine) targetOf(name string) (Switchover, bool) {
	for _, in := range e.instances {
		if name != "" && in.groupName() == name {
			return Switchover{Name: name, Group: true}, true
		}
	}
	for _, in := range e.instances {
		if in.config.Name == name && !in.removed {
			return targetOfInstance(in), true
		}
	}
	return Switchover{}, false
}

func targetOfInstance(in *instance) Switchover {
	if group := in.groupName(); group != "" {
		return Switchover{Name: group, Group: true}
	}
	return Switchover{Name: in.config.Name}
}

// names lists what can be switched over.
func (e *Engine) names() []string {
	var list []string
	for _, in := range e.instances {
		if in.removed {
			continue
		}
		list = append(list, in.config.Name)
		if group := in.groupName(); group != "" {
			list = append(list, group)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// membersOf lists the instances that a switchover is about.
func (e *Engine) membersOf(s Switchover) []*instance {
	var list []*instance
	for _, in := range e.instances {
		if !in.removed && targetOfInstance(in).isOf(s) {
			list = append(list, in)
		}
	}
	return list
}

// wantedHold is what the state machine of an instance is to be told, false if
// nothing keeps it out.
func (e *Engine) wantedHold(in *instance) (vrrp.Hold, bool) {
	if in.removed {
		return vrrp.Hold{}, false
	}
	if e.holding.Maintenance {
		return vrrp.Hold{Reason: vrrp.Maintained, Force: true}, true
	}
	s, found := e.holding.find(targetOfInstance(in))
	return vrrp.Hold{Reason: vrrp.SwitchedOver, Force: !s.Alone}, found
}

// applyHold tells an instance what keeps it out of MASTER, if it does not know.
// Before it is started: one that is held does not become master, or resume as one.
func (e *Engine) applyHold(in *instance) {
	want, wanted := e.wantedHold(in)
	why, held := in.router.Held()
	switch {
	case wanted && (!held || why != want.Reason || want.Force && !in.router.HeldFirmly()):
		e.step(in, want)
	case !wanted && held:
		e.readStamp(in)
		e.step(in, vrrp.Release{})
	}
}

func (e *Engine) applyHolds() {
	for _, in := range slices.Clone(e.instances) {
		e.applyHold(in)
	}
}

// settleHolds ends what is over, and tells those who wait. It is called when a
// round of the loop is done.
func (e *Engine) settleHolds(now vrrp.Instant) {
	if e.holding.Empty() && len(e.holding.watches) == 0 {
		return // as nearly always
	}
	before := e.holding.Holds
	for _, s := range before.Switchovers {
		switch why, over := e.isOver(s, now); {
		case over:
			e.holding.Holds = e.holding.without(s)
			e.log.Info("switchover over", "name", s.Name, "because", why)
		case s.Alone && e.isFirm(s):
			s.Alone = false
			e.holding.Holds = e.holding.with(s)
		}
	}
	if len(e.holding.Switchovers) != len(before.Switchovers) {
		e.applyHolds()
	}
	if !slices.Equal(e.holding.Switchovers, before.Switchovers) {
		e.saveHolds()
	}
	e.holding.watches = slices.DeleteFunc(e.holding.watches, func(w *handoverWatch) bool { return w.look(now) })
}

// isOver says why a switchover has ended, if it has.
func (e *Engine) isOver(s Switchover, now vrrp.Instant) (why string, over bool) {
	members := e.membersOf(s)
	switch {
	case len(members) == 0:
		return "it is not configured any more", true
	case s.Until != 0 && !now.Before(vrrp.Instant(s.Until)):
		return "its time is over", true
	case e.holding.Maintenance || slices.ContainsFunc(members, isHeldOrLeaving):
		return "", false
	}
	return "no other router is there that serves", true
}

func isHeldOrLeaving(in *instance) bool {
	_, held := in.router.Held()
	return held || in.router.Leaving()
}

// isFirm reports whether another router has taken over.
func (e *Engine) isFirm(s Switchover) bool {
	return slices.ContainsFunc(e.membersOf(s), func(in *instance) bool { return in.router.HeldFirmly() })
}

// holdDeadline is when the next switchover is over, 0 for none.
func (e *Engine) holdDeadline() vrrp.Instant {
	var first vrrp.Instant
	for _, s := range e.holding.Switchovers {
		if at := vrrp.Instant(s.Until); at != 0 && (first == 0 || at.Before(first)) {
			first = at
		}
	}
	return first
}

// saveHolds keeps what is held, beside the loop. Several changes are one.
func (e *Engine) saveHolds() {
	if e.holding.saving {
		return
	}
	e.holding.saving = true
	e.beside.Go(func() {
		e.holding.changing.Lock()
		defer e.holding.changing.Unlock()
		var now Holds
		if e.inLoop(e.watching, func() { now, e.holding.saving = e.holding.Holds, false }) != nil {
			return // the next daemon finds out for itself
		}
		if err := e.keepHolds(now); err != nil {
			e.log.Error("what is kept out of MASTER is not kept for the next daemon", "error", err)
		}
	})
}

func (e *Engine) keepHolds(h Holds) error {
	if e.world.KeepHolds == nil {
		return nil
	}
	return e.world.KeepHolds(h)
}

// adoptHolds begins with what the daemon before has kept.
func (e *Engine) adoptHolds(h Holds) {
	now := e.now()
	h.Switchovers = slices.DeleteFunc(slices.Clone(h.Switchovers), func(s Switchover) bool {
		return s.Until != 0 && !now.Before(vrrp.Instant(s.Until))
	})
	e.holding.Holds = h
	if h.Maintenance {
		e.log.Info("in maintenance since before the start: kept out of MASTER", "until", "told")
	}
	for _, s := range h.Switchovers {
		e.log.Info("switched over before the start: kept out of MASTER", "name", s.Name, "until", e.describeUntil(s))
	}
}

func (e *Engine) describeUntil(s Switchover) string {
	if at := e.untilOf(s); at != nil {
		return at.Format(time.RFC3339)
	}
	return "told"
}

// untilOf is the time on the wall, nil: until told.
func (e *Engine) untilOf(s Switchover) *time.Time {
	if s.Until == 0 {
		return nil
	}
	return new(time.Now().Add(s.Until - e.world.Now()).UTC().Round(time.Millisecond))
}

// heldStatus is nil for an instance that may be master.
func (e *Engine) heldStatus(in *instance) *HeldStatus {
	why, held := in.router.Held()
	if !held {
		return nil
	}
	status := &HeldStatus{Reason: why.String()}
	if s, found := e.holding.find(targetOfInstance(in)); found && why == vrrp.SwitchedOver {
		status.Until = e.untilOf(s)
	}
	return status
}

// ErrNotHeld means that there is nothing to end.
var ErrNotHeld = errors.New("nothing keeps it out of MASTER")
