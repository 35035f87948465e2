package control

import (
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// outbox gathers frames, so that those that fall due together leave together.
type outbox struct {
	world  *World
	frames []netio.Frame
	about  []outgoing
}

// outgoing says what a frame is.
type outgoing struct {
	instance *instance
	advert   bool
}

func (o *outbox) addAdvert(in *instance, frame []byte) { o.add(frame, outgoing{in, true}) }
func (o *outbox) addOther(in *instance, frame []byte)  { o.add(frame, outgoing{in, false}) }

func (o *outbox) add(frame []byte, about outgoing) {
	o.frames = append(o.frames, netio.Frame{Interface: about.instance.ifindex, Bytes: frame})
	o.about = append(o.about, about)
}

// flush sends everything, and returns the adverts that were sent, with a time
// from before that.
func (o *outbox) flush() []sentAdvert {
	if len(o.frames) == 0 {
		return nil
	}
	var sent []sentAdvert
	at := vrrp.Instant(o.world.Now())
	for i, err := range o.world.Sender.Send(o.frames) {
		about := o.about[i]
		if !about.advert {
			continue
		}
		about.instance.reportSend(err, at)
		if err != nil {
			continue
		}
		about.instance.stats.sent++
		sent = append(sent, sentAdvert{about.instance, at})
	}
	clear(o.frames)
	clear(o.about)
	o.frames, o.about = o.frames[:0], o.about[:0]
	return sent
}
