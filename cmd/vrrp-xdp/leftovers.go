package main

import (
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
// 5.18 keep no mark, those that its maps name.
func removeLeftovers(book *netio.Addresses, ifindex int, named []datapath.Leftover, log *slog.Logger) error {
	list, err := book.List(ifindex)
	if err != nil {
		return fmt.Errorf("look for addresses that a predecessor left: %w", err)
	}
	var errs []error
	for _, a := range list {
		if !isLeftover(a, ifindex, named) {
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

// checkOwnAddresses refuses a virtual address that the interface has for
// itself: a backup would have to take it off. Only the owner may have it.
func checkOwnAddresses(book *netio.Addresses, ifindex int, c control.InstanceConfig, left []datapath.Leftover) error {
	if c.Router.Priority == vrrp.OwnerPriority {
		return nil
	}
	list, err := book.List(ifindex)
	if err != nil {
		return fmt.Errorf("read the addresses of %s: %w", c.Interface, err)
	}
	var errs []error
	for _, a := range list {
		if slices.Contains(c.Router.Addresses, a.Prefix.Addr()) && !isLeftover(a, ifindex, left) {
			errs = append(errs, usage(alreadyThere(c.Interface, a.Prefix)))
		}
	}
	return errors.Join(errs...)
}

func alreadyThere(name string, p netip.Prefix) error {
	return fmt.Errorf("%s is an address of %s itself: take it off (ip addr del %s dev %s), or, if this router owns it, give it --priority 255", p, name, p, name)
}
