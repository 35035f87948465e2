package control

import (
	"cmp"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

// What goes wrong. Lengths are in advertisement intervals.

const (
	simFaults = 40 // how long things go wrong
	simQuiet  = 16 // how long they then go right: enough for two elections
)

func (l *simLAN) intervals(n int) time.Duration { return time.Duration(n) * l.interval }

// plan has the hosts start, and things go wrong.
func (l *simLAN) plan() {
	for _, h := range l.hosts {
		l.in(upTo(l.rng, l.intervals(3)), h.boot)
	}
	if l.lossy {
		for _, h := range l.hosts {
			h.lose(0.5 * l.rng.Float64())
		}
	}
	if !l.calm {
		l.in(upTo(l.rng, l.intervals(6)), l.fault)
	}
	if l.moves {
		l.in(upTo(l.rng, l.intervals(6)), l.move)
	}
	l.in(l.intervals(simFaults), l.heal)
}

// fault is one thing that goes wrong; the next is not far.
func (l *simLAN) fault() {
	if l.healed {
		return
	}
	l.in(upTo(l.rng, l.intervals(6)), l.fault)
	h := l.hosts[l.rng.IntN(len(l.hosts))]
	other := l.hosts[l.rng.IntN(len(l.hosts))]
	segment := l.rng.IntN(len(h.links))
	length, steps := upTo(l.rng, l.intervals(7)), 1+l.rng.IntN(25)
	kind := l.rng.IntN(17)
	switch {
	case kind < 3 && h.daemon != nil:
		l.check.count("fault: stopped in the middle")
		h.daemon.stopIn, h.daemon.stopFor = steps, length
	case kind == 3 && h.daemon != nil:
		l.check.count("fault: crash and restart")
		h.crash(l.intervals([]int{2, 6}[l.rng.IntN(2)]))
	case kind == 4 && h.daemon != nil:
		l.check.count("fault: stop and restart")
		h.stop()
	case kind == 5:
		l.check.count("fault: link down")
		h.cutLink(segment, length)
	case kind == 6:
		l.check.count("fault: port of the switch cut")
		h.cutPort(segment, length)
	case kind == 7 && h != other:
		l.check.count("fault: one way cut")
		h.wires[other.id][segment].cutFor(l, length)
	case kind == 8 && h != other:
		l.check.count("fault: both ways cut")
		h.wires[other.id][segment].cutFor(l, length)
		other.wires[h.id][segment].cutFor(l, length)
	case kind == 9 && h.daemon != nil:
		l.check.count("fault: sends fail")
		h.failSends(length)
	case kind == 10 && h.daemon != nil:
		l.check.count("fault: late")
		h.beLate(upTo(l.rng, l.interval/4), length)
	case kind == 11 && h != other:
		l.check.count("fault: slow wire")
		h.wires[other.id][segment].slowFor(l, upTo(l.rng, l.interval), length)
	case kind == 12 && h.daemon != nil:
		l.check.count("fault: upgrade")
		h.crash(l.interval / 20)
	case kind == 13 && l.signed:
		l.check.count("fault: clock set a little")
		h.wall = upTo(l.rng, simWindow*3/4) - simWindow*3/8
		l.say("the clock of host %d is set to %v", h.id, h.wall)
	case kind == 14 && l.signed && l.interval == time.Second && h.wallFar == 0:
		l.check.count("fault: clock set far and back")
		h.setClock(2*simWindow, length)
	case kind > 14 && h.daemon != nil:
		l.check.count("fault: switchover")
		h.switchOver(l.rng.IntN(len(l.routers)), length, kind == 15)
	}
}

// switchOver has the host hand over a virtual router, or its group, and keeps it out.
func (h *simHost) switchOver(i int, length time.Duration, force bool) {
	d, legs, name := h.daemon, h.legs[i].group(), cmp.Or(h.files[i].Group, h.files[i].Name)
	d.tell(func() {
		if d.engine == nil || d.stopping {
			return
		}
		h.lan.say("host %d hands over %s for %v, forced %v", h.id, name, length, force)
		hold(legs, 1)
		h.lan.in(length, func() { hold(legs, -1) })
		d.reloading = true
		h.lan.in(1, func() { d.reloading = false })
		go d.switchOver(SwitchoverRequest{Name: name, For: length, Force: force})
	})
}

// setClock sets the time of day beyond what the others believe, and back. What was
// signed meanwhile is of the future: it takes that long until it is not.
func (h *simHost) setClock(by, length time.Duration) {
	h.lan.say("the clock of host %d is set by %v for %v", h.id, by, length)
	h.wallFar = by
	h.lan.in(length, func() { h.wallFar = 0 })
	for _, other := range h.lan.hosts {
		for segment := range h.links {
			h.wires[other.id][segment].spoilFor(h.lan, length+by+simWindow)
			other.wires[h.id][segment].spoilFor(h.lan, length+by+simWindow)
		}
	}
}

func (w *simWire) spoilFor(l *simLAN, length time.Duration) {
	w.state.spoil()
	l.in(length, w.state.mend)
}

func hold(legs []*simLeg, times int) {
	for _, g := range legs {
		g.wasHeld = true
		if g.held += times; times > 0 {
			g.health.spoil()
		} else {
			g.health.mend()
		}
	}
}

// crash, to boot again within so long.
func (h *simHost) crash(within time.Duration) {
	h.lan.say("host %d crashes", h.id)
	h.bootWithin = within
	h.down()
	h.daemon.crash()
}

func (h *simHost) stop() {
	d := h.daemon
	if d.engine == nil || d.stopping {
		return
	}
	h.lan.say("host %d is told to stop", h.id)
	d.stopping = true
	h.bootWithin = h.lan.intervals(6)
	h.down()
	d.tell(d.engine.Stop)
}

// ends is told when a daemon has ended.
func (h *simHost) ends(d *simDaemon) {
	h.lan.say("host %d has ended", h.id)
	h.down()
	h.daemon = nil
	if h.lan.healed {
		h.bootWithin = h.lan.interval / 10
	}
	h.lan.in(upTo(h.rng, h.bootWithin), h.boot)
}

// unwell and well begin and end what keeps a whole host from doing its work.
func (h *simHost) unwell() { spoil(h.legs) }
func (h *simHost) well()   { mend(h.legs) }

func (h *simHost) cutLink(segment int, length time.Duration) {
	if link := &h.links[segment]; link.up {
		h.lan.say("host %d loses the link of %s", h.id, simName(segment))
		link.up = false
		spoil(h.on(segment))
		unreachable(h.at(segment), true)
		h.changed(segment)
		h.lan.in(length, func() { h.restoreLink(segment) })
	}
}

func (h *simHost) restoreLink(segment int) {
	if link := &h.links[segment]; !link.up {
		h.lan.say("host %d has the link of %s again", h.id, simName(segment))
		link.up = true
		mend(h.on(segment))
		unreachable(h.at(segment), false)
		h.changed(segment)
	}
}

// at are the legs on a segment.
func (h *simHost) at(segment int) []*simLeg {
	return slices.DeleteFunc(slices.Clone(h.legs), func(g *simLeg) bool { return g.router.segment != segment })
}

func unreachable(legs []*simLeg, is bool) {
	for _, g := range legs {
		if is {
			g.reach.spoil()
		} else {
			g.reach.mend()
		}
	}
}

// cutPort: the host does not notice. A group that has another leg goes on there,
// where all hear that it does.
func (h *simHost) cutPort(segment int, length time.Duration) {
	h.lan.say("host %d is cut off at %s for %v", h.id, simName(segment), length)
	for _, other := range h.lan.hosts {
		h.wires[other.id][segment].cutFor(h.lan, length)
		other.wires[h.id][segment].cutFor(h.lan, length)
	}
	cut := slices.DeleteFunc(h.at(segment), func(g *simLeg) bool {
		return slices.ContainsFunc(g.group(), func(member *simLeg) bool { return member.router.segment != segment })
	})
	unreachable(cut, true)
	h.lan.in(length, func() { unreachable(cut, false) })
}

func (w *simWire) cutFor(l *simLAN, length time.Duration) {
	w.cut++
	w.state.spoil()
	l.in(length, func() {
		w.cut--
		w.state.mend()
	})
}

func (w *simWire) slowFor(l *simLAN, delay, length time.Duration) {
	w.slow = max(w.slow, delay)
	w.state.spoil()
	l.in(length, func() {
		w.slow = 0
		l.in(delay, w.state.mend) // what is on its way yet
	})
}

// lose has everything lose what the host sends, until all is well.
func (h *simHost) lose(part float64) {
	for _, wires := range h.wires {
		for _, w := range wires {
			w.loss = part
			w.state.spoil()
		}
	}
}

func (h *simHost) failSends(length time.Duration) {
	d := h.daemon
	h.lan.say("host %d cannot send for %v", h.id, length)
	d.failing++
	h.unwell()
	h.lan.in(length, func() {
		d.failing--
		h.lan.in(h.lan.interval, h.well) // when the next is tried
	})
}

func (h *simHost) beLate(by, length time.Duration) {
	d := h.daemon
	h.lan.say("host %d is late by %v for %v", h.id, by, length)
	d.lateBy = by
	h.unwell()
	h.lan.in(length, func() {
		d.lateBy = 0
		h.lan.in(by, func() { h.well() })
	})
}

// heal ends all that goes wrong and is not about to end by itself.
func (l *simLAN) heal() {
	l.say("nothing more goes wrong")
	l.healed = true
	for i, h := range l.hosts {
		l.in(time.Duration(i+1)*time.Microsecond, h.heal)
	}
}

func (h *simHost) heal() {
	if h.lan.lossy {
		for _, wires := range h.wires {
			for _, w := range wires {
				w.loss = 0
				w.state.mend()
			}
		}
	}
	for _, c := range h.files {
		for _, use := range c.Tracks {
			h.tracked(use.Key, track.Up)
		}
	}
	if h.daemon != nil {
		h.daemon.stopIn = 0
	}
}

// move changes a priority, a tracker or a configuration; the next is not far.
func (l *simLAN) move() {
	if l.healed {
		return
	}
	l.in(upTo(l.rng, l.intervals(5)), l.move)
	h := l.hosts[l.rng.IntN(len(l.hosts))]
	i := l.rng.IntN(len(l.routers))
	p, length := simPriorities[l.rng.IntN(len(simPriorities))], upTo(l.rng, l.intervals(6))
	switch l.rng.IntN(4) {
	case 0:
		l.check.count("change: a tracker fails")
		h.track(h.files[i].Tracks[0].Key, length)
	case 1:
		l.check.count("change: priority by a tracker")
		h.track(simWeighty, length)
	case 2:
		l.check.count("change: reload, priority")
		h.reload(i, func(c *InstanceConfig) { c.Router.Priority = p })
	case 3:
		l.check.count("change: reload, preemption")
		h.reload(i, func(c *InstanceConfig) { c.Router.NoPreempt = !c.Router.NoPreempt })
	}
}

// users are the legs that track something, with the rest of their groups.
func (h *simHost) users(key track.Key) []*simLeg {
	var list []*simLeg
	for _, g := range h.legs {
		if slices.ContainsFunc(g.router.config.Tracks, func(u track.Use) bool { return u.Key == key }) {
			list = append(list, g)
		}
	}
	return list
}

func (h *simHost) track(key track.Key, length time.Duration) {
	h.tracked(key, track.Down)
	h.lan.in(length, func() { h.tracked(key, track.Up) })
}

func (h *simHost) tracked(key track.Key, state track.State) {
	if h.tracks[key] == state {
		return
	}
	h.lan.say("host %d: %s is %v", h.id, key.Name, state)
	h.tracks[key] = state
	switch legs := h.users(key); {
	case key == simWeighty:
		for _, g := range legs {
			g.health.touch()
		}
	case state == track.Down:
		spoil(legs)
	default:
		mend(legs)
	}
	if d := h.daemon; d != nil && d.engine != nil {
		d.tell(func() { d.engine.Tracked(track.Result{Key: key, State: state}) })
	}
}

// reload changes the file for a virtual router, or its group, and has it read.
func (h *simHost) reload(i int, change func(*InstanceConfig)) {
	h.files = slices.Clone(h.files)
	for k := range h.files {
		if group := h.files[i].Group; k == i || group != "" && h.files[k].Group == group {
			change(&h.files[k])
			h.legs[k].health.touch()
		}
	}
	if d := h.daemon; d != nil && d.engine != nil && !d.stopping {
		h.lan.say("host %d reloads", h.id)
		configs := h.files
		d.tell(func() {
			d.reloading = true
			go d.reload(configs)
		})
	}
}
