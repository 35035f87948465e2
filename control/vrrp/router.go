package vrrp

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// State is a state of RFC 9568 §6.4, or Fault.
type State uint8

// The states. Fault is Initialize with the link down: it ends by itself.
const (
	Init State = iota
	Backup
	Master
	Fault
)

// String returns the state as keepalived spells it.
func (s State) String() string {
	return nameOf([]string{"INIT", "BACKUP", "MASTER", "FAULT"}, s)
}

// Router is the state machine of one virtual router. Step is the only way to
// change it. It is not safe for concurrent use.
type Router struct {
	config    Config
	addresses []netip.Addr // config.Addresses, sorted
	state     State
	isDown    bool // the link

	lease Instant // 0 unless Master

	// In Backup:
	master         heardMaster
	followed       Advert        // what master sent, if master.followed
	activeInterval time.Duration // Active_Adver_Interval
	heardAt        Instant       // arrival of the latest advert that counted
	downAt         Instant       // Active_Down_Timer
	othersDownAt   Instant       // what it would be without the adverts of the followed master
	changedAfter   Instant       // heardAt when another master was followed; 0 once MasterHeard was told
	left           bool          // the master has sent priority 0 since
	early          bool          // the addresses were installed in expectation

	// In Master:
	advertAt   Instant // Adver_Timer
	announceAt Instant // the second announcement
	assertedAt Instant // last advert sent to contradict a lesser one
	answeredAt Instant // last advert sent to answer a priority 0
	leaving    bool    // Shutdown was asked for

	noticed map[noticed]time.Duration // the interval that it was about
	out     []Action
}

// heardMaster is what a backup knows of the master.
type heardMaster struct {
	source   netip.Addr
	priority uint8
	followed bool // false: it has a lower priority and will be preempted
}

// NewRouter returns a router in state Init. The configuration must be valid.
func NewRouter(c Config) *Router {
	c.Addresses = slices.Clone(c.Addresses)
	c.Source = c.Source.WithZone("")
	c.Checksum = formFor(c.Version, c.Family, c.Checksum)
	return &Router{config: c, addresses: sorted(c.Addresses), activeInterval: c.Interval, noticed: make(map[noticed]time.Duration)}
}

// Step tells the router what happened and returns what to do about it, in
// order. now must never be earlier than in the call before.
func (r *Router) Step(now Instant, ev Event) []Action {
	r.out = nil
	if r.state == Master && !now.Before(r.lease) {
		r.leaseEnded(now)
	}
	switch ev := ev.(type) {
	case Startup:
		if r.state == Init {
			r.begin(now, Started)
		}
	case Shutdown:
		r.shutdown(now)
	case Timer:
		r.timer(now)
	case AdvertReceived:
		r.advertReceived(now, ev)
	case MasterHeard:
		r.masterHeard(ev.At)
	case AdvertSent:
		r.advertSent(now, ev.At)
	case LinkDown:
		r.linkDown()
	case LinkUp:
		r.isDown = false
		if r.state == Fault {
			r.begin(now, LinkRestored)
		}
	case SourceChanged:
		r.config.Source = ev.Source.WithZone("")
	}
	return r.out
}

// Deadline returns when a Timer is due, and false if none is.
func (r *Router) Deadline() (Instant, bool) {
	var at Instant
	switch r.state {
	case Backup:
		at = r.downAt
	case Master:
		at = earliest(r.advertAt, r.announceAt, r.lease)
	}
	return at, at != 0
}

// State returns the state.
func (r *Router) State() State { return r.state }

// Lease returns until when this router owns its addresses: 0 unless Master.
func (r *Router) Lease() Instant { return r.lease }

// Leaving reports whether the router is master only until a successor is there.
func (r *Router) Leaving() bool { return r.leaving }

// Master returns the router that is believed to be master, which may be this
// one, or one that this one is about to preempt; false if none was heard.
func (r *Router) Master() (source netip.Addr, priority uint8, ok bool) {
	switch r.state {
	case Master:
		return r.config.Source, r.config.Priority, true
	case Backup:
		return r.master.source, r.master.priority, r.master.source.IsValid()
	}
	return netip.Addr{}, 0, false
}

// Advert returns the advert to send with the given priority: that of the
// configuration, or 0. The caller must not change its addresses.
func (r *Router) Advert(priority uint8) Advert {
	return Advert{
		Version:   r.config.Version,
		VRID:      r.config.VRID,
		Priority:  priority,
		Interval:  r.config.Interval,
		Addresses: r.config.Addresses,
		Checksum:  r.config.Checksum,
	}
}

// SkewTime returns Skew_Time at the interval of the present master.
func (r *Router) SkewTime() time.Duration {
	return skewTime(r.config.Version, r.config.Priority, r.activeInterval)
}

// ActiveDownInterval returns Active_Down_Interval at the interval of the
// present master.
func (r *Router) ActiveDownInterval() time.Duration {
	return activeDownInterval(r.config.Version, r.config.Priority, r.activeInterval)
}

// Config returns the configuration, with the Source of the last SourceChanged.
// The caller must not change its addresses.
func (r *Router) Config() Config { return r.config }

func (r *Router) do(actions ...Action) { r.out = append(r.out, actions...) }

// enter is the one door between states.
func (r *Router) enter(to State, why TransitionReason, peer netip.Addr, late time.Duration) {
	r.do(Transition{From: r.state, To: to, Reason: why, Peer: peer, Late: late})
	r.state = to
}

// begin leaves Init or Fault, RFC 9568 §6.4.1.
func (r *Router) begin(now Instant, why TransitionReason) {
	switch {
	case r.isDown:
		r.enter(Fault, LinkLost, netip.Addr{}, 0)
	case r.config.owner():
		r.becomeMaster(now, IsOwner, netip.Addr{}, 0)
	default:
		// Whatever arrived earlier was not listened to, and is not now.
		r.heardAt, r.othersDownAt = now, 0
		r.awaitMaster(now)
		r.enter(Backup, why, netip.Addr{}, 0)
	}
}

// awaitMaster prepares Backup without a master: a whole Active_Down_Interval of
// silence is needed from now on.
func (r *Router) awaitMaster(now Instant) {
	r.activeInterval = r.config.Interval
	r.downAt = now.Add(r.ActiveDownInterval())
}

func (r *Router) shutdown(now Instant) {
	switch {
	case r.state == Backup:
		r.endBackup()
		r.enter(Init, ShutdownRequested, netip.Addr{}, 0)
	case r.state == Fault:
		r.enter(Init, ShutdownRequested, netip.Addr{}, 0)
	case r.state == Master && r.leaving:
		r.leave(netip.Addr{})
	case r.state == Master:
		r.beginLeaving(now)
	}
}

func (r *Router) linkDown() {
	r.isDown = true
	switch {
	case r.state == Backup:
		r.endBackup()
		r.enter(Fault, LinkLost, netip.Addr{}, 0)
	case r.state == Master && r.leaving:
		r.leave(netip.Addr{})
	case r.state == Master:
		r.endMaster()
		r.do(SendAdvert{Priority: 0}, RemoveAddresses{})
		r.enter(Fault, LinkLost, netip.Addr{}, 0)
	}
}

func (r *Router) timer(now Instant) {
	switch {
	case r.state == Backup && !now.Before(r.downAt):
		r.promote(now)
	case r.state == Master && !r.leaving:
		r.masterTimers(now)
	}
}

func (r *Router) advertReceived(now Instant, ev AdvertReceived) {
	if r.state != Backup && r.state != Master {
		return
	}
	ev.Source = ev.Source.WithZone("")
	if reason, refused := r.refuse(ev.Advert, ev.Source); refused {
		r.do(Discard{Reason: reason, Source: ev.Source})
		return
	}
	if r.state == Backup {
		r.heardInBackup(ev)
		return
	}
	r.heardInMaster(now, ev)
}

// refuse makes the checks of RFC 9568 §7.1 that Parse cannot make.
func (r *Router) refuse(a Advert, source netip.Addr) (Reason, bool) {
	listed := slices.Equal(sorted(a.Addresses), r.addresses)
	switch {
	case a.Version != r.config.Version:
		return ReasonVersion, true
	case a.VRID != r.config.VRID:
		return ReasonVRID, true
	case source == r.config.Source:
		return ReasonOwnSource, true
	case a.Version == V2 && a.AuthType != 0:
		return ReasonAuth, true
	case a.Version == V2 && a.Interval != r.config.Interval:
		return ReasonInterval, true
	case a.Version == V2 && !listed && a.Priority != OwnerPriority:
		return ReasonAddressList, true
	}
	if !listed {
		r.notice(Notice{Kind: AddressesDiffer, Source: source, Interval: a.Interval})
	}
	if a.Priority == OwnerPriority && r.config.owner() {
		r.notice(Notice{Kind: TwoOwners, Source: source, Interval: a.Interval})
	}
	return 0, false
}

// noticed is what a Notice is about, but for what it said.
type noticed struct {
	kind   NoticeKind
	source netip.Addr
}

// mostNoticed bounds what is remembered, and so what is said, of senders that
// anyone on the link can invent.
const mostNoticed = 16

func (r *Router) notice(n Notice) {
	about := noticed{n.Kind, n.Source}
	before, known := r.noticed[about]
	if known && before == n.Interval || !known && len(r.noticed) == mostNoticed {
		return
	}
	r.noticed[about] = n.Interval
	r.do(n)
}

func sorted(addresses []netip.Addr) []netip.Addr {
	return slices.SortedFunc(slices.Values(addresses), netip.Addr.Compare)
}

// compareRouters orders routers by who is to be master: by priority, then by
// address as an unsigned number in network order, RFC 9568 §6.4.3.
func compareRouters(priority uint8, source netip.Addr, otherPriority uint8, otherSource netip.Addr) int {
	return cmp.Or(cmp.Compare(priority, otherPriority), source.Compare(otherSource))
}
