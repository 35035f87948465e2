package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var _ = covers(atTop, "vrrp_track_process")

var _ = covers(inInstance, "track_process")

var _ = covers(inProcess, "process", "param_match", "full_command", "weight", "quorum", "quorum_max", "delay", "fork_delay", "terminate_delay")

// program is a copy of sleep that nobody else runs: a tracker sees the processes
// of all namespaces. In configurations NAME is its name.
type program struct {
	r          *router
	name, path string
}

func (r *router) program(name string) program {
	r.site.t.Helper()
	p := program{r: r, name: fmt.Sprintf("vx%s%d", name, os.Getpid())}
	p.path = filepath.Join(r.dir, p.name)
	text, err := os.ReadFile("/bin/sleep")
	must(r.site.t, err)
	must(r.site.t, os.WriteFile(p.path, text, 0o755))
	return p
}

func (p program) start(args ...string) *lab.Daemon {
	p.r.site.t.Helper()
	d, err := p.r.Start(lab.Command{Path: p.path, Args: args})
	must(p.r.site.t, err)
	return d
}

func (p program) end(d *lab.Daemon) {
	p.r.site.t.Helper()
	must(p.r.site.t, d.Kill())
	_, err := d.Wait(patience)
	must(p.r.site.t, err)
}

func (p program) named(config string) string { return strings.ReplaceAll(config, "NAME", p.name) }

// None, `sleep 1000`, that and `sleep 1000 2000`, and none again.
func TestTrackedProcesses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.r1.program("t")
	tests := []struct {
		definition string
		want       []uint8
	}{
		{"process NAME", []uint8{fault, 100, 100, fault}},
		{"process NAME\nweight 20", []uint8{100, 120, 120, 100}},
		{"process NAME\nweight -20", []uint8{80, 100, 100, 80}},
		{"process NAME\nweight -20 reverse", []uint8{120, 100, 100, 120}},
		{"process NAME\nweight 20\nquorum 2", []uint8{100, 100, 120, 100}},
		{"process NAME\nweight 20\nquorum_max 1", []uint8{100, 120, 100, 100}},
		{"process NAME\nweight 20\nquorum_max 0", []uint8{120, 100, 100, 120}},
		{"process DIR/NAME\nweight 20", []uint8{100, 100, 100, 100}},
		{"process DIR/NAME\nweight 20\nfull_command", []uint8{100, 120, 120, 100}},
		{"process DIR/NAME 1000\nweight 20\nquorum 2", []uint8{100, 100, 100, 100}},
		{"process DIR/NAME 1000 2000\nweight 20", []uint8{100, 100, 120, 100}},
		{"process DIR/NAME 1000\nweight 20\nquorum 2\nparam_match partial", []uint8{100, 100, 120, 100}},
		{"process DIR/NAME 10\nweight 20", []uint8{100, 100, 100, 100}},
		{"process DIR/NAME 10\nweight 20\nparam_match initial", []uint8{100, 120, 120, 100}},
	}
	var config strings.Builder
	var list []tracking
	for i, test := range tests {
		fmt.Fprintf(&config, "vrrp_track_process p%d {\n%s\n}\n", i+1, p.named(test.definition))
		list = append(list, tracking{fmt.Sprintf("# %s\ntrack_process {\np%d\n}", strings.ReplaceAll(test.definition, "\n", "; "), i+1), test.want})
	}
	list = append(list, tracking{"track_process {\np2 weight 30\n}", []uint8{100, 130, 130, 100}})
	s.r1.run(config.String() + numberedAll(list))
	s.r1.awaitTracked(list, 0)
	one := p.start("1000")
	s.r1.awaitTracked(list, 1)
	two := p.start("1000", "2000")
	s.r1.awaitTracked(list, 2)
	p.end(one)
	p.end(two)
	s.r1.awaitTracked(list, 3)
}

func TestHowLongAProcessMustBeThereOrGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.r1.program("d")
	const wait = 1200 * time.Millisecond
	delays := []struct {
		definition   string
		begins, ends time.Duration
	}{
		{"", 0, 0},
		{"fork_delay 1.2", wait, 0},
		{"terminate_delay 1.2", 0, wait},
		{"delay 1.2", wait, wait},
	}
	var config strings.Builder
	for i, d := range delays {
		fmt.Fprintf(&config, "vrrp_track_process p%d {\nprocess %s\nweight 20\n%s\n}\n", i+1, p.name, d.definition)
		config.WriteString(numbered(i+1, fmt.Sprintf("track_process {\np%d\n}", i+1)))
	}
	sniffer := s.sniff(s.r1.lan)
	s.r1.run(config.String())
	s.r1.await("MASTER MASTER MASTER MASTER")
	check := func(since time.Time, priority byte, waits func(int) time.Duration) {
		t.Helper()
		for i, d := range delays {
			f := s.waitAfter(sniffer, since, func(f lab.Frame) bool { return sentAdvert(i+1)(f) && f.Data[14+20+2] == priority })
			if took, want := f.At.Sub(since), waits(i); took < want || took > want+time.Second {
				t.Errorf("%q: priority %d is advertised after %v, want %v", d.definition, priority, took, want)
			}
		}
	}
	began := time.Now()
	sleeping := p.start("1000")
	check(began, 120, func(i int) time.Duration { return delays[i].begins })
	ended := time.Now()
	p.end(sleeping)
	check(ended, 100, func(i int) time.Duration { return delays[i].ends })
}
