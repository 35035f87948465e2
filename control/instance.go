package control

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// instance is a virtual router that is installed. It belongs to the engine's loop.
type instance struct {
	config  InstanceConfig
	router  *vrrp.Router
	path    FastPath
	ifindex int
	mac     [6]byte // virtual
	log     *slog.Logger

	device    [6]byte // the interface's own MAC, as the fast path knows it
	linkFault string  // why the link cannot carry adverts; empty if it can
	header    [8]byte // of the advert that is being stepped

	sendFault string // why the last advert did not leave; empty if it did
	claimant  [6]byte
	stats     stats
	last      LastTransition
}

// stats are what only the control plane can count. Lost with the instance.
type stats struct {
	sent        uint64
	transitions map[string]uint64
	discarded   map[string]uint64
}

func (e *Engine) newInstance(c InstanceConfig) (*instance, error) {
	link, err := e.world.Links.Link(c.Interface)
	if err != nil {
		return nil, err
	}
	path, err := e.world.Install(c, link)
	if err != nil {
		return nil, err
	}
	return &instance{
		config:  c,
		router:  vrrp.NewRouter(c.Router),
		path:    path,
		ifindex: link.Index,
		device:  link.MAC,
		mac:     vrrp.VirtualMAC(c.Router.Family, c.Router.VRID),
		log:     e.log.With("instance", c.Name, "interface", c.Interface, "vrid", c.Router.VRID),
		stats:   stats{transitions: make(map[string]uint64), discarded: make(map[string]uint64)},
	}, nil
}

// perform does what the state machine asks for. What others must not see before
// the adverts that were asked for first, waits for them.
func (e *Engine) perform(in *instance, action vrrp.Action) {
	switch a := action.(type) {
	case vrrp.SetLease:
		in.path.SetLease(time.Duration(a.Until))
	case vrrp.SendAdvert:
		e.sendAdvert(in, a.Priority)
	case vrrp.Announce:
		e.announce(in)
	case vrrp.InstallAddresses:
		e.flush()
		e.addresses.install(in.ifindex, in.config.Prefixes)
	case vrrp.RemoveAddresses:
		e.flush()
		e.addresses.remove(in.ifindex, in.config.Prefixes)
	case vrrp.Follow:
		in.path.Follow(a.Source, in.header)
	case vrrp.Unfollow:
		in.path.Unfollow()
	case vrrp.Transition:
		in.entered(a)
	case vrrp.Discard:
		in.stats.discarded[a.Reason.String()]++
		in.log.Debug("advert discarded", "reason", a.Reason, "source", a.Source)
	case vrrp.Notice:
		in.log.Warn(a.Kind.String(), "source", a.Source, "interval", a.Interval)
	default:
		panic(fmt.Sprintf("the state machine asks for %T, which nobody performs", action))
	}
}

func (e *Engine) sendAdvert(in *instance, priority uint8) {
	source := in.router.Config().Source
	pdu, err := in.router.Advert(priority).AppendBinary(nil, source, vrrp.GroupAddress(in.config.Router.Family))
	if err != nil {
		in.reportSend(err)
		return
	}
	e.outbox.add(in, priority, netio.AppendAdvert4(nil, in.mac, source, pdu))
}

// announceRepeat is how often an announcement is sent: a frame lost in the
// commotion of a failover costs a neighbour its gateway. keepalived's default.
const announceRepeat = 5

func (e *Engine) announce(in *instance) {
	for range announceRepeat {
		for _, vip := range in.config.Router.Addresses {
			e.outbox.addOther(in, netio.AppendGratuitousARP4(nil, in.mac, vip))
		}
	}
}

// fastEvent takes what the fast path saw.
func (e *Engine) fastEvent(ev FastEvent) {
	in := e.bySlot[ev.Slot]
	switch {
	case in == nil:
		// Of an instance that is gone.
	case ev.Conflict:
		in.conflict(ev)
	default:
		e.advert(in, ev)
	}
}

// advert parses again in full what the fast path let through.
func (e *Engine) advert(in *instance, ev FastEvent) {
	family := in.config.Router.Family
	advert, err := vrrp.Parse(vrrp.Packet{
		Family:      family,
		Source:      ev.Source,
		Destination: vrrp.GroupAddress(family),
		TTL:         ev.TTL,
		PDU:         ev.PDU,
	})
	if err != nil {
		in.stats.discarded[err.Error()]++
		in.log.Debug("advert discarded", "reason", err, "source", ev.Source)
		return
	}
	copy(in.header[:], ev.PDU)
	e.step(in, vrrp.AdvertReceived{Advert: advert, Source: ev.Source, At: vrrp.Instant(ev.At)})
}

// conflict says once per claimant that an address of ours is claimed.
func (in *instance) conflict(ev FastEvent) {
	if ev.Hardware == in.claimant {
		return
	}
	in.claimant = ev.Hardware
	in.log.Warn("another station claims a virtual address: two hosts answer for it", "address", ev.Source, "station", FormatMAC(ev.Hardware))
}

// reportSend says that adverts do not leave, and that they leave again.
func (in *instance) reportSend(err error) {
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	if fault == in.sendFault {
		return
	}
	in.sendFault = fault
	if err != nil {
		in.log.Error("adverts cannot be sent; without them the lease runs out", "error", err)
		return
	}
	in.log.Info("adverts can be sent again")
}

// lateEnough is the lateness that is worth a word: less is a timer's usual.
const lateEnough = 5 * time.Millisecond

// entered is told of every transition: the log line, and what status remembers.
func (in *instance) entered(t vrrp.Transition) {
	to := t.To.String()
	in.stats.transitions[to]++
	in.last = LastTransition{At: time.Now(), From: t.From.String(), Reason: t.Reason.String()}
	attrs := []any{"from", t.From, "reason", t.Reason}
	if t.Peer.IsValid() {
		in.last.Peer = t.Peer.String()
		attrs = append(attrs, "peer", t.Peer)
	}
	if t.Late >= lateEnough {
		attrs = append(attrs, "late", t.Late)
	}
	level := slog.LevelInfo
	if t.To == vrrp.Fault || t.Reason == vrrp.LeaseLost {
		level = slog.LevelWarn
	}
	if t.To == vrrp.Fault {
		attrs = append(attrs, "fault", in.linkFault)
	}
	in.log.Log(context.Background(), level, "Entering "+to+" STATE", attrs...)
}

// FormatMAC writes an Ethernet address as people do.
func FormatMAC(m [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// addresses lists the VIPs, for telling them from the host's own addresses.
func (in *instance) addresses() []netip.Addr { return in.config.Router.Addresses }
