package interop

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// pair is one of ours and one of theirs on a LAN, and a client.
type pair struct {
	t      *testing.T
	lan    *lab.Switch
	mode   string
	advert vrrp.Advert // what both are told, but for the priority
	flags  []string    // what ours is told besides
	unlike bool        // theirs does not use the virtual MAC
	ours   *lab.NIC
	daemon *lab.Daemon
	theirs *lab.NIC
	peer   peer
	client *lab.NIC
	sent   *lab.Sniffer // adverts of ours, for the third party
	wire   *lab.Sniffer // adverts of both
}

// newPair builds it; ourPlace says who has the higher addresses.
func newPair(t *testing.T, v variant, mode string, weAreHigher bool) *pair {
	l := lab.ForTest(t)
	p := &pair{t: t, lan: l.Switch("lan"), mode: mode, advert: v.advert, unlike: v.unlike}
	connect := func(name string, n int) *lab.NIC {
		return l.Host(name).Connect(p.lan, "eth0", fmt.Sprintf("192.0.2.%d/24", n), fmt.Sprintf("2001:db8::%d/64", n))
	}
	low, high := 1, 2
	if weAreHigher {
		p.theirs, p.ours = connect("theirs", low), connect("ours", high)
		p.flags, p.peer = v.flags(high, low), v.peer(p.theirs, low, high)
	} else {
		p.ours, p.theirs = connect("ours", low), connect("theirs", high)
		p.flags, p.peer = v.flags(low, high), v.peer(p.theirs, high, low)
	}
	p.client = connect("client", 3)
	var err error
	p.sent, err = p.ours.Sniff(lab.SentVRRP)
	must(t, err)
	p.wire, err = p.lan.Sniff(lab.SentVRRP)
	must(t, err)
	return p
}

func (p *pair) vip() netip.Addr { return p.advert.Addresses[len(p.advert.Addresses)-1] }

func (p *pair) startOurs(priority uint8) {
	p.t.Helper()
	args := []string{"attach", "eth0", "--mode", p.mode, "--web.listen-address", "", "--vrid", fmt.Sprint(p.advert.VRID),
		"--priority", fmt.Sprint(priority), "--version", fmt.Sprint(p.advert.Version), "--advert-int", p.advert.Interval.String()}
	for _, a := range p.advert.Addresses {
		args = append(args, "--vip", prefixOf(a).String())
	}
	var err error
	p.daemon, err = p.ours.Host.Start(lab.Command{Name: "vrrp-xdp", Path: binary, Args: append(args, p.flags...), ViaIPNetns: true})
	must(p.t, err)
}

func (p *pair) status() (control.InstanceStatus, error) {
	out, err := p.ours.Host.Run(binary, "status", "--json")
	if err != nil {
		return control.InstanceStatus{}, err
	}
	var report control.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Instances) != 1 {
		return control.InstanceStatus{}, fmt.Errorf("status: %w\n%s", err, out)
	}
	return report.Instances[0], nil
}

// awaitOurs waits for our state, by what we say of ourselves.
func (p *pair) awaitOurs(state string) control.InstanceStatus {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s, err := p.status()
		if err == nil && s.State == state {
			return s
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("ours is %q, want %s: %v; its log:\n%s", s.State, state, err, p.daemon.Log())
		}
	}
}

// weAreMaster wants both to say so, and the client to see so; alone: theirs does not run.
func (p *pair) weAreMaster(alone bool) {
	p.t.Helper()
	s := p.awaitOurs("MASTER")
	if !alone {
		p.peer.await(p.t, false)
	}
	if s.Master == nil || s.Master.Priority != s.Priority {
		p.t.Errorf("we are master, and say that %v is", s.Master)
	}
	p.servedBy(p.ours, lab.MAC(vrrp.VirtualMAC(vrrp.FamilyOf(p.vip()), p.advert.VRID)))
}

// theyAreMaster is the same for theirs.
func (p *pair) theyAreMaster(alone bool) {
	p.t.Helper()
	p.peer.await(p.t, true)
	if !alone {
		s := p.awaitOurs("BACKUP")
		for deadline := time.Now().Add(patience); s.Master == nil; s, _ = p.status() {
			if time.Now().After(deadline) {
				p.t.Fatal("we are backup, and have heard of no master")
			}
		}
	}
	mac := lab.MAC(vrrp.VirtualMAC(vrrp.FamilyOf(p.vip()), p.advert.VRID))
	if p.unlike {
		mac = p.theirs.MAC
	}
	p.servedBy(p.theirs, mac)
}

// servedBy asks for the address for a while, and wants this host alone to answer.
func (p *pair) servedBy(nic *lab.NIC, mac lab.MAC) {
	p.t.Helper()
	watch := p.lan.WatchARP
	if p.vip().Is6() {
		watch = p.lan.WatchND
	}
	w, err := watch(p.client, p.vip(), 10*time.Millisecond)
	must(p.t, err)
	must(p.t, w.AwaitAnswers(10, patience))
	report := w.Stop()
	if owners := report.Owners(); len(owners) != 1 || owners[0].Host != nic.Host.Name || owners[0].MAC != mac {
		p.t.Errorf("%s belongs to %+v, want %s with %s", p.vip(), owners, nic.Host.Name, mac)
	}
	if double := report.DoubleAnswers(); len(double) > 0 {
		p.t.Errorf("%d of %d questions were answered twice", len(double), report.Requests)
	}
}

// skew is Skew_Time and down Active_Down_Interval of a router of this priority.
func (p *pair) skew(priority uint8) time.Duration {
	unit := p.advert.Interval
	if p.advert.Version == vrrp.V2 {
		unit = time.Second
	}
	return time.Duration(256-int(priority)) * unit / 256
}

func (p *pair) down(priority uint8) time.Duration { return 3*p.advert.Interval + p.skew(priority) }

// last is the last advert that this NIC has sent.
func (p *pair) last(nic *lab.NIC) (last lab.Frame) {
	p.t.Helper()
	for _, f := range p.wire.Frames() {
		if f.Host == nic.Host.Name {
			last = f
		}
	}
	if last.Data == nil {
		p.t.Fatalf("%s has sent no advert", nic.Host.Name)
	}
	return last
}

// farewell is the first advert of priority 0 from this NIC.
func (p *pair) farewell(nic *lab.NIC) lab.Frame {
	p.t.Helper()
	f, err := p.wire.Await(patience, func(f lab.Frame) bool {
		advert, _ := lab.ParseVRRP(f.Data)
		return f.Host == nic.Host.Name && advert.Priority() == 0
	})
	must(p.t, err)
	return f
}

// takesOver wants the first advert of nic after that of before, within a time of it.
func (p *pair) takesOver(nic *lab.NIC, before lab.Frame, most time.Duration, what string) {
	p.t.Helper()
	first, err := p.wire.Await(patience, func(f lab.Frame) bool { return f.Host == nic.Host.Name && f.At.After(before.At) })
	must(p.t, err)
	took := first.At.Sub(before.At)
	p.t.Logf("%s: %s took over %v after the last advert; allowed are %v", what, nic.Host.Name, took, most)
	if took > most {
		p.t.Errorf("%s: %s took over %v after the last advert, want at most %v", what, nic.Host.Name, took, most)
	}
}

// checkSent has a third party look at every advert that we have sent.
func (p *pair) checkSent() {
	p.t.Helper()
	frames := p.sent.Stop()
	if len(frames) < 3 {
		p.t.Fatalf("we have sent only %d adverts", len(frames))
	}
	packets, err := lab.Dissect(frames, lab.WithPseudoHeader)
	must(p.t, err)
	for _, d := range packets {
		if len(d.Expert) > 0 || !d.IsVRRP() || !d.ChecksumGood || d.TTL != vrrp.TTL || d.Reserved != 0 || d.Interval != p.advert.Interval {
			p.t.Fatalf("tshark on our advert: %+v", d)
		}
	}
}
