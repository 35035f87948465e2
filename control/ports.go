package control

import (
	"context"
	"io"
	"net/netip"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

// What the engine needs of the rest of the world. Points in time are
// CLOCK_BOOTTIME as a time.Duration since boot.

// FastPath is one virtual router in the fast path. But for Counters and
// Arrivals, only the engine's loop calls it.
type FastPath interface {
	// Slot names the virtual router in a FastEvent.
	Slot() uint32
	// SetLease makes this host the owner until then; 0: not the owner. One store.
	SetLease(until time.Duration)
	// YieldTo names the least priority whose advert ends ownership in the fast
	// path at once, before the engine hears of it; 0 for none.
	YieldTo(priority uint8)
	// Resume takes back what the fast path has yielded to the advert that
	// arrived then, and to no other; 0: to any.
	Resume(at time.Duration)
	// Follow names the advert, by sender and first 8 bytes, whose arrival is
	// no event but only moves Heard.
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
	AdvertsReceived  uint64            // valid ones
	AdvertsUnchanged uint64            // of those, the ones that woke nobody
	AdvertsDropped   map[string]uint64 // by reason, in the words of vrrp.Reason
	EventsLost       uint64            // the ring buffer was full
	ARPRequests      map[string]uint64 // by verdict
	ARPConflicts     uint64            // claims of a virtual address by another station
	VirtualMACFrames map[string]uint64 // by verdict
	ClaimsGuarded    map[string]uint64 // the host's own ARP for a VIP, by verdict
}

// Arrivals is a cumulative histogram of the times between two arrivals of the
// followed advert, by upper bound.
type Arrivals struct {
	Below map[time.Duration]uint64
	All   uint64
	Sum   time.Duration
}

// FastEvent is something that the fast path saw.
type FastEvent struct {
	Conflict bool          // another station claims a virtual address; else: an advert
	At       time.Duration // arrival, before any queue
	Slot     uint32
	Source   netip.Addr // advert: IP source; conflict: the address that is claimed
	Hardware [6]byte    // advert: Ethernet source; conflict: who claims
	TTL      uint8
	PDU      []byte // valid during the call
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

// AddressBook puts addresses on interfaces. Safe for concurrent use.
type AddressBook interface {
	Add(ifindex int, prefix netip.Prefix, label string) (added bool, err error)
	Remove(ifindex int, prefix netip.Prefix) error
}

// Links tells about interfaces, now and whenever they change.
type Links interface {
	Link(name string) (netio.LinkInfo, error)
	PrimaryAddress(ifindex int, exclude []netip.Addr) (netip.Addr, error)
	Watch(ctx context.Context) (<-chan netio.LinkEvent, error)
}

// World is all of it.
type World struct {
	Now       func() time.Duration
	Install   func(InstanceConfig, netio.LinkInfo) (FastPath, error)
	Events    Events
	Sender    Sender
	Addresses AddressBook
	Links     Links
	// Join makes the interface deliver adverts and frames to the virtual MACs
	// until the answer is closed.
	Join func(ifindex int, macs ...[6]byte) (io.Closer, error)
}
