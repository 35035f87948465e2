package config

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// finishAnnouncements fills in what was said for all instances, or for none. As
// in keepalived garp_lower_prio_… follow what is said for all, not for this one.
func (in *instance) finishAnnouncements() {
	g := in.global()
	repeat, delay := 5, 5*time.Second
	if first(false, g.minGARP) {
		repeat, delay = 1, 0
	}
	repeat, delay = first(repeat, g.repeat), first(delay, g.delay)
	a := &vrrp.Announcements{
		Repeat:        max(1, first(repeat, in.repeat)),
		Delay:         first(delay, in.delay),
		Refresh:       first(0, in.refresh, g.refresh),
		RefreshRepeat: max(1, first(1, in.refreshRepeat, g.refreshRepeat)),
		LesserRepeat:  first(repeat, in.lesserRepeat, g.lesserRepeat),
		LesserDelay:   first(delay, in.lesserDelay, g.lesserDelay),
	}
	r := &in.Router
	r.Announcements = a
	r.SilentToLesser = first(false, in.silentToLesser, g.silentToLesser)
	r.PartingAdvert = first(false, in.partingAdvert, g.partingAdvert)
	r.SkipAddressCheck = first(false, in.skipAddressCheck, g.skipAddressCheck)
	in.ExtraRefresh = first(0, in.extraRefresh, g.extraRefresh)
	in.Pace = first(0, g.pace)
	if r.Family == vrrp.IPv6 {
		in.Pace = first(0, g.pace6)
	}
	if in.isStrict() {
		in.beStrict(a)
	}
}

// beStrict takes away what the RFC does not have.
func (in *instance) beStrict(a *vrrp.Announcements) {
	if first(0, in.lesserRepeat) > 0 {
		in.n.fail("vrrp_instance %s: garp_lower_prio_repeat: strict mode has none: take one of them out", in.Name)
	}
	if !first(true, in.silentToLesser) {
		in.n.fail("vrrp_instance %s: lower_prio_no_advert is always on in strict mode: take one of them out", in.Name)
	}
	if first(false, in.partingAdvert) {
		in.n.fail("vrrp_instance %s: strict mode has no higher_prio_send_advert: take one of them out", in.Name)
	}
	a.LesserRepeat, a.LesserDelay = 0, 0
	in.Router.SilentToLesser, in.Router.PartingAdvert = true, false
}
