package track

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
	"golang.org/x/sys/unix"
)

// sh is a tracker that runs a line of shell in a directory of its own: $D.
func sh(t *testing.T, name, line string, common Common) (Script, string) {
	t.Helper()
	dir := t.TempDir()
	me := script.User{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	return Script{Name: name, Command: script.Command{Line: "D=" + dir + "; " + line, Shell: true, User: me}, Common: common}, dir
}

const often = 20 * time.Millisecond

func quick() Common {
	return Common{Interval: often, Timeout: patience, Rise: 1, Fall: 1}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

func read(path string) string {
	content, _ := os.ReadFile(path)
	return string(content)
}

// runs is how often a script has run that writes a byte into $D/runs.
func runs(dir string) int { return len(read(dir + "/runs")) }

func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestAScriptIsUpWhileItSucceeds(t *testing.T) {
	s := newSite(t)
	spec, dir := sh(t, "chk_web", `echo said; exit $(cat $D/exit || echo 9)`, quick())
	write(t, dir+"/exit", "0")
	s.Apply([]Spec{spec})
	s.expect(Up, "")
	write(t, dir+"/new", "3")
	must(t, os.Rename(dir+"/new", dir+"/exit"))
	if r := s.expect(Down, "exit status 3"); r.Key != spec.Key() || r.At.IsZero() || r.Value != 0 {
		t.Errorf("reported: %+v", r)
	}
	want := "level=INFO msg=VRRP_Script(chk_web) succeeded\nlevel=WARN msg=VRRP_Script(chk_web) failed reason=exit status 3 output=said\n"
	if got := strings.ReplaceAll(s.log.without(overran), `"`, ""); got != want {
		t.Errorf("log is\n%swant\n%s", got, want)
	}
}

// overran stands in what is said of a check that is slower than its interval,
// which a busy machine makes of any.
const overran = "runs are skipped"

func TestAScriptThatCannotBeStartedIsDown(t *testing.T) {
	s := newSite(t)
	s.Apply([]Spec{Script{Name: "chk", Command: script.Command{Args: []string{"/no/such/script"}}, Common: quick()}})
	s.expect(Down, "no such file")
}

func TestATimeoutIsAFailureAndEndsWhatTheScriptStarted(t *testing.T) {
	s := newSite(t)
	common := quick()
	common.Timeout = 200 * time.Millisecond
	spec, dir := sh(t, "chk", `sleep 100 & echo $$ $! >$D/pids; wait`, common)
	s.Apply([]Spec{spec})
	s.expect(Down, "timed out after 200ms")
	s.Close()
	var shell, sleep int
	if _, err := fmt.Sscan(read(dir+"/pids"), &shell, &sleep); err != nil || alive(shell) || alive(sleep) {
		t.Errorf("processes %d (alive: %v), %d (alive: %v), %v", shell, alive(shell), sleep, alive(sleep), err)
	}
}

func TestAScriptNeverRunsTwiceAtOnce(t *testing.T) {
	s := newSite(t)
	spec, dir := sh(t, "chk", `trap "sleep 0.1; exit" TERM; exec 9>$D/lock; flock -n 9 || touch $D/twice; sleep 0.05; printf . >>$D/runs`, quick())
	s.Apply([]Spec{spec})
	eventually(t, "ten runs", func() bool { return runs(dir) >= 10 })
	changed := spec
	changed.Fall = 2
	for range 5 { // nor while one of them replaces another
		s.Apply([]Spec{changed})
		s.Apply([]Spec{spec})
	}
	if _, err := os.Stat(dir + "/twice"); err == nil {
		t.Error("it did")
	}
	if !strings.Contains(s.log.String(), overran) {
		t.Errorf("log says nothing of it:\n%s", s.log)
	}
}

func TestApplyLeavesWhatDidNotChangeAlone(t *testing.T) {
	s := newSite(t)
	slow := quick()
	slow.Interval = time.Hour
	same, dir := sh(t, "same", `printf . >>$D/runs`, slow)
	again := same
	s.Apply([]Spec{same})
	first := s.expect(Up, "")
	other, otherDir := sh(t, "other", `echo $$ >$D/pid; sleep 100`, quick())
	s.Apply([]Spec{other, again})
	eventually(t, "the other script runs", func() bool { return strings.HasSuffix(read(otherDir+"/pid"), "\n") })
	s.Apply([]Spec{again})
	pid, err := strconv.Atoi(strings.TrimSpace(read(otherDir + "/pid")))
	if err != nil || alive(pid) {
		t.Errorf("the removed script's process %d (%v) lives on after Apply", pid, err)
	}
	if n := runs(dir); n != 1 {
		t.Errorf("the unchanged script ran %d times, want 1", n)
	}
	if got := s.Results(); len(got) != 1 || got[same.Key()] != first {
		t.Errorf("results are %+v, want only %+v", got, first)
	}
	s.quiet()
}

func TestApplyKeepsTheCountOfWhatDidNotChange(t *testing.T) {
	s := newSite(t)
	counts := quick()
	counts.Fall = 3
	// The second and third run wait for the test.
	spec, dir := sh(t, "chk", `printf . >>$D/runs; n=$(wc -c <$D/runs); while [ ! -e $D/go$n ]; do sleep 0.01; done; [ $n = 1 ]`, counts)
	write(t, dir+"/go1", "")
	write(t, dir+"/go2", "")
	s.Apply([]Spec{spec})
	s.expect(Up, "")
	eventually(t, "the third run", func() bool { return runs(dir) == 3 })
	s.Apply([]Spec{spec, Interface{"lan0"}})
	s.expect(Down, "without carrier") // lan0
	if got := s.Results()[spec.Key()].Reason; !strings.Contains(got, "1 of 3 in a row") {
		t.Errorf("reason is %q", got)
	}
	write(t, dir+"/go3", "")
	write(t, dir+"/go4", "")
	s.expect(Down, "exit status 1")
	if n := runs(dir); n != 4 {
		t.Errorf("it took %d runs, want 4", n)
	}
}

func TestWhatChangedBeginsWithItsPredecessorsResult(t *testing.T) {
	s := newSite(t)
	spec, dir := sh(t, "chk", `[ ! -e $D/hang ] || sleep 100`, quick())
	s.Apply([]Spec{spec})
	before := s.expect(Up, "")
	write(t, dir+"/hang", "")
	spec.Interval = 2 * often
	s.Apply([]Spec{spec})
	if got := s.Results()[spec.Key()]; got != before {
		t.Errorf("result is %+v, want %+v", got, before)
	}
	s.quiet()
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	requireRoot(t)
	openFiles(t)
	before := runtime.NumGoroutine()
	files := openFiles(t) // the first time opened what the runtime keeps open
	s := newSite(t)
	var specs []Spec
	var dirs []string
	for _, name := range []string{"one", "two", "three"} {
		spec, dir := sh(t, name, `sleep 100 & echo $$ $! >$D/pids; wait`, quick())
		specs, dirs = append(specs, spec), append(dirs, dir)
	}
	specs = append(specs, Interface{"lan0"}, Route{Name: "r", Prefix: "::/0"},
		File{Name: "f", Path: filepath.Join(t.TempDir(), "f")}, Process{Name: "p", Match: ProcessMatch{Command: "no-such", AnyParams: true}})
	s.Apply(specs)
	for _, dir := range dirs {
		eventually(t, "all scripts run", func() bool { return strings.HasSuffix(read(dir+"/pids"), "\n") })
	}
	s.Close()
	for _, dir := range dirs {
		for pid := range strings.FieldsSeq(read(dir + "/pids")) {
			if n, _ := strconv.Atoi(pid); alive(n) {
				t.Errorf("process %d lives on", n)
			}
		}
	}
	if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
		t.Errorf("there are children: %v", err)
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	eventually(t, "files are closed", func() bool { return openFiles(t) <= files })
}

func openFiles(t *testing.T) int {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}
