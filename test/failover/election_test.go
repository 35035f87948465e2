package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// eachSetting runs a test in both modes, at a slow and a fast interval.
func eachSetting(t *testing.T, test func(t *testing.T, p *gateway.Pair)) {
	for _, mode := range modes {
		for _, advert := range []time.Duration{time.Second, 10 * time.Millisecond} {
			t.Run(mode+"/"+advert.String(), func(t *testing.T) { test(t, start(t, mode, advert)) })
		}
	}
}

func TestTheGatewayWorks(t *testing.T) {
	eachSetting(t, func(t *testing.T, p *gateway.Pair) {
		t.Run("the routers are attached as asked", func(t *testing.T) { checkMode(t, p) })
		t.Run("ping to the virtual address is answered by the master", func(t *testing.T) { checkPing(t, p) })
		t.Run("the client's neighbour is the virtual MAC", func(t *testing.T) { checkNeighbour(t, p) })
		t.Run("the virtual address is on the master only", func(t *testing.T) { checkAddresses(t, p, p.R1, p.R2) })
		t.Run("frames to the virtual MAC are forwarded to the server", func(t *testing.T) { checkForwarding(t, p) })
		t.Run("the master's own ARP shows the virtual MAC only", func(t *testing.T) { checkOwnARP(t, p) })
		t.Run("the log says Entering MASTER STATE on the master only", func(t *testing.T) { checkLog(t, p) })
	})
}

func checkMode(t *testing.T, p *gateway.Pair) {
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
func answered(t *testing.T, h *lab.Host, o lab.ProbeOptions, n int) *lab.Report {
	t.Helper()
	probe, err := h.Probe(o)
	must(t, err)
	must(t, probe.AwaitAnswers(n, 5*time.Second))
	return probe.Stop()
}

func checkPing(t *testing.T, p *gateway.Pair) {
	r := answered(t, p.Client, lab.ProbeOptions{Target: gateway.VIP}, 200)
	if r.Lost > 0 || r.Duplicates > 0 || r.Answers[p.R1.LAN.MAC] != r.Received {
		t.Errorf("lost %d, %d answered twice, answers %v; want all from r1, %v", r.Lost, r.Duplicates, r.Answers, p.R1.LAN.MAC)
	}
}

func checkNeighbour(t *testing.T, p *gateway.Pair) {
	mac, state, ok := p.Client.Neighbour("eth0", gateway.VIP)
	if want := lab.VirtualMAC4(gateway.VRID); !ok || mac != want {
		t.Errorf("neighbour is %v (%s), want %v", mac, state, want)
	}
}

func checkAddresses(t *testing.T, p *gateway.Pair, master, backup *gateway.Router) {
	t.Helper()
	if !master.Has(gateway.VIP, "eth0") || !master.Has(gateway.ServerVIP, "eth1") {
		t.Errorf("%s, the master, has %v and %v", master.Name, master.Addresses("eth0"), master.Addresses("eth1"))
	}
	if backup.Has(gateway.VIP, "eth0") || backup.Has(gateway.ServerVIP, "eth1") {
		t.Errorf("%s, the backup, has %v and %v", backup.Name, backup.Addresses("eth0"), backup.Addresses("eth1"))
	}
}

func checkForwarding(t *testing.T, p *gateway.Pair) {
	r := answered(t, p.Client, lab.ProbeOptions{Target: gateway.ServerIP}, 200)
	if r.Lost > 0 || r.Duplicates > 0 {
		t.Errorf("lost %d of %d, %d answered twice", r.Lost, r.Sent, r.Duplicates)
	}
}

// checkOwnARP makes the master's kernel resolve a neighbour from the virtual
// address, and looks at what it says on the wire.
func checkOwnARP(t *testing.T, p *gateway.Pair) {
	sniffer, err := p.R1.LAN.Sniff(nil)
	must(t, err)
	p.R1.FlushNeighbours()
	_, err = p.R1.Run("ping", "-c", "1", "-W", "2", "-I", gateway.VIP.String(), "192.168.1.77")
	must(t, err)
	asked := 0
	for _, f := range sniffer.Stop() {
		arp, ok := lab.ParseARP(f.Data)
		if !ok || arp.SenderIP != gateway.VIP || f.Direction != lab.In {
			continue
		}
		asked++
		if virtual := lab.VirtualMAC4(gateway.VRID); arp.SenderMAC != virtual || arp.Source != virtual {
			t.Errorf("r1 claims the virtual address with %v, from %v", arp.SenderMAC, arp.Source)
		}
	}
	if asked == 0 {
		t.Error("r1 sent no ARP from the virtual address: nothing was tested")
	}
	checkNeighbour(t, p)
}

func checkLog(t *testing.T, p *gateway.Pair) {
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
