package datapath

import (
	"testing"

	"github.com/vishvananda/netlink"
)

// The kernel gives up on a program after a million instructions. How many it
// looks at depends on the kernel: a program near the end loads on one and not
// on the next.
func TestTheProgramsAreFarFromTheVerifiersLimit(t *testing.T) {
	const most = 100_000
	newNetwork(t)
	d := openOn(t, "lo")
	for _, hook := range []Hook{HookXDP, HookIngress, HookAccept, HookEgress} {
		info, err := d.Program(hook).Info()
		if err != nil {
			t.Fatal(err)
		}
		n, ok := info.VerifiedInstructions()
		if !ok || n == 0 || n > most {
			t.Errorf("program %s: %d verified instructions (known: %v), want at most %d", hook, n, ok, most)
		}
		t.Logf("program %s: %d verified instructions", hook, n)
	}
}

// Without multi-buffer support a driver refuses XDP at an MTU above one page.
func TestNativeXDPTakesJumboFrames(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	for _, name := range []string{"va", "vb"} {
		l, err := netlink.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetMTU(l, 9000); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := openOn(t, "va").Attach("va", Native); err != nil {
		t.Fatal(err)
	}
	if mode := attachedMode(t, "va"); mode != Native {
		t.Errorf("attached in mode %s", mode)
	}
}
