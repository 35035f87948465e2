package control

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/notify"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// What the engine needs of the rest of the world. Points in time are
// CLOCK_BOOTTIME as a time.Duration since boot.

// FastSpec is what the fast path has to know of a virtual router on an interface.
type FastSpec struct {
	Interface  int // ifindex
	VRID       uint8
	Family     vrrp.Family
	Version    vrrp.Version
	VirtualMAC [6]byte
	DeviceMAC  [6]byte
	Addresses  []netip.Addr // that are advertised
	Excluded   []netip.Addr // that are served too
	Owner      bool
	Interval   time.Duration
	NoAccept   bool
	StrictMAC  bool
	Unicast    bool
	// AnyFirstAddress accepts IPv6 adverts whose first address is not link-local.
	AnyFirstAddress bool
	// Lease names the lease; those of one name share it. "": one of its own.
	Lease   string
	Senders []FastSender // who may send adverts; nil: anybody
	Auth    *FastAuth    // nil: adverts are not signed
	// Pace is the time between two adverts of one sender that the engine can afford
	// to hear of for ever.
	Pace  time.Duration
	Peers []netip.Addr // of a unicast instance
	// MinTTL and MaxTTL bound what their packets arrive with, both inclusive; MaxTTL 0: 255.
	MinTTL, MaxTTL uint8
	// Companion has no adverts of its own: it serves addresses of a virtual
	// router on another interface, or of the other family.
	Companion bool
}

// FastSender is one who may speak for a virtual router.
type FastSender struct {
	Source netip.Addr
	Owner  bool // it may say priority 255
}

// FastAuth is what the fast path has to know of signed adverts.
type FastAuth struct {
	Required bool // those without a signature are refused
	KeyIDs   []uint8
	Window   time.Duration // the greatest age, or lead, of a signature; 0: any
}

// FastPath is one virtual router in the fast path. But for Counters and
// Arrivals, only the engine's loop calls it.
type FastPath interface {
	// Update changes what the fast path knows while it runs: addresses that stay
	// are served all the time. A router that moves to a lease that nobody has
	// takes its own with it. On error everything is as before.
	Update(FastSpec) error
	// Slot names the virtual router in a FastEvent.
	Slot() uint32
	// SetLease makes this host the owner of the whole group until then; 0: not
	// the owner. One store.
	SetLease(until time.Duration)
	// YieldTo names the least priority whose advert ends ownership in the fast
	// path at once, before the engine hears of it; 0 for none.
	YieldTo(priority uint8)
	// Resume takes back what the fast path has yielded to the advert that
	// arrived then, and to no other; 0: to any.
	Resume(at time.Duration)
	// Yielded reports whether the fast path has yielded since Resume.
	Yielded() bool
	// Remember leaves word for a process that comes after this one at what
	// priority the router is master; 0: it is none that could be resumed.
	Remember(priority uint8)
	// Inherited is the lease that the process before this one left, and the
	// priority that it remembered; 0 if there is none that could be resumed.
	Inherited() (until time.Duration, priority uint8)
	// Follow names the advert, by sender and first 8 bytes, whose arrival is
	// no event but only moves Heard. Where adverts are signed each is an event, for a
	// copy proves nothing; but then its sender is no stranger.
	Follow(source netip.Addr, header [8]byte)
	// Unfollow makes every valid advert an event again.
	Unfollow()
	// Heard is the last arrival of the followed advert, 0 for none.
	Heard() time.Duration
	// SetDeviceMAC tells the interface's own address anew.
	SetDeviceMAC(mac [6]byte) error
	// Counters reads what the fast path has counted. For any goroutine.
	Counters() (Counters, error)
	// Arrivals tells how regularly the followed advert arrives. For any goroutine.
	Arrivals() (Arrivals, error)
	// Remove takes the virtual router out of the fast path.
	Remove() error
}

// Counters of the fast path, for one virtual router or one interface.
type Counters struct {
	AdvertsReceived     uint64            // valid ones
	AdvertsUnchanged    uint64            // of those, the ones that woke nobody
	AdvertsPriorityZero uint64            // of those, farewells
	AdvertsByChecksum   map[string]uint64 // valid ones of version 3 over IPv4, by vrrp.ChecksumForm
	AdvertsOdd          map[string]uint64 // accepted all the same: "interval", "address_list", "source_mac"
	AdvertsDropped      map[string]uint64 // by reason, in the words of vrrp.Reason
	EventsLost          uint64            // the ring buffer was full
	ARPRequests         map[string]uint64 // by verdict
	ARPConflicts        uint64            // claims of a virtual address by another station
	NDSolicitations     map[string]uint64 // by verdict
	NDConflicts         uint64            // claims of a virtual address by another station
	VirtualMACFrames    map[string]uint64 // by verdict
	VirtualMACSpoofed   uint64            // frames from it while it was this host's, other than adverts
	ClaimsGuarded       map[string]uint64 // the host's own ARP and ND for a VIP, by verdict
}

// Arrivals is a cumulative histogram of the times between two arrivals of the
// followed advert, by upper bound.
type Arrivals struct {
	Below map[time.Duration]uint64
	All   uint64
	Sum   time.Duration
}

// EventKind says what a FastEvent is about.
type EventKind uint8

// The kinds of events.
const (
	AdvertArrived  EventKind = iota // a valid advert other than the followed one
	AddressClaimed                  // another station says that a virtual address is its own
	AddressAsked                    // a Neighbor Solicitation that is left to the engine to answer
)

// FastEvent is something that the fast path saw.
type FastEvent struct {
	Kind     EventKind
	At       time.Duration // arrival, before any queue
	Slot     uint32
	Source   netip.Addr // IP source; of a claim: the address that is claimed
	Target   netip.Addr // of a question: the address that is asked for
	Hardware [6]byte    // Ethernet source; of a claim: who claims
	TTL      uint8
	PDU      []byte // of an advert, valid during the call
}

// Events is the queue of the fast path. Drain does not block.
type Events interface {
	Ready() <-chan struct{}
	Drain(func(FastEvent)) error
}

// Sender hands frames to NICs, in order, and says for each whether that failed.
type Sender interface {
	Send(frames []netio.Frame) []error
}

// Unicast carries adverts to and from peers through the routing table. Neither
// Drain nor Send blocks.
type Unicast interface {
	Ready() <-chan struct{}
	Drain(func(netio.UnicastPacket)) error
	Send(ifindex int, source, destination netip.Addr, pdu []byte) error
	Close() error
}

// AddressBook puts addresses on interfaces. Safe for concurrent use.
type AddressBook interface {
	Add(ifindex int, a iproute.Address) (added bool, err error)
	Remove(ifindex int, prefix netip.Prefix) error
	List(ifindex int) ([]netio.Address, error)
}

// RouteBook puts routes and rules into the kernel's tables. What is there
// already, whoever put it there, is not added. Safe for concurrent use.
type RouteBook interface {
	AddRoute(iproute.Route) (added bool, err error)
	RemoveRoute(iproute.Route) error
	AddRule(iproute.Rule) (added bool, err error)
	RemoveRule(iproute.Rule) error
}

// Links tells about interfaces, now and whenever they change.
type Links interface {
	Link(name string) (netio.LinkInfo, error)
	PrimaryAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error)
	LinkLocalAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error)
	// HasAddress reports whether the host has the address; a link-local one, on
	// that interface.
	HasAddress(ifindex int, a netip.Addr) (bool, error)
	Watch(ctx context.Context) (<-chan netio.LinkEvent, error)
}

// World is all of it.
type World struct {
	Now func() time.Duration
	// Wall is the time of day since 1970; nil: that of package time.
	Wall func() time.Duration
	// ClockSet tells that the time of day was set; nil: it is looked at now and then.
	ClockSet <-chan struct{}
	// TellWallClock tells the fast path the time of day at boot; nil: it need not know.
	TellWallClock func(offset time.Duration)
	// Attach makes the fast path work on an interface, and tells about it. It
	// does nothing where it does already.
	Attach func(name string) (netio.LinkInfo, error)
	// Release undoes Attach.
	Release   func(name string) error
	Install   func(FastSpec) (FastPath, error)
	Events    Events
	Sender    Sender
	Unicast   func() (Unicast, error)         // called once, when the first instance has peers
	Ledger    func(anew bool) (Ledger, error) // called when the first instance has Auth; nil: nothing is remembered
	Addresses AddressBook
	Routes    RouteBook
	Links     Links
	// Join makes the interface deliver what is sent to the groups and to the
	// MACs until the answer is closed.
	Join func(ifindex int, groups []netip.Addr, macs ...[6]byte) (io.Closer, error)
	// Solicitations tells when a host asks for router advertisements on one of
	// the interfaces, until ctx is done.
	Solicitations func(ctx context.Context, ifindexes []int) (<-chan netio.RouterSolicitation, error)
	// Notify is told of every transition. It never blocks. nil: nobody is.
	Notify func(notify.Event)
	// Holds is what the daemon before was told to keep out of MASTER. KeepHolds
	// keeps that for the next one; nil: it is forgotten.
	Holds     Holds
	KeepHolds func(Holds) error
}
