package main

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestASignalFromTheTerminalLeavesNothingBehind(t *testing.T) {
	newNetwork(t)
	p := master(t)
	p.end(t, syscall.SIGHUP)
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d:\n%s", code, p.stderr.String())
	}
	checkNothingLeft(t)
}

func TestTheOwnersAddressOutlivesACrashOfItsDaemon(t *testing.T) {
	newNetwork(t)
	p := start(t, "attach", "eth0", "--vrid", "10", "--vip", "192.168.1.2/24", "--priority", "255", "--advert-int", "10ms", "--web.listen-address", "")
	waitFor(t, func() bool { return report(t).Instances[0].State == "MASTER" })
	p.kill(t)
	if code, _, stderr := call(t, "detach", "eth0"); code != 0 {
		t.Error(stderr)
	}
	checkNothingLeft(t) // and the one address of eth0 is there
}

func TestACrashUnderIPNetnsExecLeavesTheProgramsInPlace(t *testing.T) {
	newNetwork(t)
	const name = "vrrp-xdp-test-crash"
	thread := strconv.Itoa(unix.Gettid()) // the process's own namespace is the host's
	if out, err := exec.Command("ip", "netns", "attach", name, thread).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	p := command([]string{"ip", "netns", "exec", name}, "attach", "eth0", "--mode", "native", "--vrid", "10", "--vip", "192.168.1.1/24", "--advert-int", "10ms", "--web.listen-address", "")
	p.launch(t)
	waitFor(t, func() bool { _, _, err := call(t, "status"); return err == "" && hasVIP(t) })
	p.kill(t)
	if x := up(t, "eth0").Attrs().Xdp; x == nil || !x.Attached {
		t.Error("the program is gone, and the kernel answers for the virtual address with the physical MAC")
	}
	if _, stdout, _ := call(t, "detach", "eth0"); stdout != "eth0: detached\n" {
		t.Errorf("detach says %q", stdout)
	}
	checkNothingLeft(t)
}

func TestAnAlternativeNameIsTheSameInterface(t *testing.T) {
	newNetwork(t)
	l := up(t, "eth0")
	if err := netlink.LinkAddAltName(l, "uplink-to-the-clients"); err != nil {
		t.Fatal(err)
	}
	p := start(t, "attach", "eth0", "--web.listen-address", "")
	checkRefused(t, exitFailed, "eth0 is held by process ", "attach", "uplink-to-the-clients")
	p.stop(t)
	checkRefused(t, exitUsage, "interface eth0 is named twice", "attach", "eth0", "uplink-to-the-clients")
	checkRefused(t, exitUsage, "192.168.1.2/24 is an address of eth0 itself", "attach", "uplink-to-the-clients", "--vrid", "10", "--vip", "192.168.1.2/24")
}

func TestWhatIsNoNameOfAnInterfaceIsRefused(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../../tmp/x", strings.Repeat("x", 128)} {
		for _, c := range []string{"attach", "detach"} {
			checkComplaint(t, c+" "+name, inProcess(c, name), exitUsage, "is not the name of an interface")
		}
	}
}

func TestCommandsWithoutArgumentsRefuseThem(t *testing.T) {
	for _, c := range []string{"status", "version"} {
		checkComplaint(t, c, inProcess(c, "eth0"), exitUsage, "takes no arguments")
	}
}

func TestADeadDaemonDoesNotHideALivingOne(t *testing.T) {
	newNetwork(t)
	start(t, "attach", "eth0", "--web.listen-address", "").kill(t)
	p := command(nil, "attach", "eth1", "--web.listen-address", "")
	p.launch(t)
	waitFor(t, func() bool { _, stdout, _ := call(t, "status"); return stdout != "" })
	code, stdout, stderr := call(t, "status")
	if code != exitFailed || !strings.Contains(stdout, "eth1") || !strings.Contains(stderr, "the daemon on eth0 has died: start it again, or vrrp-xdp detach eth0") {
		t.Errorf("exit status %d, %q, %q", code, stdout, stderr)
	}
	p.stop(t)
	if code, _, stderr := call(t, "detach", "eth0"); code != 0 {
		t.Error(stderr)
	}
	checkNothingLeft(t)
}
