package control

import (
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// outbox gathers frames, so that those that fall due together leave together.
type outbox struct {
	world   *World
	unicast *Unicast
	frames  []netio.Frame
	about   []outgoing
	letters []letters
}

// outgoing says what a frame is.
type outgoing struct {
	instance *instance
	advert   bool
	priority uint8 // of the advert
}

// letters are one advert, to every peer.
type letters struct {
	outgoing
	letters []letter
}

func (o *outbox) addAdvert(in *instance, priority uint8, frame []byte) {
	o.add(in.place, frame, outgoing{in, true, priority})
}

func (o *outbox) addOther(from *place, frame []byte) {
	o.add(from, frame, outgoing{instance: from.instance})
}

func (o *outbox) add(from *place, frame []byte, about outgoing) {
	o.frames = append(o.frames, netio.Frame{Interface: from.ifindex, Bytes: frame})
	o.about = append(o.about, about)
}

func (o *outbox) addLetters(in *instance, priority uint8, list []letter) {
	o.letters = append(o.letters, letters{outgoing{in, true, priority}, list})
}

// flush sends everything, and returns the adverts that were sent, with a time
// from before that.
func (o *outbox) flush() []sentAdvert {
	var sent []sentAdvert
	at := vrrp.Instant(o.world.Now())
	note := func(about outgoing, err error) {
		if !about.advert {
			return
		}
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
		for i, err := range o.world.Sender.Send(o.frames) {
			note(o.about[i], err)
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
