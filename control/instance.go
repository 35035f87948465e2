package control

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// instance is a virtual router that is installed. It belongs to the engine's loop.
type instance struct {
	*place              // of its adverts
	companions []*place // where it serves addresses, too
	config     InstanceConfig
	router     *vrrp.Router
	log        *slog.Logger

	group      *leaseGroup
	lease      string // that its paths have: the group's, but for one that is joining
	advertiser advertiser
	extraAt    vrrp.Instant // when addresses on other interfaces are announced again

	linkFault  string            // why the link cannot carry adverts; empty if it can
	sourceless vrrp.Instant      // since when the interface has no address to send from; 0: it has
	trackFault string            // what is tracked and has failed; empty if nothing has
	header     [8]byte           // of the advert that is being stepped
	hardware   [6]byte           // and its Ethernet source, where that is known
	said       [8]byte           // header of our last advert
	started    bool              // the state machine
	spoiled    bool              // the fast path does not have all of it: the next reload tries again
	linkDown   bool              // by the last reading
	removed    bool              // by a reload: it ends as soon as it may
	installed  bool              // its addresses, routes and rules
	former     *former           // what it can be resumed from, until it is or is not
	holds      bool              // the priority at which it was resumed
	restored   *InstanceSnapshot // until the first transition

	sending   sendHealth
	noRoute   map[netip.Addr]bool // peers to which there is none
	conflicts conflicts
	claims    map[claim]bool // that were told since the last transition
	lesser    vrrp.Instant   // when a lesser master was last told of
	auth      authentication
	stats     stats
	last      LastTransition
	events    rfcEvents
}

// stats are what only the control plane can count. Lost with the instance.
type stats struct {
	sent, zeroSent uint64
	leasesLost     uint64 // that ran out
	// promotionsAvoided counts the times that its timer ran late and the fast
	// path's stamp showed that the master was there.
	promotionsAvoided uint64

	transitions map[string]uint64
	discarded   map[string]uint64
	refused     uint64 // of those, adverts that the state machine refused

	// Of adverts that came by unicast, and were accepted:
	received, zeroReceived uint64
	odd, byChecksum        map[string]uint64
}

func (s *stats) countSent(priority uint8) {
	s.sent++
	if priority == 0 {
		s.zeroSent++
	}
}

func (s *stats) countReceived(a vrrp.Advert, ours *vrrp.Router) {
	s.received++
	if a.Priority == 0 {
		s.zeroReceived++
	}
	if a.Version == vrrp.V3 && ours.Config().Family == vrrp.IPv4 {
		s.byChecksum[a.Checksum.String()]++
	}
	if a.Interval != ours.Config().Interval {
		s.odd["interval"]++
	}
	if !ours.Lists(a.Addresses) {
		s.odd["address_list"]++
	}
}

func newStats() stats {
	return stats{
		transitions: make(map[string]uint64),
		discarded:   make(map[string]uint64),
		odd:         make(map[string]uint64),
		byChecksum:  make(map[string]uint64),
	}
}

// newInstance makes an instance that is not plugged in anywhere.
func (e *Engine) newInstance(c InstanceConfig) *instance {
	c.Router.Grouped = c.Group != ""
	in := &instance{
		router:  vrrp.NewRouter(c.Router),
		noRoute: make(map[netip.Addr]bool),
		claims:  make(map[claim]bool),
		events:  newRFCEvents(),
		stats:   newStats(),
		lease:   e.newLease(),
	}
	in.configure(c, e.log)
	for i, s := range c.places() {
		if p := newPlace(in, s); i == 0 {
			in.place = p
		} else {
			in.companions = append(in.companions, p)
		}
	}
	return in
}

// configure takes what the state machine need not be told.
func (in *instance) configure(c InstanceConfig, log *slog.Logger) {
	in.config = c
	in.log = log.With("instance", c.Name, "interface", c.Interface, "vrid", c.Router.VRID)
}

// places lists where it serves addresses, in the order of InstanceConfig.places.
func (in *instance) places() []*place {
	return append([]*place{in.place}, in.companions...)
}

// perform does what the state machine asks for. What others must not see before
// the adverts that were asked for first, waits for them.
func (e *Engine) perform(in *instance, action vrrp.Action) {
	switch a := action.(type) {
	case vrrp.SetLease:
		e.setLease(in, a.Ahead)
	case vrrp.SendAdvert:
		e.sendAdvert(in, a.Priority)
	case vrrp.Announce:
		e.announce(in, a.Repeat)
	case vrrp.InstallAddresses:
		if in.group.leased {
			e.flush()
		}
		in.installed = true
		job := effectJob{owner: in, effects: in.effects()}
		if in.group.resuming {
			job.left, job.mayBeOwn = job.effects, in.isOwner()
		}
		e.effects.wantAll([]effectJob{job})
	case vrrp.RemoveAddresses:
		e.flush()
		in.installed = false
		e.pacer.forget(in)
		e.effects.want(in, nil)
	case vrrp.Follow:
		in.path.Follow(a.Source, in.header)
	case vrrp.Unfollow:
		in.path.Unfollow()
	case vrrp.Transition:
		evidence := ""
		if a.Reason == vrrp.LeaseLost {
			evidence = e.leaseLost(in, a)
		}
		silent := in.isNoNews(a)
		in.entered(a, evidence, silent)
		if a.From == vrrp.Master {
			in.group.courteous, in.group.unheard = false, false
		}
		if a.To == vrrp.Master {
			in.beginAdvertising(e.now())
			in.extraAt = e.now().Add(in.config.ExtraRefresh)
		}
		if !silent {
			e.tellState(in, a)
		}
	case vrrp.Discard:
		in.stats.refused++
		in.discarded(a.Reason, a.Source)
		if a.Reason == vrrp.ReasonOwnSource {
			e.ownAdvert(in, a.Source)
		}
	case vrrp.Rival:
		e.rival(in, a)
	case vrrp.Notice:
		in.notice(a)
	default:
		panic(fmt.Sprintf("the state machine asks for %T, which nobody performs", action))
	}
}

// yieldsTo is the least priority of an advert at whose arrival the fast path
// falls silent by itself, 0 for none: by the time that the loop has stepped
// down, the better router answers already. Ties are left to the loop; so are
// version 2 and what is signed, of whose adverts it refuses some that the fast path
// lets through.
// A leaving master does not yield: what the switch has sent its way before it
// learned of the successor is still to be served.
func (in *instance) yieldsTo() uint8 {
	c, priority := in.router.Config(), in.remembered()
	if priority == 0 || c.Version == vrrp.V2 || c.Auth != nil || in.config.unicast() || c.Priority == vrrp.OwnerPriority {
		return 0
	}
	return priority + 1
}

// lateEnough is the lateness that is worth a word: less is a timer's usual.
const lateEnough = 5 * time.Millisecond

// entered is told of every transition: the log line, and what status remembers.
func (in *instance) entered(t vrrp.Transition, evidence string, silent bool) {
	to := t.To.String()
	clear(in.claims)
	if t.From == vrrp.Master {
		in.endMasterConflicts()
	}
	if !silent {
		if t.Reason != vrrp.WasMaster {
			in.stats.transitions[to]++
		}
		in.last = LastTransition{At: time.Now().UTC(), From: t.From.String(), Reason: t.Reason.String(), Evidence: evidence}
	}
	in.events.entered(t)
	attrs := []any{"from", t.From, "reason", t.Reason}
	if t.Peer.IsValid() {
		in.last.Peer = t.Peer.String()
		attrs = append(attrs, "peer", t.Peer)
	}
	if t.Late >= lateEnough {
		attrs = append(attrs, "late", t.Late)
	}
	if evidence != "" {
		attrs = append(attrs, "evidence", evidence)
	}
	level := slog.LevelInfo
	if t.To == vrrp.Fault || t.Reason == vrrp.LeaseLost {
		level = slog.LevelWarn
	}
	if t.To == vrrp.Fault {
		attrs = append(attrs, "fault", in.fault())
	}
	in.log.Log(context.Background(), level, "Entering "+to+" STATE", attrs...)
}

// FormatMAC writes an Ethernet address as people do.
func FormatMAC(m [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}
