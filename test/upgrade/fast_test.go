package upgrade

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const (
	// margin is what a failover may take beyond the protocol's own time.
	margin = 5 * time.Millisecond
	// unfit is a pause of this machine that spoils a measurement of that precision.
	unfit = 2 * time.Millisecond
	// tries bounds how often a measurement is repeated that this machine has spoilt.
	tries = 10
)

// At 10 ms adverts the lease is shorter than an upgrade: the backup takes over as
// after a crash, and hands back without a loss.
func TestAnUpgradeAtTenMillisecondsIsNoMoreThanAFailover(t *testing.T) {
	for _, s := range settings(10 * time.Millisecond)[:2] {
		t.Run(s.String(), func(t *testing.T) {
			p := upgradeable(t, s)
			bound := p.ActiveDown(gateway.Priority2) + margin
			for range tries {
				probe, err := p.Client.Probe(lab.ProbeOptions{Target: p.VIP})
				must(t, err)
				must(t, probe.AwaitAnswers(enough, 5*time.Second))
				upgrade(t, p)
				must(t, p.Settle(p.R1, p.R2))
				must(t, probe.AwaitAnswers(enough, 5*time.Second))
				r := probe.Stop()
				t.Logf("gap %v, Active_Down_Interval %v, lost %d of %d, this machine paused for %v", r.LongestGap, p.ActiveDown(gateway.Priority2), r.Lost, r.Sent, r.WorstPause)
				if r.Duplicates > 0 {
					t.Errorf("%d echoes were answered twice", r.Duplicates)
				}
				if r.LongestGap <= bound {
					return
				}
				if r.WorstPause < unfit && r.CaptureDrops == 0 {
					t.Fatalf("the client waited %v, want at most %v", r.LongestGap, bound)
				}
			}
			t.Errorf("this machine pauses too often to measure %v", margin)
		})
	}
}
