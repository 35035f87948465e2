package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// removeLeftovers takes off the virtual addresses that a crashed predecessor
// left on the interface: those that carry our mark, and, because kernels before
// 5.18 keep no mark, those that its maps name. Those to keep stay.
func removeLeftovers(book *netio.Addresses, ifindex int, named, keep []datapath.Leftover, log *slog.Logger) error {
	list, err := book.List(ifindex)
	if err != nil {
		return fmt.Errorf("look for addresses that a predecessor left: %w", err)
	}
	var errs []error
	for _, a := range list {
		if !isLeftover(a, ifindex, named) || slices.Contains(keep, datapath.Leftover{Interface: ifindex, Address: a.Prefix.Addr()}) {
			continue
		}
		log.Info("removing a virtual address that a predecessor left", "address", a.Prefix)
		errs = append(errs, book.Remove(ifindex, a.Prefix))
	}
	return errors.Join(errs...)
}

func isLeftover(a netio.Address, ifindex int, named []datapath.Leftover) bool {
	return a.Marked || slices.Contains(named, datapath.Leftover{Interface: ifindex, Address: a.Prefix.Addr()})
}

// checkOwn refuses virtual addresses that their interfaces have for themselves:
// a backup would have to take them off. Only the owner may have them. Interfaces
// that are missing have none.
func (d *daemon) checkOwn(instances []control.InstanceConfig, left []datapath.Leftover) error {
	var errs []error
	lists := make(map[string][]netio.Address)
	for _, c := range instances {
		if c.Router.Priority == vrrp.OwnerPriority {
			continue
		}
		for _, a := range slices.Concat(c.Addresses, c.Excluded) {
			name := cmp.Or(a.Interface, c.Interface)
			link, err := d.links.Link(name)
			if err != nil {
				continue // which is said elsewhere
			}
			if _, read := lists[name]; !read {
				if lists[name], err = d.addresses.List(link.Index); err != nil {
					return fmt.Errorf("read the addresses of %s: %w", name, err)
				}
			}
			for _, there := range lists[name] {
				if there.Prefix.Addr() == a.Prefix.Addr() && !isLeftover(there, link.Index, left) {
					errs = append(errs, usage(alreadyThere(name, there.Prefix)))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// removeStaleRouting takes off the virtual routes and rules that a crashed
// predecessor left: those that are configured, and no others. Nobody is master
// yet, and what was there already would not be taken off later.
func (d *daemon) removeStaleRouting(instances []control.InstanceConfig) {
	book := routeBook{d.routes, d.links}
	for _, c := range instances {
		for _, r := range c.Routes {
			if err := book.RemoveRoute(r); err != nil {
				d.log.Debug("a route that a predecessor may have left is not removed", "route", r.String(), "error", err)
			}
		}
		for _, r := range c.Rules {
			if err := book.RemoveRule(r); err != nil {
				d.log.Debug("a rule that a predecessor may have left is not removed", "rule", r.String(), "error", err)
			}
		}
	}
}

func alreadyThere(name string, p netip.Prefix) error {
	return fmt.Errorf("%s is an address of %s itself: take it off (ip addr del %s dev %s), or, if this router owns it, give it --priority 255", p, name, p, name)
}

// clean puts the interfaces into the state that a start expects: with what the
// resumed instances need, and nothing else of a predecessor.
func (d *daemon) clean(left []datapath.Leftover, p plan, resumed []control.InstanceConfig) error {
	keep := d.addressesOf(resumed)
	var errs []error
	for _, ifindex := range indexes(left, d.path, p.interfaces) {
		errs = append(errs, removeLeftovers(d.addresses, ifindex, left, keep, d.log.With("ifindex", ifindex)))
	}
	d.removeStaleRouting(slices.DeleteFunc(slices.Clone(p.setup.Instances), func(c control.InstanceConfig) bool {
		return slices.ContainsFunc(resumed, func(r control.InstanceConfig) bool { return r.Name == c.Name })
	}))
	return errors.Join(errs...)
}

// cleanUnserved takes off what a predecessor left, after a start that has failed:
// the programs that keep it inert go next.
func (d *daemon) cleanUnserved(left []datapath.Leftover, p plan) error {
	if d.served {
		return nil
	}
	return d.clean(left, p, nil)
}

// indexes lists our interfaces and those on which a predecessor left something.
func indexes(left []datapath.Leftover, path *datapath.Datapath, names []string) []int {
	var list []int
	for _, name := range names {
		list = append(list, path.Port(name).Index)
	}
	for _, l := range left {
		list = append(list, l.Interface)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
