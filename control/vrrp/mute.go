package vrrp

// A router whose adverts do not leave, while its link is up, would be master for
// the length of a lease, unheard, then backup for Active_Down_Interval, and so on
// for ever. So one that has lost its lease though it tried to send is mute: it
// stays backup until an advert has left. When it would be master it tries one,
// and again every interval.

// mute is what a router knows of its voice.
type mute struct {
	asked bool // an advert was to be sent, and none has left since
	is    bool
	tries bool // it would be master, could it be heard
}

// Mute reports whether the router stays backup because its adverts do not leave.
func (r *Router) Mute() bool { return r.mute.is }

// sendAdvert asks for an advert of a master.
func (r *Router) sendAdvert() Action {
	r.mute.asked = true
	return SendAdvert{Priority: r.priority}
}

// tryToSend is what a mute router does in place of a promotion.
func (r *Router) tryToSend(now Instant) {
	r.mute.tries = true
	r.downAt = now.Add(r.pace())
	r.do(r.sendAdvert())
}

// heardByOthers is told that an advert has left.
func (r *Router) heardByOthers(now Instant) {
	if r.state == Backup && r.mute.is && r.mute.tries && r.ready == nil {
		r.downAt = min(r.downAt, now)
	}
	r.mute = mute{}
}
