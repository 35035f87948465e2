package control

import (
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// portReader reads interfaces anew when the kernel says that they changed. It
// does so beside the loop: netlink waits for whoever reconfigures any interface
// of the host, and that can be longer than a lease.
type portReader struct {
	links    Links
	log      *slog.Logger
	ports    map[int]port // by ifindex
	readings chan portReading
	mu       sync.Mutex
	asked    map[int]bool
	wake     chan struct{}
	end      chan struct{}
	ended    sync.WaitGroup
}

// port is an interface that instances are on.
type port struct {
	name     string
	virtual  []netip.Addr // not to be taken for the host's own
	families map[vrrp.Family]bool
}

// portReading is an interface as it was read. Without a fault it can carry the
// adverts of the families for which there is a source.
type portReading struct {
	ifindex int
	mac     [6]byte                    // zero: not read
	sources map[vrrp.Family]netip.Addr // that adverts are sent from
	fault   string
	err     error // it could not be read; fault says why too
}

func newPortReader(links Links, instances []*instance, log *slog.Logger) *portReader {
	r := &portReader{
		links:    links,
		log:      log,
		ports:    make(map[int]port),
		readings: make(chan portReading),
		asked:    make(map[int]bool),
		wake:     make(chan struct{}, 1),
		end:      make(chan struct{}),
	}
	for _, in := range instances {
		p := r.ports[in.ifindex]
		if p.families == nil {
			p.families = make(map[vrrp.Family]bool)
		}
		p.name = in.config.Interface
		p.families[in.config.Router.Family] = true
		if in.config.Router.Priority != vrrp.OwnerPriority { // an owner's are the host's own
			p.virtual = append(p.virtual, in.config.Router.Addresses...)
		}
		r.ports[in.ifindex] = p
	}
	return r
}

func (r *portReader) run() { r.ended.Go(r.serve) }

func (r *portReader) finish() {
	close(r.end)
	r.ended.Wait()
}

// ask has read anew what the event is about. It never blocks, and what is asked
// for many times before it is read is read once.
func (r *portReader) ask(ev netio.LinkEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ifindex := range r.ports {
		if ev.Resync || ev.Index == ifindex {
			r.asked[ifindex] = true
		}
	}
	select {
	case r.wake <- struct{}{}:
	default: // awake already
	}
}

func (r *portReader) serve() {
	for {
		select {
		case <-r.wake:
		case <-r.end:
			return
		}
		for ifindex := range r.take() {
			if !r.tell(r.read(ifindex)) {
				return
			}
		}
	}
}

// tell gives a reading to the loop. A router does not step down because a
// question failed: what is known of the interface holds until it is answered.
// It is false when the reader ends.
func (r *portReader) tell(reading portReading) bool {
	if reading.err != nil {
		r.log.Error("an interface cannot be read; trying again", "interface", r.ports[reading.ifindex].name, "error", reading.err)
		r.askAgain(reading.ifindex)
		return true
	}
	select {
	case r.readings <- reading:
		return true
	case <-r.end:
		return false
	}
}

const readAgainAfter = 10 * time.Second

func (r *portReader) askAgain(ifindex int) {
	time.AfterFunc(readAgainAfter, func() { r.ask(netio.LinkEvent{Index: ifindex}) })
}

func (r *portReader) take() map[int]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = make(map[int]bool)
	return asked
}

// readAll reads every interface. Not while the reader runs.
func (r *portReader) readAll() []portReading {
	var all []portReading
	for ifindex := range r.ports {
		reading := r.read(ifindex)
		if reading.err != nil {
			r.askAgain(ifindex)
		}
		all = append(all, reading)
	}
	return all
}

func (r *portReader) read(ifindex int) portReading {
	p := r.ports[ifindex]
	reading := portReading{ifindex: ifindex}
	link, err := r.links.Link(p.name)
	switch {
	case errors.Is(err, netio.ErrNoInterface):
		reading.fault = "the interface is gone"
	case err != nil:
		reading.fault, reading.err = err.Error(), err
	case link.Index != ifindex:
		reading.fault = "the interface was made anew: restart vrrp-xdp"
	case !link.Up:
		reading.fault = "the link is down"
	}
	if reading.fault != "" {
		return reading
	}
	reading.mac = link.MAC
	reading.sources = make(map[vrrp.Family]netip.Addr)
	for family := range p.families {
		source, err := r.source(ifindex, family, p.virtual)
		switch {
		case err == nil:
			reading.sources[family] = source
		case !errors.Is(err, netio.ErrNoAddress):
			reading.fault, reading.err = err.Error(), err
		}
	}
	return reading
}

// source is the address that adverts of a family are sent from, RFC 9568
// §5.1.1.1 and §5.1.2.1.
func (r *portReader) source(ifindex int, family vrrp.Family, virtual []netip.Addr) (netip.Addr, error) {
	if family == vrrp.IPv6 {
		return r.links.LinkLocalAddress(ifindex, virtual)
	}
	return r.links.PrimaryAddress(ifindex, virtual)
}

// portRead takes what was read.
func (e *Engine) portRead(p portReading) {
	for _, in := range e.instances {
		if in.ifindex == p.ifindex {
			e.applyReading(in, p)
		}
	}
}

func (e *Engine) applyReading(in *instance, p portReading) {
	if p.mac != ([6]byte{}) {
		in.refreshDevice(p.mac)
	}
	source, fault := in.sourceIn(p)
	if source.IsValid() && source != in.router.Config().Source {
		e.step(in, vrrp.SourceChanged{Source: source})
	}
	e.setLink(in, fault)
}

// sourceIn is what this instance sends from, by what was read, or why it cannot
// send. An address that the user has chosen is the user's business.
func (in *instance) sourceIn(p portReading) (source netip.Addr, fault string) {
	if p.fault != "" {
		return netip.Addr{}, p.fault
	}
	if in.config.Source.IsValid() {
		return in.config.Source, ""
	}
	family := in.config.Router.Family
	switch source = p.sources[family]; {
	case source.IsValid():
		return source, ""
	case family == vrrp.IPv6:
		return source, "the interface has no link-local address of its own that can be used"
	}
	return source, "the interface has no address of its own"
}

func (in *instance) refreshDevice(mac [6]byte) {
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
