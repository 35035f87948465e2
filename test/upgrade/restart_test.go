package upgrade

import (
	"syscall"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// enough echoes before and after, at 2,000 a second.
const enough = 1000

// ways in which a daemon ends that is to come back.
var ways = []struct {
	name string
	end  func(*lab.Daemon) error
}{
	{"SIGKILL", (*lab.Daemon).Kill},
	{"SIGQUIT", func(d *lab.Daemon) error { return d.Signal(syscall.SIGQUIT) }},
}

// restart ends the first router's daemon, and starts it again at once.
func restart(t testing.TB, p *gateway.Pair, end func(*lab.Daemon) error) {
	t.Helper()
	must(t, end(p.R1.Daemon))
	_, err := p.R1.Daemon.Wait(5 * time.Second)
	must(t, err)
	must(t, p.R1.Start())
}

func TestARestartWithinTheLeaseIsNotNoticed(t *testing.T) {
	for i, s := range settings(time.Second) {
		for j, w := range ways {
			if i/2 == (i+j)%2 {
				continue // either way in either mode and for either family, but not all of all
			}
			t.Run(s.String()+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				p := start(t, s)
				before := transitions(t, p.R2)
				probe, err := p.Client.Probe(lab.ProbeOptions{Target: p.VIP})
				must(t, err)
				must(t, probe.AwaitAnswers(enough, 5*time.Second))
				for range 2 {
					restart(t, p, w.end)
					must(t, p.R1.Await("MASTER"))
					if r := status(t, p.R1); !hasResumed(r) {
						t.Errorf("it did not resume: %+v", r.Instances[0].LastTransition)
					}
					must(t, probe.AwaitAnswers(enough, 5*time.Second))
				}
				time.Sleep(p.ActiveDown(gateway.Priority2)) // whoever waits has waited long enough
				must(t, p.Settle(p.R1, p.R2))
				r := probe.Stop()
				if r.Lost > 0 || r.Duplicates > 0 || r.Answers[p.R2.LAN.MAC] > 0 {
					t.Errorf("lost %d of %d, %d answered twice, answers are from %v", r.Lost, r.Sent, r.Duplicates, r.Answers)
				}
				if after := transitions(t, p.R2); after != before {
					t.Errorf("the backup has had %d transitions", after-before)
				}
				checkCleanEnd(t, p.R1, p)
			})
		}
	}
}

// checkCleanEnd wants what was taken over to be taken off: it is the daemon's own.
func checkCleanEnd(t testing.TB, r *gateway.Router, p *gateway.Pair) {
	t.Helper()
	must(t, r.Daemon.Signal(syscall.SIGTERM))
	_, err := r.Daemon.Wait(10 * time.Second)
	must(t, err)
	if r.Has(p.VIP, "eth0") || r.Has(p.ServerVIP, "eth1") {
		t.Error("a virtual address is left on the router that has ended")
	}
}

func TestWhoComesBackAfterItsLeaseIsABackup(t *testing.T) {
	p := start(t, setting{"native", false, 100 * time.Millisecond})
	watch, err := p.LAN.WatchARP(p.ClientNIC, p.VIP, 0)
	must(t, err)
	must(t, p.R1.Daemon.Kill())
	_, err = p.R1.Daemon.Wait(5 * time.Second)
	must(t, err)
	must(t, p.R2.Await("MASTER"))
	must(t, p.R1.Start("--no-preempt"))
	must(t, p.Settle(p.R2, p.R1))
	if p.R1.Has(p.VIP, "eth0") {
		t.Error("the virtual address is left on the backup")
	}
	for _, d := range watch.Stop().DoubleAnswers() {
		t.Errorf("request %d was answered by %v", d.RequestSeq, d.Hosts)
	}
}
