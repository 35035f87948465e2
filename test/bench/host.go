package main

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const loopback = 1 // ifindex, in every network namespace; there the frames arrive

// host is the fast path with a virtual router of each family, on a thread that has one CPU
// and a network namespace to itself.
type host struct {
	datapath *datapath.Datapath
	routers  map[string]*datapath.Router // by what their counters are called here
	events   *datapath.Events
	xdp      *dispatcher
	cpu      int
}

func openHost() (*host, error) {
	h := &host{routers: make(map[string]*datapath.Router)}
	if err := h.open(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *host) open() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	var err error
	if h.cpu, err = pin(); err != nil {
		return err
	}
	if h.xdp, err = newDispatcher(); err != nil {
		return err
	}
	if h.datapath, err = datapath.Open(datapath.Options{Interfaces: []string{"lo"}}); err != nil {
		return err
	}
	if h.events, err = h.datapath.Events(); err != nil {
		return err
	}
	if err := h.addRouter("", virtualMAC, vip, peer); err != nil {
		return err
	}
	return h.addRouter("ipv6 ", virtualMAC6, vip6, peer6)
}

// addRouter adds one that follows the adverts of a peer.
func (h *host) addRouter(name string, mac [6]byte, address, peer netip.Addr) error {
	r, err := h.datapath.AddRouter(datapath.RouterSpec{
		Interface: loopback, VRID: vrid, Family: uint8(vrrp.FamilyOf(address)), Version: 3,
		VirtualMAC: mac, DeviceMAC: deviceMAC, Addresses: []netip.Addr{address},
	})
	if err != nil {
		return err
	}
	r.Follow(peer, [8]byte(advertPDU(followed, peer, address)))
	h.routers[name] = r
	return nil
}

func (h *host) close() error {
	errs := []error{h.xdp.close()}
	if h.events != nil {
		errs = append(errs, h.events.Close())
	}
	if h.datapath != nil {
		errs = append(errs, h.datapath.Close(false))
	}
	return errors.Join(errs...)
}

// pin keeps this thread on the last of its CPUs: the first one has the most
// interrupts.
func pin() (int, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return 0, fmt.Errorf("ask for the CPUs: %w", err)
	}
	last := 0
	for cpu := range len(allowed) * 64 {
		if allowed.IsSet(cpu) {
			last = cpu
		}
	}
	var one unix.CPUSet
	one.Set(last)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return 0, fmt.Errorf("stay on CPU %d: %w", last, err)
	}
	return last, nil
}

func (h *host) lease(owned bool) {
	for _, r := range h.routers {
		r.SetLease(0)
		if owned {
			r.SetLease(datapath.Now() + time.Hour)
		}
	}
}

// counts is every counter of the routers that is not 0.
func (h *host) counts() (map[string]uint64, error) {
	all := make(map[string]uint64)
	for router, r := range h.routers {
		c, err := r.Counters()
		if err != nil {
			return nil, err
		}
		for name, n := range flat(c) {
			all[router+name] = n
		}
	}
	maps.DeleteFunc(all, func(_ string, n uint64) bool { return n == 0 })
	return all, nil
}

// flat is every counter that a scenario can name.
func flat(c datapath.Counters) map[string]uint64 {
	all := map[string]uint64{
		"received": c.AdvertsReceived, "unchanged": c.AdvertsUnchanged, "lost": c.EventsLost,
		"conflict": c.ARPConflicts, "nd conflict": c.NDConflicts,
	}
	for prefix, of := range map[string]map[string]uint64{
		"odd ": c.AdvertsOdd, "dropped ": c.AdvertsDropped, "arp ": c.ARPRequests, "nd ": c.NDSolicitations,
		"vmac ": c.VirtualMACFrames, "guard ": c.ClaimsGuarded,
	} {
		for name, n := range of {
			all[prefix+name] = n
		}
	}
	return all
}

// drain throws the events away and tells how many there were.
func (h *host) drain() (int, error) {
	n := 0
	err := h.events.Drain(func(datapath.Event) { n++ })
	return n, err
}
