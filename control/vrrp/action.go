package vrrp

import (
	"net/netip"
	"time"
)

// Action is something that the caller of Router.Step has to do. The types of
// this file are the only ones.
type Action interface{ action() }

type (
	// SetLease makes this host the owner while now < Until. 0: not at all.
	// Ahead: another owner serves until it hears the advert that comes next. If
	// that does not leave at once, there must not be two: until AdvertSent is told
	// the lease may be shorter.
	SetLease struct {
		Until Instant
		Ahead bool
	}

	// SendAdvert sends Router.Advert(Priority). If that succeeds, AdvertSent
	// must be told; if it fails, nothing.
	SendAdvert struct{ Priority uint8 }

	// Announce tells the neighbours about every virtual address: gratuitous
	// ARP, or unsolicited Neighbor Advertisement, Repeat (1 or more) of each.
	Announce struct{ Repeat int }

	// InstallAddresses puts the virtual addresses on the interface, if they
	// are not there. Without a lease they are inert.
	InstallAddresses struct{}

	// RemoveAddresses takes them off.
	RemoveAddresses struct{}

	// Follow says which advert keeps this backup quiet. Until the next Follow
	// or Unfollow, arrivals of this very advert from Source need no
	// AdvertReceived: the time of the last one is enough, told as MasterHeard
	// before every AdvertReceived, before every Timer, and once after this.
	// The time of what was followed before must not be erased by this: it may
	// have arrived since it was last told.
	Follow struct {
		Source netip.Addr
		Advert Advert
	}

	// Unfollow ends Follow.
	Unfollow struct{}

	// Transition says that the state changed.
	Transition struct {
		From, To State
		Reason   TransitionReason
		Peer     netip.Addr // the router that caused it, where there is one
		// Late is how long ago the lease ended (LeaseLost), or by how much
		// the timer that promoted this router was missed.
		Late time.Duration
	}

	// Discard says that an advert was refused. It changed nothing.
	Discard struct {
		Reason Reason
		Source netip.Addr
	}

	// Rival says that another router, of a lower rank, is master beside this one;
	// and with Gone, that it is not any more. Who leaves Master has none.
	Rival struct {
		Source   netip.Addr
		Priority uint8
		Gone     bool
	}

	// Notice is for the operator: something is odd about a sender, and is said
	// once, and again when it says something else.
	Notice struct {
		Kind   NoticeKind
		Source netip.Addr // who sent the advert; the peer of PeerIsSelf
		// What it said; only what the Kind is about is set.
		Version   Version
		TTL       uint8 // or hop limit
		Interval  time.Duration
		Addresses []netip.Addr
		Form      ChecksumForm
		AuthType  uint8
	}
)

func (SetLease) action()         {}
func (SendAdvert) action()       {}
func (Announce) action()         {}
func (InstallAddresses) action() {}
func (RemoveAddresses) action()  {}
func (Follow) action()           {}
func (Unfollow) action()         {}
func (Transition) action()       {}
func (Discard) action()          {}
func (Rival) action()            {}
func (Notice) action()           {}

// TransitionReason says why a router changed its state.
type TransitionReason uint8

// The reasons of transitions.
const (
	Started           TransitionReason = iota // Startup
	IsOwner                                   // to Master at once: the address owner, RFC 9568 §6.4.1
	MasterDown                                // to Master: no advert for Active_Down_Interval
	MasterLeft                                // to Master: the master sent priority 0
	Preempts                                  // to Master: the master has a lower priority
	HigherPriority                            // to Backup: another router has a higher priority
	HigherAddress                             // to Backup: the same priority and a higher address
	LeaseLost                                 // to Backup: no advert left this host in time
	LinkLost                                  // to Fault
	LinkRestored                              // from Fault: LinkUp
	ShutdownRequested                         // to Init
	GroupLeft                                 // to Backup: another member of the group is not master
	GroupFaulty                               // to Fault: another member of the group has a fault
	TrackFailed                               // to Fault: TrackDown
	TrackRestored                             // from Fault: TrackUp
	GroupMended                               // from Fault: GroupRestored
	SwitchedOver                              // to Backup: Hold
	Maintained                                // to Backup: Hold
	WasMaster                                 // to Master: Resumed
)

// String returns the reason as logs and metrics show it.
func (t TransitionReason) String() string {
	return nameOf([]string{
		Started:           "startup",
		IsOwner:           "address_owner",
		MasterDown:        "master_down",
		MasterLeft:        "master_left",
		Preempts:          "preempt",
		HigherPriority:    "higher_priority",
		HigherAddress:     "higher_address",
		LeaseLost:         "lease_lost",
		LinkLost:          "link_down",
		LinkRestored:      "link_up",
		ShutdownRequested: "shutdown",
		GroupLeft:         "group_member_left",
		GroupFaulty:       "group_fault",
		TrackFailed:       "track_failed",
		TrackRestored:     "track_restored",
		GroupMended:       "group_restored",
		SwitchedOver:      "switchover",
		Maintained:        "maintenance",
		WasMaster:         "resumed",
	}, t)
}

// NoticeKind says what a Notice is about.
type NoticeKind uint8

// The kinds of notices.
const (
	IntervalAdopted  NoticeKind = iota // version 3: the master's interval is not the configured one; adopted
	AddressesDiffer                    // the advert lists other addresses than the configured ones; accepted
	TwoOwners                          // another router says that it owns the addresses too, erratum 8298
	ChecksumDiffers                    // the configured form of the checksum is not the sender's; accepted
	AuthDiffers                        // version 2: another type of authentication, or another password; refused
	IntervalRefused                    // version 2: the interval is not the configured one; refused
	AddressesRefused                   // version 2: as AddressesDiffer, but refused
	VersionRefused                     // another version than the configured one; refused
	PeerRefused                        // unicast: the sender is not a configured peer; refused
	TTLRefused                         // unicast: the TTL or hop limit is outside the configured bounds; refused
	OwnSourceRefused                   // the sender has this router's own address; refused
	IntervalDiffers                    // version 3: the interval of a lesser master is not the configured one; not adopted
	IntervalLimited                    // version 3: a stranger's interval is too long to be believed as it is
	SenderRefused                      // the sender is not on the list of those who may send; refused
	OwnerRefused                       // the sender says priority 255 and may not; refused
	PeerIsSelf                         // SourceChanged to the address of a configured peer
)

// String returns the kind in words.
func (k NoticeKind) String() string {
	return nameOf([]string{
		IntervalAdopted:  "advertisement interval differs, adopting the master's",
		AddressesDiffer:  "virtual addresses differ",
		TwoOwners:        "two address owners (priority 255)",
		ChecksumDiffers:  "checksum form differs from the configured one: the sender may not understand our adverts",
		AuthDiffers:      "authentication differs, adverts refused: there may be two masters",
		IntervalRefused:  "advertisement interval differs, adverts refused: there may be two masters",
		AddressesRefused: "virtual addresses differ, adverts refused: there may be two masters",
		VersionRefused:   "protocol version differs, adverts refused: there may be two masters",
		PeerRefused:      "the sender is not a configured peer, adverts refused: there may be two masters",
		TTLRefused:       "TTL is outside the configured bounds, adverts refused: there may be two masters",
		OwnSourceRefused: "adverts from our own address, refused: ours are reflected, or another host has this address too",
		IntervalDiffers:  "advertisement interval differs",
		IntervalLimited:  "advertisement interval is far longer than ours, adopting the longest that is believed of a sender that is not in allowed_sources",
		SenderRefused:    "the sender is not in allowed_sources, adverts refused: there may be two masters",
		OwnerRefused:     "the sender says that it owns the addresses (priority 255) and is no owner in allowed_sources, adverts refused: there may be two masters",
		PeerIsSelf:       "a peer is this router's own address",
	}, k)
}
