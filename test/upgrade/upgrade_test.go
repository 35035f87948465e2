package upgrade

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// upgradeable is a pair that runs as its unit does, of a binary of its own, which a
// test may replace.
func upgradeable(t testing.TB, s setting) *gateway.Pair {
	t.Helper()
	own := filepath.Join(t.TempDir(), "vrrp-xdp")
	install(t, own, contents(t, binary))
	p := gateway.New(lab.ForTest(t), gateway.Setup{
		Binary: own, Mode: s.mode, Advert: s.advert, IPv6: s.ipv6, Extra: []string{"--web.listen-address", "", "--realtime"},
	})
	must(t, p.StartBoth())
	return p
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// install replaces a file as a package manager does.
func install(t testing.TB, path string, data []byte) {
	t.Helper()
	must(t, os.WriteFile(path+".new", data, 0o755))
	must(t, os.Rename(path+".new", path))
}

// upgrade has the first router upgraded, and waits until it is.
func upgrade(t testing.TB, p *gateway.Pair) {
	t.Helper()
	before := status(t, p.R1)
	must(t, p.R1.Daemon.Signal(syscall.SIGUSR2))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := p.R1.Status()
		if err == nil && r.Upgrades > before.Upgrades {
			if r.PID != before.PID {
				t.Errorf("process %d has become process %d", before.PID, r.PID)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is not upgraded: %v; its log:\n%s", err, p.R1.Daemon.Log())
		}
	}
}

// The next image has to be master within the lease, three adverts: it finds its
// programs loaded, by the trial that came before.
func TestAnUpgradeIsNotNoticed(t *testing.T) {
	for _, s := range settings(100 * time.Millisecond) {
		t.Run(s.String(), func(t *testing.T) {
			lab.Undisturbed(t, s.advert, func(t testing.TB) {
				p := upgradeable(t, s)
				backup, master := transitions(t, p.R2), transitions(t, p.R1)
				probe, err := p.Client.Probe(lab.ProbeOptions{Target: p.VIP})
				must(t, err)
				must(t, probe.AwaitAnswers(enough, 5*time.Second))
				for range 3 {
					upgrade(t, p)
					if r := status(t, p.R1); r.Instances[0].State != "MASTER" {
						t.Errorf("it is %s", r.Instances[0].State)
					}
					must(t, probe.AwaitAnswers(enough, 5*time.Second))
				}
				time.Sleep(p.ActiveDown(gateway.Priority2)) // whoever waits has waited long enough
				r := probe.Stop()
				if r.Lost > 0 || r.Duplicates > 0 || r.Answers[p.R2.LAN.MAC] > 0 {
					t.Errorf("lost %d of %d, %d answered twice, answers are from %v", r.Lost, r.Sent, r.Duplicates, r.Answers)
				}
				if after := transitions(t, p.R2); after != backup {
					t.Errorf("the backup has had %d transitions", after-backup)
				}
				if after := transitions(t, p.R1); after != master {
					t.Errorf("the master has had %d transitions, had %d before", after, master)
				}
				t.Logf("the log of the master:\n%s", p.R1.Daemon.Log())
				checkCleanEnd(t, p.R1, p)
			})
		})
	}
}

func TestABinaryThatWouldNotStartIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"it fails":               "#!/bin/sh\nexit 1\n",
		"it is no executable":    "not a program",
		"it is something else":   "#!/bin/sh\nexit 0\n",
		"it does not understand": "#!/bin/sh\necho what is that >&2\nexit 2\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := upgradeable(t, setting{"tc", false, time.Second})
			before := transitions(t, p.R1)
			install(t, p.Setup.Binary, []byte(data))
			must(t, p.R1.Daemon.Signal(syscall.SIGUSR2))
			must(t, p.R1.Daemon.WaitLog(10*time.Second, "not upgraded"))
			install(t, p.Setup.Binary, contents(t, binary)) // which asks for the status
			if r := status(t, p.R1); r.Upgrades != 0 || r.Instances[0].State != "MASTER" || transitions(t, p.R1) != before {
				t.Errorf("something happened: %d upgrades, %s", r.Upgrades, r.Instances[0].State)
			}
		})
	}
}
