package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// runTimeout bounds Host.Run: a tool that hangs must not hang the lab.
const runTimeout = 30 * time.Second

// Host is a network namespace that plays a machine.
type Host struct {
	Name string

	lab  *Lab
	ns   *namespace
	nics []*NIC // guarded by lab.mu
}

func newHost(l *Lab, name string) (*Host, error) {
	ns, err := newNamespace(l.run.namespace(name))
	if err != nil {
		return nil, err
	}
	h := &Host{Name: name, lab: l, ns: ns}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	// Before the first link: the kernel copies "default" when a link is made.
	var settings [][2]string
	for _, scope := range []string{"all", "default"} {
		settings = append(settings,
			[2]string{"ipv4/conf/" + scope + "/rp_filter", "0"},
			[2]string{"ipv6/conf/" + scope + "/accept_dad", "0"},
			[2]string{"ipv6/conf/" + scope + "/accept_ra", "0"})
	}
	if err := ns.sysctl(settings...); err != nil {
		return nil, err
	}
	lo, err := ns.nl.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("finding lo: %w", err)
	}
	return h, ns.nl.LinkSetUp(lo)
}

// Lab is the lab that the host is part of.
func (h *Host) Lab() *Lab { return h.lab }

// Namespace is the host's name for `ip netns`.
func (h *Host) Namespace() string { return h.ns.name }

// Do runs fn on the calling goroutine inside the host's network namespace, with the thread locked. fn must not start
// goroutines that rely on the namespace. It may end the goroutine (t.Fatal).
func (h *Host) Do(fn func() error) error { return h.ns.do(fn) }

// Run runs a command in the host's network namespace and the caller's mount namespace, for at most 30 s, and returns its
// standard output. The error names the command, its exit status and what it wrote to standard error.
func (h *Host) Run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, time.Second
	err := h.ns.do(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		err = fmt.Errorf("%s: %s: %w: %s", h.Name, strings.Join(append([]string{name}, args...), " "), err, stderr.String())
	}
	return stdout.String(), err
}

// Route adds or replaces a route: destination is a prefix or "default", via the address of the next hop.
func (h *Host) Route(destination, via string) {
	route, err := parseRoute(destination, via)
	if err == nil {
		err = h.ns.nl.RouteReplace(route)
	}
	if err != nil {
		h.lab.fail("host %s: route %s via %s: %w", h.Name, destination, via, err)
	}
}

func parseRoute(destination, via string) (*netlink.Route, error) {
	gateway, err := netip.ParseAddr(via)
	if err != nil {
		return nil, err
	}
	prefix := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if gateway.Is6() {
		prefix = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	if destination != "default" {
		if prefix, err = netip.ParsePrefix(destination); err != nil {
			return nil, err
		}
	}
	return &netlink.Route{Dst: ipNet(prefix.Masked()), Gw: gateway.AsSlice()}, nil
}

// Forwarding turns the host into a router for IPv4 and IPv6, or back into a host.
func (h *Host) Forwarding(on bool) {
	value := "0"
	if on {
		value = "1"
	}
	err := h.ns.sysctl([2]string{"ipv4/ip_forward", value}, [2]string{"ipv6/conf/all/forwarding", value})
	if err != nil {
		h.lab.fail("host %s: forwarding: %w", h.Name, err)
	}
}

// AcceptRouterAdvertisements lets the host configure itself from router advertisements, on the NICs that it has and those to
// come; a lab's host ignores them otherwise. A NIC connected after the call solicits one as it comes up.
func (h *Host) AcceptRouterAdvertisements() {
	h.lab.mu.Lock()
	interfaces := []string{"default"}
	for _, nic := range h.nics {
		interfaces = append(interfaces, nic.Name)
	}
	h.lab.mu.Unlock()
	for _, name := range interfaces {
		if err := h.ns.sysctl([2]string{"ipv6/conf/" + name + "/accept_ra", "1"}); err != nil {
			h.lab.fail("host %s: accepting router advertisements: %w", h.Name, err)
		}
	}
}

// Addresses lists the addresses of an interface, IPv4 first, link-local included.
func (h *Host) Addresses(nic string) []netip.Prefix {
	link, err := h.ns.nl.LinkByName(nic)
	if err != nil {
		h.lab.fail("host %s: interface %s: %w", h.Name, nic, err)
	}
	var prefixes []netip.Prefix
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		addrs, err := h.ns.nl.AddrList(link, family)
		if err != nil {
			h.lab.fail("host %s: addresses of %s: %w", h.Name, nic, err)
		}
		for _, a := range addrs {
			addr, _ := netip.AddrFromSlice(a.IP)
			bits, _ := a.Mask.Size()
			prefixes = append(prefixes, netip.PrefixFrom(addr.Unmap(), bits))
		}
	}
	return prefixes
}

// Neighbour looks an address up in the host's neighbour (ARP, ND) table. The state is written as `ip neigh` does:
// REACHABLE, STALE, INCOMPLETE, ...; ok is false when there is no entry.
func (h *Host) Neighbour(nic string, ip netip.Addr) (mac MAC, state string, ok bool) {
	link, err := h.ns.nl.LinkByName(nic)
	if err != nil {
		h.lab.fail("host %s: interface %s: %w", h.Name, nic, err)
	}
	for _, n := range h.neighbours(link.Attrs().Index, familyOf(ip)) {
		if addr, _ := netip.AddrFromSlice(n.IP); addr.Unmap() == ip.WithZone("") {
			copy(mac[:], n.HardwareAddr)
			return mac, neighbourState(n.State), true
		}
	}
	return MAC{}, "", false
}

// FlushNeighbours forgets every learned neighbour, so that the host has to ask again.
func (h *Host) FlushNeighbours() {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		for _, n := range h.neighbours(0, family) {
			if n.State&(netlink.NUD_PERMANENT|netlink.NUD_NOARP) != 0 {
				continue
			}
			// The kernel may have dropped the entry by itself meanwhile.
			if err := h.ns.nl.NeighDel(&n); err != nil && !errors.Is(err, unix.ENOENT) {
				h.lab.fail("host %s: forgetting neighbour %s: %w", h.Name, n.IP, err)
			}
		}
	}
}

func (h *Host) neighbours(index, family int) []netlink.Neigh {
	list, err := h.ns.nl.NeighList(index, family)
	if err != nil {
		h.lab.fail("host %s: neighbour table: %w", h.Name, err)
	}
	return list
}

func (h *Host) remove() error {
	var errs []error
	for _, nic := range h.nics {
		nic.closeSender()
		errs = append(errs, nic.closeLoss())
	}
	return errors.Join(append(errs, h.ns.remove())...)
}

func neighbourState(state int) string {
	names := []struct {
		bit  int
		name string
	}{
		{netlink.NUD_INCOMPLETE, "INCOMPLETE"}, {netlink.NUD_REACHABLE, "REACHABLE"}, {netlink.NUD_STALE, "STALE"},
		{netlink.NUD_DELAY, "DELAY"}, {netlink.NUD_PROBE, "PROBE"}, {netlink.NUD_FAILED, "FAILED"},
		{netlink.NUD_NOARP, "NOARP"}, {netlink.NUD_PERMANENT, "PERMANENT"},
	}
	for _, n := range names {
		if state&n.bit != 0 {
			return n.name
		}
	}
	return "NONE"
}

func familyOf(ip netip.Addr) int {
	if ip.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
