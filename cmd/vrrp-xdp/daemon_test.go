package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

func report(t *testing.T) control.Report {
	t.Helper()
	code, stdout, stderr := call(t, "status", "--json")
	if code != 0 {
		t.Fatalf("status: exit %d: %s", code, stderr)
	}
	var r control.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAttachWithoutAnInstanceObserves(t *testing.T) {
	newNetwork(t)
	p := start(t, "attach", "eth0", "eth1", "--mode", "tc", "--web.listen-address", "")
	r := report(t)
	if len(r.Instances) != 0 || len(r.Interfaces) != 2 || r.Interfaces[0].Name != "eth0" || r.Interfaces[0].Mode != "tc" || r.PID != p.Process.Pid {
		t.Errorf("report %+v", r)
	}
	p.stop(t)
	checkNothingLeft(t)
}

func TestDaemonsOnTwoInterfacesAreBothInTheStatus(t *testing.T) {
	newNetwork(t)
	first := start(t, "attach", "eth0", "--vrid", "10", "--vip", "192.168.1.1/24", "--web.listen-address", "")
	second := start(t, "attach", "eth1", "--vrid", "20", "--vip", "10.0.0.1/24", "--web.listen-address", "")
	waitFor(t, func() bool { return len(report(t).Instances) == 2 })
	names := report(t).Instances[0].Name + " " + report(t).Instances[1].Name
	if names != "vr10 vr20" {
		t.Errorf("instances %s", names)
	}
	first.stop(t)
	second.stop(t)
	checkNothingLeft(t)
}

func TestStatusWithoutADaemonSaysSo(t *testing.T) {
	newNetwork(t)
	checkRefused(t, exitFailed, "no vrrp-xdp runs in this network namespace", "status")
}

func master(t *testing.T) *process {
	t.Helper()
	p := start(t, "attach", "eth0", "--vrid", "10", "--vip", "192.168.1.1/24", "--advert-int", "10ms", "--web.listen-address", "")
	waitFor(t, func() bool { return report(t).Instances[0].State == "MASTER" && hasVIP(t) })
	return p
}

func hasVIP(t *testing.T) bool {
	t.Helper()
	out, err := exec.Command("ip", "-4", "addr", "show", "dev", "eth0").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(out), " 192.168.1.1/24 ")
}

func TestDetachRemovesWhatACrashedMasterLeft(t *testing.T) {
	newNetwork(t)
	master(t).kill(t)
	if !hasVIP(t) {
		t.Fatal("a killed daemon cannot have removed its address: nothing is tested")
	}
	code, stdout, stderr := call(t, "detach", "eth0")
	if code != 0 || stdout != "eth0: detached\n" {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	checkNothingLeft(t)
	if _, stdout, _ := call(t, "detach", "eth0"); stdout != "eth0: nothing of vrrp-xdp was there\n" {
		t.Errorf("again: %q", stdout)
	}
}

func TestARestartAfterACrashRemovesTheStaleAddress(t *testing.T) {
	newNetwork(t)
	master(t).kill(t)
	// The other address keeps the new one from finding the old by its configuration.
	p := start(t, "attach", "eth0", "--vrid", "10", "--vip", "192.168.1.9/24", "--advert-int", "10s", "--web.listen-address", "")
	if hasVIP(t) {
		t.Error("the address of the crashed predecessor is still there")
	}
	p.stop(t)
	checkNothingLeft(t)
}

func TestKeepAttachedLeavesTheProgramsAndNothingElse(t *testing.T) {
	newNetwork(t)
	p := start(t, "attach", "eth0", "--keep-attached", "--mode", "native", "--vrid", "10", "--vip", "192.168.1.1/24", "--web.listen-address", "")
	p.stop(t)
	if x := up(t, "eth0").Attrs().Xdp; x == nil || !x.Attached {
		t.Error("the program is not attached any more")
	}
	if hasVIP(t) {
		t.Error("the address is still there")
	}
	if code, _, stderr := call(t, "detach", "eth0"); code != 0 {
		t.Errorf("detach: %s", stderr)
	}
	checkNothingLeft(t)
}

func TestTheControlSocketIsRootsAlone(t *testing.T) {
	newNetwork(t)
	p := start(t, "attach", "eth0", "--web.listen-address", "")
	dir, err := datapath.RunDir()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "eth0.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	p.stop(t)
}

func TestMetricsAreServedAndHealthy(t *testing.T) {
	newNetwork(t)
	up(t, "lo")
	p := start(t, "attach", "eth0", "--vrid", "10", "--vip", "192.168.1.1/24")
	for path, want := range map[string]string{
		"/metrics": `vrrp_xdp_instance_state{family="ipv4",instance="vr10",interface="eth0",state="backup",vrid="10"}`,
		"/healthz": "ok",
	} {
		if body := get(t, defaultListen, path); !strings.Contains(body, want) {
			t.Errorf("%s has no %s:\n%s", path, want, body)
		}
	}
	p.stop(t)
}

// get asks without package http, which would dial from a thread in another namespace.
func get(t *testing.T, address, path string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestATakenDefaultAddressCostsTheMetricsOnly(t *testing.T) {
	newNetwork(t)
	up(t, "lo")
	first := start(t, "attach", "eth0")
	second := start(t, "attach", "eth1")
	waitFor(t, func() bool { return len(report(t).Interfaces) == 2 })
	second.stop(t)
	if !strings.Contains(second.stderr.String(), "no metrics: the default address is taken") {
		t.Errorf("no word of it:\n%s", second.stderr.String())
	}
	checkRefused(t, exitFailed, "serve metrics (--web.listen-address): listen tcp 127.0.0.1:9112", "attach", "eth1", "--web.listen-address", defaultListen)
	first.stop(t)
	checkNothingLeft(t)
}

// waitFor waits until a condition holds that comes about by itself.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}
