package upgrade

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// The addresses of an owner are the host's own: whatever becomes of the daemon,
// they stay.
func TestTheOwnersAddressesAreTheHosts(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "vrrp-xdp")
	install(t, own, contents(t, binary))
	p := gateway.New(lab.ForTest(t), gateway.Setup{Binary: own, Mode: "tc", Advert: time.Second})
	lan, wan := p.R1.Addresses("eth0")[0].Addr(), p.R1.Addresses("eth1")[0].Addr()
	p.VIP, p.ServerVIP = lan, wan
	config := func(priority int) string {
		return stanza("lan", "eth0", priority, lan.String()) + stanza("wan", "eth1", priority, wan.String())
	}
	has := func(when string) {
		t.Helper()
		if !p.R1.Has(lan, "eth0") || !p.R1.Has(wan, "eth1") {
			t.Errorf("%s: the host has lost an address of its own", when)
		}
	}
	end := func(signal syscall.Signal) {
		t.Helper()
		must(t, p.R1.Daemon.Signal(signal))
		_, err := p.R1.Daemon.Wait(5 * time.Second)
		must(t, err)
	}
	run := func() {
		t.Helper()
		runFile(t, p.R1, own, config(255), "tc")
		must(t, p.R1.Await("MASTER"))
	}
	runFile(t, p.R2, own, config(100), "tc")
	run()
	must(t, p.Settle(p.R1, p.R2))
	unnoticed(t, p, func() {
		if ok, said := tell(t, p); !ok {
			t.Errorf("it says %q; its log:\n%s", said, p.R1.Daemon.Log())
		}
		has("after an upgrade")
	})
	for _, in := range status(t, p.R1).Instances {
		if in.State != "MASTER" || in.EffectivePriority != 255 {
			t.Errorf("%s is %s with %d", in.Name, in.State, in.EffectivePriority)
		}
	}
	end(syscall.SIGKILL)
	run()
	has("after a crash and a start within the lease")
	end(syscall.SIGTERM)
	has("after it and a stop")
	run()
	end(syscall.SIGKILL)
	must(t, p.R2.Await("MASTER"))
	has("after a crash")
	run()
	has("after a crash and a start when the lease was over")
	end(syscall.SIGTERM)
	has("after it and a stop")
	if strings.Contains(p.R1.Daemon.Log(), "removing a virtual address") {
		t.Errorf("an address was taken off:\n%s", p.R1.Daemon.Log())
	}
}

func TestADaemonThatHasBecomeAnotherUserIsUpgraded(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "vrrp-xdp")
	mayBeReached(t, own)
	install(t, own, contents(t, binary))
	p := gateway.New(lab.ForTest(t), gateway.Setup{Binary: own, Mode: "native", Advert: time.Second,
		Extra: []string{"--web.listen-address", "", "--user", "nobody:nogroup"}})
	must(t, p.StartBoth())
	before := rights(t, p.R1)
	unnoticed(t, p, func() {
		for range 2 {
			upgrade(t, p)
			must(t, p.R1.Await("MASTER"))
			if after := rights(t, p.R1); after != before {
				t.Errorf("it has become %s, was %s", after, before)
			}
		}
	})
	checkCleanEnd(t, p.R1, p)
}

// mayBeReached lets others execute what is in the folders of a test.
func mayBeReached(t testing.TB, path string) {
	t.Helper()
	for dir := filepath.Dir(path); dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
}

// rights are what the main thread of the daemon may do, and as whom.
func rights(t testing.TB, r *gateway.Router) string {
	t.Helper()
	text := string(contents(t, fmt.Sprintf("/proc/%d/status", r.Daemon.PID())))
	var list []string
	for line := range strings.Lines(text) {
		for _, field := range []string{"Uid:", "Gid:", "Groups:", "NoNewPrivs:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"} {
			if strings.HasPrefix(line, field) {
				list = append(list, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(list, ", ")
}
