package interop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var vip = gateway.VIP

// protocol is a version and the interval that it is spoken at.
type protocol struct {
	version  int
	interval time.Duration
}

var protocols = []protocol{{2, time.Second}, {3, 100 * time.Millisecond}}

// activeDown is how long a backup of this priority waits, RFC 3768 §6.1 and RFC 9568 §6.1.
func (p protocol) activeDown(priority int) time.Duration {
	skew := time.Second
	if p.version == 3 {
		skew = p.interval
	}
	return 3*p.interval + time.Duration(256-priority)*skew/256
}

// pair is one of ours and one keepalived on a LAN, and a client.
type pair struct {
	t              *testing.T
	lab            *lab.Lab
	protocol       protocol
	mode           string
	ours, theirs   router
	client         *lab.Host
	ourPri, itsPri int
}

// router is either of them.
type router struct {
	host   *lab.Host
	nic    *lab.NIC
	daemon *lab.Daemon
}

func newPair(t *testing.T, p protocol, mode string, ours, theirs int) *pair {
	l := lab.ForTest(t)
	lan := l.Switch("lan")
	join := func(name, address string) router {
		h := l.Host(name)
		return router{host: h, nic: h.Connect(lan, "eth0", address)}
	}
	pair := &pair{t: t, lab: l, protocol: p, mode: mode, ourPri: ours, itsPri: theirs,
		ours: join("ours", "192.168.1.2/24"), theirs: join("theirs", "192.168.1.3/24"), client: l.Host("client")}
	pair.client.Connect(lan, "eth0", "192.168.1.77/24")
	return pair
}

func (p *pair) startOurs() {
	p.t.Helper()
	var err error
	p.ours.daemon, err = p.ours.host.Start(lab.Command{Path: binary, ViaIPNetns: true, Args: []string{"attach", "eth0",
		"--vrid", "10", "--vip", vip.String() + "/24", "--priority", fmt.Sprint(p.ourPri), "--mode", p.mode,
		"--version", fmt.Sprint(p.protocol.version), "--advert-int", p.protocol.interval.String(), "--web.listen-address", ""}})
	must(p.t, err)
}

func (p *pair) startTheirs() {
	p.t.Helper()
	var err error
	p.theirs.daemon, err = p.lab.Keepalived(p.theirs.host, fmt.Sprintf(`vrrp_instance lan {
    interface eth0
    virtual_router_id 10
    version %d
    priority %d
    advert_int %g
    virtual_ipaddress {
        %s/24
    }
}
`, p.protocol.version, p.itsPri, p.protocol.interval.Seconds(), vip))
	must(p.t, err)
}

// patience is how long an election or a handover may take, by far.
func (p *pair) patience() time.Duration { return 2*p.protocol.activeDown(1) + 3*time.Second }

// masters waits until one is master and the other, if it runs, is backup, by
// what both log, and looks at what follows from it: who has the address, and
// who answers the client.
func (p *pair) masters(since time.Time, master, backup *router) {
	p.t.Helper()
	_, err := master.daemon.WaitLine(since, p.patience(), "Entering MASTER STATE")
	must(p.t, err)
	if backup != nil {
		_, err := backup.daemon.WaitLine(since, p.patience(), "Entering BACKUP STATE")
		must(p.t, err)
	}
	p.checkService(master)
}

func (p *pair) checkService(master *router) {
	p.t.Helper()
	probe, err := p.client.Probe(lab.ProbeOptions{Target: vip, Interval: 5 * time.Millisecond})
	must(p.t, err)
	must(p.t, probe.AwaitAnswers(20, p.patience()))
	from := time.Now()
	must(p.t, probe.AwaitAnswers(20, p.patience()))
	r := probe.Stop().Between(from, time.Now())
	if r.Duplicates > 0 || r.Answers[master.nic.MAC] != r.Received || r.Received == 0 {
		p.t.Errorf("answers are from %v, want all from %s, %v", r.Answers, master.host.Name, master.nic.MAC)
	}
	for _, each := range []*router{&p.ours, &p.theirs} {
		if has(each, vip) != (each == master) && each.daemon != nil && each.daemon.Running() {
			p.t.Errorf("%s is master, and %s has %v", master.host.Name, each.host.Name, each.host.Addresses("eth0"))
		}
	}
}

func has(r *router, vip netip.Addr) bool {
	for _, a := range r.host.Addresses("eth0") {
		if a.Addr() == vip {
			return true
		}
	}
	return false
}

func eachProtocol(t *testing.T, test func(t *testing.T, p protocol, mode string)) {
	for i, p := range protocols {
		for _, mode := range []string{"native", "tc"} {
			t.Run(fmt.Sprintf("v%d/%s", protocols[i].version, mode), func(t *testing.T) { test(t, p, mode) })
		}
	}
}

func TestWithTheHigherPriorityWePreemptKeepalivedAndHandBackToIt(t *testing.T) {
	eachProtocol(t, func(t *testing.T, pr protocol, mode string) {
		p := newPair(t, pr, mode, 120, 100)
		at := time.Now()
		p.startTheirs()
		p.masters(at, &p.theirs, nil)

		at = time.Now()
		p.startOurs()
		p.masters(at, &p.ours, &p.theirs) // preempted

		at = time.Now()
		must(t, p.ours.daemon.Stop())
		p.masters(at, &p.theirs, nil)
		p.within(at, &p.theirs, pr.activeDown(100)-3*pr.interval+margin, "after our priority 0")

		at = time.Now()
		p.startOurs()
		p.masters(at, &p.ours, &p.theirs)

		at = time.Now()
		must(t, p.ours.daemon.Kill())
		p.masters(at, &p.theirs, nil)
	})
}

func TestWithTheLowerPriorityWeTakeOverFromKeepalivedAndGiveBack(t *testing.T) {
	eachProtocol(t, func(t *testing.T, pr protocol, mode string) {
		p := newPair(t, pr, mode, 100, 120)
		at := time.Now()
		p.startOurs()
		p.masters(at, &p.ours, nil)

		at = time.Now()
		p.startTheirs()
		p.masters(at, &p.theirs, &p.ours) // we are preempted

		at = time.Now()
		must(t, p.theirs.daemon.Stop())
		p.masters(at, &p.ours, nil)
		p.within(at, &p.ours, pr.activeDown(100)-3*pr.interval+margin, "after its priority 0")

		at = time.Now()
		p.startTheirs()
		p.masters(at, &p.theirs, &p.ours)

		at = time.Now()
		p.theirs.nic.Cut() // a killed keepalived leaves its address behind, and answers
		must(t, p.theirs.daemon.Kill())
		p.masters(at, &p.ours, nil)
		p.within(at, &p.ours, pr.activeDown(100)+margin, "after it died")
	})
}

// margin is what a daemon's log line may be late: it says when it was read.
const margin = 50 * time.Millisecond

// within wants the takeover at most d after the fault.
func (p *pair) within(at time.Time, r *router, d time.Duration, why string) {
	p.t.Helper()
	line, err := r.daemon.WaitLine(at, time.Second, "Entering MASTER STATE")
	must(p.t, err)
	took := line.At.Sub(at)
	p.t.Logf("%s took over %v %s; allowed are %v", r.host.Name, took, why, d)
	if took > d {
		p.t.Errorf("%s took over %v %s, want at most %v", r.host.Name, took, why, d)
	}
}

func TestAnObserverTellsWhoSpeaksAndChangesNothing(t *testing.T) {
	for _, mode := range []string{"native", "tc"} {
		t.Run(mode, func(t *testing.T) {
			p := newPair(t, protocol{3, 100 * time.Millisecond}, mode, 0, 150)
			p.startTheirs()
			observer, err := p.ours.host.Start(lab.Command{Path: binary, ViaIPNetns: true, Args: []string{"attach", "eth0", "--mode", mode, "--web.listen-address", ""}})
			must(t, err)
			p.ours.daemon = observer
			must(t, observer.WaitLog(p.patience(), `msg="heard a virtual router" interface=eth0 vrid=10 family=ipv4 version=3 master=192.168.1.3 priority=150 advert_int=100ms address=192.168.1.1`))
			p.checkService(&p.theirs)
			at := time.Now()
			must(t, p.theirs.daemon.Stop())
			_, err = observer.WaitLine(at, p.patience(), "fell silent")
			must(t, err)
		})
	}
}
