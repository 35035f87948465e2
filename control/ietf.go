package control

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// The operational state of a virtual router in the names, units and words of
// RFC 8347 (ietf-vrrp), for those whose tools know these. Its words for states
// are those of RFC 5798.

// RFCState is what the YANG module has per virtual router.
type RFCState struct {
	State              string        `json:"state"` // initialize, backup, master
	IsOwner            bool          `json:"is-owner"`
	LastAdvSource      string        `json:"last-adv-source,omitempty"`
	UpDatetime         *time.Time    `json:"up-datetime,omitempty"`          // since when it is not in initialize
	MasterDownInterval int64         `json:"master-down-interval,omitempty"` // centiseconds; of a backup
	SkewTime           int64         `json:"skew-time,omitempty"`            // microseconds; of a backup
	LastEvent          string        `json:"last-event"`
	NewMasterReason    string        `json:"new-master-reason"`
	Statistics         RFCStatistics `json:"statistics"`
}

// RFCStatistics are the counters per virtual router.
type RFCStatistics struct {
	DiscontinuityDatetime time.Time `json:"discontinuity-datetime"`
	MasterTransitions     uint64    `json:"master-transitions"`
	AdvertisementRcvd     uint64    `json:"advertisement-rcvd"`
	AdvertisementSent     uint64    `json:"advertisement-sent"`
	IntervalErrors        uint64    `json:"interval-errors"`
	PriorityZeroPktsRcvd  uint64    `json:"priority-zero-pkts-rcvd"`
	PriorityZeroPktsSent  uint64    `json:"priority-zero-pkts-sent"`
	InvalidTypePktsRcvd   uint64    `json:"invalid-type-pkts-rcvd"`
	AddressListErrors     uint64    `json:"address-list-errors"`
	PacketLengthErrors    uint64    `json:"packet-length-errors"`
}

// RFCGlobal is what the YANG module has once.
type RFCGlobal struct {
	VirtualRouters int           `json:"virtual-routers"`
	Interfaces     int           `json:"interfaces"`
	Statistics     RFCGlobalStat `json:"statistics"`
}

// RFCGlobalStat are the counters that no virtual router need be named for.
type RFCGlobalStat struct {
	DiscontinuityDatetime time.Time `json:"discontinuity-datetime"`
	ChecksumErrors        uint64    `json:"checksum-errors"`
	VersionErrors         uint64    `json:"version-errors"`
	VRIDErrors            uint64    `json:"vrid-errors"`
	IPTTLErrors           uint64    `json:"ip-ttl-errors"`
}

// rfcEvents is what has to be remembered for RFCState.
type rfcEvents struct {
	installed time.Time
	up        time.Time // zero: down
	last      string
	newMaster string
}

func newRFCEvents() rfcEvents {
	return rfcEvents{installed: time.Now().UTC(), last: "vrrp-event-none", newMaster: "not-master"}
}

// rfcEventOf translates reasons of transitions. What the module has no word for
// is told as the event that had the same effect.
var rfcEventOf = map[vrrp.TransitionReason]string{
	vrrp.Started:           "vrrp-event-startup",
	vrrp.IsOwner:           "vrrp-event-owner-preempt",
	vrrp.MasterDown:        "vrrp-event-master-timeout",
	vrrp.MasterLeft:        "vrrp-event-master-timeout",
	vrrp.Preempts:          "vrrp-event-lower-priority-master",
	vrrp.HigherPriority:    "vrrp-event-higher-priority-backup",
	vrrp.HigherAddress:     "vrrp-event-higher-priority-backup",
	vrrp.LeaseLost:         "vrrp-event-interface-down",
	vrrp.LinkLost:          "vrrp-event-interface-down",
	vrrp.LinkRestored:      "vrrp-event-interface-up",
	vrrp.ShutdownRequested: "vrrp-event-shutdown",
	vrrp.GroupLeft:         "vrrp-event-interface-down",
	vrrp.GroupFaulty:       "vrrp-event-interface-down",
	vrrp.GroupMended:       "vrrp-event-interface-up",
	vrrp.WasMaster:         "vrrp-event-none",
	vrrp.TrackFailed:       "vrrp-event-interface-down",
	vrrp.TrackRestored:     "vrrp-event-interface-up",
}

var rfcNewMasterOf = map[vrrp.TransitionReason]string{
	vrrp.IsOwner:    "priority",
	vrrp.Preempts:   "preempted",
	vrrp.MasterDown: "no-response",
	vrrp.MasterLeft: "no-response",
}

func (e *rfcEvents) entered(t vrrp.Transition) {
	if event, ok := rfcEventOf[t.Reason]; ok {
		e.last = event
	}
	e.newMaster = "not-master"
	if reason, ok := rfcNewMasterOf[t.Reason]; ok && t.To == vrrp.Master {
		e.newMaster = reason
	}
	wasUp, isUp := !e.up.IsZero(), t.To == vrrp.Backup || t.To == vrrp.Master
	switch {
	case isUp && !wasUp:
		e.up = time.Now().UTC()
	case !isUp:
		e.up = time.Time{}
	}
}

var rfcStates = map[vrrp.State]string{
	vrrp.Init: "initialize", vrrp.Fault: "initialize", vrrp.Backup: "backup", vrrp.Master: "master",
}

// rfcState is the part that the loop knows.
func (in *instance) rfcState() RFCState {
	r := in.router
	s := RFCState{
		State:           rfcStates[r.State()],
		IsOwner:         r.Config().Priority == vrrp.OwnerPriority,
		LastEvent:       in.events.last,
		NewMasterReason: in.events.newMaster,
		Statistics: RFCStatistics{
			DiscontinuityDatetime: in.events.installed,
			MasterTransitions:     in.stats.transitions[vrrp.Master.String()],
			AdvertisementSent:     in.stats.sent,
			PriorityZeroPktsSent:  in.stats.zeroSent,
		},
	}
	if !in.events.up.IsZero() {
		up := in.events.up
		s.UpDatetime = &up
	}
	if source, _, ok := r.Master(); ok {
		s.LastAdvSource = source.String()
	}
	if r.State() == vrrp.Backup {
		s.MasterDownInterval = int64(r.ActiveDownInterval() / (10 * time.Millisecond))
		s.SkewTime = r.SkewTime().Microseconds()
	}
	return s
}

// count adds what was counted elsewhere. An interval or an address list that
// differs is an error in the counters, whether or not the advert was accepted.
func (s *RFCStatistics) count(c InstanceCounts) {
	s.AdvertisementRcvd = c.AdvertsReceived
	s.PriorityZeroPktsRcvd = c.AdvertsPriorityZero
	s.InvalidTypePktsRcvd = c.AdvertsDropped["type"]
	s.PacketLengthErrors = c.AdvertsDropped["length"] + c.AdvertsDropped["count"]
	s.IntervalErrors = c.AdvertsDropped["interval"] + c.AdvertsOdd["interval"]
	s.AddressListErrors = c.AdvertsDropped["first_address"] + c.AdvertsDropped["address_list"] + c.AdvertsOdd["address_list"]
}

// Summarize fills in what RFC 8347 counts once for all virtual routers of a report.
func (r *Report) Summarize() {
	g := RFCGlobal{VirtualRouters: len(r.Instances), Interfaces: len(r.Interfaces)}
	add := func(dropped map[string]uint64) {
		g.Statistics.ChecksumErrors += dropped["checksum"]
		g.Statistics.VersionErrors += dropped["version"]
		g.Statistics.VRIDErrors += dropped["vrid"]
		g.Statistics.IPTTLErrors += dropped["ttl"]
	}
	for _, i := range r.Interfaces {
		add(i.AdvertsDropped)
	}
	for _, i := range r.Instances {
		add(i.Counters.AdvertsDropped)
		if since := i.RFC.Statistics.DiscontinuityDatetime; since.After(g.Statistics.DiscontinuityDatetime) {
			g.Statistics.DiscontinuityDatetime = since
		}
	}
	r.RFC = g
}
