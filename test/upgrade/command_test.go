package upgrade

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// configured is a pair that runs what a file says, of a binary that a test may
// replace: the legs of each router are a sync group.
func configured(t testing.TB, mode string) *gateway.Pair {
	t.Helper()
	own := filepath.Join(t.TempDir(), "vrrp-xdp")
	install(t, own, contents(t, binary))
	p := gateway.New(lab.ForTest(t), gateway.Setup{Binary: own, Mode: mode, Advert: time.Second})
	for _, r := range []*gateway.Router{p.R1, p.R2} {
		config := "vrrp_sync_group G {\ngroup {\nlan\nwan\n}\n}\n" +
			stanza("lan", "eth0", r.Priority, p.VIP.String()) + stanza("wan", "eth1", r.Priority, p.ServerVIP.String())
		runFile(t, r, own, config, mode)
	}
	must(t, p.Settle(p.R1, p.R2))
	return p
}

func stanza(name, nic string, priority int, vip string) string {
	return fmt.Sprintf("vrrp_instance %s {\ninterface %s\nvirtual_router_id %d\nversion 3\npriority %d\nadvert_int 1\nvirtual_ipaddress {\n%s/24\n}\n}\n",
		name, nic, gateway.VRID, priority, vip)
}

// runFile starts vrrp-xdp with the configuration.
func runFile(t testing.TB, r *gateway.Router, program, config, mode string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vrrp-xdp.conf")
	must(t, os.WriteFile(path, []byte(config), 0o600))
	var err error
	r.Daemon, err = r.Host.Start(lab.Command{Name: "vrrp-xdp", Path: program, ViaIPNetns: true,
		Args: []string{"run", "-f", path, "--mode", mode, "--web.listen-address", ""}})
	must(t, err)
}

// tell has vrrp-xdp upgrade run on the first router, and reports whether it
// succeeded, and what it said.
func tell(t testing.TB, p *gateway.Pair) (bool, string) {
	t.Helper()
	out, err := p.R1.Run(binary, "upgrade")
	if err == nil {
		return true, out
	}
	if !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("it is no failure as others are: %v", err)
	}
	return false, out + err.Error()
}

// unnoticed does something under the prober, and wants neither a client nor the
// routers to have noticed.
func unnoticed(t testing.TB, p *gateway.Pair, do func()) {
	t.Helper()
	before := [2]uint64{transitions(t, p.R1), transitions(t, p.R2)}
	probe, err := p.Client.Probe(lab.ProbeOptions{Target: p.VIP})
	must(t, err)
	must(t, probe.AwaitAnswers(enough, 5*time.Second))
	do()
	must(t, probe.AwaitAnswers(enough, 5*time.Second))
	time.Sleep(p.ActiveDown(gateway.Priority2)) // whoever waits has waited long enough
	r := probe.Stop()
	if r.Lost > 0 || r.Duplicates > 0 || r.Answers[p.R2.LAN.MAC] > 0 {
		t.Errorf("lost %d of %d, %d answered twice, answers are from %v", r.Lost, r.Sent, r.Duplicates, r.Answers)
	}
	if after := [2]uint64{transitions(t, p.R1), transitions(t, p.R2)}; after != before {
		t.Errorf("the routers have had %d transitions, had %d before", after, before)
	}
}

func TestTheCommandUpgradesAndSaysTo(t *testing.T) {
	for _, mode := range []string{"native", "tc"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := configured(t, mode)
			before := status(t, p.R1)
			unnoticed(t, p, func() {
				ok, said := tell(t, p)
				if !ok || said != "upgraded to "+before.Version+"\n" {
					t.Errorf("success: %v, it says %q; its log:\n%s", ok, said, p.R1.Daemon.Log())
				}
				must(t, p.R1.Await("MASTER"))
			})
			after := status(t, p.R1)
			if after.PID != before.PID || after.Upgrades != 1 || after.UpgradeError != "" {
				t.Errorf("process %d has become %d, %d upgrades, error %q", before.PID, after.PID, after.Upgrades, after.UpgradeError)
			}
			for _, in := range after.Instances {
				if in.Group != "G" {
					t.Errorf("%s is of the group %q", in.Name, in.Group)
				}
			}
			checkCleanEnd(t, p.R1, p)
		})
	}
}

func TestTheCommandSaysWhyNotAndNothingHappens(t *testing.T) {
	t.Parallel()
	p := configured(t, "tc")
	before := status(t, p.R1)
	unnoticed(t, p, func() {
		for says, spoil := range map[string]func(){
			"it would not start: exit status 3: no such library": func() {
				install(t, p.Setup.Binary, []byte("#!/bin/sh\necho no such library >&2\nexit 3\n"))
			},
			"is it vrrp-xdp?":           func() { install(t, p.Setup.Binary, []byte("#!/bin/sh\nexit 0\n")) },
			"no such file or directory": func() { must(t, os.Remove(p.Setup.Binary)) },
		} {
			spoil()
			if ok, said := tell(t, p); ok || !strings.Contains(said, says) || !strings.Contains(said, "upgrade to "+p.Setup.Binary) {
				t.Errorf("success: %v, it says %q, want %q", ok, said, says)
			}
			install(t, p.Setup.Binary, contents(t, binary))
		}
	})
	if after := status(t, p.R1); after.PID != before.PID || after.Upgrades != 0 || after.UpgradeError != "" {
		t.Errorf("process %d is %d, %d upgrades, error %q", before.PID, after.PID, after.Upgrades, after.UpgradeError)
	}
}

// A script that is vrrp-xdp when it is tried, and gone when it is to be executed.
func TestADaemonWhoseSuccessorCannotBeExecutedGoesOn(t *testing.T) {
	t.Parallel()
	p := configured(t, "tc")
	before := status(t, p.R1)
	vanishing := fmt.Sprintf("#!/bin/sh\nrm %s\nexec %s \"$@\"\n", p.Setup.Binary, binary)
	unnoticed(t, p, func() {
		install(t, p.Setup.Binary, []byte(vanishing))
		ok, said := tell(t, p)
		install(t, p.Setup.Binary, contents(t, binary))
		if ok || !strings.Contains(said, "execute "+p.Setup.Binary+": no such file or directory") {
			t.Errorf("success: %v, it says %q; its log:\n%s", ok, said, p.R1.Daemon.Log())
		}
		if after := status(t, p.R1); after.PID != before.PID || after.Upgrades != 0 || after.UpgradeError == "" {
			t.Errorf("process %d is %d, %d upgrades, error %q", before.PID, after.PID, after.Upgrades, after.UpgradeError)
		}
		if ok, said := tell(t, p); !ok {
			t.Errorf("a good one after it: %q; its log:\n%s", said, p.R1.Daemon.Log())
		}
	})
	if after := status(t, p.R1); after.Upgrades != 1 || after.UpgradeError != "" {
		t.Errorf("%d upgrades, error %q", after.Upgrades, after.UpgradeError)
	}
	checkCleanEnd(t, p.R1, p)
}
