package script

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
)

// capabilities prints the sets that count, as one line.
const capabilities = `grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | tr -d '\n\t'`

const none = "CapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000CapAmb:0000000000000000"

func TestAScriptHasNoCapability(t *testing.T) {
	requireRoot(t)
	rootInAnotherGroup := User{Name: "root", GID: 4}
	for _, user := range []User{{}, rootInAnotherGroup, nobody()} {
		if got := runs(t, Command{Shell: true, Line: capabilities, User: user}); got != none {
			t.Errorf("%+v has %s", user, got)
		}
	}
}

// The daemon's own rights stay: they are of other threads.
func TestRunningAScriptCostsTheDaemonNothing(t *testing.T) {
	requireRoot(t)
	const status = "/proc/self/status"
	before, err := os.ReadFile(status)
	must(t, err)
	for range 30 { // any thread may be the one that starts a script, but for the one that /proc shows
		runs(t, sh("true"))
	}
	after, err := os.ReadFile(status)
	must(t, err)
	for _, name := range []string{"CapPrm:", "CapEff:", "CapBnd:", "NoNewPrivs:"} {
		if a, b := field(before, name), field(after, name); a != b {
			t.Errorf("%s %s, and then %s", name, a, b)
		}
	}
}

func field(status []byte, name string) string {
	_, rest, _ := strings.Cut(string(status), name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// helperEnv makes the test binary run scripts as a daemon with few rights does.
const helperEnv = "SCRIPT_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) == "" {
		os.Exit(m.Run())
	}
	os.Exit(help(os.Getenv(helperEnv)))
}

func help(what string) int {
	own := User{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	if what == "check another" {
		fmt.Println(Check(Command{Args: []string{"/bin/true"}, User: User{UID: 7, GID: 7}}, false))
		return 0
	}
	r := Run(context.Background(), Command{Shell: true, Line: capabilities, User: own}, patience)
	fmt.Print(r.Output)
	return r.Exit
}

// withFew runs the helper with three capabilities and no other, in all sets.
func withFew(t *testing.T, uid uint32, what string) string {
	t.Helper()
	requireRoot(t)
	few := []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{helperEnv + "=" + what}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}, AmbientCaps: few}
	var out []byte
	var err error
	thread.Apart(func() {
		for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
			if c != few[0] && c != few[1] && c != few[2] {
				_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0) // the kernel may not know it
			}
		}
		out, err = cmd.CombinedOutput()
	})
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestAScriptOfADaemonWithFewRightsHasNone(t *testing.T) {
	for _, uid := range []uint32{0, 65534} {
		if got := withFew(t, uid, "run"); got != none {
			t.Errorf("daemon of user %d: %s", uid, got)
		}
	}
}

func TestADaemonThatCannotBecomeAnotherUserSaysSo(t *testing.T) {
	for _, uid := range []uint32{0, 65534} {
		if got := withFew(t, uid, "check another"); !strings.Contains(got, "cannot become 7") {
			t.Errorf("daemon of user %d: %s", uid, got)
		}
	}
}
