package vrrp

import (
	"slices"
	"time"
)

// Changes that are no fault: priorities move, trackers fail and recover, and
// configurations change, on one host after the other.

var (
	simIntervals  = []time.Duration{simInterval / 4, simInterval / 2, simInterval}
	simPriorities = []uint8{1, 50, 100, 100, 150, 200, 254, 255}
)

// planChanges decides what changes. A group that gets another member later has
// one only at first.
func (l *lan) planChanges() {
	if l.changes = l.rng.IntN(2) == 0; !l.changes {
		return
	}
	l.tells = l.rng.IntN(2) == 0
	if l.legs > 1 && !l.disagree && l.rng.IntN(2) == 0 {
		for _, h := range l.hosts {
			h.legs[1].isLater = true
			l.in(l.upTo(simFaults), h.grow)
		}
	}
	if l.listsOnly() {
		for _, h := range l.hosts {
			for _, g := range h.legs {
				g.config.SkipAddressCheck = true
			}
		}
		l.in(15*simInterval, l.change)
		return
	}
	l.in(l.upTo(6*simInterval), l.change)
}

// listsOnly: in version 2, routers with other lists refuse what each other says,
// unless it is followed already; nothing else must happen meanwhile.
func (l *lan) listsOnly() bool {
	return l.calm && !l.disagree && l.hosts[0].legs[0].config.Version == V2
}

// change is one change; the next one is not far.
func (l *lan) change() {
	if l.healed {
		return
	}
	l.in(l.upTo(4*simInterval), l.change)
	h := l.hosts[l.rng.IntN(len(l.hosts))]
	kind := l.rng.IntN(7)
	if l.listsOnly() {
		kind = 6
	}
	switch kind {
	case 0, 1:
		h.track([]int{-60, -20, 0, 20, 120}[l.rng.IntN(5)])
	case 2:
		h.legs[l.rng.IntN(l.legs)].failTrack(l.upTo(6 * simInterval))
	case 3:
		p := simPriorities[l.rng.IntN(len(simPriorities))]
		h.reconfigure(func(c *Config) { c.Priority = p })
	case 4:
		h.reconfigure(func(c *Config) { c.NoPreempt = !c.NoPreempt })
	case 5:
		d := simIntervals[l.rng.IntN(len(simIntervals))]
		l.onAll(func(c *Config) {
			if c.Version == V3 {
				c.Interval = d
			}
		})
	case 6:
		l.changeLists()
	}
}

// changeLists turns the lists around, and counts as another list.
func (l *lan) changeLists() {
	more := l.rng.IntN(2) == 0
	l.onAll(func(c *Config) {
		if c.Version == V2 && !l.listsOnly() {
			return
		}
		c.Addresses = slices.Clone(c.Addresses)
		another := map[Family][2]string{IPv4: {"192.168.77.1", "192.168.77.2"}, IPv6: {"2001:db8:77::1", "2001:db8:77::2"}}[c.Family]
		switch list := addrs(another[0], another[1]); {
		case more && !slices.Contains(c.Addresses, list[0]):
			c.Addresses = append(c.Addresses, list...)
		case !more && slices.Contains(c.Addresses, list[0]):
			c.Addresses = c.Addresses[:len(c.Addresses)-2]
		}
	})
}

// onAll reconfigures one host after the other.
func (l *lan) onAll(change func(*Config)) {
	var d time.Duration
	for _, i := range l.rng.Perm(len(l.hosts)) {
		h := l.hosts[i]
		l.in(d, func() { h.reconfigure(change) })
		d += l.upTo(2 * simInterval)
	}
}

// reconfigure changes the file, and reloads it if the daemon is up.
func (h *host) reconfigure(change func(*Config)) {
	for _, g := range h.legs {
		if change(&g.config); h.up && !g.isLater {
			h.lan.trace("%s %v gets another configuration: %+v", h.lan.clock(), g, g.config)
			h.tellNews(g, Reconfigured{Config: g.config})
			h.tellNews(g, PriorityChanged{Priority: g.effective()})
		}
	}
}

// track moves the priority of all legs.
func (h *host) track(by int) {
	h.tracked = by
	for _, g := range h.members() {
		h.lan.trace("%s %v has a priority of %d now", h.lan.clock(), g, g.effective())
		h.tellNews(g, PriorityChanged{Priority: g.effective()})
	}
}

// tellNews reads the stamp first, or does not.
func (h *host) tellNews(g *leg, ev Event) {
	if h.lan.tells && h.up {
		h.commands = append(h.commands, command{do: func() { h.readStamp(g) }})
	}
	h.tell(g, ev)
}

func (g *leg) failTrack(d time.Duration) {
	if g.trackDown || g.isLater {
		return
	}
	g.trackDown = true
	g.host.lan.trace("%s %v has a tracker that fails", g.host.lan.clock(), g)
	g.host.tell(g, TrackDown{})
	g.host.lan.in(d, g.restoreTrack)
}

func (g *leg) restoreTrack() {
	if g.trackDown {
		g.trackDown = false
		g.host.tell(g, TrackUp{})
	}
}

// grow reloads a configuration with a leg more.
func (h *host) grow() {
	if h.up {
		h.commands = append(h.commands, command{do: h.growNow})
		h.work()
		return
	}
	for _, g := range h.legs {
		g.isLater = false
	}
}

func (h *host) growNow() {
	for _, g := range h.legs {
		if !g.isLater {
			continue
		}
		h.lan.trace("%s %v joins", h.lan.clock(), g)
		if g.isLater = false; h.stopping {
			g.boot() // and stays in Init
			h.makeGroup()
			continue
		}
		g.boot()
		h.makeGroup()
		h.start(g)
	}
}
