package script

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is for what happens at once, on a busy machine.
const patience = 10 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
		t.Fatal("needs root")
	}
	t.Skip("needs root")
}

// sh is a command that runs as whoever runs the test.
func sh(line string) Command {
	return Command{Line: line, Shell: true, User: User{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}}
}

func nobody() User { return User{Name: "nobody", UID: 65534, GID: 65534} }

// runs runs a command that must succeed, and returns what it wrote.
func runs(t *testing.T, c Command, env ...string) string {
	t.Helper()
	r := Run(t.Context(), c, patience, env...)
	if r.Err != nil || r.Exit != 0 {
		t.Fatalf("%s: %+v", c, r)
	}
	return strings.TrimSpace(r.Output)
}

func TestARunTellsHowItEnded(t *testing.T) {
	tests := []struct {
		line string
		exit int
		err  string
	}{
		{"exit 0", 0, ""},
		{"exit 3", 3, ""},
		{"kill -KILL $$", -1, "SIGKILL"},
	}
	for _, tt := range tests {
		r := Run(t.Context(), sh(tt.line), patience)
		if r.Exit != tt.exit || r.TimedOut || (r.Err == nil) != (tt.err == "") || r.Err != nil && !strings.Contains(r.Err.Error(), tt.err) {
			t.Errorf("%s: %+v", tt.line, r)
		}
	}
}

func TestWhatCannotBeStartedSaysSo(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	must(t, os.WriteFile(text, []byte("no interpreter"), 0o755))
	for _, c := range []Command{
		{},
		{Args: []string{"/nonexistent/program"}},
		{Args: []string{"no-such-program-anywhere"}},
		{Args: []string{"relative/path"}},
		{Args: []string{text}},
	} {
		if r := Run(t.Context(), c, patience); r.Exit != -1 || r.Err == nil || r.TimedOut {
			t.Errorf("%q: %+v", c.Args, r)
		}
	}
}

func TestArgumentsArriveAsTheyAre(t *testing.T) {
	c := Command{Args: []string{"printf", "<%s>", "a b", "$HOME", "*", ""}}
	if got := runs(t, c); got != "<a b><$HOME><*><>" {
		t.Errorf("they are %s", got)
	}
	shell := sh(`printf '<%s>' "$@"`).With("INSTANCE", "a b")
	if got := runs(t, shell); got != "<INSTANCE><a b>" {
		t.Errorf("those of a shell are %s", got)
	}
}

func TestWithDoesNotTouchTheCommandItself(t *testing.T) {
	c := Command{Args: append(make([]string, 0, 8), "echo")}
	first, second := c.With("1"), c.With("2")
	if first.Args[1] != "1" || second.Args[1] != "2" || len(c.Args) != 1 {
		t.Errorf("arguments are %q, %q, %q", first.Args, second.Args, c.Args)
	}
}

func TestACommandRunsInAMinimalEnvironment(t *testing.T) {
	t.Setenv("SECRET", "of the daemon")
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	c := sh("env | grep -v -E '^(PWD|_|SHLVL)=' | sort; umask; pwd; readlink /proc/self/fd/0")
	c.User.Name, c.User.Home = "root", "/root"
	want := "HOME=/root\nLOGNAME=root\nMORE=of it\nPATH=" + Path + "\nSHELL=/bin/sh\nUSER=root\n0022\n/\n/dev/null"
	if got := runs(t, c, "MORE=of it"); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	if mask := unix.Umask(0o077); mask != 0o077 {
		t.Errorf("the umask of the daemon became %o", mask)
	}
}

func TestTheUserIsDroppedToWithAllThatRootMay(t *testing.T) {
	requireRoot(t)
	c := sh(`grep -E '^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb)' /proc/self/status`)
	c.User = nobody()
	c.User.Groups = []uint32{4, 24}
	want := "Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 Groups: 4 24" +
		" CapPrm: 0000000000000000 CapEff: 0000000000000000 CapAmb: 0000000000000000"
	if got := strings.Join(strings.Fields(runs(t, c)), " "); got != want {
		t.Errorf("it runs with\n%s\nwant\n%s", got, want)
	}
}

func TestOnlyTheBeginningOfTheOutputIsKept(t *testing.T) {
	r := Run(t.Context(), sh("echo first; yes | head -c 300000; echo >&2 last"), patience)
	if r.Err != nil || len(r.Output) != 1024 || !strings.HasPrefix(r.Output, "first\ny\n") {
		t.Errorf("%d bytes, error %v", len(r.Output), r.Err)
	}
}

// pids waits until the script has written that many process ids.
func pids(t *testing.T, path string, n int) []int {
	t.Helper()
	for start := time.Now(); time.Since(start) < patience; time.Sleep(time.Millisecond) {
		content, _ := os.ReadFile(path)
		words := strings.Fields(string(content))
		if len(words) < n {
			continue
		}
		all := make([]int, n)
		for i := range all {
			all[i], _ = strconv.Atoi(words[i])
		}
		return all
	}
	t.Fatalf("the script has not written %d process ids", n)
	return nil
}

// alive says whether there is such a process, and it is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestATimeoutEndsTheWholeProcessGroup(t *testing.T) {
	tests := []struct {
		name, line  string
		least, most time.Duration // that it takes beyond the timeout
	}{
		{"which obeys", "sleep 100 & echo $$ $! >%; wait", 0, killAfter - 100*time.Millisecond},
		{"whose leader obeys and whose grandchild does not", "(trap '' TERM; while :; do sleep 0.1; done) & echo $$ $! >%; wait", killAfter, patience},
		{"whose leader does not obey", "trap '' TERM; sleep 100 & echo $$ $! >%; while :; do sleep 0.1; done", killAfter, patience},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const timeout = 300 * time.Millisecond
			file := filepath.Join(t.TempDir(), "pids")
			r := Run(t.Context(), sh(strings.ReplaceAll(tt.line, "%", file)), timeout)
			if !r.TimedOut || r.Err == nil || r.Exit != -1 {
				t.Errorf("%+v", r)
			}
			if beyond := r.Took - timeout; beyond < tt.least || beyond > tt.most {
				t.Errorf("it took %s more, want %s..%s", beyond, tt.least, tt.most)
			}
			for _, pid := range pids(t, file, 2) {
				if alive(pid) {
					t.Errorf("process %d of %v lives on", pid, pids(t, file, 2))
					_ = unix.Kill(pid, unix.SIGKILL)
				}
			}
		})
	}
}

func TestACancelledRunIsEndedButHasNotTimedOut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	file := filepath.Join(t.TempDir(), "pids")
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(file); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	r := Run(ctx, sh("echo $$ >"+file+".new; mv "+file+".new "+file+"; sleep 100"), 0)
	if r.TimedOut || !errors.Is(r.Err, context.Canceled) || r.Exit != -1 {
		t.Errorf("%+v", r)
	}
	if pid := pids(t, file, 1)[0]; alive(pid) {
		t.Errorf("process %d lives on", pid)
	}
	if r := Run(ctx, sh("exit 0"), 0); !errors.Is(r.Err, context.Canceled) {
		t.Errorf("a run after the end: %+v", r)
	}
}

func TestWhatAScriptLeavesBehindNeitherDelaysItsEndNorDies(t *testing.T) {
	dir := t.TempDir()
	file, wrote := filepath.Join(dir, "pids"), filepath.Join(dir, "wrote")
	// It goes on when the test says so, and then writes to the output that it still has.
	line := "(while [ ! -e " + dir + "/go ]; do sleep 0.01; done; echo late && touch " + wrote + ") & echo $! >" + file + "; echo done"
	r := Run(t.Context(), sh(line), patience)
	if r.Err != nil || r.Output != "done\n" || r.Took > patience/2 {
		t.Errorf("%+v", r)
	}
	pid := pids(t, file, 1)[0]
	if !alive(pid) {
		t.Error("the process it left is dead")
	}
	must(t, os.WriteFile(dir+"/go", nil, 0o644))
	for start := time.Now(); alive(pid); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("the process it left hangs")
		}
	}
	if _, err := os.Stat(wrote); err != nil {
		t.Errorf("the process it left could not write: %v", err)
	}
}
