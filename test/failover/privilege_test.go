package failover

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const (
	nobody = 65534
	// running is CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF. Loading needs CAP_PERFMON too.
	running = "0000008000003000"
	loading = "000000c000003000"

	// unhurried adverts are for what is not about time.
	unhurried = 100 * time.Millisecond
)

// started is a way in which the routers come to have few rights.
type started struct {
	name  string
	setup func(t testing.TB, p *gateway.Pair)
}

var waysToFewRights = []started{
	{"become another user", func(_ testing.TB, p *gateway.Pair) {
		p.Setup.Extra = append(p.Setup.Extra, "--user", "nobody:nogroup")
	}},
	{"root with the rest dropped", func(_ testing.TB, p *gateway.Pair) {
		p.Setup.Extra = append(p.Setup.Extra, "--user", "root")
	}},
	{"started as another user", startAsNobody},
}

// startAsNobody has the routers begin without any other right, in folders that an
// administrator has made for them.
func startAsNobody(t testing.TB, p *gateway.Pair) {
	t.Helper()
	const caps = "+net_admin,+net_raw,+bpf,+perfmon"
	p.Setup.Wrapper = []string{"setpriv", fmt.Sprintf("--reuid=%d", nobody), fmt.Sprintf("--regid=%d", nobody), "--clear-groups", "--no-new-privs",
		"--bounding-set=-all," + caps, "--inh-caps=-all," + caps, "--ambient-caps=-all," + caps}
	must(t, os.Chmod(filepath.Dir(p.Setup.Binary), 0o755))
	let := func(dir string, mode os.FileMode) {
		info, err := os.Stat(dir)
		must(t, err)
		must(t, os.Chmod(dir, mode))
		t.Cleanup(func() { must(t, os.Chmod(dir, info.Mode().Perm())) })
	}
	const pins, run = "/sys/fs/bpf/vrrp-xdp", "/run/vrrp-xdp"
	must(t, os.MkdirAll(pins, 0o700))
	must(t, os.MkdirAll(run, 0o755))
	let("/sys/fs/bpf", 0o711)
	let(pins, 0o711)
	for _, r := range []*gateway.Router{p.R1, p.R2} {
		out, err := r.Run("stat", "--dereference", "--format=%i", "/proc/self/ns/net")
		must(t, err)
		for _, above := range []string{pins, run} {
			dir := filepath.Join(above, strings.TrimSpace(out))
			must(t, os.MkdirAll(dir, 0o700))
			must(t, os.Chown(dir, nobody, nobody))
			must(t, os.Chmod(dir, 0o755))
			t.Cleanup(func() { _ = os.Remove(dir) })
		}
	}
}

func TestAllOfTheFailoverWithThreeCapabilities(t *testing.T) {
	for _, s := range []setting{{"native", false}, {"tc", true}} {
		for _, w := range waysToFewRights {
			t.Run(s.String()+"/"+w.name, func(t *testing.T) {
				lab.Undisturbed(t, heldUp, func(t testing.TB) { failOver(t, s, w) })
			})
		}
	}
}

// failOver lets all happen to a pair of such routers, at the protocol's own pace.
func failOver(t testing.TB, s setting, w started) {
	t.Helper()
	p := gateway.New(lab.ForTest(t), gateway.Setup{Binary: binary, Mode: s.mode, Advert: unhurried, IPv6: s.ipv6, Extra: []string{"--web.listen-address", ""}})
	w.setup(t, p)
	must(t, p.StartBoth())
	checkRights(t, p.R1)
	checkRights(t, p.R2)
	for _, f := range faults {
		r := strike(t, p, f)
		if bound := p.ActiveDown(gateway.Priority2) + margin + r.WorstPause; r.LongestGap > bound {
			t.Errorf("%s: the client waited %v, want at most %v", f.name, r.LongestGap, bound)
		}
	}
	checkGracefulStop(t, p)
	checkRights(t, p.R1)
}

// checkRights wants all threads to have the three capabilities and no other.
func checkRights(t testing.TB, r *gateway.Router) {
	t.Helper()
	eachThread(t, r, func(path, fields string) {
		for _, want := range []string{"CapEff: " + running, "CapPrm: " + loading, "CapBnd: " + loading, "CapAmb: " + loading, "NoNewPrivs: 1"} {
			if !strings.Contains(fields, want) {
				t.Errorf("%s of %s has no %s:\n%s", path, r.Name, want, fields)
			}
		}
	})
}

// eachThread shows what the kernel says of each thread of a daemon.
func eachThread(t testing.TB, r *gateway.Router, look func(path, fields string)) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", r.Daemon.PID()))
	must(t, err)
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) || err == unix.ESRCH {
			continue
		}
		must(t, err)
		look(path, strings.Join(strings.Fields(string(text)), " "))
	}
}

// CAP_DAC_OVERRIDE is of no use to others than root. What root has besides stays
// permitted, for scripts of other users.
func TestADaemonOfRootHasThreeCapabilitiesInEffectBesidesThatForFiles(t *testing.T) {
	const running = "0000008000003002"
	p := start(t, settings[0], unhurried)
	for _, r := range []*gateway.Router{p.R1, p.R2} {
		eachThread(t, r, func(path, fields string) {
			if !strings.Contains(fields, "CapEff: "+running) {
				t.Errorf("%s of %s has others in effect than %s:\n%s", path, r.Name, running, fields)
			}
		})
	}
}
