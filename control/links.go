package control

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
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
	readings chan portReading
	mu       sync.Mutex
	ports    map[string]port // by the interface's name
	asked    map[string]bool
	wake     chan struct{}
	end      chan struct{}
	ended    sync.WaitGroup
}

// port is an interface that instances are on.
type port struct {
	ifindex  int          // as the fast path knows it; 0: not there
	virtual  []netip.Addr // not to be taken for the host's own
	families map[vrrp.Family]bool
	chosen   []netip.Addr // that unicast adverts are to be sent from
}

// portReading is an interface as it was read. Without a fault it can carry the
// adverts of the families for which there is a source.
type portReading struct {
	name    string
	ifindex int                        // as the fast path knew it when this was read
	mac     [6]byte                    // zero: not read
	sources map[vrrp.Family]netip.Addr // that adverts are sent from
	fault   string
	absent  []netip.Addr // of the chosen ones, those that the host does not have
	isDown  bool         // the link
	isNew   bool         // the interface was made anew, or is there at last
	err     error        // it could not be read; fault says why too
}

func newPortReader(links Links, instances []*instance, log *slog.Logger) *portReader {
	return &portReader{
		links:    links,
		log:      log,
		ports:    portsOf(instances),
		readings: make(chan portReading),
		asked:    make(map[string]bool),
		wake:     make(chan struct{}, 1),
		end:      make(chan struct{}),
	}
}

func portsOf(instances []*instance) map[string]port {
	ports := make(map[string]port)
	for _, in := range instances {
		for _, place := range in.places() {
			p := ports[place.iface]
			if p.families == nil {
				p.families = make(map[vrrp.Family]bool)
			}
			p.ifindex = place.ifindex
			if place == in.place {
				p.families[place.family] = true
			}
			if place == in.place && in.config.unicast() && in.config.Source.IsValid() {
				p.chosen = append(p.chosen, in.config.Source)
			}
			if in.config.Router.Priority != vrrp.OwnerPriority { // an owner's are the host's own
				p.virtual = append(p.virtual, place.addresses()...)
			}
			ports[place.iface] = p
		}
	}
	return ports
}

// set makes these the interfaces that are read, and has all that is new read.
func (r *portReader) set(ports map[string]port) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ports = ports
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
	for name, p := range r.ports {
		if ev.Resync || ev.Name == name || p.ifindex != 0 && ev.Index == p.ifindex {
			r.asked[name] = true
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
		for name := range r.take() {
			if !r.tell(r.read(name)) {
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
		r.log.Error("an interface cannot be read; trying again", "interface", reading.name, "error", reading.err)
		r.askAgain(reading.name)
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

// askAgain asks later; "": about all.
func (r *portReader) askAgain(name string) { r.askAfter(name, readAgainAfter) }

func (r *portReader) askAfter(name string, wait time.Duration) {
	time.AfterFunc(wait, func() { r.ask(netio.LinkEvent{Name: name, Resync: name == ""}) })
}

func (r *portReader) take() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = make(map[string]bool)
	return asked
}

// readAll reads every interface. Not while the reader runs.
func (r *portReader) readAll() []portReading {
	var all []portReading
	for name := range r.ports {
		reading := r.read(name)
		if reading.err != nil {
			r.askAgain(name)
		}
		all = append(all, reading)
	}
	return all
}

func (r *portReader) read(name string) portReading {
	r.mu.Lock()
	p := r.ports[name]
	r.mu.Unlock()
	return readPort(r.links, name, p)
}

func readPort(links Links, name string, p port) portReading {
	reading := portReading{name: name, ifindex: p.ifindex}
	link, err := links.Link(name)
	switch {
	case errors.Is(err, netio.ErrNoInterface):
		reading.fault = missing(p)
	case err != nil:
		reading.fault, reading.err = err.Error(), err
	case link.Index != p.ifindex:
		reading.fault, reading.isNew = "the interface is new: it is being attached to", true
	}
	if reading.fault != "" {
		return reading
	}
	reading.mac, reading.isDown = link.MAC, !link.Up
	reading.sources = make(map[vrrp.Family]netip.Addr)
	for family := range p.families {
		source, err := source(links, link.Index, family, p.virtual)
		switch {
		case err == nil:
			reading.sources[family] = source
		case !errors.Is(err, netio.ErrNoAddress):
			reading.fault, reading.err = err.Error(), err
		}
	}
	for _, a := range p.chosen {
		switch has, err := links.HasAddress(link.Index, a); {
		case err != nil:
			reading.fault, reading.err = err.Error(), err
		case !has:
			reading.absent = append(reading.absent, a)
		}
	}
	return reading
}

func missing(p port) string {
	if p.ifindex == 0 {
		return "the interface does not exist"
	}
	return "the interface is gone"
}

// source is the address that adverts of a family are sent from, RFC 9568
// §5.1.1.1 and §5.1.2.1.
func source(links Links, ifindex int, family vrrp.Family, virtual []netip.Addr) (netip.Addr, error) {
	if family == vrrp.IPv6 {
		return links.LinkLocalAddress(ifindex, virtual)
	}
	return links.PrimaryAddress(ifindex, virtual)
}

// outdated reports whether a reload has gone over to another interface of that
// name since the reading: what it says is about the one before.
func (r *portReader) outdated(p portReading) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, used := r.ports[p.name]
	return used && now.ifindex != p.ifindex
}

// portRead takes what was read.
func (e *Engine) portRead(p portReading) {
	if e.ports.outdated(p) {
		e.ports.ask(netio.LinkEvent{Name: p.name})
		return
	}
	if p.isNew {
		e.replug()
	}
	for _, in := range e.instances {
		for _, at := range in.places() {
			if at.iface == p.name {
				e.applyReading(at, p)
			}
		}
	}
}

func (e *Engine) applyReading(at *place, p portReading) {
	if p.mac != ([6]byte{}) {
		at.refreshDevice(p.mac)
	}
	in := at.instance
	if at != in.place {
		return
	}
	in.linkDown = p.isDown
	if slices.Contains(p.absent, in.config.Source) {
		e.ports.askAfter(in.iface, sourceGrace) // it may come on another interface
	}
	source, fault := in.sourceIn(p)
	if e.awaitsSource(in, fault) {
		return
	}
	if source.IsValid() && source != in.router.Config().Source {
		e.step(in, vrrp.SourceChanged{Source: source})
	}
	e.setLink(in, fault)
}

// sourceGrace is how long an instance goes on with the IPv4 source that it has
// when the interface has lost that address: whoever configures a network anew
// takes all addresses off, and puts them back. A link-local one only comes back
// with the link.
const sourceGrace = time.Second

// awaitsSource reports whether the fault may pass, and nothing is to be done yet.
func (e *Engine) awaitsSource(in *instance, fault string) bool {
	switch {
	case fault != noAddress:
		in.sourceless = 0
		return false
	case in.linkFault != "" || !in.router.Config().Source.IsValid():
		return false
	case in.sourceless == 0:
		in.sourceless = e.now()
		e.ports.askAfter(in.iface, sourceGrace)
	}
	return e.now().Sub(in.sourceless) < sourceGrace
}

const noAddress = "the interface has no address of its own"

// sourceIn is what this instance sends from, by what was read, or why it cannot
// send. Of multicast, which needs no socket, an address that the user has chosen
// is the user's business.
func (in *instance) sourceIn(p portReading) (source netip.Addr, fault string) {
	switch family := in.config.Router.Family; {
	case p.fault != "":
		return netip.Addr{}, p.fault
	case p.isDown && !in.config.IgnoreLink:
		return netip.Addr{}, "the link is down"
	case slices.Contains(p.absent, in.config.Source):
		return source, fmt.Sprintf("this host does not have the address %v, from which its adverts are to be sent", in.config.Source)
	case in.config.Source.IsValid():
		return in.config.Source, ""
	case p.sources[family].IsValid():
		return p.sources[family], ""
	case family == vrrp.IPv6:
		return source, "the interface has no link-local address of its own that can be used"
	}
	return source, noAddress
}

func (p *place) refreshDevice(mac [6]byte) {
	if mac == p.device {
		return
	}
	if err := p.path.SetDeviceMAC(mac); err != nil {
		p.instance.log.Error("the fast path does not know the interface's new address", "mac", FormatMAC(mac), "error", err)
		return
	}
	p.device = mac
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
