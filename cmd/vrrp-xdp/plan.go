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
)

// port is an interface as the plan sees it.
type port struct {
	netio.LinkInfo
	subnets []netip.Prefix
}

func lookPorts(links *netio.Links, names []string) ([]port, error) {
	var ports []port
	var errs []error
	for _, name := range names {
		link, err := links.Link(name)
		switch {
		case errors.Is(err, netio.ErrNoInterface):
			errs = append(errs, usage(err))
			continue
		case err != nil:
			errs = append(errs, err)
			continue
		case slices.ContainsFunc(ports, func(p port) bool { return p.Index == link.Index }):
			errs = append(errs, usage(fmt.Errorf("interface %s is named twice", link.Name)))
			continue
		}
		subnets, err := links.OnLink(link.Index)
		if err != nil {
			errs = append(errs, fmt.Errorf("read the addresses of %s: %w", name, err))
		}
		ports = append(ports, port{link, subnets})
	}
	return ports, errors.Join(errs...)
}

// planInstances puts the virtual router on the interfaces: with one interface
// there, with several each address on the interface whose subnet it is in.
func planInstances(f *flagInstance, ports []port, log *slog.Logger) ([]control.InstanceConfig, error) {
	if f == nil {
		return nil, nil
	}
	var errs []error
	vips := make([][]netip.Prefix, len(ports))
	for _, vip := range f.vips {
		at := slices.IndexFunc(ports, func(p port) bool { return onLink(p, vip) })
		switch {
		case at >= 0:
		case len(ports) > 1:
			errs = append(errs, fmt.Errorf("--vip %s: in no subnet of these interfaces, so it is not clear on which it belongs: attach one interface at a time", vip))
			continue
		default:
			at = 0
			log.Warn("the virtual address is in no subnet of the interface: clients there will not ask for it", "address", vip, "interface", ports[0].Name, "subnets", ports[0].subnets)
		}
		vips[at] = append(vips[at], vip)
	}
	var list []control.InstanceConfig
	for i, p := range ports {
		if len(vips[i]) > 0 {
			list = append(list, f.on(p, vips[i], len(ports) > 1))
		}
	}
	return list, usage(errors.Join(append(errs, control.Validate(list))...))
}

func onLink(p port, vip netip.Prefix) bool {
	return slices.ContainsFunc(p.subnets, func(s netip.Prefix) bool { return s.Contains(vip.Addr()) })
}

func (f *flagInstance) on(p port, vips []netip.Prefix, several bool) control.InstanceConfig {
	name := f.name
	if several {
		name += "-" + p.Name
	}
	c := control.InstanceConfig{
		Name:      name,
		Interface: p.Name,
		Prefixes:  vips,
		Router: vrrp.Config{
			VRID:      f.vrid,
			Family:    vrrp.IPv4,
			Version:   f.version,
			Priority:  f.priority,
			Interval:  f.interval,
			NoPreempt: f.noPreempt,
		},
	}
	for _, vip := range vips {
		c.Router.Addresses = append(c.Router.Addresses, vip.Addr())
	}
	return c
}
