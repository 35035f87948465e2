package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const (
	// planned is the interval of planned switchovers.
	planned = 100 * time.Millisecond
	// heldUp is a pause of this machine that a planned handover need not survive.
	heldUp = planned / 10
	onLAN  = "vr10-eth0"
	onWAN  = "vr10-eth1"
)

// tell runs a command on the first router, and wants it to say something.
func tell(t testing.TB, p *gateway.Pair, says string, args ...string) {
	t.Helper()
	out, err := p.R1.Run(binary, args...)
	if err != nil || !contains(out, says) {
		t.Fatalf("vrrp-xdp %s: %v, %q; want %q; its log:\n%s", strings.Join(args, " "), err, out, says, p.R1.Daemon.Log())
	}
}

// underProbes does something while the gateway, and the server behind it, are
// asked all the time, and wants no echo to be lost or answered twice. It is done
// again where the machine paused; so it has to end as it began. It returns what
// answered as the gateway.
func underProbes(t testing.TB, p *gateway.Pair, do func()) map[lab.MAC]int {
	t.Helper()
	for range tries {
		gateway, server := probed(t, p, do)
		t.Logf("%d and %d echoes, lost %d and %d", gateway.Sent, server.Sent, gateway.Lost, server.Lost)
		if gateway.Lost+server.Lost > 0 && max(gateway.WorstPause, server.WorstPause) >= heldUp {
			t.Logf("measured again: this machine paused for %v: %+v %+v", max(gateway.WorstPause, server.WorstPause), gateway.Outages, server.Outages)
			continue
		}
		for _, r := range []*lab.Report{gateway, server} {
			if r.Lost > 0 || r.Duplicates > 0 {
				t.Errorf("lost %d of %d, %d answered twice: %+v", r.Lost, r.Sent, r.Duplicates, r.Outages)
			}
		}
		return gateway.Answers
	}
	t.Fatal("this machine pauses too often")
	return nil
}

func probed(t testing.TB, p *gateway.Pair, do func()) (gateway, server *lab.Report) {
	t.Helper()
	var probes []*lab.Prober
	for _, target := range []lab.ProbeOptions{{Target: p.VIP}, {Target: p.ServerIP}} {
		probe, err := p.Client.Probe(target)
		must(t, err)
		must(t, probe.AwaitAnswers(enough, 5*time.Second))
		probes = append(probes, probe)
	}
	do()
	for _, probe := range probes {
		must(t, probe.AwaitAnswers(enough, 5*time.Second))
	}
	return probes[0].Stop(), probes[1].Stop()
}

func checkBothAnswered(t testing.TB, p *gateway.Pair, answers map[lab.MAC]int) {
	t.Helper()
	if answers[p.R1.LAN.MAC] == 0 || answers[p.R2.LAN.MAC] == 0 {
		t.Errorf("nothing was handed over: answers are from %v", answers)
	}
}

func TestASwitchoverThereAndBackLosesNothing(t *testing.T) {
	for _, s := range settings {
		t.Run(s.String(), func(t *testing.T) {
			p := start(t, s, planned)
			checkBothAnswered(t, p, underProbes(t, p, func() {
				tell(t, p, onLAN+": handed over to ", "switchover", onLAN, "--until-told")
				must(t, p.R2.Await("MASTER", "eth0"))
				must(t, p.R1.Await("BACKUP", "eth0"))
				must(t, p.R1.Await("MASTER", "eth1"))
				tell(t, p, "BACKUP (switchover, until told)", "status")
				time.Sleep(10 * planned) // it would have preempted by now
				must(t, p.R1.Await("BACKUP", "eth0"))
				tell(t, p, "may become master again", "switchover", onLAN, "--end")
				must(t, p.Settle(p.R1, p.R2))
			}))
			if !contains(p.R1.Daemon.Log(), "reason=switchover peer=") {
				t.Errorf("the log does not say why:\n%s", p.R1.Daemon.Log())
			}
		})
	}
}

func TestASwitchoverOfAGroupThereAndBackLosesNothing(t *testing.T) {
	for _, s := range settings {
		t.Run(s.String(), func(t *testing.T) {
			p := startWith(t, s, planned, "--together")
			checkBothAnswered(t, p, underProbes(t, p, func() {
				tell(t, p, onWAN+": handed over to ", "switchover", onLAN, "--for", "2s")
				must(t, p.Settle(p.R2, p.R1))
				must(t, p.Settle(p.R1, p.R2)) // by itself
			}))
		})
	}
}

func TestMaintenanceOnAndOffLosesNothing(t *testing.T) {
	for _, s := range settings {
		t.Run(s.String(), func(t *testing.T) {
			p := start(t, s, planned)
			checkBothAnswered(t, p, underProbes(t, p, func() {
				tell(t, p, "kept out until maintenance off", "maintenance", "on")
				must(t, p.Settle(p.R2, p.R1))
				tell(t, p, "maintenance is over", "maintenance", "off")
				must(t, p.Settle(p.R1, p.R2))
			}))
		})
	}
}

func TestASwitchoverThatNobodyAnswersLosesNothing(t *testing.T) {
	for _, s := range settings {
		t.Run(s.String(), func(t *testing.T) {
			p := start(t, s, planned)
			must(t, p.R2.Daemon.Kill())
			underProbes(t, p, func() {
				out, err := p.R1.Run(binary, "switchover", onLAN)
				if err == nil || !contains(err.Error()+out, "exit status 1") || !contains(err.Error()+out, "it stays master") {
					t.Errorf("%v, %q", err, out)
				}
				must(t, p.R1.Await("MASTER"))
			})
		})
	}
}

func TestASwitchoverOutlivesAKilledDaemon(t *testing.T) {
	for _, s := range settings[:2] {
		t.Run(s.String(), func(t *testing.T) {
			p := startWith(t, s, planned, "--together")
			tell(t, p, onLAN+": handed over to ", "switchover", onLAN, "--until-told")
			must(t, p.Settle(p.R2, p.R1))
			answers := underProbes(t, p, func() {
				must(t, p.R1.Daemon.Kill())
				must(t, restart(p))
				must(t, p.R1.Await("BACKUP"))
				time.Sleep(10 * planned)
				tell(t, p, "BACKUP (switchover, until told)", "status")
			})
			if answers[p.R1.LAN.MAC] > 0 {
				t.Errorf("the killed router answers, though it is held: %v", answers)
			}
			tell(t, p, "may become master again", "switchover", onLAN, "--end")
			must(t, p.Settle(p.R1, p.R2))
		})
	}
}

func TestAnUnknownInstanceIsAUsageErrorThatListsThem(t *testing.T) {
	p := start(t, settings[1], planned)
	out, err := p.R1.Run(binary, "switchover", "VI_1")
	if err == nil || !contains(err.Error()+out, "exit status 2") || !contains(err.Error()+out, onLAN+", "+onWAN) {
		t.Errorf("%v, %q", err, out)
	}
}
