package main

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// control and datapath do not know each other; here their words are translated.

// fastPath is a datapath.Router as the engine wants it.
type fastPath struct{ *datapath.Router }

func (f fastPath) Counters() (control.Counters, error) {
	c, err := f.Router.Counters()
	return control.Counters(c), err
}

func (f fastPath) Arrivals() (control.Arrivals, error) {
	a, err := f.Router.Arrivals()
	return control.Arrivals(a), err
}

// fastEvents is the datapath's queue as the engine wants it.
type fastEvents struct{ *datapath.Events }

func (f fastEvents) Drain(do func(control.FastEvent)) error {
	return f.Events.Drain(func(e datapath.Event) {
		do(control.FastEvent{
			Kind:     eventKinds[e.Kind],
			At:       e.At,
			Slot:     e.Slot,
			Source:   e.Source,
			Target:   e.Target,
			Hardware: e.Hardware,
			TTL:      e.TTL,
			PDU:      e.PDU,
		})
	})
}

var eventKinds = map[datapath.EventKind]control.EventKind{
	datapath.EventAdvert:       control.AdvertArrived,
	datapath.EventConflict:     control.AddressClaimed,
	datapath.EventSolicitation: control.AddressAsked,
}

func installer(d *datapath.Datapath) func(control.FastSpec) (control.FastPath, error) {
	return func(s control.FastSpec) (control.FastPath, error) {
		r, err := d.AddRouter(routerSpec(s))
		if err != nil {
			return nil, err
		}
		return fastPath{r}, nil
	}
}

func routerSpec(s control.FastSpec) datapath.RouterSpec {
	return datapath.RouterSpec{
		Interface:  s.Interface,
		VRID:       s.VRID,
		Family:     uint8(s.Family),
		Version:    uint8(s.Version),
		VirtualMAC: s.VirtualMAC,
		DeviceMAC:  s.DeviceMAC,
		Addresses:  s.Addresses,
		Excluded:   s.Excluded,
		Owner:      s.Owner,
		Interval:   s.Interval,
		NoAccept:   s.NoAccept,
		StrictMAC:  s.StrictMAC,
		Unicast:    s.Unicast,
		Group:      s.Lease,
		Companion:  s.Companion,

		AnyFirstAddress: s.AnyFirstAddress,

		Senders: senders(s.Senders),
		Auth:    (*datapath.Auth)(s.Auth),
		Pace:    s.Pace,
		Peers:   s.Peers,
		MinTTL:  s.MinTTL,
		MaxTTL:  s.MaxTTL,
	}
}

// senders keeps the difference between an empty list and none.
func senders(list []control.FastSender) []datapath.Sender {
	if list == nil {
		return nil
	}
	out := make([]datapath.Sender, len(list))
	for i, s := range list {
		out[i] = datapath.Sender(s)
	}
	return out
}

func (f fastPath) Update(s control.FastSpec) error { return f.Router.Update(routerSpec(s)) }

func unicastOpener(d *datapath.Datapath) func() (control.Unicast, error) {
	return func() (control.Unicast, error) { return netio.OpenUnicast(d.FilterUnicast) }
}

// routeBook finds interfaces by name for netio.Routes.
type routeBook struct {
	*netio.Routes
	links *netio.Links
}

func (b routeBook) index(name string) (int, error) {
	link, err := b.links.Link(name)
	return link.Index, err
}

func (b routeBook) AddRoute(r iproute.Route) (bool, error) { return b.Routes.AddRoute(r, b.index) }
func (b routeBook) RemoveRoute(r iproute.Route) error      { return b.Routes.RemoveRoute(r, b.index) }

// trackSystem is the host as trackers see it.
type trackSystem struct {
	links *netio.Links
	log   *slog.Logger
}

func (s trackSystem) InterfaceUp(name string) bool { return s.links.InterfaceUp(name) }

func (s trackSystem) InterfaceChanges() (<-chan struct{}, func()) {
	return changes(s.log, func(ctx context.Context) (<-chan netio.LinkEvent, error) { return s.links.Watch(ctx) })
}

func (s trackSystem) HasRoute(r track.Route) (bool, error) {
	prefix, err := netip.ParsePrefix(r.Prefix)
	if err != nil {
		return false, err
	}
	return s.links.HasRoute(prefix, r.Covering, r.Table)
}

func (s trackSystem) RouteChanges() (<-chan struct{}, func()) {
	return changes(s.log, s.links.WatchRoutes)
}

// changes tells that something came from the watch; many at once are one.
func changes[T any](log *slog.Logger, watch func(context.Context) (<-chan T, error)) (<-chan struct{}, func()) {
	ctx, stop := context.WithCancel(context.Background())
	events, err := watch(ctx)
	if err != nil {
		log.Error("changes are found only by looking from time to time", "error", err)
		return nil, stop
	}
	told := make(chan struct{}, 1)
	go func() {
		for range events {
			select {
			case told <- struct{}{}:
			default: // told already
			}
		}
	}()
	return told, stop
}

// others translates what the datapath heard of other virtual routers.
func others(d *datapath.Datapath, ports []*datapath.Port) ([]control.Other, error) {
	heard, err := d.Others()
	if err != nil {
		return nil, err
	}
	names := make(map[int]string)
	for _, p := range ports {
		names[p.Index] = p.Name
	}
	list := make([]control.Other, 0, len(heard))
	for _, o := range heard {
		list = append(list, describeOther(o, names[o.Interface]))
	}
	return list, nil
}

func describeOther(o datapath.Other, name string) control.Other {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return control.Other{
		Interface:        name,
		VLAN:             o.VLAN,
		VRID:             o.VRID,
		Family:           vrrp.Family(o.Family).String(),
		Version:          o.Version,
		Master:           o.Source.String(),
		MAC:              control.FormatMAC(o.Hardware),
		Priority:         o.Priority,
		AdvertIntervalMS: ms(o.Interval),
		ShortestMS:       ms(o.Shortest),
		LongestMS:        ms(o.Longest),
		Addresses:        o.Addresses,
		FirstAddress:     o.Address.String(),
		Adverts:          o.Adverts,
		SilentMS:         ms(datapath.Now() - o.Last),
		Checksum:         o.Checksum,
	}
}

func interfaces(ports []*datapath.Port) ([]control.InterfaceStatus, error) {
	list := make([]control.InterfaceStatus, 0, len(ports))
	for _, p := range ports {
		c, err := p.Counters()
		if err != nil {
			return nil, err
		}
		list = append(list, control.InterfaceStatus{
			Name: p.Name, Index: p.Index, Mode: string(p.Mode), ModeReason: p.Reason, AdvertsDropped: c.AdvertsDropped,
		})
	}
	return list, nil
}
