package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// eachSetting runs a test in both modes, at a slow and a fast interval; what waits
// for the slow one waits beside others.
func eachSetting(t *testing.T, test func(t *testing.T, p *gateway.Pair)) {
	for _, s := range settings {
		for _, advert := range []time.Duration{time.Second, 10 * time.Millisecond} {
			t.Run(s.String()+"/"+advert.String(), func(t *testing.T) {
				if advert == time.Second {
					t.Parallel()
				}
				test(t, start(t, s, advert))
			})
		}
	}
}

func TestTheGatewayWorks(t *testing.T) {
	checks := []struct {
		name  string
		check func(t testing.TB, p *gateway.Pair)
	}{
		{"the routers are attached as asked", checkMode},
		{"ping to the virtual address is answered by the master", checkPing},
		{"the client's neighbour is the virtual MAC", checkNeighbour},
		{"the virtual address is on the master only", func(t testing.TB, p *gateway.Pair) { checkAddresses(t, p, p.R1, p.R2) }},
		{"frames to the virtual MAC are forwarded to the server", checkForwarding},
		{"the master's own questions show the virtual MAC only", checkOwnQuestions},
		{"the log says Entering MASTER STATE on the master only", checkLog},
	}
	eachSetting(t, func(t *testing.T, p *gateway.Pair) {
		for _, c := range checks {
			t.Run(c.name, func(t *testing.T) {
				lab.Undisturbed(t, heldUp, func(t testing.TB) {
					must(t, p.Settle(p.R1, p.R2))
					c.check(t, p)
				})
			})
		}
	})
}

func checkMode(t testing.TB, p *gateway.Pair) {
	for _, r := range []*gateway.Router{p.R1, p.R2} {
		report, err := r.Status()
		must(t, err)
		for _, i := range report.Interfaces {
			if i.Mode != p.Setup.Mode || i.ModeReason == "" {
				t.Errorf("%s: %s is attached in mode %q, because %q", r.Name, i.Name, i.Mode, i.ModeReason)
			}
		}
	}
}

// answered pings until n echoes are answered, and reports.
func answered(t testing.TB, h *lab.Host, o lab.ProbeOptions, n int) *lab.Report {
	t.Helper()
	probe, err := h.Probe(o)
	must(t, err)
	must(t, probe.AwaitAnswers(n, 5*time.Second))
	return probe.Stop()
}

func checkPing(t testing.TB, p *gateway.Pair) {
	r := answered(t, p.Client, lab.ProbeOptions{Target: p.VIP}, 200)
	if r.Lost > 0 || r.Duplicates > 0 || r.Answers[p.R1.LAN.MAC] != r.Received {
		t.Errorf("lost %d, %d answered twice, answers %v; want all from r1, %v", r.Lost, r.Duplicates, r.Answers, p.R1.LAN.MAC)
	}
}

func checkNeighbour(t testing.TB, p *gateway.Pair) {
	mac, state, ok := p.Client.Neighbour("eth0", p.VIP)
	if want := p.VirtualMAC; !ok || mac != want {
		t.Errorf("neighbour is %v (%s), want %v", mac, state, want)
	}
}

func checkAddresses(t testing.TB, p *gateway.Pair, master, backup *gateway.Router) {
	t.Helper()
	if !master.Has(p.VIP, "eth0") || !master.Has(p.ServerVIP, "eth1") {
		t.Errorf("%s, the master, has %v and %v", master.Name, master.Addresses("eth0"), master.Addresses("eth1"))
	}
	if backup.Has(p.VIP, "eth0") || backup.Has(p.ServerVIP, "eth1") {
		t.Errorf("%s, the backup, has %v and %v", backup.Name, backup.Addresses("eth0"), backup.Addresses("eth1"))
	}
}

func checkForwarding(t testing.TB, p *gateway.Pair) {
	r := answered(t, p.Client, lab.ProbeOptions{Target: p.ServerIP}, 200)
	if r.Lost > 0 || r.Duplicates > 0 {
		t.Errorf("lost %d of %d, %d answered twice", r.Lost, r.Sent, r.Duplicates)
	}
}

// checkOwnQuestions makes the master's kernel resolve a neighbour from the
// virtual address, and looks at what it says on the wire.
func checkOwnQuestions(t testing.TB, p *gateway.Pair) {
	sniffer, err := p.R1.LAN.Sniff(nil)
	must(t, err)
	p.R1.FlushNeighbours()
	_, err = p.R1.Run("ping", "-c", "1", "-W", "2", "-I", p.VIP.String(), p.ClientIP.String())
	must(t, err)
	asked := 0
	for _, f := range sniffer.Stop() {
		claim, from, ok := claimed(p, f)
		if !ok || f.Direction != lab.In {
			continue
		}
		asked++
		if claim != p.VirtualMAC || from != p.VirtualMAC {
			t.Errorf("r1 claims the virtual address with %v, from %v", claim, from)
		}
	}
	if asked == 0 {
		t.Error("r1 sent no question from the virtual address: nothing was tested")
	}
	checkNeighbour(t, p)
}

// claimed tells with which MAC, and from which, a frame asks as the gateway's address.
func claimed(p *gateway.Pair, f lab.Frame) (claim, from lab.MAC, ok bool) {
	if p.Setup.IPv6 {
		nd, ok := lab.ParseND(f.Data)
		return nd.LinkLayer, nd.Source, ok && nd.SourceIP == p.VIP
	}
	arp, ok := lab.ParseARP(f.Data)
	return arp.SenderMAC, arp.Source, ok && arp.SenderIP == p.VIP
}

func checkLog(t testing.TB, p *gateway.Pair) {
	const line = `msg="Entering MASTER STATE" instance=vr10-eth0 interface=eth0 vrid=10 from=BACKUP reason=`
	if !contains(p.R1.Daemon.Log(), line) {
		t.Errorf("r1 does not log %s:\n%s", line, p.R1.Daemon.Log())
	}
	// It may have been first, and master until r1 was there.
	log := p.R2.Daemon.Log()
	if !contains(log[strings.LastIndex(log, "instance=vr10-eth0")-30:], "Entering BACKUP STATE") {
		t.Errorf("the last that r2 logs is not BACKUP:\n%s", log)
	}
}
