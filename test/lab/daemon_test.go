package lab

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func startShell(t *testing.T, h *Host, script string) *Daemon {
	t.Helper()
	d, err := h.Start(Command{Name: "shell", Path: "sh", Args: []string{"-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func exitOf(t *testing.T, d *Daemon) int {
	t.Helper()
	code, err := d.Wait(5 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestExitStatusTellsHowADaemonEnded(t *testing.T) {
	h := ForTest(t).Host("h")
	tests := map[string]struct {
		script string
		end    func(*Daemon) error
		want   int
	}{
		"by itself":          {"echo ready; exit 3", func(*Daemon) error { return nil }, 3},
		"killed":             {"echo ready; exec sleep 1000", (*Daemon).Kill, 128 + 9},
		"killed when frozen": {"echo ready; exec sleep 1000", killFrozen, 128 + 9},
		"stopped":            {"echo ready; exec sleep 1000", (*Daemon).Stop, 128 + 15},
		"stopped gracefully": {`trap "exit 7" TERM; echo ready; while :; do sleep 0.01; done`, (*Daemon).Stop, 7},
		"other signal":       {"echo ready; exec sleep 1000", func(d *Daemon) error { return d.Signal(unix.SIGINT) }, 128 + 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := startShell(t, h, test.script)
			if err := d.WaitLog(5*time.Second, "ready"); err != nil {
				t.Fatal(err)
			}
			if err := test.end(d); err != nil {
				t.Fatal(err)
			}
			if got := exitOf(t, d); got != test.want {
				t.Errorf("exit status %d, want %d", got, test.want)
			}
		})
	}
}

func killFrozen(d *Daemon) error {
	if err := d.Freeze(); err != nil {
		return err
	}
	return d.Kill()
}

func TestAFrozenDaemonStandsStillUntilThawed(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, "while :; do echo tick; sleep 0.002; done")
	if err := d.WaitLog(5*time.Second, "tick"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := d.Freeze(); err != nil {
			t.Fatal(err)
		}
		if state := processState(d.PID()); !strings.HasPrefix(state, "T") {
			t.Fatalf("state after Freeze is %.1s, want T", state)
		}
		if err := d.Thaw(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.WaitLine(time.Now(), 5*time.Second, "tick"); err != nil {
			t.Fatalf("after Thaw: %v", err)
		}
	}
}

func TestKillTakesTheChildrenWithIt(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, `sleep 1000 & echo "child $!"; wait`)
	line, err := d.WaitLine(time.Time{}, 5*time.Second, "child ")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Kill(); err != nil {
		t.Fatal(err)
	}
	exitOf(t, d)
	var st unix.Stat_t
	if err := unix.Stat(netnsDir+"/"+h.Namespace(), &st); err != nil {
		t.Fatal(err)
	}
	if left := processesIn(st); len(left) != 0 {
		t.Errorf("%s; processes %v are left", line.Text, left)
	}
}

func TestSignalsToADeadDaemonAreErrors(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, "exit 0")
	exitOf(t, d)
	for name, signal := range map[string]func() error{"Freeze": d.Freeze, "Thaw": d.Thaw, "Kill": d.Kill, "Stop": d.Stop} {
		if signal() == nil {
			t.Errorf("%s of a dead daemon is no error", name)
		}
	}
}

func TestTheLogHoldsBothOutputsInOrder(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, "echo one; echo two >&2; printf three")
	exitOf(t, d)
	if got, want := d.Log(), "one\ntwo\nthree\n"; got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
}

func TestWaitLogFailsAtOnceWhenTheDaemonIsGone(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, "echo sorry; exit 1")
	began := time.Now()
	err := d.WaitLog(time.Minute, "Entering MASTER STATE")
	if err == nil || !strings.Contains(err.Error(), "sorry") || time.Since(began) > 20*time.Second {
		t.Errorf("got %v after %v, want an error that shows the log, at once", err, time.Since(began))
	}
}

func TestWaitLogFailsAtTheTimeout(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, "echo hello; exec sleep 1000")
	if err := d.WaitLog(50*time.Millisecond, "Entering MASTER STATE"); err == nil {
		t.Error("no error")
	}
}

func TestWaitReturnsAlthoughAGrandchildHoldsTheOutput(t *testing.T) {
	h := ForTest(t).Host("h")
	d := startShell(t, h, "sleep 1000 & exit 4")
	if got := exitOf(t, d); got != 4 {
		t.Errorf("exit status %d, want 4", got)
	}
}

func TestADaemonRunsInsideItsHost(t *testing.T) {
	p := newPair(t)
	mounts := func(viaIPNetns bool) string {
		d, err := p.alice.Start(Command{
			Name: "look", Path: "sh", Args: []string{"-c", "ip -br addr show eth0; readlink /proc/self/ns/mnt; echo $GREETING; cat"},
			Env: []string{"GREETING=hello"}, Stdin: strings.NewReader("from stdin\n"), ViaIPNetns: viaIPNetns,
		})
		if err != nil {
			t.Fatal(err)
		}
		exitOf(t, d)
		for _, want := range []string{aliceIP.String(), "hello", "from stdin"} {
			if !strings.Contains(d.Log(), want) {
				t.Errorf("log %q lacks %q", d.Log(), want)
			}
		}
		return d.Log()[strings.Index(d.Log(), "mnt:["):]
	}
	if direct, viaIP := mounts(false), mounts(true); direct == viaIP {
		t.Errorf("`ip netns exec` has the caller's mount namespace: %q", viaIP)
	}
}

func TestRunReportsOutputAndFailure(t *testing.T) {
	h := ForTest(t).Host("h")
	out, err := h.Run("sh", "-c", "echo out; echo err >&2; exit 5")
	if out != "out\n" {
		t.Errorf("output %q", out)
	}
	if err == nil || !strings.Contains(err.Error(), "exit status 5") || !strings.Contains(err.Error(), "err\n") {
		t.Errorf("error %v, want exit status and standard error", err)
	}
}

func TestDoRunsGoCodeInsideTheHostAndComesBack(t *testing.T) {
	p := newPair(t)
	interfaces := func() string {
		all, err := net.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range all {
			names = append(names, i.Name+"="+i.HardwareAddr.String())
		}
		return strings.Join(names, " ")
	}
	before, inside := interfaces(), ""
	if err := p.alice.Do(func() error { inside = interfaces(); return nil }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(inside, p.aliceN.MAC.String()) {
		t.Errorf("inside: %s, want eth0 of alice", inside)
	}
	if after := interfaces(); after != before {
		t.Errorf("after: %s, want %s", after, before)
	}
}
