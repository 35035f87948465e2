// Package stress runs routers on a host that has better things to do.
package stress

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var hogging = flag.Duration("hogs", 10*time.Second, "how long the CPU hogs run")

var binary string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &binary)) }

const (
	instances = 16
	interval  = 10 * time.Millisecond
	patience  = 20 * time.Second
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func configuration(priority int) string {
	var b strings.Builder
	for vrid := 1; vrid <= instances; vrid++ {
		fmt.Fprintf(&b, "vrrp_instance vr%d {\n  interface eth0\n  version 3\n  virtual_router_id %d\n  priority %d\n  advert_int %g\n  virtual_ipaddress {\n    10.9.%d.1/24\n  }\n}\n",
			vrid, vrid, priority, interval.Seconds(), vrid)
	}
	return b.String()
}

type router struct {
	*lab.Host
	daemon *lab.Daemon
}

// runs starts the daemon as its unit does.
func runs(t *testing.T, h *lab.Host, priority int) *router {
	t.Helper()
	file := filepath.Join(h.Lab().Dir(), h.Name+".conf")
	must(t, os.WriteFile(file, []byte(configuration(priority)), 0o600))
	daemon, err := h.Start(lab.Command{Name: "vrrp-xdp", Path: binary, Args: []string{"run", "--realtime", "-f", file, "--web.listen-address", ""}})
	must(t, err)
	return &router{h, daemon}
}

func (r *router) report() (control.Report, error) { return gateway.Ask(r.Host) }

// await waits until all instances are in that state.
func (r *router) await(t *testing.T, state string) control.Report {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		report, err := r.report()
		if err == nil && len(report.Instances) == instances && !differs(report, state) {
			return report
		}
		if time.Now().After(deadline) {
			t.Fatalf("not all of %s is %s: %v; its log:\n%s", r.Name, state, err, r.daemon.Log())
		}
	}
}

// differs reports whether an instance is in another state.
func differs(report control.Report, state string) bool {
	for _, i := range report.Instances {
		if i.State != state {
			return true
		}
	}
	return false
}

func transitions(report control.Report) (n uint64) {
	for _, i := range report.Instances {
		for _, times := range i.Counters.Transitions {
			n += times
		}
	}
	return n
}

// Two hogs for every core, and adverts every 10 ms: with the scheduling of the unit
// nobody is so late that anything happens.
func TestCPUHogsCauseNoTransition(t *testing.T) {
	l := lab.ForTest(t)
	lan := l.Switch("lan")
	hosts := []*lab.Host{l.Host("r1"), l.Host("r2")}
	for i, h := range hosts {
		h.Connect(lan, "eth0", fmt.Sprintf("192.168.1.%d/24", i+2))
	}
	r1 := runs(t, hosts[0], 120)
	r1.await(t, "MASTER")
	r2 := runs(t, hosts[1], 100)
	r1.await(t, "MASTER")
	r2.await(t, "BACKUP")
	hogs := l.Host("hogs")
	for range 2 * runtime.NumCPU() {
		_, err := hogs.Start(lab.Command{Name: "hog", Path: "sh", Args: []string{"-c", "while :; do :; done"}})
		must(t, err)
	}
	for range 3 {
		moved, paused := hogged(t, []*router{r1, r2})
		switch {
		case moved == 0:
			return
		case paused < interval:
			t.Fatalf("%d transitions under load; the logs:\n%s\n%s", moved, r1.daemon.Log(), r2.daemon.Log())
		}
		t.Logf("measured again: this machine paused for %v", paused)
	}
	t.Fatalf("this machine pauses too often to measure %v", interval)
}

// hogged waits, and tells how many transitions there were meanwhile, and how long
// this machine paused.
func hogged(t *testing.T, routers []*router) (moved uint64, paused time.Duration) {
	t.Helper()
	before := []control.Report{routers[0].await(t, "MASTER"), routers[1].await(t, "BACKUP")}
	pauses := lab.WatchPauses()
	time.Sleep(*hogging)
	paused = lab.WorstPause(pauses.Stop())
	for i, r := range routers {
		after, err := r.report()
		must(t, err)
		n := transitions(after) - transitions(before[i])
		moved += n
		t.Logf("%s: the loop ran %d times for something that was due, at most %.3f ms late (before: %.3f ms); %d transitions; this machine paused for %v",
			r.Name, after.Loop.Rounds, after.Loop.LatenessMaxMS, before[i].Loop.LatenessMaxMS, n, paused)
	}
	return moved, paused
}
