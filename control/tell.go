package control

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// tell tells others what happened.
func (e *Engine) tell(ev notify.Event) {
	if e.world.Notify == nil {
		return
	}
	ev.At = time.Now()
	e.world.Notify(ev)
}

// tellState tells others of a transition, in keepalived's words.
func (e *Engine) tellState(in *instance, t vrrp.Transition) {
	state := t.To.String()
	if t.To == vrrp.Init {
		state = in.farewell()
	}
	e.tell(notify.Event{Name: in.config.Name, State: state, Priority: in.router.Priority()})
}

// farewell is what others are told of an instance that ends.
func (in *instance) farewell() string {
	if in.removed {
		return notify.Deleted
	}
	return notify.Stop
}

// tellGroup tells others of a sync group that has moved as a whole.
func (e *Engine) tellGroup(g *leaseGroup) {
	state := g.state()
	if g.name == "" || state == "" || state == g.told {
		return
	}
	if state == vrrp.Init.String() {
		state = notify.Stop
	}
	if state == g.told || g.told == "" && state == notify.Stop {
		return
	}
	g.told = state
	e.log.Info("sync group entering "+state+" STATE", "group", g.name)
	e.tell(notify.Event{Group: true, Name: g.name, State: state})
}

// state is the group's: fault if any member is at fault, master or init if all
// are, else backup; "" while members are on their way from one to the other.
func (g *leaseGroup) state() string {
	count := make(map[vrrp.State]int)
	for router := range g.members {
		count[router.State()]++
	}
	switch n := len(g.members); {
	case count[vrrp.Fault] > 0:
		return notify.Fault
	case count[vrrp.Master] == n:
		return notify.Master
	case count[vrrp.Init] == n:
		return vrrp.Init.String()
	case count[vrrp.Backup] == n:
		return notify.Backup
	}
	return ""
}

// lesserHeard tells others, at most once a second, that a router of lower
// priority says that it is master too.
func (e *Engine) lesserHeard(in *instance, a vrrp.Advert) {
	now := e.now()
	if in.router.State() != vrrp.Master || a.Priority == 0 || a.Priority >= in.router.Priority() || in.lesser != 0 && now.Sub(in.lesser) < time.Second {
		return
	}
	in.lesser = now
	e.tell(notify.Event{Name: in.config.Name, State: notify.LowerPriority, Priority: in.router.Priority()})
}
