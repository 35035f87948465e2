package datapath

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// newNetwork moves the test to a network namespace of its own. Its thread is
// never given back: it and the namespace end with the test.
func newNetwork(t testing.TB) {
	t.Helper()
	lab.NeedRoot(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	// Its number may be that of a namespace in which a test was killed.
	ns, err := networkNamespace()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{bpffsMount, "/run"} {
		if err := os.RemoveAll(filepath.Join(dir, pinRoot, ns)); err != nil {
			t.Fatal(err)
		}
	}
}

// newVeth makes a pair of interfaces, up.
func newVeth(t testing.TB, name, peer string) netlink.Link {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peer}); err != nil {
		t.Fatalf("make %s and %s: %v", name, peer, err)
	}
	for _, n := range []string{peer, name} {
		l, err := netlink.LinkByName(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetUp(l); err != nil {
			t.Fatal(err)
		}
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// openOn opens a datapath that is closed with the test.
func openOn(t testing.TB, interfaces ...string) *Datapath {
	t.Helper()
	d, err := Open(Options{Interfaces: interfaces})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(false); err != nil {
			t.Error(err)
		}
	})
	return d
}
