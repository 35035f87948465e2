package control

import (
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// linkEvent takes what the kernel says about interfaces.
func (e *Engine) linkEvent(ev netio.LinkEvent) {
	for _, in := range e.instances {
		switch {
		case !ev.Resync && ev.Index != in.ifindex:
		case ev.Deleted:
			e.setLink(in, "the interface is gone")
		default:
			e.refreshLink(in)
		}
	}
}

// refreshLink reads the interface anew: its link, its MAC and the address that
// adverts are sent from.
func (e *Engine) refreshLink(in *instance) {
	link, err := e.world.Links.Link(in.config.Interface)
	switch {
	case err != nil:
		e.setLink(in, err.Error())
		return
	case link.Index != in.ifindex:
		e.setLink(in, "the interface was made anew")
		return
	case !link.Up:
		e.setLink(in, "the link is down")
		return
	}
	e.refreshDevice(in, link.MAC)
	source, err := e.world.Links.PrimaryAddress(in.ifindex, in.addresses())
	if err != nil {
		e.setLink(in, err.Error())
		return
	}
	if source != in.router.Config().Source {
		e.step(in, vrrp.SourceChanged{Source: source})
	}
	e.setLink(in, "")
}

func (e *Engine) refreshDevice(in *instance, mac [6]byte) {
	if mac == in.device {
		return
	}
	if err := in.path.SetDeviceMAC(mac); err != nil {
		in.log.Error("the fast path does not know the interface's new address", "mac", FormatMAC(mac), "error", err)
		return
	}
	in.device = mac
}

// setLink tells the router when the link becomes usable (no fault), or unusable.
func (e *Engine) setLink(in *instance, fault string) {
	was := in.linkFault
	in.linkFault = fault
	switch {
	case was == "" && fault != "":
		e.step(in, vrrp.LinkDown{})
	case was != "" && fault == "":
		e.step(in, vrrp.LinkUp{})
	}
}
