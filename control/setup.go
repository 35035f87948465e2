package control

import (
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
)

// Setup is what a configuration asks of the control plane: what a file says, in
// the words of those who do it.
type Setup struct {
	Instances []InstanceConfig
	Trackers  []track.Spec
	Notify    notify.Config
}

// NewSetup translates a configuration that has no errors.
func NewSetup(c config.Config) Setup {
	s := Setup{Notify: notify.Config{
		Instances: make(map[string]notify.Scripts),
		Groups:    make(map[string]notify.Scripts),
		Mail:      mailOf(c.Global),
	}}
	groups := make(map[string]config.Group) // by the name of a member
	for _, g := range c.Groups {
		s.Notify.Groups[g.Name] = scriptsOf(g.Notify)
		for _, member := range g.Members {
			groups[member] = g
		}
	}
	kinds := checkKinds(c.Checks)
	interfaces := make(map[string]bool)
	for _, i := range c.Instances {
		group := groups[i.Name]
		tracks := slices.Concat(i.Tracks, group.Tracks)
		s.Instances = append(s.Instances, instanceOfFile(i, group.Name, usesOf(tracks, kinds), c.Global))
		s.Notify.Instances[i.Name] = scriptsOf(i.Notify)
		for _, t := range tracks {
			if t.Kind == config.TrackInterface && !interfaces[t.Name] {
				interfaces[t.Name] = true
				s.Trackers = append(s.Trackers, track.Interface{Name: t.Name})
			}
		}
	}
	for _, f := range c.Global.FIFOs {
		s.Notify.FIFOs = append(s.Notify.FIFOs, notify.FIFO{Path: f.Path, Script: f.Script, User: f.User})
	}
	s.Trackers = append(s.Trackers, trackersOf(c)...)
	return s
}

func instanceOfFile(i config.Instance, group string, uses []track.Use, g config.Global) InstanceConfig {
	c := InstanceConfig{
		Name:         i.Name,
		Interface:    i.Interface,
		Router:       i.Router,
		Addresses:    i.Addresses,
		Excluded:     i.Excluded,
		Routes:       i.Routes,
		Rules:        i.Rules,
		Group:        group,
		Source:       i.Source,
		NoAccept:     i.NoAccept,
		StrictMAC:    i.StrictMAC,
		MayBeMissing: g.DynamicInterfaces,
		IgnoreLink:   i.IgnoreLink,
		Tracks:       uses,
		Pace:         i.Pace,
		ExtraRefresh: i.ExtraRefresh,
		Advertise:    advertiseOf(i.Advertise),
	}
	c.Router.Source = i.Source
	return c
}

func checkKinds(checks []config.Check) map[string]track.Kind {
	kinds := make(map[string]track.Kind)
	for _, c := range checks {
		kinds[c.Name] = map[string]track.Kind{
			"ping": track.KindPing, "tcp": track.KindTCP, "http": track.KindHTTP, "route": track.KindRoute,
		}[c.Kind]
	}
	return kinds
}

func usesOf(tracks []config.Track, checks map[string]track.Kind) []track.Use {
	var list []track.Use
	for _, t := range tracks {
		kind := checks[t.Name]
		switch t.Kind {
		case config.TrackInterface:
			kind = track.KindInterface
		case config.TrackScript:
			kind = track.KindScript
		case config.TrackProcess:
			kind = track.KindProcess
		case config.TrackFile:
			kind = track.KindFile
		case config.TrackCheck:
		}
		list = append(list, track.Use{Key: track.Key{Kind: kind, Name: t.Name}, Weight: t.Weight, Reverse: t.Reverse})
	}
	return list
}

func trackersOf(c config.Config) []track.Spec {
	var list []track.Spec
	for _, s := range c.Scripts {
		list = append(list, track.Script{
			Name: s.Name, Command: s.Command,
			Common: common(s.Interval, s.Timeout, s.Rise, s.Fall, s.InitFail),
		})
	}
	for _, p := range c.Processes {
		list = append(list, track.Process{
			Name: p.Name,
			Match: track.ProcessMatch{
				Command: p.Command, Params: p.Params, AnyParams: !p.HasParams,
				Partial: p.Partial, Initial: p.Initial, Full: p.FullCommand,
			},
			Least: p.Quorum, Most: p.QuorumMax, ForkDelay: p.ForkDelay, ExitDelay: p.ExitDelay,
		})
	}
	for _, f := range c.Files {
		list = append(list, track.File{Name: f.Name, Path: f.Path, Init: f.Init, Overwrite: f.Overwrite, Value: f.Value})
	}
	for _, check := range c.Checks {
		list = append(list, checkOf(check))
	}
	return list
}

func common(interval, timeout time.Duration, rise, fall int, initFail bool) track.Common {
	return track.Common{Interval: interval, Timeout: timeout, Rise: rise, Fall: fall, InitFail: initFail}
}

func checkOf(c config.Check) track.Spec {
	often := common(c.Interval, c.Timeout, c.Rise, c.Fall, c.InitFail)
	switch c.Kind {
	case "ping":
		return track.Ping{Name: c.Name, Address: c.Target, Interface: c.Interface, Common: often}
	case "tcp":
		return track.TCP{Name: c.Name, Address: c.Target, Interface: c.Interface, Common: often}
	case "http":
		return track.HTTP{Name: c.Name, URL: c.Target, Interface: c.Interface, Status: c.Status, Host: c.Host, Insecure: c.Insecure, Common: often}
	}
	return track.Route{Name: c.Name, Prefix: c.Target, Covering: c.Covering, Table: c.Table}
}

func scriptsOf(n config.Notify) notify.Scripts {
	return notify.Scripts{
		Master: n.Master, Backup: n.Backup, Fault: n.Fault, Stop: n.Stop, Deleted: n.Deleted,
		Any: n.Any, LowerPriority: n.LowerPriority, PriorityChanges: n.PriorityChanges, Mail: n.Mail,
	}
}

func mailOf(g config.Global) notify.Mail {
	m := g.Mail
	return notify.Mail{Server: m.Server, From: m.From, To: m.To, Helo: m.Helo, Timeout: m.Timeout, RouterID: g.RouterID}
}

var preferences = map[string]netio.Preference{
	"low": netio.PreferenceLow, "medium": netio.PreferenceMedium, "high": netio.PreferenceHigh,
}

// dnsIntervals is how many intervals name servers are good for, RFC 8106 §5.1.
const dnsIntervals = 3

func advertiseOf(ra *config.RouterAdvertisement) *Advertise {
	if ra == nil {
		return nil
	}
	a := &Advertise{Interval: ra.Interval, RouterAdvertisement: netio.RouterAdvertisement{
		Lifetime: ra.Lifetime, Managed: ra.Managed, OtherConfig: ra.OtherConfig, MTU: int(ra.MTU),
		HopLimit: ra.HopLimit, Preference: preferences[ra.Preference],
		DNS: ra.DNS, DNSLifetime: dnsIntervals * ra.Interval,
	}}
	for _, p := range ra.Prefixes {
		a.Prefixes = append(a.Prefixes, netio.AdvertisedPrefix{
			Prefix: p.Prefix, OnLink: p.OnLink, Autonomous: p.Autonomous, Valid: p.Valid, Preferred: p.Preferred,
		})
	}
	return a
}
