package track

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAProcessIsMeant(t *testing.T) {
	comm := ProcessMatch{Command: "haproxy", AnyParams: true}
	full := ProcessMatch{Command: "/usr/sbin/haproxy", Full: true, AnyParams: true}
	with := func(params ...string) ProcessMatch {
		return ProcessMatch{Command: "/usr/sbin/haproxy", Params: params}
	}
	partial := func(params ...string) ProcessMatch { m := with(params...); m.Partial = true; return m }
	initial := func(params ...string) ProcessMatch { m := with(params...); m.Initial = true; return m }
	started := process{"haproxy", []string{"/usr/sbin/haproxy", "-f", "/etc/haproxy.cfg", "-W"}}
	bare := process{"haproxy", []string{"/usr/sbin/haproxy"}}
	tests := []struct {
		name  string
		match ProcessMatch
		p     process
		want  bool
	}{
		{"by its name", comm, started, true},
		{"by another's name", comm, process{"haproxy2", nil}, false},
		{"by a name that the kernel has cut", ProcessMatch{Command: "averylongprocessname", AnyParams: true}, process{"averylongproces", nil}, true},
		{"by its command line", full, started, true},
		{"by another command line", full, process{"haproxy", []string{"haproxy"}}, false},
		{"a kernel thread by its command line", full, process{"haproxy", nil}, false},
		{"all parameters", with("-f", "/etc/haproxy.cfg", "-W"), started, true},
		{"parameters that are too few", with("-f", "/etc/haproxy.cfg"), started, false},
		{"parameters that are too many", with("-f", "/etc/haproxy.cfg", "-W", "-d"), started, false},
		{"other parameters", with("-f", "/etc/other.cfg", "-W"), started, false},
		{"no parameters", with(), bare, true},
		{"no parameters, but it has", with(), started, false},
		{"the first parameters", partial("-f", "/etc/haproxy.cfg"), started, true},
		{"all parameters, partial", partial("-f", "/etc/haproxy.cfg", "-W"), started, true},
		{"a part of the last parameter, partial", partial("-f", "/etc/hap"), started, false},
		{"no parameters, partial, but it has", partial(), started, false},
		{"a part of the last parameter", initial("-f", "/etc/hap"), started, true},
		{"a part of the first parameter", initial("-", "/etc/hap"), started, false},
		{"more than the last parameter", initial("-f", "/etc/haproxy.cfg", "-Wx"), started, false},
		{"no parameters, initial", initial(), bare, true},
		{"no parameters, initial, but it has", initial(), started, false},
	}
	for _, tt := range tests {
		if got := tt.match.matches(tt.p); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTheNumberOfProcessesIsJudged(t *testing.T) {
	tests := []struct {
		least, most, n int
		want           State
		reason         string
	}{
		{1, 0, 0, Down, "no such process"},
		{1, 0, 1, Up, ""},
		{1, 0, 1000, Up, ""},
		{0, 0, 0, Down, "no such process"},
		{3, 0, 2, Down, "2 processes running, want at least 3"},
		{3, 0, 3, Up, ""},
		{1, 1, 1, Up, ""},
		{1, 1, 2, Down, "2 processes running, want at most 1"},
		{1, -1, 0, Up, ""},
		{1, -1, 1, Down, "1 process running, want none"},
	}
	for _, tt := range tests {
		if got := (Process{Least: tt.least, Most: tt.most}).judge(tt.n); got.state != tt.want || got.reason != tt.reason {
			t.Errorf("%d, of %d..%d wanted, is %s (%s)", tt.n, tt.least, tt.most, got.state, got.reason)
		}
	}
}

func TestAChangeOfProcessesCountsOnceItHasLasted(t *testing.T) {
	type change struct {
		after time.Duration
		n     int64
	}
	const s = time.Second
	tests := []struct {
		name    string
		changes []change
		want    string // what is told at each second: of +-
	}{
		{"one comes", []change{{0, 1}}, "---+++++"},
		{"one comes and goes too soon", []change{{0, 1}, {2 * s, 0}}, "--------"},
		{"one comes, goes, and comes", []change{{0, 1}, {s, 0}, {s, 1}}, "-----+++"},
		{"one goes", []change{{0, 1}, {4 * s, 0}}, "---++---"},
		{"one goes and comes in time", []change{{0, 1}, {4 * s, 0}, {0, 1}}, "---+++++"},
		{"the delay is not prolonged", []change{{0, 1}, {2 * s, 2}}, "---+++++"},
		{"one too many", []change{{0, 1}, {3 * s, 4}}, "---+++--"},
		{"one too many, which goes", []change{{0, 4}, {1 * s, 1}}, "--++++++"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var n atomic.Int64
			changed := make(chan struct{}, 1)
			var told atomic.Uint32
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			spec := Process{Least: 1, Most: 3, ForkDelay: 3*s - s/4, ExitDelay: s - s/4}
			go followCount(ctx, spec, changed, func() int { return int(n.Load()) }, func(f finding) { told.Store(uint32(f.state)) })
			synctest.Wait()
			go func() {
				for _, c := range tt.changes {
					time.Sleep(c.after)
					n.Store(c.n)
					changed <- struct{}{}
				}
			}()
			got := ""
			for range tt.want {
				synctest.Wait()
				got += "?+-"[told.Load():][:1]
				time.Sleep(s)
			}
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		})
	}
}

// program makes a program with a name of its own that does nothing for long.
func program(t *testing.T, name string) string {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	must(t, err)
	content, err := os.ReadFile(sleep)
	must(t, err)
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, content, 0o755))
	return path
}

// start runs it until the returned function is called, or the test ends.
func start(t *testing.T, path string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.Command(path, args...)
	must(t, cmd.Start())
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// followsProcesses is the same whoever tells of processes.
func followsProcesses(t *testing.T, within time.Duration) {
	s := newSite(t)
	path := program(t, "trk-a-long-name-of-a-program")
	byName := Process{Name: "name", Match: ProcessMatch{Command: filepath.Base(path), AnyParams: true}, Least: 1}
	byParams := Process{Name: "params", Match: ProcessMatch{Command: path, Params: []string{"1001"}}, Least: 1}
	s.Apply([]Spec{byName})
	s.expect(Down, "no such process")
	stopFirst := start(t, path, "1000")
	begin := time.Now()
	s.expect(Up, "")
	stopFirst()
	s.expect(Down, "no such process")
	start(t, path, "1000")
	s.expect(Up, "")
	s.Apply([]Spec{byName, byParams})
	s.expect(Down, "no such process")
	stopThird := start(t, path, "1001")
	s.expect(Up, "")
	stopThird()
	if r := s.expect(Down, "no such process"); r.Key != byParams.Key() {
		t.Errorf("down is %s", r.Key)
	}
	if took := time.Since(begin); took > within {
		t.Errorf("it took %s, want at most %s", took, within)
	}
	if got := s.Results()[byName.Key()].State; got != Up {
		t.Errorf("the other is %s", got)
	}
}

func TestProcessesAreFollowedAsTheKernelTellsOfThem(t *testing.T) {
	requireRoot(t)
	events, err := openProcessEvents()
	if err != nil {
		t.Skip("no process connector here: ", err)
	}
	events.close()
	followsProcesses(t, time.Second)
}

func TestProcessesAreFollowedWhereTheKernelDoesNotTell(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	if events, err := openProcessEvents(); err == nil {
		events.close()
		t.Fatal("it does")
	}
	followsProcesses(t, 6*scanAlone)
}

func TestAZombieIsNoProcess(t *testing.T) {
	cmd := exec.Command(program(t, "trk-zombie"), "0")
	must(t, cmd.Start())
	defer cmd.Wait()
	pid := cmd.Process.Pid
	eventually(t, "it ends", func() bool { return !alive(pid) })
	if p, found := readProcess("/proc", pid, true); found {
		t.Errorf("it is %+v", p)
	}
	if p, found := readProcess("/proc", os.Getpid(), true); !found || len(p.args) == 0 || !strings.HasSuffix(p.args[0], ".test") {
		t.Errorf("this test is %+v, found %v", p, found)
	}
}

func TestAForkedProcessIsWhatItsParentIs(t *testing.T) {
	requireRoot(t)
	s := newSite(t)
	spec := Process{Name: "shells", Match: ProcessMatch{Command: "trk-shell", AnyParams: true}, Least: 2}
	s.Apply([]Spec{spec})
	s.expect(Down, "no such process")
	shell, err := filepath.EvalSymlinks("/bin/sh")
	must(t, err)
	content, err := os.ReadFile(shell)
	must(t, err)
	path := filepath.Join(t.TempDir(), "trk-shell")
	must(t, os.WriteFile(path, content, 0o755))
	cmd := exec.Command(path, "-c", "(read x); :")
	input, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	s.expect(Up, "")
	must(t, input.Close())
	must(t, cmd.Wait())
	s.expect(Down, "process")
}
