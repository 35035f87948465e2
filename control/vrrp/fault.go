package vrrp

import "net/netip"

// faults are the reasons for Fault that hold at present. They are independent,
// and kept in every state.
type faults struct {
	link  bool
	track bool
	group bool // of another member
}

// own reports whether there is a fault that is not another member's.
func (f faults) own() bool { return f.link || f.track }

// first returns the reason to give, and false if there is no fault.
func (f faults) first() (TransitionReason, bool) {
	switch {
	case f.link:
		return LinkLost, true
	case f.track:
		return TrackFailed, true
	case f.group:
		return GroupFaulty, true
	}
	return 0, false
}

// faultChanged takes every event that begins or ends a fault.
func (r *Router) faultChanged(now Instant, ev Event) {
	switch ev.(type) {
	case LinkDown:
		r.faults.link = true
		r.fault(LinkLost)
	case LinkUp:
		r.faults.link = false
		r.restored(now, LinkRestored)
	case TrackDown:
		r.faults.track = true
		r.fault(TrackFailed)
	case TrackUp:
		r.faults.track = false
		r.restored(now, TrackRestored)
	case GroupFault:
		r.faults.group = true
		r.fault(GroupFaulty)
	case GroupRestored:
		r.faults.group = false
		r.restored(now, GroupMended)
	}
}

// fault leaves every state in which the router takes part.
func (r *Router) fault(why TransitionReason) {
	switch {
	case r.state == Backup:
		r.endBackup()
		r.enter(Fault, why, netip.Addr{}, 0)
	case r.state == Master && r.leaving && r.handover == nil:
		r.leave(netip.Addr{})
	case r.state == Master:
		r.endMaster()
		r.do(SendAdvert{Priority: 0}, RemoveAddresses{})
		r.enter(Fault, why, netip.Addr{}, 0)
	}
}

// restored ends Fault when nothing is at fault any more.
func (r *Router) restored(now Instant, why TransitionReason) {
	if _, faulty := r.faults.first(); r.state == Fault && !faulty {
		r.begin(now, why)
	}
}
