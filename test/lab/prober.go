package lab

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// DefaultProbeInterval is the time between two echoes of a Prober.
const DefaultProbeInterval = 500 * time.Microsecond

// DefaultLinger is how long Prober.Stop waits for answers that are still under way.
const DefaultLinger = 200 * time.Millisecond

// ProbeOptions say what a Prober does.
type ProbeOptions struct {
	Target   netip.Addr    // IPv4 or IPv6 address to ping; a link-local one with the NIC as its zone, fe80::1%eth0
	Interval time.Duration // DefaultProbeInterval when 0
	Linger   time.Duration // DefaultLinger when 0
	// NextHop, when valid, is the gateway to Target: Probe adds a host route through it, Stop removes the route.
	NextHop netip.Addr
}

// Prober sends ICMP echoes from a host at a fixed rate and records who answers each. Echoes go the way of any packet of
// that host (routes, neighbour table); answers are captured as frames, with the kernel's arrival time.
type Prober struct {
	host    *Host
	options ProbeOptions
	codec   echoCodec
	socket  int
	to      unix.Sockaddr
	route   *netlink.Route
	pacer   *pacer
	capture *capture

	mu         sync.Mutex
	sent       []time.Duration // when echo i left, on the pacer's clock
	sendErrors int
	lastError  error
	replies    []Reply
	hasAnswer  map[int]bool
	marks      []Mark
	progress   chan struct{} // poked, never blocking, with each reply

	once   sync.Once
	report *Report
}

// Mark is a named moment of a run.
type Mark struct {
	Label string
	At    time.Time
}

// Probe starts a Prober. The caller must Stop it; Lab.Close does, too.
func (h *Host) Probe(options ProbeOptions) (*Prober, error) {
	if !options.Target.IsValid() {
		return nil, fmt.Errorf("probe from %s: no target", h.Name)
	}
	if options.Interval == 0 {
		options.Interval = DefaultProbeInterval
	}
	if options.Linger == 0 {
		options.Linger = DefaultLinger
	}
	p := &Prober{
		host: h, options: options, codec: newEchoCodec(options.Target), socket: -1,
		hasAnswer: map[int]bool{}, progress: make(chan struct{}, 1),
	}
	if err := p.start(); err != nil {
		p.tidyUp()
		return nil, fmt.Errorf("probe from %s to %s: %w", h.Name, options.Target, err)
	}
	h.lab.onClose(func() { p.Stop() })
	return p, nil
}

func (p *Prober) start() (err error) {
	if p.options.NextHop.IsValid() {
		target := netip.PrefixFrom(p.options.Target, p.options.Target.BitLen())
		route := &netlink.Route{Dst: ipNet(target), Gw: p.options.NextHop.AsSlice()}
		if err := p.host.ns.nl.RouteAdd(route); err != nil {
			return fmt.Errorf("route via %s: %w", p.options.NextHop, err)
		}
		p.route = route
	}
	if p.socket, err = openEchoSocket(p.host.ns, p.options.Target); err != nil {
		return err
	}
	if p.capture, err = startCapture(p.host.ns, p.codec.capture(), p.receive); err != nil {
		return err
	}
	if p.to, err = p.host.socketAddress(p.options.Target); err != nil {
		return err
	}
	p.pacer, err = startPacer(p.options.Interval, p.sender())
	return err
}

// sender returns the pacer's tick. An echo that the kernel refuses (no route, no neighbour, link down) was sent and lost
// as far as a client is concerned.
func (p *Prober) sender() func(time.Duration) {
	to := p.to
	sequence := 0
	return func(at time.Duration) {
		p.mu.Lock()
		p.sent = append(p.sent, at)
		p.mu.Unlock()
		err := unix.Sendto(p.socket, p.codec.request(sequence), 0, to)
		sequence++
		if err != nil {
			p.mu.Lock()
			p.sendErrors, p.lastError = p.sendErrors+1, err
			p.mu.Unlock()
		}
	}
}

func (p *Prober) receive(frame packet) {
	sequence, ttl, ok := p.codec.reply(frame.data)
	if !ok {
		return
	}
	p.mu.Lock()
	p.replies = append(p.replies, Reply{Sequence: sequence, At: frame.at, MAC: MAC(frame.data[6:12]), TTL: ttl})
	p.hasAnswer[sequence] = true
	p.mu.Unlock()
	select {
	case p.progress <- struct{}{}:
	default:
	}
}

// Mark names the present moment and returns it. Call it just before the event: Report.Phase cuts the run at the marks.
func (p *Prober) Mark(label string) time.Time {
	m := Mark{Label: label, At: time.Now()}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks = append(p.marks, m)
	return m.At
}

// AwaitAnswers waits until n more echoes than now have been answered: "the service is up again".
func (p *Prober) AwaitAnswers(n int, timeout time.Duration) error {
	target := p.answeredEchoes() + n
	if !p.await(target, timeout) {
		return fmt.Errorf("probe from %s to %s: fewer than %d echoes answered within %v", p.host.Name, p.options.Target, n, timeout)
	}
	return nil
}

func (p *Prober) answeredEchoes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hasAnswer)
}

func (p *Prober) await(answered int, timeout time.Duration) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for p.answeredEchoes() < answered {
		select {
		case <-p.progress:
		case <-timer.C:
			return p.answeredEchoes() >= answered
		}
	}
	return true
}

// Stop ends the run, waits for answers under way (at most Linger) and reports. It may be called more than once.
func (p *Prober) Stop() *Report {
	p.once.Do(func() {
		p.pacer.stop()
		p.await(len(p.sent), p.options.Linger)
		p.tidyUp()
		p.report = newReport(p)
	})
	return p.report
}

// tidyUp releases what start got hold of, however far it came.
func (p *Prober) tidyUp() {
	if p.capture != nil {
		p.capture.stop()
	}
	if p.socket >= 0 {
		unix.Close(p.socket)
	}
	if p.route != nil {
		_ = p.host.ns.nl.RouteDel(p.route) // it is gone when its interface went down
	}
}
