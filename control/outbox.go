package control

import (
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// outbox gathers frames, so that those that fall due together leave together:
// adverts first. The master before a group ends all of its members at the first
// advert that it hears, and what is on its way to the others is lost until theirs
// have told the switches.
type outbox struct {
	world   *World
	unicast *Unicast
	frames  []netio.Frame // adverts
	about   []outgoing
	others  []netio.Frame
	letters []letters
}

// outgoing says whose an advert is.
type outgoing struct {
	instance *instance
	priority uint8
}

// letters are one advert, to every peer.
type letters struct {
	outgoing
	letters []letter
}

func (o *outbox) addAdvert(in *instance, priority uint8, frame []byte) {
	o.frames = append(o.frames, netio.Frame{Interface: in.ifindex, Bytes: frame})
	o.about = append(o.about, outgoing{in, priority})
}

func (o *outbox) addOther(from *place, frame []byte) {
	o.others = append(o.others, netio.Frame{Interface: from.ifindex, Bytes: frame})
}

func (o *outbox) addLetters(in *instance, priority uint8, list []letter) {
	o.letters = append(o.letters, letters{outgoing{in, priority}, list})
}

// flush sends everything, and returns the adverts that were sent, with a time
// from before that.
func (o *outbox) flush() []sentAdvert {
	o.frames = append(o.frames, o.others...)
	clear(o.others)
	o.others = o.others[:0]
	return o.flushAdverts()
}

// flushAdverts leaves what is not an advert for later: a lease waits for it.
func (o *outbox) flushAdverts() []sentAdvert {
	var sent []sentAdvert
	at := vrrp.Instant(o.world.Now())
	note := func(about outgoing, err error) {
		if err != nil && about.instance.speaksToNobody() {
			err = nil
		}
		about.instance.reportSend(err, at)
		if err != nil {
			return
		}
		about.instance.stats.countSent(about.priority)
		sent = append(sent, sentAdvert{about.instance, at})
	}
	for _, l := range o.letters {
		note(l.outgoing, l.send(*o.unicast))
	}
	if len(o.frames) > 0 {
		errs := o.world.Sender.Send(o.frames)
		for i, about := range o.about {
			note(about, errs[i])
		}
	}
	o.clear()
	return sent
}

// speaksToNobody reports whether the user wants the instance to go on though its
// interface is down: no rival hears it there, and it hears none.
func (in *instance) speaksToNobody() bool { return in.config.IgnoreLink && in.linkDown }

func (o *outbox) clear() {
	clear(o.frames)
	clear(o.about)
	clear(o.letters)
	o.frames, o.about, o.letters = o.frames[:0], o.about[:0], o.letters[:0]
}
