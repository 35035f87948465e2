package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// asCommand makes the test binary behave as vrrp-xdp itself. Its value is the
// host's network namespace, in which it must not: a test that has strayed from
// its own namespace would attach to the host's interfaces.
const asCommand = "VRRP_XDP_TEST_AS_COMMAND"

const exitStrayed = 99

func TestMain(m *testing.M) {
	host := os.Getenv(asCommand)
	switch host {
	case "":
		os.Exit(m.Run())
	case namespace():
		fmt.Fprintln(os.Stderr, "vrrp-xdp: a test has strayed into the host's network namespace")
		os.Exit(exitStrayed)
	}
	os.Exit(run(env{os.Stdout, os.Stderr}, os.Args[1:]))
}

var hostNamespace = namespace()

// namespace names the network namespace of this thread.
func namespace() string {
	dir, err := datapath.RunDir()
	if err != nil {
		panic(err)
	}
	return filepath.Base(dir)
}

// newNetwork moves the test, and the commands that it starts on this goroutine
// (so not in subtests), to a network namespace of its own with the interfaces eth0 (192.168.1.2/24, on a veth) and
// eth1 (10.0.0.2/24). The thread is never given back and ends with the test.
func newNetwork(t *testing.T) {
	t.Helper()
	lab.NeedRoot(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"eth0": "192.168.1.2/24", "eth1": "10.0.0.2/24"} {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "peer-" + name}); err != nil {
			t.Fatal(err)
		}
		up(t, "peer-"+name)
		a, err := netlink.ParseAddr(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.AddrAdd(up(t, name), a); err != nil {
			t.Fatal(err)
		}
	}
}

func up(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	return l
}

// process is a vrrp-xdp that runs beside the test.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{} // closed when it has been waited for
}

// command prepares a vrrp-xdp, with the words before it, such as setpriv.
func command(before []string, args ...string) *process {
	words := slices.Concat(before, []string{executable()}, args)
	p := &process{Cmd: exec.Command(words[0], words[1:]...), ended: make(chan struct{})}
	p.Env = append(os.Environ(), asCommand+"="+hostNamespace)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	return p
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// call runs a vrrp-xdp to its end.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := command(nil, args...)
	return p.code(t, p.Run()), p.stdout.String(), p.stderr.String()
}

func (p *process) code(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

// start runs a vrrp-xdp beside the test, until its control socket answers.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := command(nil, args...)
	p.launch(t)
	waitFor(t, func() bool {
		code, _, _ := call(t, "status")
		return code == 0 || p.hasEnded()
	})
	if p.hasEnded() {
		t.Fatalf("vrrp-xdp %v ended:\n%s", args, p.stderr.String())
	}
	return p
}

// launch starts the process, which ends with the test at the latest.
func (p *process) launch(t *testing.T) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
	})
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// stop ends a daemon as systemctl would.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.end(t, syscall.SIGTERM)
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the daemon exits with %d:\n%s", code, p.stderr.String())
	}
}

// kill ends a daemon as a crash would, and leaves what it leaves.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.end(t, syscall.SIGKILL)
}

func (p *process) end(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		t.Fatalf("the daemon does not end on %v", s)
	}
}

// checkNothingLeft looks at the places where vrrp-xdp leaves things.
func checkNothingLeft(t *testing.T) {
	t.Helper()
	dir, err := datapath.RunDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join("/sys/fs/bpf/vrrp-xdp", filepath.Base(dir))} {
		if entries, err := os.ReadDir(path); err == nil {
			t.Errorf("%s is still there, with %v", path, entries)
		}
	}
	l, err := netlink.LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	if x := l.Attrs().Xdp; x != nil && x.Attached && !strings.HasPrefix(t.Name(), "TestAnOccupied") {
		t.Error("XDP is still attached")
	}
	addresses, err := netlink.AddrList(l, unix.AF_INET)
	if err != nil || len(addresses) != 1 {
		t.Errorf("eth0 has %v, %v", addresses, err)
	}
}
