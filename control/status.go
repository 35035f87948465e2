package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// InstanceStatus is what is going on in an instance now; its JSON is stable.
type InstanceStatus struct {
	Name              string         `json:"name"`
	Interface         string         `json:"interface"`
	VLAN              uint16         `json:"vlan"`
	VRID              uint8          `json:"vrid"`
	Family            string         `json:"family"`
	Version           uint8          `json:"version"`
	State             string         `json:"state"`
	Priority          uint8          `json:"priority"`
	EffectivePriority uint8          `json:"effective_priority"`
	AdvertIntervalMS  float64        `json:"advert_interval_ms"`
	ActiveDownMS      float64        `json:"active_down_interval_ms"`
	Master            *MasterStatus  `json:"master"` // null: none was heard
	VirtualAddresses  []string       `json:"virtual_addresses"`
	ExcludedAddresses []string       `json:"excluded_addresses,omitempty"` // served, not advertised
	VirtualMAC        string         `json:"virtual_mac"`
	LeaseRemainingMS  float64        `json:"lease_remaining_ms"`
	Group             string         `json:"group"`
	Accept            bool           `json:"accept"`
	Checksum          string         `json:"checksum"` // form of the adverts that are sent
	UnicastPeers      []string       `json:"unicast_peers,omitempty"`
	Auth              *AuthStatus    `json:"auth_hmac,omitempty"`
	Tracks            []TrackStatus  `json:"tracks,omitempty"`
	Fault             string         `json:"fault,omitempty"`
	Conflicts         []Conflict     `json:"conflicts"`      // that go on now
	Held              *HeldStatus    `json:"held,omitempty"` // kept out of MASTER
	LastTransition    LastTransition `json:"last_transition"`
	Counters          InstanceCounts `json:"counters"`
	RFC               RFCState       `json:"ietf-vrrp"`
}

// MasterStatus is the router believed to be master.
type MasterStatus struct {
	Address  string `json:"address"`
	Priority uint8  `json:"priority"`
}

// LastTransition is how the present state was entered.
type LastTransition struct {
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	Reason string    `json:"reason"`
	Peer   string    `json:"peer,omitempty"`
	// Evidence says how a lease was lost, and how that is known.
	Evidence string `json:"evidence,omitempty"`
}

// InstanceCounts are counters since the instance was installed, of fast path
// and control plane together.
type InstanceCounts struct {
	Transitions         map[string]uint64 `json:"transitions"`              // by state that was entered
	LeasesLost          uint64            `json:"leases_lost"`              // that ran out
	PromotionsAvoided   uint64            `json:"false_promotions_avoided"` // late timers of a backup whose master was there
	AdvertsSent         uint64            `json:"adverts_sent"`
	AdvertsReceived     uint64            `json:"adverts_received"`
	AdvertsUnchanged    uint64            `json:"adverts_unchanged"`
	AdvertsPriorityZero uint64            `json:"adverts_priority_zero"`
	AdvertsByChecksum   map[string]uint64 `json:"adverts_by_checksum"`
	AdvertsOdd          map[string]uint64 `json:"adverts_odd"` // accepted all the same
	AdvertsDropped      map[string]uint64 `json:"adverts_dropped"`
	Conflicts           map[string]uint64 `json:"conflicts"` // that have begun, by kind
	EventsLost          uint64            `json:"events_lost"`
	ARPRequests         map[string]uint64 `json:"arp_requests"`
	ARPConflicts        uint64            `json:"arp_conflicts"`
	NDSolicitations     map[string]uint64 `json:"nd_solicitations"`
	NDConflicts         uint64            `json:"nd_conflicts"`
	VirtualMACFrames    map[string]uint64 `json:"virtual_mac_frames"`
	VirtualMACSpoofed   uint64            `json:"virtual_mac_spoofed"` // frames from it while it was this host's
	ClaimsGuarded       map[string]uint64 `json:"claims_guarded"`

	arrivals Arrivals
}

// ErrStopped means that the engine has ended, or is too busy to answer.
var ErrStopped = errors.New("the engine does not answer")

// Status asks the loop for the state of every instance, in the order of
// configuration. Errors: ErrStopped when it does not answer before ctx is done.
// For any goroutine.
func (e *Engine) Status(ctx context.Context) ([]InstanceStatus, error) {
	var snapshots []snapshot
	if err := e.inLoop(ctx, func() { snapshots = e.snapshot() }); err != nil {
		return nil, err
	}
	list := make([]InstanceStatus, 0, len(snapshots))
	for _, s := range snapshots {
		s.count()
		list = append(list, s.InstanceStatus)
	}
	return list, nil
}

// inLoop has the loop do something, and waits for that. Errors: ErrStopped when
// the loop does not come to it before ctx is done.
func (e *Engine) inLoop(ctx context.Context, do func()) error {
	done := make(chan struct{})
	select {
	case e.commands <- func() { defer close(done); do() }:
		<-done
		return nil
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
	}
}

// Alive waits until the loop has come round once. Errors: ErrStopped when it does
// not before ctx is done. For any goroutine.
func (e *Engine) Alive(ctx context.Context) error { return e.inLoop(ctx, func() {}) }

// snapshot is what the loop knows of an instance. What the fast path counts is
// read later, and not by the loop: with thousands of instances it would be late.
type snapshot struct {
	InstanceStatus
	refused uint64 // multicast adverts that the state machine refused
	path    FastPath
	log     *slog.Logger
}

func (e *Engine) snapshot() []snapshot {
	list := make([]snapshot, 0, len(e.instances))
	now := e.now()
	for _, in := range e.instances {
		s := snapshot{InstanceStatus: in.status(now), path: in.path, log: in.log}
		s.Tracks = e.trackStatus(in)
		s.Fault = cmp.Or(s.Fault, e.awaited(in), in.muteness())
		s.Held = e.heldStatus(in)
		if !in.config.unicast() {
			s.refused = in.stats.refused
		}
		list = append(list, s)
	}
	return list
}

func (in *instance) status(now vrrp.Instant) InstanceStatus {
	c := in.router.Config()
	s := InstanceStatus{
		Name: in.config.Name, Interface: in.config.Interface,
		VRID: c.VRID, Family: c.Family.String(), Version: uint8(c.Version),
		State:             in.router.State().String(),
		Priority:          in.config.Router.Priority,
		EffectivePriority: in.router.Priority(),
		AdvertIntervalMS:  milliseconds(c.Interval),
		ActiveDownMS:      milliseconds(in.router.ActiveDownInterval()),
		VirtualMAC:        FormatMAC(in.mac),
		Group:             cmp.Or(in.config.Group, in.config.Name),
		Accept:            in.config.accepts(),
		Checksum:          in.router.Advert(c.Priority).Checksum.String(),
		Auth:              in.authStatus(),
		Fault:             in.fault(),
		LastTransition:    in.last,
		LeaseRemainingMS:  milliseconds(max(in.group.machine.Lease().Sub(now), 0)),
		RFC:               in.rfcState(),
		Counters: InstanceCounts{
			Transitions:         maps.Clone(in.stats.transitions),
			LeasesLost:          in.stats.leasesLost,
			PromotionsAvoided:   in.stats.promotionsAvoided,
			AdvertsSent:         in.stats.sent,
			AdvertsReceived:     in.stats.received,
			AdvertsPriorityZero: in.stats.zeroReceived,
			AdvertsByChecksum:   maps.Clone(in.stats.byChecksum),
			AdvertsOdd:          maps.Clone(in.stats.odd),
			AdvertsDropped:      maps.Clone(in.stats.discarded),
		},
	}
	s.Conflicts, s.Counters.Conflicts = in.conflictStatus()
	for _, peer := range c.Peers {
		s.UnicastPeers = append(s.UnicastPeers, peer.String())
	}
	for _, a := range in.config.Addresses {
		s.VirtualAddresses = append(s.VirtualAddresses, a.Prefix.String())
	}
	for _, a := range in.config.Excluded {
		s.ExcludedAddresses = append(s.ExcludedAddresses, a.Prefix.String())
	}
	if source, priority, ok := in.router.Master(); ok {
		s.Master = &MasterStatus{Address: source.String(), Priority: priority}
	}
	return s
}

// count adds what the fast path has counted.
func (s *snapshot) count() {
	c, err := s.path.Counters()
	if err != nil {
		s.log.Error("the fast path's counters cannot be read", "error", err)
	}
	counts := &s.Counters
	if counts.arrivals, err = s.path.Arrivals(); err != nil {
		s.log.Error("the fast path's arrival times cannot be read", "error", err)
	}
	addAll(counts.AdvertsDropped, c.AdvertsDropped)
	// What the fast path took for valid and the state machine refused, is not.
	counts.AdvertsReceived += c.AdvertsReceived - min(s.refused, c.AdvertsReceived)
	counts.AdvertsUnchanged = c.AdvertsUnchanged
	counts.AdvertsPriorityZero += c.AdvertsPriorityZero
	addAll(counts.AdvertsByChecksum, c.AdvertsByChecksum)
	addAll(counts.AdvertsOdd, c.AdvertsOdd)
	counts.EventsLost = c.EventsLost
	counts.ARPRequests = c.ARPRequests
	counts.ARPConflicts = c.ARPConflicts
	counts.NDSolicitations = c.NDSolicitations
	counts.NDConflicts = c.NDConflicts
	counts.VirtualMACFrames = c.VirtualMACFrames
	counts.VirtualMACSpoofed = c.VirtualMACSpoofed
	counts.ClaimsGuarded = c.ClaimsGuarded
	s.RFC.Statistics.count(*counts)
}

func addAll(to, from map[string]uint64) {
	for key, n := range from {
		to[key] += n
	}
}

// milliseconds, to the microsecond: more digits would be noise.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
