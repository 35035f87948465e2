package vrrp

import "net/netip"

// Event is something that happened, for Router.Step. The types of this file are
// the only ones.
type Event interface{ event() }

type (
	// Startup ends Init, after Config.StartDelay. In any other state, and
	// during that delay, it does nothing.
	Startup struct{}

	// Resumed is Startup of a router that was master when the process that ran it
	// ended, at Priority, and that owns its addresses until Until still: it is
	// master again at once, and no StartDelay holds it up. With a fault, while
	// it is held, or after Until, it is like Startup, and the lease ends. Members of a group are told so
	// before the group is asked what follows: all of them, or none.
	Resumed struct {
		Until    Instant
		Priority uint8
	}

	// Shutdown asks for Init. A master stays master until a successor was
	// heard or could have been. It is over when State is Init: at once in
	// any other state, and without a Transition if Init had not ended yet. A
	// second Shutdown does not wait.
	Shutdown struct{}

	// Timer says that the Deadline has come. Too early is harmless. Just
	// before it, MasterHeard must be told.
	Timer struct{}

	// AdvertReceived is an advert that Parse accepted, from Source, which
	// arrived at At. Just before it, MasterHeard must be told: it may make
	// the router follow somebody else, and then it is too late to learn when
	// the present master was last heard.
	AdvertReceived struct {
		Advert Advert
		Source netip.Addr
		At     Instant
		TTL    uint8 // or hop limit; looked at only where adverts are unicast
	}

	// MasterHeard says that the followed advert arrived again, the last time
	// at At; or, if that is later, the one followed before it. It may be told
	// any number of times: what is not news is ignored.
	MasterHeard struct{ At Instant }

	// AdvertSent says that the advert of a SendAdvert was handed to the NIC
	// without error. At was read before that send.
	AdvertSent struct{ At Instant }

	// LinkDown says that the interface cannot carry adverts. It may come
	// before Startup.
	LinkDown struct{}

	// LinkUp takes LinkDown back.
	LinkUp struct{}

	// SourceChanged says that adverts are sent from another address now.
	SourceChanged struct{ Source netip.Addr }

	// Promote makes a Ready router master. Just before it, MasterHeard must be
	// told, as before a Timer: see Group.Next.
	Promote struct{}

	// StepDown makes a master backup, without a word to the others: another
	// member of its group is not master any more. It takes part again after
	// Active_Down_Interval and, unless outranked, up to one advertisement interval:
	// see Group.
	StepDown struct {
		// Outranked: that one gave way to a higher priority.
		Outranked bool
	}

	// TrackDown says that something has failed without which the router must
	// not be master: a tracked interface, script or check without a weight. As
	// LinkDown it may come before Startup. The two do not know of each other:
	// Fault ends when there is neither, nor a GroupFault.
	TrackDown struct{}

	// TrackUp takes TrackDown back.
	TrackUp struct{}

	// PriorityChanged sets the effective priority, 1..254: what is tracked with
	// a weight has moved it. It changes no state by itself: a master says it
	// with its next regular advert, and a backup counts with it from now on.
	// An address owner has 255, and nobody else: what contradicts that is
	// ignored. Just before it, MasterHeard should be told; without it a preemption
	// that this begins may come by one Active_Down_Interval later.
	PriorityChanged struct{ Priority uint8 }

	// Reconfigured gives the router another configuration, which must be valid,
	// without a transition: what was heard and what is owned stays, and what is
	// computed from the configuration is computed anew. MasterHeard as before
	// PriorityChanged. The same configuration does nothing.
	//
	// VRID, Family and Version may not differ. The zero Source keeps the present
	// one. Another Priority takes back what PriorityChanged said; a backup that is
	// made the address owner preempts after Active_Down_Interval, and a master
	// that is made one, or is one no more, goes on until it hears a better one.
	// Another Interval is told to the backups at once. Other Addresses are what
	// adverts list from now on: putting them on the interface, and announcing them,
	// is up to the caller. A router that was Ready and is not Grouped any more is
	// promoted by its next Timer.
	//
	// A backup follows on, in version 2 even a master whose advert it would refuse
	// by now (another interval, list or password), for as long as that advert
	// stays the same: the other router is to be changed next.
	Reconfigured struct{ Config Config }

	// GroupFault is LinkDown or TrackDown of another member of the group.
	GroupFault struct{}

	// GroupRestored takes GroupFault back.
	GroupRestored struct{}

	// Hold keeps the router out of Master until Release, in every state and
	// through all that happens to it. A master hands over: it says priority 0,
	// serves until a successor is heard, and is a backup then, which follows
	// whoever is master. If nobody is heard within the longest skew and half of it,
	// it takes that back: it stays master, which it was all the time, and is not held. A backup
	// that has heard no master by the end of Active_Down_Interval is not held any
	// more either.
	//
	// With Force there is no way back: a master leaves at the end of the longest
	// skew, and a backup stays one, whoever else is there.
	Hold struct {
		Reason TransitionReason // SwitchedOver or Maintained
		Force  bool
	}

	// Release takes Hold back: an ordinary backup again, which preempts if it is
	// configured to, and waits for Active_Down_Interval if there is no master. A
	// handover that has begun goes on. MasterHeard as before PriorityChanged.
	Release struct{}

	// TakeBack ends a handover that nobody has answered: see Group.Next.
	TakeBack struct{}

	// LeaveAnyway ends a handover that nobody has answered here, but another
	// member of the group has a successor: see Group.Next.
	LeaveAnyway struct{}
)

func (Startup) event()         {}
func (Resumed) event()         {}
func (Shutdown) event()        {}
func (Timer) event()           {}
func (AdvertReceived) event()  {}
func (MasterHeard) event()     {}
func (AdvertSent) event()      {}
func (LinkDown) event()        {}
func (LinkUp) event()          {}
func (SourceChanged) event()   {}
func (TrackDown) event()       {}
func (TrackUp) event()         {}
func (PriorityChanged) event() {}
func (Reconfigured) event()    {}
func (Promote) event()         {}
func (StepDown) event()        {}
func (GroupFault) event()      {}
func (GroupRestored) event()   {}
func (Hold) event()            {}
func (Release) event()         {}
func (TakeBack) event()        {}
func (LeaveAnyway) event()     {}
