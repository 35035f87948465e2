package control

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

// simHost is one machine: the fast path that is loaded, and the daemon that runs,
// if one does.
type simHost struct {
	lan    *simLAN
	id     int
	rng    *rand.Rand
	links  []simLink    // by segment
	wires  [][]*simWire // by host, by segment
	legs   []*simLeg    // by virtual router
	files  []InstanceConfig
	tracks map[track.Key]track.State
	room   int // in the ring buffer
	// wall and wallFar, together, are how far its time of day is off.
	wall, wallFar time.Duration

	bootWithin time.Duration // of the end of its daemon
	ledger     simLedger
	holds      Holds

	kernel *simKernel
	daemon *simDaemon
}

type simLink struct {
	up bool
}

func (d *simDaemon) world() World {
	links := simLinks{d}
	return World{
		Now:       func() time.Duration { defer d.enter()(); return bootNow() },
		Wall:      d.wall,
		Ledger:    func(bool) (Ledger, error) { return d.host.ledger, nil },
		Holds:     d.host.holds,
		KeepHolds: d.keepHolds,
		Attach:    d.attach,
		Release:   func(string) error { return nil },
		Install:   d.install,
		Events:    simEvents{d},
		Sender:    simSender{d},
		Addresses: simBook{},
		Routes:    simBook{},
		Links:     links,
		Join:      func(int, []netip.Addr, ...[6]byte) (io.Closer, error) { return leave(func() error { return nil }), nil },
		Notify:    d.told,
	}
}

// attach: the programs of the daemon before work until all is installed.
func (d *simDaemon) attach(name string) (netio.LinkInfo, error) {
	return simLinks{d}.Link(name)
}

func (d *simDaemon) install(s FastSpec) (FastPath, error) {
	defer d.beside()()
	return d.kernel.install(d, s), nil
}

// told is told of transitions, by the loop.
func (d *simDaemon) told(ev notify.Event) {
	defer d.beside()()
	d.host.lan.say("host %d: %s is %s, priority %d", d.host.id, ev.Name, ev.State, ev.Priority)
	if !ev.Group {
		d.host.told(ev, d.stopping)
	}
}

// simSender hands frames to the NICs.
type simSender struct{ d *simDaemon }

func (s simSender) Send(frames []netio.Frame) []error {
	defer s.d.enter()()
	l := s.d.host.lan
	errs := make([]error, len(frames))
	for i, f := range frames {
		source, pdu, ok := advertIn(f.Bytes)
		if s.d.failing > 0 {
			if errs[i] = errNoBuffers; l.sendsToNone {
				errs[i] = nil
			}
			if ok {
				l.sendFails(s.d.host, f.Interface-1, source, pdu)
			}
			continue
		}
		if ok {
			l.send(s.d.host, f.Interface-1, source, pdu)
		}
	}
	return errs
}

// simBook is the kernel's tables, in which nobody looks.
type simBook struct{}

func (simBook) Add(int, iproute.Address) (bool, error) { return true, nil }
func (simBook) Remove(int, netip.Prefix) error         { return nil }
func (simBook) List(int) ([]netio.Address, error)      { return nil, errors.New("nobody looks") }
func (simBook) AddRoute(iproute.Route) (bool, error)   { return true, nil }
func (simBook) RemoveRoute(iproute.Route) error        { return nil }
func (simBook) AddRule(iproute.Rule) (bool, error)     { return true, nil }
func (simBook) RemoveRule(iproute.Rule) error          { return nil }

// log is where the engines say what they do.
func (l *simLAN) log(h *simHost) *slog.Logger {
	if l.trace == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(simLog{l, h}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
}

type simLog struct {
	lan  *simLAN
	host *simHost
}

func (g simLog) Write(p []byte) (int, error) {
	g.lan.mu.Lock()
	defer g.lan.mu.Unlock()
	g.lan.say("host %d says %s", g.host.id, p[:len(p)-1])
	return len(p), nil
}

// wall is the time of day as the host has it.
func (d *simDaemon) wall() time.Duration {
	defer d.beside()()
	return time.Duration(time.Now().UnixNano()) + d.host.wall + d.host.wallFar
}

func (d *simDaemon) keepHolds(h Holds) error {
	defer d.beside()()
	d.host.holds = h
	return nil
}

// simLedger outlives the daemon.
type simLedger map[string]map[netip.Addr]uint64

func (l simLedger) Recall(router string) map[netip.Addr]uint64 { return maps.Clone(l[router]) }

func (l simLedger) Note(router string, sender netip.Addr, sequence uint64) error {
	if l[router] == nil {
		l[router] = make(map[netip.Addr]uint64)
	}
	l[router][sender] = sequence
	return nil
}

func (simLedger) Close() error { return nil }
