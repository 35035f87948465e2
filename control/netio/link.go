package netio

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

var (
	// ErrNoInterface is wrapped by Link's error when no interface has the name.
	ErrNoInterface = errors.New("no such interface")
	// ErrNoAddress is wrapped by the errors of PrimaryAddress and LinkLocalAddress when no address of the interface
	// qualifies.
	ErrNoAddress = errors.New("no usable address of its own")
)

// LinkInfo describes an interface as it was when it was asked for.
type LinkInfo struct {
	Index int
	Name  string
	// MAC is zero for an interface without Ethernet addresses.
	MAC [6]byte
	MTU int
	// Up says that frames can be sent: administratively up, with carrier, neither dormant nor under test.
	Up bool
	// Kind is the kernel's name for a virtual device ("veth", "vlan", "bridge", "bond", …), empty for a physical one.
	Kind string
	// ParentIndex is the interface in this namespace that a VLAN or macvlan rests on, otherwise 0.
	ParentIndex int
}

// Links answers questions about interfaces. It may be used from several goroutines.
type Links struct {
	route route
}

// NewLinks looks at the interfaces of the network namespace of the calling thread.
func NewLinks() (*Links, error) {
	route, err := openRoute()
	if err != nil {
		return nil, err
	}
	return &Links{route}, nil
}

// Close releases the socket. Watches end with their context, not here: cancel it first.
func (l *Links) Close() error {
	l.route.close()
	return nil
}

// Link describes the interface with that name or alternative name. The error wraps ErrNoInterface and names the
// interfaces that there are when there is none.
func (l *Links) Link(name string) (LinkInfo, error) {
	kind := unix.IFLA_IFNAME
	if len(name) >= unix.IFNAMSIZ {
		kind = unix.IFLA_ALT_IFNAME
	}
	info, err := l.route.link(nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(kind, nl.ZeroTerminated(name)))
	if errors.Is(err, unix.ENODEV) {
		return LinkInfo{}, l.noInterface(name)
	}
	if err != nil {
		return LinkInfo{}, fmt.Errorf("look up interface %q: %w", name, err)
	}
	return info, nil
}

func (l *Links) noInterface(name string) error {
	messages, err := l.route.list(unix.RTM_GETLINK, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC))
	if err != nil {
		return fmt.Errorf("%w: %q; listing the others: %w", ErrNoInterface, name, err)
	}
	var names []string
	for _, message := range messages {
		if info, err := parseLink(message); err == nil {
			names = append(names, info.Name)
		}
	}
	slices.Sort(names)
	return fmt.Errorf("%w: %q; there are %s", ErrNoInterface, name, strings.Join(names, ", "))
}

// PrimaryAddress returns the first IPv4 address of the interface that is not virtual: neither in exclude nor marked as
// ours. Global scope goes before link scope. The error wraps ErrNoAddress when there is none.
func (l *Links) PrimaryAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error) {
	addresses, err := l.ownAddresses(ifindex)
	if err != nil {
		return netip.Addr{}, err
	}
	addresses = slices.DeleteFunc(addresses, func(a Address) bool {
		return !a.Prefix.Addr().Is4() || slices.Contains(exclude, a.Prefix.Addr())
	})
	if len(addresses) == 0 {
		return netip.Addr{}, fmt.Errorf("IPv4 on interface %d: %w", ifindex, ErrNoAddress)
	}
	// The wider the scope the smaller its number, and MinFunc keeps the first among equals.
	return slices.MinFunc(addresses, func(a, b Address) int { return cmp.Compare(a.scope, b.scope) }).Prefix.Addr(), nil
}

// LinkLocalAddress returns the first link-local IPv6 address of the interface that is not virtual (neither in exclude
// nor marked as ours) and that can be sent from: duplicate address detection has found no other owner. It has no zone.
// The error wraps ErrNoAddress when there is none; one that is still being tested is announced by Watch once it is usable.
func (l *Links) LinkLocalAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error) {
	addresses, err := l.ownAddresses(ifindex)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, address := range addresses {
		ip := address.Prefix.Addr()
		if ip.Is6() && ip.IsLinkLocalUnicast() && address.usable && !slices.Contains(exclude, ip) {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("link-local IPv6 on interface %d: %w", ifindex, ErrNoAddress)
}

// OnLink returns the IPv4 and IPv6 subnets of the interface, fe80::/64 among them, without those that only addresses
// marked as ours give it.
func (l *Links) OnLink(ifindex int) ([]netip.Prefix, error) {
	addresses, err := l.ownAddresses(ifindex)
	if err != nil {
		return nil, err
	}
	var subnets []netip.Prefix
	for _, address := range addresses {
		if !slices.Contains(subnets, address.subnet) {
			subnets = append(subnets, address.subnet)
		}
	}
	return subnets, nil
}

func (l *Links) ownAddresses(ifindex int) ([]Address, error) {
	addresses, err := l.route.addresses(ifindex)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(addresses, func(a Address) bool { return a.Marked }), nil
}

// link gets one interface; header or selector says which.
func (r route) link(header *nl.IfInfomsg, selector ...nl.NetlinkRequestData) (LinkInfo, error) {
	message, err := r.get(unix.RTM_GETLINK, unix.RTM_NEWLINK, append([]nl.NetlinkRequestData{header}, selector...)...)
	if err != nil {
		return LinkInfo{}, err
	}
	return parseLink(message)
}

func parseLink(message []byte) (LinkInfo, error) {
	link, err := netlink.LinkDeserialize(nil, message)
	if err != nil {
		return LinkInfo{}, fmt.Errorf("parse a link: %w", err)
	}
	attributes := link.Attrs()
	info := LinkInfo{
		Index: attributes.Index,
		Name:  attributes.Name,
		MTU:   attributes.MTU,
		Up:    canSend(attributes.RawFlags, attributes.OperState),
		Kind:  link.Type(),
	}
	if info.Kind == "device" { // what the library calls a link for which the kernel names no kind
		info.Kind = ""
	}
	if len(attributes.HardwareAddr) == len(info.MAC) {
		copy(info.MAC[:], attributes.HardwareAddr)
	}
	// The parent of a veth is its other end, and an index in another namespace means nothing here.
	if info.Kind != "veth" && attributes.NetNsID < 0 {
		info.ParentIndex = attributes.ParentIndex
	}
	return info, nil
}

// canSend asks the carrier and not IFF_RUNNING, which the kernel updates up to a second later. The operational state
// adds what the carrier does not know: an 802.1X port that is not authenticated, a link under test.
func canSend(flags uint32, state netlink.LinkOperState) bool {
	const working = unix.IFF_UP | unix.IFF_LOWER_UP
	return flags&working == working && state != netlink.OperDormant && state != netlink.OperTesting
}
