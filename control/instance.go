package control

import (
	"context"
	"fmt"
	"log/slog"
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
	leased    bool    // the lease that was last set is not 0
	linkFault string  // why the link cannot carry adverts; empty if it can
	header    [8]byte // of the advert that is being stepped

	sending sendHealth
	claims  map[claim]bool // that were told since the last transition
	stats   stats
	last    LastTransition
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
		claims:  make(map[claim]bool),
		stats:   stats{transitions: make(map[string]uint64), discarded: make(map[string]uint64)},
	}, nil
}

// perform does what the state machine asks for. What others must not see before
// the adverts that were asked for first, waits for them.
func (e *Engine) perform(in *instance, action vrrp.Action) {
	switch a := action.(type) {
	case vrrp.SetLease:
		e.setLease(in, a.Until)
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

// setLease stores the lease: at once where it ends, and where it begins or goes
// on, after the adverts that were asked for before.
func (e *Engine) setLease(in *instance, until vrrp.Instant) {
	if until != 0 {
		e.flush()
	}
	if until != 0 && !in.leased {
		in.path.Resume(0)
		in.path.YieldTo(in.yieldsTo()) // before there is anything to yield
	}
	in.leased = until != 0
	in.path.SetLease(time.Duration(until))
}

// yieldsTo is the least priority of an advert at whose arrival the fast path
// falls silent by itself, 0 for none: by the time that the loop has stepped
// down, the better router answers already. Ties are left to the loop; so is
// version 2, of whose adverts it refuses some that the fast path lets through.
// A leaving master does not yield: what the switch has sent its way before it
// learned of the successor is still to be served.
func (in *instance) yieldsTo() uint8 {
	c := in.router.Config()
	if in.router.State() != vrrp.Master || in.router.Leaving() || c.Version == vrrp.V2 || c.Priority == vrrp.OwnerPriority {
		return 0
	}
	return c.Priority + 1
}

func (e *Engine) sendAdvert(in *instance, priority uint8) {
	source := in.router.Config().Source
	pdu, err := in.router.Advert(priority).AppendBinary(nil, source, vrrp.GroupAddress(in.config.Router.Family))
	if err != nil {
		in.reportSend(err, e.now())
		return
	}
	e.outbox.addAdvert(in, netio.AppendAdvert4(nil, in.mac, source, pdu))
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
		if in.leased { // the router does not give way to it
			in.path.Resume(ev.At)
		}
	}
}

// advert parses again in full what the fast path let through. The stamp is read
// before and after: the router may follow somebody else from then on.
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
	e.readStamp(in)
	e.step(in, vrrp.AdvertReceived{Advert: advert, Source: ev.Source, At: vrrp.Instant(ev.At)})
	e.readStamp(in)
}

// lateEnough is the lateness that is worth a word: less is a timer's usual.
const lateEnough = 5 * time.Millisecond

// entered is told of every transition: the log line, and what status remembers.
func (in *instance) entered(t vrrp.Transition) {
	to := t.To.String()
	clear(in.claims)
	in.stats.transitions[to]++
	in.last = LastTransition{At: time.Now().UTC(), From: t.From.String(), Reason: t.Reason.String()}
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
