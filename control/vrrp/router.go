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
	priority  uint8        // the effective one: what is compared, waited by and sent
	addresses []netip.Addr // config.Addresses, sorted
	state     State
	faults    faults
	startAt   Instant // in Init: the end of Config.StartDelay

	lease Instant // 0 unless Master

	stepDowns uint8 // how often; it may wrap
	hold      *hold // nil: it may become master

	// In Backup:
	master         heardMaster
	followed       Advert        // what master sent, if master.followed
	activeInterval time.Duration // Active_Adver_Interval
	formerInterval time.Duration // that of the master that was followed before
	heardAt        Instant       // arrival of the latest advert that counted
	downAt         Instant       // Active_Down_Timer
	notBefore      Instant       // after StepDown: downAt is no earlier, whoever is heard; 0: it may be
	grantedUntil   Instant       // what downAt was when the master's interval became shorter
	othersDownAt   Instant       // what it would be without the adverts of the followed master
	changedAfter   Instant       // heardAt when another master, or interval, was followed; 0 once MasterHeard was told
	left           bool          // the master has sent priority 0 since
	early          bool          // the addresses were installed in expectation
	preemptAt      Instant       // the end of Config.PreemptDelay; 0: no master of lower priority was heard
	ready          *promotion    // what waits for Promote
	outgrown       bool          // nobody is followed, because the one that was is to be preempted
	returning      bool          // it was released, and its master is no worse for that
	outranked      bool          // it gave way to a higher priority, and not to a higher address
	handed         bool          // in this Backup it was handed over, or held
	lesser         lesserMasters

	// In Master:
	advertAt      Instant // Adver_Timer
	hurry         hurry
	announceAt    announceTimers
	rivals        map[netip.Addr]rival
	assertedAt    Instant // last contradiction of a lesser master
	reannouncedAt Instant // last announcement of its kind
	answeredAt    Instant // last advert sent to answer a priority 0
	leaving       bool    // Shutdown was asked for, or a handover
	handover      *handover
	ahead         bool // the lease began ahead of the first advert, which has not left yet

	mute      mute
	heardForm ChecksumForm // of the last advert that was not refused
	noticed   map[NoticeKind]map[netip.Addr]said
	out       []Action
}

// heardMaster is what a backup knows of the master.
type heardMaster struct {
	source   netip.Addr
	priority uint8
	followed bool // false: it has a lower priority and will be preempted
}

// NewRouter returns a router in state Init. The configuration must be valid.
func NewRouter(c Config) *Router {
	c = c.own()
	return &Router{config: c, priority: c.Priority, addresses: sorted(c.Addresses), activeInterval: c.Interval, noticed: make(map[NoticeKind]map[netip.Addr]said)}
}

// Step tells the router what happened and returns what to do about it, in
// order. now must never be earlier than in the call before. It panics on a
// Reconfigured to another VRID, Family or Version: that is another router.
func (r *Router) Step(now Instant, ev Event) []Action {
	r.out = nil
	if r.state == Master && !now.Before(r.lease) {
		r.leaseEnded(now)
	}
	switch ev := ev.(type) {
	case Startup:
		r.startup(now)
	case Resumed:
		r.resumed(now, ev)
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
	case Promote:
		r.promote(now)
	case StepDown:
		r.stepDown(now, ev)
	case Hold:
		r.takeHold(now, ev)
	case Release:
		r.release(now)
	case TakeBack:
		r.takeBack(now)
	case LeaveAnyway:
		r.leaveAnyway(now)
	case SourceChanged:
		r.sourceChanged(ev.Source.WithZone(""))
	case PriorityChanged:
		r.priorityChanged(now, ev.Priority)
	case Reconfigured:
		r.reconfigured(now, ev.Config)
	default:
		r.faultChanged(now, ev)
	}
	return r.out
}

// Deadline returns when a Timer is due, and false if none is.
func (r *Router) Deadline() (Instant, bool) {
	var at Instant
	switch r.state {
	case Init:
		at = r.startAt
	case Backup:
		at = r.backupDeadline()
	case Master:
		at = earliest(r.advertAt, r.announceAt.earliest(), r.rivalsDeadline(), r.lease)
		if r.handover != nil {
			at = earliest(at, r.handover.answerBy)
		}
	}
	return at, at != 0
}

// State returns the state.
func (r *Router) State() State { return r.state }

// Lease returns until when this router owns its addresses: 0 unless Master.
func (r *Router) Lease() Instant { return r.lease }

// Leaving reports whether the router is master only until a successor is there.
func (r *Router) Leaving() bool { return r.leaving }

// Ready reports whether the router is Grouped, in Backup, and would be master
// but for its group: it waits for Promote.
func (r *Router) Ready() bool { return r.ready != nil }

// Master returns the router that is believed to be master, which may be this
// one, or one that this one is about to preempt; false if none was heard.
func (r *Router) Master() (source netip.Addr, priority uint8, ok bool) {
	switch r.state {
	case Master:
		return r.config.Source, r.priority, true
	case Backup:
		return r.master.source, r.master.priority, r.master.source.IsValid()
	}
	return netip.Addr{}, 0, false
}

// Advert returns the advert to send with the given priority: that of the
// SendAdvert. The caller must not change its addresses.
func (r *Router) Advert(priority uint8) Advert {
	return Advert{
		Version:   r.config.Version,
		VRID:      r.config.VRID,
		Priority:  priority,
		Interval:  r.config.Interval,
		Addresses: r.config.Addresses,
		Checksum:  formFor(r.config.Version, r.config.Family, r.config.Checksum.form(r.heardForm)),
		AuthType:  r.config.authType(),
		AuthData:  r.config.authData(),
	}
}

// SkewTime returns Skew_Time at the interval of the present master.
func (r *Router) SkewTime() time.Duration {
	return skewTime(r.config.Version, r.priority, r.activeInterval)
}

// ActiveDownInterval returns Active_Down_Interval at the interval of the
// present master.
func (r *Router) ActiveDownInterval() time.Duration {
	return activeDownInterval(r.config.Version, r.priority, r.activeInterval)
}

// Config returns the configuration, with the Source of the last SourceChanged.
// The caller must not change its addresses. Its Priority is the configured one.
func (r *Router) Config() Config { return r.config }

// Priority returns the effective priority: the configured one until
// PriorityChanged moves it. Adverts say it, elections compare it, and Skew_Time
// comes from it. Who is the address owner is up to the configured one only.
func (r *Router) Priority() uint8 { return r.priority }

func (r *Router) do(actions ...Action) { r.out = append(r.out, actions...) }

// enter is the one door between states.
func (r *Router) enter(to State, why TransitionReason, peer netip.Addr, late time.Duration) {
	r.do(Transition{From: r.state, To: to, Reason: why, Peer: peer, Late: late})
	r.state = to
}

// startup ends Init, or arms the delay after which it ends.
func (r *Router) startup(now Instant) {
	switch {
	case r.state != Init || r.startAt != 0:
	case r.config.StartDelay > 0:
		r.startAt = now.Add(r.config.StartDelay)
	default:
		r.begin(now, Started)
	}
}

// begin leaves Init or Fault, RFC 9568 §6.4.1.
func (r *Router) begin(now Instant, why TransitionReason) {
	r.startAt, r.mute = 0, mute{}
	if fault, faulty := r.faults.first(); faulty {
		r.enter(Fault, fault, netip.Addr{}, 0)
		return
	}
	if r.config.owner() && !r.config.Grouped && r.hold == nil {
		r.becomeMaster(now, promotion{why: IsOwner})
		return
	}
	// Whatever arrived earlier was not listened to, and is not now.
	r.heardAt, r.othersDownAt = now, 0
	r.handed = r.hold != nil // it may be joining a group that hands over
	r.awaitMaster(now)
	r.enter(Backup, why, netip.Addr{}, 0)
	if r.config.owner() && r.hold == nil {
		r.ready = &promotion{why: IsOwner}
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
	case r.state == Init:
		r.startAt = 0
	case r.state == Backup:
		r.endBackup()
		r.enter(Init, ShutdownRequested, netip.Addr{}, 0)
	case r.state == Fault:
		r.enter(Init, ShutdownRequested, netip.Addr{}, 0)
	case r.state == Master && r.handover != nil:
		r.handover = nil // it leaves already, but for Init now
		r.cutLease(now.Add(r.longestSkew()))
	case r.state == Master && r.leaving:
		r.leave(netip.Addr{})
	case r.state == Master:
		r.beginLeaving(now.Add(r.longestSkew()))
	}
}

func (r *Router) timer(now Instant) {
	switch {
	case r.state == Init && r.startAt != 0 && !now.Before(r.startAt):
		r.begin(now, Started)
	case r.state == Backup:
		r.backupTimers(now)
	case r.state == Master && r.handover != nil:
		r.handoverTimer(now)
	case r.state == Master && !r.leaving:
		r.masterTimers(now)
	}
}

// sourceChanged tells of a list of peers that was written for another host: such
// a router sends to itself.
func (r *Router) sourceChanged(source netip.Addr) {
	r.config.Source = source
	if slices.Contains(r.config.Peers, source) {
		r.notice(Notice{Kind: PeerIsSelf, Source: source})
	}
}

func (r *Router) advertReceived(now Instant, ev AdvertReceived) {
	if r.state != Backup && r.state != Master {
		return
	}
	ev.Source = ev.Source.WithZone("")
	if reason, refused := r.refuse(ev); refused {
		r.noticeRefusal(reason, ev)
		r.do(Discard{Reason: reason, Source: ev.Source})
		return
	}
	r.heardForm = ev.Advert.Checksum
	r.noticeOddities(ev.Advert, ev.Source)
	if r.state == Backup {
		r.heardInBackup(ev)
		return
	}
	r.heardInMaster(now, ev)
}

func sorted(addresses []netip.Addr) []netip.Addr {
	return slices.SortedFunc(slices.Values(addresses), netip.Addr.Compare)
}

// compareRouters orders routers by who is to be master: by priority, then by
// address as an unsigned number in network order, RFC 9568 §6.4.3.
func compareRouters(priority uint8, source netip.Addr, otherPriority uint8, otherSource netip.Addr) int {
	return cmp.Or(cmp.Compare(priority, otherPriority), source.Compare(otherSource))
}
