package lab

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// childEnv makes the test binary a program that builds a lab and hangs, to be killed.
const childEnv = "VRRP_XDP_LAB_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		buildAndHang()
	}
	os.Exit(m.Run())
}

func buildAndHang() {
	l, err := New(Options{Name: "to be killed"})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	h := l.Host("orphan")
	h.Connect(l.Switch("lan"), "eth0", "192.168.1.2/24")
	d, err := h.Start(Command{Path: "sleep", Args: []string{"1000"}})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(l.run.name, d.PID())
	select {}
}

// startChild runs buildAndHang and returns the name of its run and the process id of its daemon.
func startChild(t *testing.T) (child *exec.Cmd, run string, daemon int) {
	t.Helper()
	child = exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), childEnv+"=1")
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if _, err := fmt.Sscan(line, &run, &daemon); err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	return child, run, daemon
}

func namespacesOf(run string) []string {
	var names []string
	entries, _ := os.ReadDir(netnsDir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), netnsStem+run+"-") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func TestNewRemovesWhatAKilledRunLeftBehind(t *testing.T) {
	ForTest(t) // for its root check only
	child, run, daemon := startChild(t)
	if got := namespacesOf(run); len(got) != 2 {
		t.Fatalf("the child has the namespaces %v, want 2", got)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	ForTest(t)
	if got := namespacesOf(run); len(got) != 0 {
		t.Errorf("namespaces %v are still there", got)
	}
	if processExists(daemon) {
		t.Errorf("daemon %d still runs", daemon)
	}
	if _, err := os.Stat(runsDir + "/" + run); !os.IsNotExist(err) {
		t.Errorf("its directory is still there (%v)", err)
	}
}

func TestNewLeavesARunningLabAlone(t *testing.T) {
	ForTest(t) // for its root check only
	_, run, daemon := startChild(t)
	ForTest(t)
	if got := namespacesOf(run); len(got) != 2 {
		t.Errorf("the running lab has the namespaces %v, want 2", got)
	}
	if !processExists(daemon) {
		t.Errorf("daemon %d of the running lab was killed", daemon)
	}
}

// processExists is false for a zombie.
func processExists(pid int) bool {
	if unix.Kill(pid, 0) != nil {
		return false
	}
	return !strings.HasPrefix(processState(pid), "Z")
}

// processState is the third field of /proc/PID/stat: R, S, T, Z, ...
func processState(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after
}
