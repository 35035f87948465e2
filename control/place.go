package control

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// place is where an instance serves addresses: an interface and a family. The
// first of an instance is that of its adverts. It belongs to the engine's loop.
type place struct {
	plug
	instance *instance
	iface    string
	family   vrrp.Family
	mac      [6]byte // virtual
}

// plug is a place's connection to an interface and to the fast path there.
type plug struct {
	path    FastPath
	ifindex int     // 0: there is no such interface
	device  [6]byte // the interface's own MAC, as the fast path knows it
}

func (p plug) plugged() bool { return p.ifindex != 0 }

// newPlace is a place that is not plugged in.
func newPlace(in *instance, s placeSpec) *place {
	return &place{
		plug:     plug{path: absentPath{}},
		instance: in,
		iface:    s.iface,
		family:   s.family,
		mac:      vrrp.VirtualMAC(s.family, in.config.Router.VRID),
	}
}

// connect makes the fast path serve a place. Where the interface is missing, and
// may be, the plug is not plugged in. Not for the loop: it may take its time.
func (e *Engine) connect(c InstanceConfig, s placeSpec, lease string) (plug, error) {
	link, err := e.world.Attach(s.iface)
	if errors.Is(err, netio.ErrNoInterface) && c.MayBeMissing {
		return plug{path: absentPath{}}, nil
	}
	if err != nil {
		return plug{}, err
	}
	e.attached[s.iface] = true
	p := plug{ifindex: link.Index, device: link.MAC}
	p.path, err = e.world.Install(p.spec(c, s, lease))
	return p, err
}

// spec is what the fast path is told.
func (p plug) spec(c InstanceConfig, s placeSpec, lease string) FastSpec {
	companion := s.iface != c.Interface || s.family != c.Router.Family
	spec := FastSpec{
		Interface:  p.ifindex,
		VRID:       c.Router.VRID,
		Family:     s.family,
		Version:    c.Router.Version,
		VirtualMAC: vrrp.VirtualMAC(s.family, c.Router.VRID),
		DeviceMAC:  p.device,
		Addresses:  s.addresses,
		Excluded:   s.excluded,
		Owner:      c.Router.Priority == vrrp.OwnerPriority,
		Interval:   c.Router.Interval,
		NoAccept:   !c.accepts(),
		StrictMAC:  c.StrictMAC,
		Unicast:    c.unicast(),
		Lease:      lease,

		AnyFirstAddress: c.Router.AnyFirstAddress,
		Companion:       companion,

		Senders: c.fastSenders(),
		Pace:    c.affordable(),
		Peers:   c.Router.Peers,
		MinTTL:  c.Router.MinTTL,
		MaxTTL:  c.Router.MaxTTL,
	}
	if companion {
		spec.Senders, spec.Peers = nil, nil // nobody speaks for it there
	}
	if !companion {
		spec.Auth = fastAuth(c.Router.Auth)
	}
	if companion && s.family == vrrp.IPv6 {
		spec.Version, spec.Interval = vrrp.V3, 0 // it has no adverts, but must be possible
	}
	return spec
}

// fastSenders lists who may speak; nil: anybody.
func (c InstanceConfig) fastSenders() []FastSender {
	if c.Router.Senders == nil {
		return nil
	}
	list := make([]FastSender, 0, len(c.Router.Senders)+1)
	for _, s := range c.Router.Senders {
		list = append(list, FastSender{s.Address, s.Owner})
	}
	return list
}

// What the engine can afford to hear of one sender for ever: eight adverts in an
// interval, and a hundred in a second. In an election, or when lesser masters are
// contradicted, it is three in an interval. A signed advert is worth more: any that
// is refused for the sake of forged copies of it may be the master's.
const (
	advertsPerInterval = 8
	affordablePace     = 10 * time.Millisecond
	affordableSigned   = 100 * time.Microsecond
)

func (c InstanceConfig) affordable() time.Duration {
	if c.Router.Auth != nil {
		return affordableSigned
	}
	return min(c.Router.Interval/advertsPerInterval, affordablePace)
}

// absentPath is the fast path of an interface that is missing: nothing happens
// there.
type absentPath struct{}

const noSlot = ^uint32(0)

func (absentPath) Update(FastSpec) error       { return nil }
func (absentPath) Slot() uint32                { return noSlot }
func (absentPath) SetLease(time.Duration)      {}
func (absentPath) YieldTo(uint8)               {}
func (absentPath) Resume(time.Duration)        {}
func (absentPath) Yielded() bool               { return false }
func (absentPath) Remember(uint8)              {}
func (absentPath) Follow(netip.Addr, [8]byte)  {}
func (absentPath) Unfollow()                   {}
func (absentPath) Heard() time.Duration        { return 0 }
func (absentPath) SetDeviceMAC([6]byte) error  { return nil }
func (absentPath) Counters() (Counters, error) { return Counters{}, nil }
func (absentPath) Arrivals() (Arrivals, error) { return Arrivals{}, nil }
func (absentPath) Remove() error               { return nil }

func (absentPath) Inherited() (time.Duration, uint8) { return 0, 0 }

// addresses lists what is served at the place.
func (p *place) addresses() []netip.Addr {
	s := p.instance.placeSpec(p)
	return slices.Concat(s.addresses, s.excluded)
}

// placeSpec is what the configuration says of a place; zero if nothing.
func (in *instance) placeSpec(p *place) placeSpec {
	for _, s := range in.config.places() {
		if s.iface == p.iface && s.family == p.family {
			return s
		}
	}
	return placeSpec{}
}

// placeOf is where an address of the instance is served.
func (in *instance) placeOf(a iproute.Address) *place {
	iface, family := in.config.interfaceOf(a), vrrp.FamilyOf(a.Prefix.Addr())
	for _, p := range in.places() {
		if p.iface == iface && p.family == family {
			return p
		}
	}
	return nil
}
