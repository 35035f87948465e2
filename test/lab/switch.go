package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

const bridgeName = "br0"

// Switch is a namespace with a bridge. Its ports are named HOST-NIC, for example r1-eth0.
type Switch struct {
	Name string

	lab    *Lab
	ns     *namespace
	bridge int
	xdp    map[int]link.Link // by interface index of the port; guarded by lab.mu
	ports  map[int]*NIC      // by interface index of the port; guarded by lab.mu
}

func newSwitch(l *Lab, name string) (*Switch, error) {
	ns, err := newNamespace(l.run.namespace(name))
	if err != nil {
		return nil, err
	}
	sw := &Switch{Name: name, lab: l, ns: ns, xdp: map[int]link.Link{}, ports: map[int]*NIC{}}
	l.mu.Lock()
	l.switches = append(l.switches, sw)
	l.mu.Unlock()
	// The switch itself stays silent: no MLD reports or router solicitations of its own on the wire.
	if err := ns.sysctl([2]string{"ipv6/conf/all/disable_ipv6", "1"}, [2]string{"ipv6/conf/default/disable_ipv6", "1"}); err != nil {
		return nil, err
	}
	if err := sw.blind(); err != nil {
		return nil, err
	}
	if err := command("ip", "-n", ns.name, "link", "add", bridgeName, "up", "type", "bridge",
		"stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"); err != nil {
		return nil, err
	}
	bridge, err := ns.nl.LinkByName(bridgeName)
	if err != nil {
		return nil, fmt.Errorf("finding the bridge: %w", err)
	}
	sw.bridge = bridge.Attrs().Index
	return sw, nil
}

// blind keeps the kernel's br_netfilter, where it is loaded, from looking into what passes the switch: it drops
// truncated packets, and joins fragments.
func (sw *Switch) blind() error {
	return sw.ns.do(func() error {
		settings, err := filepath.Glob("/proc/sys/net/bridge/bridge-nf-call-*")
		for _, path := range settings {
			err = errors.Join(err, os.WriteFile(path, []byte("0"), 0))
		}
		return err
	})
}

// Namespace is the switch's name for `ip netns`.
func (sw *Switch) Namespace() string { return sw.ns.name }

// loadPass makes the program that every switch port runs. A frame sent by XDP_TX arrives at a veth only if the other end
// has a native XDP program; without one it is lost silently.
func loadPass() (*ebpf.Program, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("raising the memlock limit: %w", err)
	}
	const xdpPass = 2
	pass, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "lab_pass", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()},
	})
	if err != nil {
		return nil, fmt.Errorf("loading the XDP program of the switch ports: %w", err)
	}
	return pass, nil
}

func (sw *Switch) attachPass(port int) error {
	return sw.ns.do(func() error {
		x, err := link.AttachXDP(link.XDPOptions{Program: sw.lab.pass, Interface: port, Flags: link.XDPDriverMode})
		if err != nil {
			return fmt.Errorf("attaching native XDP: %w", err)
		}
		sw.lab.mu.Lock()
		defer sw.lab.mu.Unlock()
		sw.xdp[port] = x
		return nil
	})
}

// replacePass gives a port another program.
func (sw *Switch) replacePass(port int, program *ebpf.Program) error {
	sw.lab.mu.Lock()
	defer sw.lab.mu.Unlock()
	return sw.xdp[port].Update(program)
}

// portOf finds the NIC at the far end of a port; nil for the bridge itself.
func (sw *Switch) portOf(index int) *NIC {
	sw.lab.mu.Lock()
	defer sw.lab.mu.Unlock()
	return sw.ports[index]
}

func (sw *Switch) remove() error {
	var errs []error
	for _, x := range sw.xdp {
		errs = append(errs, x.Close())
	}
	return errors.Join(append(errs, sw.ns.remove())...)
}
