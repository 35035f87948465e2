package netio

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// Resolve finds the index of an interface by its name. Its error wraps ErrNoInterface when there is none.
type Resolve func(name string) (ifindex int, err error)

// Routes puts virtual routes and rules into the routing tables and takes them out. It may be used from several goroutines.
//
// All of them carry a protocol, keepalived's unless they say otherwise. It tells them from those of an administrator, but
// not from those of a keepalived that runs on this host: so nothing is removed for its protocol alone. What a predecessor
// left is removed by removing each route and rule of the configuration before the first is added.
type Routes struct {
	route route
}

// NewRoutes works on the routing tables of the network namespace of the calling thread.
func NewRoutes() (*Routes, error) {
	route, err := openRoute()
	if err != nil {
		return nil, err
	}
	return &Routes{route}, nil
}

// Close releases the socket. Routes and rules stay.
func (r *Routes) Close() error {
	r.route.close()
	return nil
}

// AddRoute puts a route into its table, by default before others to the same destination with the same metric, as
// keepalived does; of IPv6 routes the kernel makes one with several next hops. added is false when there was the same
// route already: for IPv4 in every respect, protocol included; for IPv6 with that metric and next hop, whoever put it
// there; with PlaceAlone any to the same destination with the same metric. To look after a route, add it again: that is
// cheap however large the table.
//
// Source must be an address of the host, and a gateway be reached: addresses first.
func (r *Routes) AddRoute(route iproute.Route, resolve Resolve) (added bool, err error) {
	requests, err := routeRequests(route, resolve)
	if err != nil {
		return false, fmt.Errorf("add route %s: %w", route, err)
	}
	for _, request := range requests {
		err := r.route.change(unix.RTM_NEWROUTE, placeFlags(route), request...)
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return added, fmt.Errorf("add route %s: %w", route, err)
		}
		added = added || err == nil
	}
	return added, nil
}

func placeFlags(route iproute.Route) int {
	switch route.Place {
	case iproute.PlaceLast:
		return unix.NLM_F_CREATE | unix.NLM_F_APPEND
	case iproute.PlaceAlone:
		return unix.NLM_F_CREATE | unix.NLM_F_EXCL
	}
	return unix.NLM_F_CREATE
}

// RemoveRoute takes a route out of its table, and no other: one that has another protocol, next hop or source stays. (For
// IPv4, a route without a metric that is gone is taken for one that differs only in having a metric.) It
// is no error when it is gone already, or an interface of it: the kernel removes the routes of an interface that is set
// down or deleted, and those whose Source is no longer an address of the host.
func (r *Routes) RemoveRoute(route iproute.Route, resolve Resolve) error {
	requests, err := routeRequests(route, resolve)
	if errors.Is(err, ErrNoInterface) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove route %s: %w", route, err)
	}
	for _, request := range requests {
		err := r.route.change(unix.RTM_DELROUTE, 0, request...)
		if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("remove route %s: %w", route, err)
		}
	}
	return nil
}

// AddRule adds a rule. added is false when there was the same one already, whoever put it there.
func (r *Routes) AddRule(rule iproute.Rule) (added bool, err error) {
	if rule.Priority == 0 { // the kernel would give each copy a preference of its own
		has, err := r.HasRule(rule)
		if has || err != nil {
			return false, err
		}
	}
	err = r.route.change(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ruleRequest(rule)...)
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add rule %s: %w", rule, err)
	}
	return true, nil
}

// RemoveRule removes a rule, and no other. It is no error when it is gone already.
func (r *Routes) RemoveRule(rule iproute.Rule) error {
	rules, err := r.route.rules(rule.Family)
	if err != nil {
		return fmt.Errorf("remove rule %s: %w", rule, err)
	}
	wanted := kernelRule(rule)
	for _, found := range rules {
		if !found.is(wanted) {
			continue
		}
		wanted.Priority = found.Priority
		if other, hit := firstHit(rules, wanted); hit && !other.is(wanted) {
			return fmt.Errorf("remove rule %s: the kernel would remove %s instead, which has the same preference: give each its own", rule, other.Rule)
		}
		err := r.route.change(unix.RTM_DELRULE, 0, ruleRequest(wanted.Rule)...)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove rule %s: %w", rule, err)
		}
		return nil
	}
	return nil
}

// HasRule reports whether there is such a rule, with the same protocol and, unless rule has none, the same preference.
func (r *Routes) HasRule(rule iproute.Rule) (bool, error) {
	rules, err := r.route.rules(rule.Family)
	if err != nil {
		return false, fmt.Errorf("look for rule %s: %w", rule, err)
	}
	wanted := kernelRule(rule)
	for _, found := range rules {
		if found.is(wanted) {
			return true, nil
		}
	}
	return false, nil
}

func familyNumber(family uint8) uint8 {
	if family == 6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func attribute32(kind int, value uint32) *nl.RtAttr { return nl.NewRtAttr(kind, nl.Uint32Attr(value)) }
