package control

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// How adverts and announcements leave, and how adverts come in.

func (e *Engine) sendAdvert(in *instance, priority uint8) {
	if in.config.unicast() {
		e.sendUnicast(in, priority)
		return
	}
	source, family := in.router.Config().Source, in.config.Router.Family
	pdu, err := e.sealer(in, priority)(vrrp.GroupAddress(family))
	if err != nil {
		in.reportSend(err, e.now())
		return
	}
	frame := netio.AppendAdvert4
	if family == vrrp.IPv6 {
		frame = netio.AppendAdvert6
	}
	copy(in.said[:], pdu)
	e.outbox.addAdvert(in, priority, frame(nil, in.mac, source, pdu))
}

// sendUnicast addresses the advert to every peer. The checksum may cover the
// destination, so each peer has its own.
func (e *Engine) sendUnicast(in *instance, priority uint8) {
	source, seal := in.router.Config().Source, e.sealer(in, priority)
	var letters []letter
	for _, peer := range in.config.Router.Peers {
		pdu, err := seal(peer)
		if err != nil {
			in.reportSend(err, e.now())
			return
		}
		letters = append(letters, letter{source, peer, pdu})
	}
	e.outbox.addLetters(in, priority, letters)
}

// fastEvent takes what the fast path saw.
func (e *Engine) fastEvent(ev FastEvent) {
	p := e.bySlot[ev.Slot]
	switch {
	case p == nil:
		// Of an instance that is gone.
	case ev.Kind == AddressClaimed:
		e.claimedBy(p, ev)
	case ev.Kind == AddressAsked:
		e.answer(p, ev)
	case p == p.instance.place:
		e.advert(p.instance, ev)
		if p.instance.group.leased { // the router does not give way to it
			p.path.Resume(ev.At)
		}
	}
}

// answer answers a Neighbor Solicitation that the fast path could not answer
// without growing the frame.
func (e *Engine) answer(p *place, ev FastEvent) {
	if in := p.instance; !in.group.leased || in.group.machine.Joining(in.router) {
		return
	}
	question := netio.Solicitation{Source: ev.Source, Hardware: ev.Hardware, Target: ev.Target}
	e.outbox.addOther(p, netio.AppendSolicitedNA(nil, p.mac, question))
}

// advert parses again in full what the fast path let through. The stamp is read
// before and after: the router may follow somebody else from then on.
func (e *Engine) advert(in *instance, ev FastEvent) {
	family := in.config.Router.Family
	e.readStamp(in)
	in.hardware = ev.Hardware
	e.parse(in, vrrp.Instant(ev.At), vrrp.Packet{
		Family:      family,
		Source:      ev.Source,
		Destination: vrrp.GroupAddress(family),
		TTL:         ev.TTL,
		PDU:         ev.PDU,
	})
	e.readStamp(in)
}

func (e *Engine) parse(in *instance, at vrrp.Instant, p vrrp.Packet) {
	p.AnyFirstAddress, p.MayBeSigned = in.config.Router.AnyFirstAddress, in.config.Router.Auth != nil
	advert, err := vrrp.Parse(p)
	if err != nil {
		in.discarded(err, p.Source)
		return
	}
	proof, err := e.authenticate(in, at, p)
	if err != nil {
		return
	}
	copy(in.header[:], p.PDU)
	refused := in.stats.refused
	e.step(in, vrrp.AdvertReceived{Advert: advert, Source: p.Source, At: at, TTL: p.TTL})
	if in.stats.refused != refused {
		return
	}
	e.accepted(in, p.Source, proof)
	e.lesserHeard(in, advert)
	e.rivalHeard(in, p.Source, advert.Priority)
	if p.Unicast { // the fast path counts the others
		in.stats.countReceived(advert, in.router)
	}
}

// discarded counts an advert that was not accepted.
func (in *instance) discarded(reason error, source netip.Addr) {
	in.stats.discarded[reason.Error()]++
	in.log.Debug("advert discarded", "reason", reason, "source", source)
}

// unicastReady receives when adverts of peers are there; nil where there are none.
func (e *Engine) unicastReady() <-chan struct{} {
	if e.unicast == nil {
		return nil
	}
	return e.unicast.Ready()
}

func (e *Engine) drainUnicast() error {
	if e.unicast == nil {
		return nil
	}
	return e.unicast.Drain(e.unicastAdvert)
}

// unicastAdvert gives an advert that came by unicast to the instance that it is
// for. Those for nobody are somebody else's: the kernel gave us a copy.
func (e *Engine) unicastAdvert(p netio.UnicastPacket) {
	if len(p.PDU) < 2 {
		return
	}
	family, vrid := vrrp.FamilyOf(p.Source), p.PDU[1]
	at := slices.IndexFunc(e.instances, func(in *instance) bool {
		c := in.router.Config()
		return in.config.unicast() && c.Family == family && c.VRID == vrid && c.Source == p.Destination.WithZone("") &&
			(in.ifindex == p.Interface || !p.Destination.IsLinkLocalUnicast()) // VLANs of one NIC share that address
	})
	if at < 0 {
		return
	}
	in := e.instances[at]
	in.hardware = [6]byte{} // a socket does not tell
	e.parse(in, vrrp.Instant(p.At), vrrp.Packet{
		Family:      family,
		Source:      p.Source.WithZone(""),
		Destination: p.Destination.WithZone(""),
		TTL:         p.TTL,
		PDU:         p.PDU,
		Unicast:     true,
	})
}

// letter is an advert to one peer.
type letter struct {
	source, destination netip.Addr
	pdu                 []byte
}

// send hands the letters to the kernel. Each peer must have got one: the one
// that heard nothing is the one that takes over. But for a peer to which there
// is no way nothing can be done; it must not take the service down with it.
func (u letters) send(to Unicast) error {
	var errs []error
	for _, l := range u.letters {
		err := to.Send(u.instance.ifindex, l.source, l.destination, l.pdu)
		u.instance.reportRoute(l.destination, err)
		if !errors.Is(err, netio.ErrNoRoute) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
