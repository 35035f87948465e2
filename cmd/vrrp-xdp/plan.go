package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
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
// there, with several each address on the interface whose subnet it is in. The
// IPv4 and the IPv6 addresses of an interface are two virtual routers.
func planInstances(f *flagInstance, ports []port, log *slog.Logger) ([]control.InstanceConfig, error) {
	if f == nil {
		return nil, nil
	}
	vips, errs := f.place(ports, log)
	if len(f.peers)+len(f.sources) > 0 && len(ports) > 1 {
		errs = append(errs, errors.New("--peer and --source: with several interfaces it is not clear what belongs to which: attach one interface at a time"))
	}
	several := len(ports) > 1
	both := slices.ContainsFunc(f.vips, isIPv4) && slices.ContainsFunc(f.vips, isIPv6)
	var list []control.InstanceConfig
	for i, p := range ports {
		for _, family := range []vrrp.Family{vrrp.IPv4, vrrp.IPv6} {
			name := f.name
			if several {
				name += "-" + p.Name
			}
			if both && family == vrrp.IPv6 {
				name += "-v6"
			}
			if own := ofFamily(vips[i], family); len(own) > 0 {
				list = append(list, f.on(p, name, family, own))
			}
		}
		if len(vips[i]) == 0 {
			log.Warn("no virtual address is in a subnet of the interface: nothing runs there", "interface", p.Name, "subnets", p.subnets)
		}
	}
	errs = append(errs, f.checkFamilies(list)...)
	errs = append(errs, f.unplaced(list)...)
	return list, usage(errors.Join(append(errs, control.Validate(list))...))
}

// place tells which addresses go to which interface. A link-local address is in
// the subnet of every interface: it goes wherever another IPv6 address goes, or
// everywhere if there is no other.
func (f *flagInstance) place(ports []port, log *slog.Logger) ([][]netip.Prefix, []error) {
	var errs []error
	vips := make([][]netip.Prefix, len(ports))
	global := make([]bool, len(ports)) // has IPv6 addresses other than link-local ones
	for _, vip := range f.vips {
		if len(ports) > 1 && vip.Addr().IsLinkLocalUnicast() && isIPv6(vip) {
			continue
		}
		at, tie := nearest(ports, vip)
		switch {
		case tie:
			errs = append(errs, fmt.Errorf("--vip %s: more than one of these interfaces has its subnet: attach one interface at a time", vip))
			continue
		case at >= 0:
		case len(ports) > 1:
			errs = append(errs, fmt.Errorf("--vip %s: in no subnet of these interfaces, so it is not clear on which it belongs: attach one interface at a time", vip))
			continue
		default:
			at = 0
			log.Warn("the virtual address is in no subnet of the interface: clients there will not ask for it", "address", vip, "interface", ports[0].Name, "subnets", ports[0].subnets)
		}
		vips[at] = append(vips[at], vip)
		global[at] = global[at] || isIPv6(vip)
	}
	if len(ports) > 1 {
		f.placeLinkLocal(vips, global)
	}
	return vips, errs
}

func (f *flagInstance) placeLinkLocal(vips [][]netip.Prefix, global []bool) {
	var local []netip.Prefix
	for _, vip := range f.vips {
		if isIPv6(vip) && vip.Addr().IsLinkLocalUnicast() {
			local = append(local, vip)
		}
	}
	everywhere := !slices.Contains(global, true)
	for i := range vips {
		if everywhere || global[i] {
			vips[i] = append(slices.Clone(local), vips[i]...)
		}
	}
}

func isIPv4(p netip.Prefix) bool { return p.Addr().Is4() }
func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() }

func ofFamily(list []netip.Prefix, family vrrp.Family) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(list), func(p netip.Prefix) bool { return vrrp.FamilyOf(p.Addr()) != family })
}

// nearest is the interface with the smallest subnet that holds the address, -1
// for none; tie tells that there is another.
func nearest(ports []port, vip netip.Prefix) (at int, tie bool) {
	at, longest := -1, -1
	for i, p := range ports {
		for _, s := range p.subnets {
			switch {
			case !s.Contains(vip.Addr()) || s.Bits() < longest:
			case s.Bits() > longest:
				at, longest, tie = i, s.Bits(), false
			case at != i:
				tie = true
			}
		}
	}
	return at, tie
}

// on is the virtual router of one family on one interface.
func (f *flagInstance) on(p port, name string, family vrrp.Family, vips []netip.Prefix) control.InstanceConfig {
	c := control.InstanceConfig{
		Name:      name,
		Interface: p.Name,
		Router:    f.router,
		NoAccept:  f.noAccept,
		StrictMAC: f.strictMAC,
	}
	c.Router.Family = family
	for _, vip := range vips {
		c.Router.Addresses = append(c.Router.Addresses, vip.Addr())
		c.Addresses = append(c.Addresses, iproute.Address{Prefix: vip})
	}
	for _, peer := range f.peers {
		if vrrp.FamilyOf(peer) == family {
			c.Router.Peers = append(c.Router.Peers, peer)
		}
	}
	for _, source := range f.sources {
		if vrrp.FamilyOf(source) == family {
			c.Source, c.Router.Source = source, source
		}
	}
	if f.together {
		c.Group = f.name
	}
	if family == vrrp.IPv6 {
		c.Advertise = advertiseOn(f.advertise, p, vips)
		c.Router.Checksum = vrrp.ChecksumAuto // there is but one form
	}
	return c
}

// checkFamilies finds what was given for a family that there is no virtual
// address of, or left out for one that there is.
func (f *flagInstance) checkFamilies(list []control.InstanceConfig) []error {
	var errs []error
	has := func(family vrrp.Family) bool {
		return slices.ContainsFunc(list, func(c control.InstanceConfig) bool { return c.Router.Family == family })
	}
	for _, a := range slices.Concat(f.peers, f.sources) {
		if family := vrrp.FamilyOf(a); !has(family) {
			errs = append(errs, fmt.Errorf("%v: there is no %v virtual address (--vip) for which it could be a peer or source", a, family))
		}
	}
	if f.advertise != nil && !has(vrrp.IPv6) {
		errs = append(errs, errors.New("--router-advertisement needs an IPv6 virtual address, the first of them link-local, such as --vip fe80::1/64"))
	}
	if f.router.Checksum != vrrp.ChecksumAuto && !has(vrrp.IPv4) {
		errs = append(errs, errors.New("--checksum: IPv6 has but one form"))
	}
	for _, family := range []vrrp.Family{vrrp.IPv4, vrrp.IPv6} {
		if len(slices.DeleteFunc(slices.Clone(f.sources), func(a netip.Addr) bool { return vrrp.FamilyOf(a) != family })) > 1 {
			errs = append(errs, fmt.Errorf("--source: there can be one %v address", family))
		}
	}
	for _, c := range list {
		if len(f.peers) > 0 && len(c.Router.Peers) == 0 {
			errs = append(errs, fmt.Errorf("--peer: there is none for the %v virtual addresses", c.Router.Family))
		}
		if c.Router.Family == vrrp.IPv6 && !c.Source.IsValid() && slices.ContainsFunc(c.Router.Peers, func(a netip.Addr) bool { return !a.IsLinkLocalUnicast() }) {
			errs = append(errs, fmt.Errorf("--peer: say with --source which IPv6 address of %s the adverts to these peers come from", c.Interface))
		}
	}
	return errs
}
