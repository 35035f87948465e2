// Package gateway is the textbook pair in the lab: two routers that share a
// gateway address on either side, a client on the LAN and a server behind them.
// The system tests and the demo use it.
package gateway

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// The addresses of the pair over IPv4.
var (
	VIP       = ipv4.VIP       // the clients' gateway
	ServerVIP = ipv4.ServerVIP // the way back
	ServerIP  = ipv4.ServerIP
)

// Addresses are those of the pair in one family.
type Addresses struct {
	VIP       netip.Addr // the clients' gateway
	ServerVIP netip.Addr // the way back
	ServerIP  netip.Addr
	ClientIP  netip.Addr
	lan, wan  string // where hosts have their addresses
	bits      int
	first     []string // virtual addresses that are listed before the others
}

var (
	ipv4 = Addresses{
		VIP: netip.MustParseAddr("192.168.1.1"), ServerVIP: netip.MustParseAddr("10.0.0.1"),
		ServerIP: netip.MustParseAddr("10.0.0.80"), ClientIP: netip.MustParseAddr("192.168.1.77"),
		lan: "192.168.1.", wan: "10.0.0.", bits: 24,
	}
	ipv6 = Addresses{
		VIP: netip.MustParseAddr("2001:db8:1::1"), ServerVIP: netip.MustParseAddr("2001:db8:2::1"),
		ServerIP: netip.MustParseAddr("2001:db8:2::80"), ClientIP: netip.MustParseAddr("2001:db8:1::77"),
		lan: "2001:db8:1::", wan: "2001:db8:2::", bits: 64,
		first: []string{"fe80::10/64"},
	}
)

// onLAN and onWAN are what a host of that number is given there.
func (a Addresses) onLAN(host string) string { return fmt.Sprintf("%s%s/%d", a.lan, host, a.bits) }
func (a Addresses) onWAN(host string) string { return fmt.Sprintf("%s%s/%d", a.wan, host, a.bits) }

// flags name the virtual addresses.
func (a Addresses) flags() []string {
	var flags []string
	for _, vip := range append(a.first, fmt.Sprintf("%v/%d", a.VIP, a.bits), fmt.Sprintf("%v/%d", a.ServerVIP, a.bits)) {
		flags = append(flags, "--vip", vip)
	}
	return flags
}

// VRID of the virtual routers on both sides.
const VRID = 10

// Priorities of the routers.
const (
	Priority1 = 120
	Priority2 = 100
)

// Setup says how the routers run.
type Setup struct {
	Binary string        // of vrrp-xdp
	Mode   string        // of attach
	Advert time.Duration // interval
	Extra  []string      // further arguments
	// Wrapper is a command that executes vrrp-xdp: in the mount namespace of the test.
	Wrapper []string
	IPv6    bool // the pair is one of IPv6, and not of IPv4
}

// Pair is the topology.
type Pair struct {
	Addresses
	VirtualMAC     lab.MAC
	Lab            *lab.Lab
	Setup          Setup
	LAN, WAN       *lab.Switch
	R1, R2         *Router
	Client, Server *lab.Host
	ClientNIC      *lab.NIC
}

// Router is one of the two.
type Router struct {
	*lab.Host
	LAN, WAN *lab.NIC
	Priority int
	Daemon   *lab.Daemon // nil before Start
	pair     *Pair
}

// New builds the topology; no router runs yet.
func New(l *lab.Lab, s Setup) *Pair {
	p := &Pair{Lab: l, Setup: s, LAN: l.Switch("lan"), WAN: l.Switch("wan"), Addresses: ipv4, VirtualMAC: lab.VirtualMAC4(VRID)}
	if s.IPv6 {
		p.Addresses, p.VirtualMAC = ipv6, lab.VirtualMAC6(VRID)
	}
	p.R1 = p.router("r1", "2", Priority1)
	p.R2 = p.router("r2", "3", Priority2)
	p.Client = l.Host("client")
	p.ClientNIC = p.Client.Connect(p.LAN, "eth0", p.onLAN("77"))
	p.Client.Route("default", p.VIP.String())
	p.Server = l.Host("server")
	p.Server.Connect(p.WAN, "eth0", p.onWAN("80"))
	p.Server.Route("default", p.ServerVIP.String())
	return p
}

func (p *Pair) router(name, suffix string, priority int) *Router {
	h := p.Lab.Host(name)
	h.Forwarding(true)
	return &Router{
		Host:     h,
		LAN:      h.Connect(p.LAN, "eth0", p.onLAN(suffix)),
		WAN:      h.Connect(p.WAN, "eth1", p.onWAN(suffix)),
		Priority: priority,
		pair:     p,
	}
}

// Start runs vrrp-xdp on the router, on both sides; more are further arguments.
func (r *Router) Start(more ...string) error {
	s := r.pair.Setup
	args := append([]string{"attach", "eth0", "eth1"}, r.pair.flags()...)
	args = append(args, "--vrid", fmt.Sprint(VRID),
		"--priority", fmt.Sprint(r.Priority), "--advert-int", s.Advert.String(), "--mode", s.Mode)
	command := append([]string{s.Binary}, append(append(args, s.Extra...), more...)...)
	command = append(s.Wrapper[:len(s.Wrapper):len(s.Wrapper)], command...)
	var err error
	r.Daemon, err = r.Host.Start(lab.Command{Name: "vrrp-xdp", Path: command[0], Args: command[1:], ViaIPNetns: len(s.Wrapper) == 0})
	return err
}

// StartBoth starts both routers and waits until the first is master.
func (p *Pair) StartBoth() error {
	for _, r := range []*Router{p.R1, p.R2} {
		if err := r.Start(); err != nil {
			return err
		}
	}
	return p.Settle(p.R1, p.R2)
}

// Settle waits until master is master of both sides and backup backup, by what
// they say themselves.
func (p *Pair) Settle(master, backup *Router) error {
	if err := master.Await("MASTER"); err != nil {
		return err
	}
	return backup.Await("BACKUP")
}

// patience is how long a state may take: a start, an election and some.
func (p *Pair) patience() time.Duration { return 10*p.Setup.Advert + 5*time.Second }

// Await waits until the router says that it is in the state on these
// interfaces; with none named, on both.
func (r *Router) Await(state string, nics ...string) error {
	deadline := time.Now().Add(r.pair.patience())
	for {
		report, err := r.Status()
		if err == nil && all(report, state, nics) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s did not become %s in %v: %v; its log:\n%s", r.Name, state, r.pair.patience(), err, r.Daemon.Log())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func all(r control.Report, state string, nics []string) bool {
	for _, i := range r.Instances {
		if i.State != state && (len(nics) == 0 || slices.Contains(nics, i.Interface)) {
			return false
		}
	}
	return len(r.Instances) > 0
}

// Status asks the router's daemon.
func (r *Router) Status() (control.Report, error) { return Ask(r.Host) }

// ActiveDown is the Active_Down_Interval of a router of this priority (RFC
// 9568 §6.1), version 3.
func (p *Pair) ActiveDown(priority int) time.Duration {
	return 3*p.Setup.Advert + time.Duration(256-priority)*p.Setup.Advert/256
}

// Has reports whether the router has the VIP on its interface.
func (r *Router) Has(vip netip.Addr, nic string) bool {
	for _, a := range r.Addresses(nic) {
		if a.Addr() == vip {
			return true
		}
	}
	return false
}

// Build compiles vrrp-xdp of this source tree into dir.
func Build(dir string) (string, error) {
	root, err := sourceRoot()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "vrrp-xdp")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./cmd/vrrp-xdp")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build vrrp-xdp: %w\n%s", err, out)
	}
	return binary, nil
}

func sourceRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		dir = filepath.Dir(dir)
	}
	return "", fmt.Errorf("find go.mod above the working directory: %w", err)
}
