package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const (
	interval = time.Second
	down     = 3*interval + 156*interval/256 // Active_Down_Interval at priority 100
	skew     = 156 * interval / 256          // Skew_Time at priority 100
)

var vip = netip.MustParsePrefix("192.0.2.1/24")

// instanceOf is a virtual router on lan0 with an address of its own.
func instanceOf(vrid, priority uint8, changes ...func(*InstanceConfig)) InstanceConfig {
	address := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, vrid}), 24)
	c := InstanceConfig{
		Name:      fmt.Sprintf("gw%d", vrid),
		Interface: "lan0",
		Addresses: []iproute.Address{{Prefix: address}},
		Router: vrrp.Config{
			VRID: vrid, Family: vrrp.IPv4, Version: vrrp.V3, Priority: priority, Interval: interval,
			Addresses: []netip.Addr{address.Addr()},
		},
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// bootTime is before the beginning of every bubble, so that no instant is 0.
var bootTime = time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC)

func bootNow() time.Duration { return time.Since(bootTime) }

// elapse lets virtual time pass, and waits until everybody has done what was
// due by then.
func elapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// host is an engine in a world of fakes. Its journal tells what it did, in order.
type host struct {
	t       *testing.T
	world   World
	log     *slog.Logger
	engine  *Engine
	running chan struct{} // closed when Run has returned
	err     error         // of Run

	paths      []*fakePath
	before     []*fakePath // of the process before this one
	events     *fakeEvents
	sender     *fakeSender
	book       *fakeBook
	links      *fakeLinks
	installing error // what every Install fails with
	attached   map[string]bool
	told       []notify.Event
	joined     map[any]bool // MACs and groups

	mu    sync.Mutex
	lines []string
	deaf  bool // receives nothing
}

func (h *host) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

// journal returns what happened since it was last asked for.
func (h *host) journal() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.lines
	h.lines = nil
	return lines
}

// Write takes a line of the log.
func (h *host) Write(p []byte) (int, error) {
	h.note("log %s", strings.TrimSpace(string(p)))
	return len(p), nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// newHost returns a host on the LAN, 198.51.100.n, with nothing installed.
func (l *lan) newHost(t *testing.T, n byte) *host {
	h := &host{t: t, joined: make(map[any]bool), attached: make(map[string]bool)}
	h.log = slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	h.events = &fakeEvents{ready: make(chan struct{}, 1)}
	h.sender = &fakeSender{host: h, lan: l}
	h.book = &fakeBook{host: h, present: make(map[string]bool)}
	h.links = newFakeLinks(netip.AddrFrom4([4]byte{198, 51, 100, n}))
	h.world = World{
		Now: bootNow, Install: h.installPath, Events: h.events, Sender: h.sender,
		Addresses: h.book, Routes: h.book, Links: h.links, Join: h.join,
		Attach: h.attach, Release: h.release, Notify: h.notified,
	}
	l.hosts = append(l.hosts, h)
	return h
}

// install makes the engine.
func (h *host) install(configs ...InstanceConfig) {
	h.t.Helper()
	var err error
	if h.engine, err = New(h.world, h.log, configs); err != nil {
		h.t.Fatal(err)
	}
}

// start runs the engine until the end of the test at the latest.
func (h *host) start() {
	h.running = make(chan struct{})
	go func() {
		defer close(h.running)
		h.err = h.engine.Run(context.Background())
	}()
	h.t.Cleanup(func() {
		h.engine.Stop()
		h.engine.Stop()
		<-h.running
	})
	synctest.Wait()
}

func (h *host) hasEnded() bool {
	select {
	case <-h.running:
		return true
	default:
		return false
	}
}

func (h *host) installPath(s FastSpec) (FastPath, error) {
	p := &fakePath{host: h, slot: uint32(len(h.paths) + 7)}
	for _, other := range h.paths {
		if clash := other.clashes(s); clash != "" {
			return nil, errors.New(clash)
		}
	}
	if h.installing != nil {
		return nil, h.installing
	}
	p.fakeLease.Store(h.lease(s.Lease, &fakeLease{}))
	p.spec = s
	h.paths = append(h.paths, p)
	return p, nil
}

// lease is that of the name; where there is none yet, it begins like another.
func (h *host) lease(name string, like *fakeLease) *fakeLease {
	for _, p := range h.paths {
		if !p.removed.Load() && p.spec.Lease == name {
			return p.fakeLease.Load()
		}
	}
	l := &fakeLease{}
	l.lease.Store(like.lease.Load())
	l.yielded.Store(like.yielded.Load())
	return l
}

func (h *host) attach(name string) (netio.LinkInfo, error) {
	link, err := h.links.Link(name)
	if err == nil && !h.attached[name] {
		h.attached[name] = true
		h.note("attach %s", name)
	}
	return link, err
}

func (h *host) release(name string) error {
	delete(h.attached, name)
	h.note("release %s", name)
	return nil
}

func (h *host) notified(ev notify.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, ev)
}

type leave func() error

func (l leave) Close() error { return l() }

func (h *host) join(_ int, groups []netip.Addr, macs ...[6]byte) (io.Closer, error) {
	var all []any
	for _, g := range groups {
		all = append(all, g)
	}
	for _, m := range macs {
		all = append(all, m)
	}
	for _, what := range all {
		h.joined[what] = true
	}
	return leave(func() error {
		for _, what := range all {
			delete(h.joined, what)
		}
		return nil
	}), nil
}

func (h *host) status() []InstanceStatus {
	h.t.Helper()
	list, err := h.engine.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// state is the states of all instances.
func (h *host) state() string {
	h.t.Helper()
	var states []string
	for _, s := range h.status() {
		states = append(states, s.State)
	}
	return strings.Join(states, " ")
}

func (h *host) mustBe(state string) {
	h.t.Helper()
	if got := h.state(); got != state {
		h.t.Fatalf("the state is %s, want %s; journal:\n%s", got, state, strings.Join(h.journal(), "\n"))
	}
}

// mustBeClean checks that nothing of the engine is left.
func (h *host) mustBeClean() {
	h.t.Helper()
	if !h.hasEnded() {
		h.t.Fatal("Run has not returned")
	}
	for _, p := range h.paths {
		if !p.removed.Load() || p.owns() {
			h.t.Errorf("vrid %d: removed from the fast path: %v; owner: %v", p.spec.VRID, p.removed.Load(), p.owns())
		}
	}
	if left := h.book.list(); len(left) > 0 {
		h.t.Errorf("addresses are left: %v", left)
	}
	if len(h.joined) > 0 {
		h.t.Errorf("memberships are left: %v", h.joined)
	}
}

// matching returns the lines that match.
func matching(lines []string, pattern string) []string {
	re := regexp.MustCompile(pattern)
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !re.MatchString(l) })
}

// mustSay checks how many lines of the journal match.
func mustSay(t *testing.T, lines []string, times int, pattern string) {
	t.Helper()
	if got := len(matching(lines, pattern)); got != times {
		t.Errorf("%q is there %d times, want %d, in:\n%s", pattern, got, times, strings.Join(lines, "\n"))
	}
}
