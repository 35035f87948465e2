package interop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// pair is one of ours and one of theirs on a LAN, and a client.
type pair struct {
	variant
	t         testing.TB
	lan       *lab.Switch
	mode      string // how ours attaches
	higher    bool   // ours has the higher addresses
	ours      *lab.NIC
	ourSource netip.Addr
	args      []string // of ours
	priority  uint8    // of ours
	daemon    *lab.Daemon
	theirs    *lab.NIC
	peer      peer
	client    *lab.NIC
	wire      *lab.Sniffer // the adverts of both
	began     time.Time    // before the last thing that was done to one of them
}

func newPair(t testing.TB, v variant, mode string, weAreHigher bool) *pair {
	l := lab.ForTest(t)
	p := &pair{variant: v, t: t, lan: l.Switch("lan"), mode: mode, higher: weAreHigher}
	connect := func(name string, n int) *lab.NIC {
		return l.Host(name).Connect(p.lan, "eth0", fmt.Sprintf("192.0.2.%d/24", n), fmt.Sprintf("2001:db8::%d/64", n))
	}
	own, other := 1, 2 // the lab's n-th NIC gets the n-th addresses, link-local ones too
	if weAreHigher {
		own, other = 2, 1
		p.theirs = connect("theirs", other)
	}
	p.ours = connect("ours", own)
	if !weAreHigher {
		p.theirs = connect("theirs", other)
	}
	p.client = connect("client", 3)
	p.peer, p.args, p.ourSource = v.peer(p.theirs, other, own), v.ourFlags(own, other), p.chooseSource(own)
	var err error
	p.wire, err = p.lan.Sniff(lab.SentVRRP)
	p.must(err)
	return p
}

// chooseSource tells what our adverts come from.
func (p *pair) chooseSource(own int) netip.Addr {
	switch {
	case p.source == frrSource: // as link-local as any, but ordered with theirs by the last number
		_, err := p.ours.Host.Run("ip", "addr", "add", fmt.Sprint(p.source, own, "/64"), "dev", p.ours.Name, "nodad")
		p.must(err)
		return netip.MustParseAddr(fmt.Sprint(p.source, own))
	case p.source != "":
		return netip.MustParseAddr(fmt.Sprint(p.source, own))
	case p.vip().Is6():
		return p.ours.LinkLocal()
	}
	return netip.MustParseAddr(fmt.Sprint(ipv4Source, own))
}

func (p *pair) String() string { return p.name + ", " + p.mode }

func (p *pair) errorf(format string, args ...any) {
	p.t.Helper()
	p.t.Errorf("%s: %s", p, fmt.Sprintf(format, args...))
}

func (p *pair) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p, err)
	}
}

func (p *pair) vip() netip.Addr { return p.advert.Addresses[len(p.advert.Addresses)-1] }

func (p *pair) virtualMAC() lab.MAC {
	return lab.MAC(vrrp.VirtualMAC(vrrp.FamilyOf(p.vip()), p.advert.VRID))
}

func (p *pair) startOurs(priority uint8) {
	p.t.Helper()
	p.priority, p.began = priority, time.Now()
	args := []string{"attach", "eth0", "--mode", p.mode, "--web.listen-address", "", "--vrid", fmt.Sprint(p.advert.VRID),
		"--priority", fmt.Sprint(priority), "--version", fmt.Sprint(p.advert.Version), "--advert-int", p.advert.Interval.String()}
	for _, a := range p.advert.Addresses {
		args = append(args, "--vip", prefixOf(a).String())
	}
	var err error
	p.daemon, err = p.ours.Host.Start(lab.Command{Name: "vrrp-xdp", Path: binary, Args: append(args, p.args...), ViaIPNetns: true})
	p.must(err)
}

func (p *pair) startTheirs(priority uint8) {
	p.t.Helper()
	p.do(func() error { return p.peer.start(priority) })
}

// do is something after which adverts are expected.
func (p *pair) do(something func() error) {
	p.t.Helper()
	p.began = time.Now()
	p.must(something())
}

// weAreGone waits for our exit: a leaving master serves until it has heard the next one.
func (p *pair) weAreGone() {
	p.t.Helper()
	status, err := p.daemon.Wait(patience)
	p.must(err)
	if status != 0 {
		p.errorf("ours exited with status %d; its log:\n%s", status, p.daemon.Log())
	}
}

// meet lets the two resolve each other: a peer that cannot be resolved is not spoken to.
func (p *pair) meet() {
	p.t.Helper()
	if p.unicast {
		_, err := p.theirs.Host.Run("ping", "-n", "-c", "1", "-W", "2", p.ourSource.String())
		p.must(err)
	}
}

// ourStatus is what our daemon says of itself, and wants it to be attached as it was told.
func (p *pair) ourStatus() (control.InstanceStatus, error) {
	var none control.InstanceStatus
	report, err := gateway.Ask(p.ours.Host)
	if err != nil {
		return none, err
	}
	if len(report.Instances) != 1 || len(report.Interfaces) != 1 || report.Interfaces[0].Mode != p.mode {
		return none, fmt.Errorf("want one instance, on one interface, attached as %s: %+v", p.mode, report)
	}
	return report.Instances[0], nil
}

// awaitOurs waits until our status has this state, and this one's advert as the master's.
func (p *pair) awaitOurs(state string, master lab.Frame) {
	p.t.Helper()
	advert, _ := lab.ParseVRRP(master.Data)
	want := control.MasterStatus{Address: advert.SourceIP.String(), Priority: advert.Priority()}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		s, err := p.ourStatus()
		if err == nil && s.State == state && s.Master != nil && *s.Master == want {
			return
		}
		if time.Now().After(deadline) {
			p.must(fmt.Errorf("ours is %q under %+v, want %s under %+v: %v", s.State, s.Master, state, want, err))
		}
	}
}

// weAreMaster wants both to say so, and the client to see so; alone: theirs does not run.
func (p *pair) weAreMaster(alone bool) {
	p.t.Helper()
	p.awaitOurs("MASTER", p.speaks(p.ours, p.priority))
	if !alone {
		p.must(p.peer.await(false))
	}
	p.servedBy(p.ours, p.virtualMAC())
}

// theyAreMaster is the same for theirs.
func (p *pair) theyAreMaster(priority uint8, alone bool) {
	p.t.Helper()
	p.must(p.peer.await(true))
	master := p.speaks(p.theirs, priority)
	if !alone {
		p.awaitOurs("BACKUP", master)
	}
	if p.unlike {
		p.servedBy(p.theirs, p.theirs.MAC)
		return
	}
	p.servedBy(p.theirs, p.virtualMAC())
}

// servedBy asks for the address for a while, and wants this host alone to answer.
func (p *pair) servedBy(nic *lab.NIC, mac lab.MAC) {
	p.t.Helper()
	watch := p.lan.WatchARP
	if p.vip().Is6() {
		watch = p.lan.WatchND
	}
	w, err := watch(p.client, p.vip(), 5*time.Millisecond)
	p.must(err)
	p.must(w.AwaitAnswers(10, patience))
	report := w.Stop()
	if owners := report.Owners(); len(owners) != 1 || owners[0].Host != nic.Host.Name || owners[0].MAC != mac {
		p.errorf("%s belongs to %+v, want %s with %s", p.vip(), owners, nic.Host.Name, mac)
	}
	if double := report.DoubleAnswers(); len(double) > 0 {
		p.errorf("%d of %d questions were answered twice", len(double), report.Requests)
	}
}
