package parsers

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const loopback = 1 // ifindex, in every network namespace; there Run has its frames arrive

var hooks = []datapath.Hook{datapath.HookXDP, datapath.HookIngress}

// host is the fast path with the configured routers, on a thread in a network
// namespace of its own. All its methods but do and close are for that thread.
type host struct {
	calls    chan func()
	datapath *datapath.Datapath
	events   *datapath.Events
	port     *datapath.Port
	routers  map[identity]*datapath.Router
}

func newHost(t testing.TB) *host {
	t.Helper()
	lab.NeedRoot(t)
	h := &host{calls: make(chan func()), routers: make(map[identity]*datapath.Router)}
	go h.serve()
	t.Cleanup(func() {
		if err := h.do(h.shut); err != nil {
			t.Error(err)
		}
		close(h.calls)
	})
	if err := h.do(h.open); err != nil {
		t.Fatal(err)
	}
	return h
}

// serve never gives its thread back: that and the namespace end with it.
func (h *host) serve() {
	runtime.LockOSThread()
	for call := range h.calls {
		call()
	}
}

// do runs a function on the host's thread. For any goroutine.
func (h *host) do(what func() error) error {
	done := make(chan error)
	h.calls <- func() { done <- what() }
	return <-done
}

func (h *host) open() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	var err error
	if h.datapath, err = datapath.Open(datapath.Options{Interfaces: []string{"lo"}}); err != nil {
		return err
	}
	// Attached only so that the interface has counters: nothing is ever sent here.
	if h.port, err = h.datapath.Attach("lo", datapath.TC); err != nil {
		return err
	}
	if h.events, err = h.datapath.Events(); err != nil {
		return err
	}
	for who, r := range configured {
		if h.routers[who], err = h.datapath.AddRouter(r.spec()); err != nil {
			return err
		}
		if r.owned {
			h.routers[who].SetLease(datapath.Now() + 24*time.Hour)
		}
	}
	h.routers[followedBy.identity].Follow(followedSource, [8]byte(followed))
	return nil
}

func (h *host) shut() error {
	var errs []error
	if h.events != nil {
		errs = append(errs, h.events.Close())
	}
	if h.datapath != nil {
		errs = append(errs, h.datapath.Close(false))
	}
	return errors.Join(errs...)
}

// counts is every counter that is not 0, by "who: what".
type counts map[string]uint64

func (h *host) counts() (counts, error) {
	all := make(counts)
	c, err := h.port.Counters()
	if err != nil {
		return nil, err
	}
	all.add(portName, c)
	for who, r := range h.routers {
		if c, err = r.Counters(); err != nil {
			return nil, err
		}
		all.add(who.String(), c)
	}
	return all, nil
}

func (all counts) add(who string, c datapath.Counters) {
	flat := map[string]uint64{
		"received": c.AdvertsReceived, "unchanged": c.AdvertsUnchanged, "priority zero": c.AdvertsPriorityZero,
		"event lost": c.EventsLost, "ARP conflict": c.ARPConflicts, "ND conflict": c.NDConflicts, "spoofed": c.VirtualMACSpoofed,
	}
	for prefix, of := range map[string]map[string]uint64{
		"": c.AdvertsByChecksum, "odd ": c.AdvertsOdd, "dropped ": c.AdvertsDropped, "ARP ": c.ARPRequests,
		"ND ": c.NDSolicitations, "virtual MAC ": c.VirtualMACFrames, "guard ": c.ClaimsGuarded,
	} {
		for what, n := range of {
			flat[prefix+what] = n
		}
	}
	for what, n := range flat {
		if n > 0 {
			all[who+": "+what] = n
		}
	}
}

// since is what was counted after before.
func (all counts) since(before counts) counts {
	moved := maps.Clone(all)
	for name, n := range before {
		if moved[name] -= n; moved[name] == 0 {
			delete(moved, name)
		}
	}
	return moved
}
