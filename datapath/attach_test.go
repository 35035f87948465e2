package datapath

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
)

func TestEveryModeAttachesAndLeavesNothingBehind(t *testing.T) {
	for _, mode := range []Mode{Native, TC, Generic} {
		t.Run(string(mode), func(t *testing.T) {
			newNetwork(t)
			newVeth(t, "va", "vb")
			d, err := Open(Options{Interfaces: []string{"va"}})
			if err != nil {
				t.Fatal(err)
			}
			p, err := d.Attach("va", mode)
			if err != nil {
				t.Fatal(err)
			}
			if p.Mode != mode || p.Reason == "" {
				t.Errorf("mode %q, reason %q", p.Mode, p.Reason)
			}
			if got := attachedMode(t, "va"); got != mode {
				t.Errorf("the kernel says %q", got)
			}
			checkPrograms(t, "va", mode)
			if err := d.Close(false); err != nil {
				t.Fatal(err)
			}
			checkNothingLeft(t, "va")
		})
	}
}

// attachedMode is what netlink says of the interface.
func attachedMode(t *testing.T, name string) Mode {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	x := l.Attrs().Xdp
	switch {
	case x == nil || !x.Attached:
		return TC
	case x.AttachMode == 1:
		return Native
	case x.AttachMode == 2:
		return Generic
	}
	return "unknown"
}

func checkNothingLeft(t *testing.T, name string) {
	t.Helper()
	if mode := attachedMode(t, name); mode != TC {
		t.Errorf("XDP is still attached, %s", mode)
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if programs := tcPrograms(t, l); len(programs) > 0 {
		t.Errorf("%v are still attached", programs)
	}
	qdiscs, err := netlink.QdiscList(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range qdiscs {
		if q.Type() == "clsact" {
			t.Error("the clsact qdisc is still there")
		}
	}
	ns, err := networkNamespace()
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{filepath.Join(bpffsMount, pinRoot, ns), filepath.Join(runDir, ns)} {
		if _, err := os.Stat(pattern); err == nil {
			t.Errorf("%s is still there", pattern)
		}
	}
}

func TestAutoTakesTCOnAVethAndSaysWhy(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	p, err := openOn(t, "va").Attach("va", Auto)
	if err != nil {
		t.Fatal(err)
	}
	if p.Mode != TC || !strings.Contains(p.Reason, "offload") {
		t.Errorf("mode %s, reason %q", p.Mode, p.Reason)
	}
}

func TestAutoTakesTCOnABridge(t *testing.T) {
	newNetwork(t)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "br.7" // a dot: not allowed in a pin's name, to be escaped
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		t.Fatal(err)
	}
	p, err := openOn(t, "br.7").Attach("br.7", Auto)
	if err != nil {
		t.Fatal(err)
	}
	if p.Mode != TC || !strings.Contains(p.Reason, "bridge") {
		t.Errorf("mode %s, reason %q", p.Mode, p.Reason)
	}
}

func TestNativeIsNeverSilentlyGeneric(t *testing.T) {
	newNetwork(t)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "br0"
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		t.Fatal(err)
	}
	if _, err := openOn(t, "br0").Attach("br0", Native); err == nil {
		t.Error("a bridge took native XDP")
	}
	if mode := attachedMode(t, "br0"); mode != TC {
		t.Errorf("attached in mode %s", mode)
	}
}

func TestAMissingInterfaceIsNamedWithThoseThatExist(t *testing.T) {
	newNetwork(t)
	_, err := Open(Options{Interfaces: []string{"eth7"}})
	if !errors.Is(err, ErrNoInterface) || !strings.Contains(err.Error(), "eth7") || !strings.Contains(err.Error(), "lo") {
		t.Errorf("error is %v", err)
	}
}

func TestTheSecondClaimOfAnInterfaceSaysWhoHasIt(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	openOn(t, "va")
	_, err := Open(Options{Interfaces: []string{"va"}})
	held, ok := errors.AsType[*HeldError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	if held.PID != os.Getpid() || held.Interface != "va" || !strings.Contains(held.Command, "datapath.test") {
		t.Errorf("held by %+v", held)
	}
	if _, err := Detach("va", nobody); err == nil {
		t.Error("what a daemon is using was detached")
	}
	openOn(t, "vb") // another interface is free
}

// occupy attaches a program that is not ours.
func occupy(t *testing.T, name string) {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "somebody_else", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	at, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: l.Attrs().Index, Flags: link.XDPDriverMode})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = at.Close(); _ = program.Close() })
}

func TestAnOccupiedInterfaceNamesTheProgramThatIsThere(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	occupy(t, "va")
	_, err := openOn(t, "va").Attach("va", Native)
	occupied, ok := errors.AsType[*OccupiedError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	if occupied.Program != "somebody_else" || occupied.ID == 0 || !strings.Contains(err.Error(), "--mode tc") {
		t.Errorf("error is %v", err)
	}
}

func TestTCWorksBesideAnotherXDPProgram(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	occupy(t, "va")
	if _, err := openOn(t, "va").Attach("va", TC); err != nil {
		t.Error(err)
	}
}

func nobody(int, []Leftover) error { return nil }

func TestANewModeTakesTheOldProgramsOff(t *testing.T) {
	newNetwork(t)
	newVeth(t, "va", "vb")
	for _, mode := range []Mode{Native, Generic, TC, Native} {
		d, err := Open(Options{Interfaces: []string{"va"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Attach("va", mode); err != nil {
			t.Fatal(err)
		}
		if got := attachedMode(t, "va"); got != mode {
			t.Errorf("attached in mode %s, want %s", got, mode)
		}
		checkPrograms(t, "va", mode)
		if err := d.Close(true); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := Detach("va", nobody); !found || err != nil {
		t.Errorf("detach: found %v, %v", found, err)
	}
	checkNothingLeft(t, "va")
	if found, err := Detach("va", nobody); found || err != nil {
		t.Errorf("detach again: found %v, %v", found, err)
	}
}

func TestPinsOfAnInterfaceThatWasMadeAnewAreReplaced(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	d, err := Open(Options{Interfaces: []string{"va"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Attach("va", Native); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkDel(va); err != nil {
		t.Fatal(err)
	}
	newVeth(t, "va", "vb")
	if _, err := openOn(t, "va").Attach("va", Native); err != nil {
		t.Fatal(err)
	}
	if mode := attachedMode(t, "va"); mode != Native {
		t.Errorf("attached in mode %s", mode)
	}
}

func TestAVirtualRouterCannotBeInstalledTwice(t *testing.T) {
	newNetwork(t)
	d := openOn(t, "lo")
	spec := RouterSpec{Interface: loopback, VRID: 10, Family: 4, Version: 3, VirtualMAC: virtualMAC, Addresses: []netip.Addr{vip}}
	r, err := d.AddRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Addresses = []netip.Addr{client}
	if _, err := d.AddRouter(spec); err == nil {
		t.Error("the same VRID was installed twice on one interface")
	}
	spec.VRID, spec.Addresses = 11, []netip.Addr{client, vip}
	if _, err := d.AddRouter(spec); err == nil {
		t.Error("the same address was installed twice on one interface")
	}
	spec.Addresses = []netip.Addr{client}
	if _, err := d.AddRouter(spec); err != nil {
		t.Errorf("a failed installation left something: %v", err)
	}
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddRouter(r.spec); err != nil {
		t.Errorf("a removed router left something: %v", err)
	}
}

func TestALeaseRunsOutByItself(t *testing.T) {
	b := newBench(t)
	b.v3.SetLease(Now() + 20*time.Millisecond)
	ask := arpFrame(broadcast, clientMAC, request(client, vip))
	first, err := b.Run(HookXDP, ask, 1)
	if err != nil {
		t.Fatal(err)
	}
	for Now() < b.v3.Lease() {
		time.Sleep(time.Millisecond)
	}
	second, err := b.Run(HookXDP, ask, 1)
	if err != nil {
		t.Fatal(err)
	}
	if first.Verdict != Reply || second.Verdict != Drop {
		t.Errorf("verdicts are %s, then %s; want reply, then drop", first.Verdict, second.Verdict)
	}
}
