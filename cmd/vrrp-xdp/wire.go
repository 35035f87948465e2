package main

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
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

func installer(d *datapath.Datapath) func(control.InstanceConfig, netio.LinkInfo) (control.FastPath, error) {
	return func(c control.InstanceConfig, link netio.LinkInfo) (control.FastPath, error) {
		r, err := d.AddRouter(datapath.RouterSpec{
			Interface:  link.Index,
			VRID:       c.Router.VRID,
			Family:     uint8(c.Router.Family),
			Version:    uint8(c.Router.Version),
			VirtualMAC: vrrp.VirtualMAC(c.Router.Family, c.Router.VRID),
			DeviceMAC:  link.MAC,
			Addresses:  c.Router.Addresses,
			Owner:      c.Router.Priority == vrrp.OwnerPriority,
			Interval:   c.Router.Interval,
			NoAccept:   c.NoAccept && c.Router.Priority != vrrp.OwnerPriority,
			StrictMAC:  c.StrictMAC,
			Unicast:    len(c.Router.Peers) > 0,
			Group:      c.Group,
		})
		if err != nil {
			return nil, err
		}
		return fastPath{r}, nil
	}
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
