// Package conf proves, with real packets and in the kernel's own tables, that a
// keepalived.conf does what it says: on this router, beside keepalived, and
// across reloads.
package conf

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var binary string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &binary)) }

const patience = 15 * time.Second

var (
	vip4    = netip.MustParseAddr("192.168.1.1")
	client4 = netip.MustParseAddr("192.168.1.77")
)

// site is two routers with a LAN and a WAN, and a client on the LAN.
type site struct {
	t        *testing.T
	lab      *lab.Lab
	lan, wan *lab.Switch
	r1, r2   *router
	client   *lab.Host
}

// router is a machine that may run vrrp-xdp or keepalived. Its LAN is eth0, its
// WAN eth1. In its configurations DIR is a folder of its own.
type router struct {
	*lab.Host
	site       *site
	lan, wan   *lab.NIC
	dir        string
	file       string // of vrrp-xdp
	daemon     *lab.Daemon
	keepalived *lab.Keepalived
}

func newSite(t *testing.T) *site {
	t.Helper()
	l := lab.ForTest(t)
	s := &site{t: t, lab: l, lan: l.Switch("lan"), wan: l.Switch("wan")}
	s.r1, s.r2 = s.router("r1", 2), s.router("r2", 3)
	s.client = l.Host("client")
	s.client.Connect(s.lan, "eth0", client4.String()+"/24", "2001:db8:1::77/64")
	return s
}

func (s *site) router(name string, n int) *router {
	h := s.lab.Host(name)
	h.Forwarding(true)
	r := &router{Host: h, site: s, dir: s.t.TempDir()}
	r.lan = h.Connect(s.lan, "eth0", fmt.Sprintf("192.168.1.%d/24", n), fmt.Sprintf("2001:db8:1::%d/64", n))
	r.wan = h.Connect(s.wan, "eth1", fmt.Sprintf("10.0.0.%d/24", n), fmt.Sprintf("2001:db8:2::%d/64", n))
	r.file = filepath.Join(r.dir, "vrrp-xdp.conf")
	return r
}

// write makes this the configuration file.
func (r *router) write(config string) {
	r.site.t.Helper()
	must(r.site.t, os.WriteFile(r.file, []byte(strings.ReplaceAll(config, "DIR", r.dir)), 0o600))
}

// run starts vrrp-xdp with the configuration.
func (r *router) run(config string, args ...string) {
	r.site.t.Helper()
	r.write(config)
	all := append([]string{"run", "-f", r.file, "--mode", "tc", "--web.listen-address", ""}, args...)
	var err error
	r.daemon, err = r.Start(lab.Command{Name: "vrrp-xdp", Path: binary, Args: all, ViaIPNetns: true})
	must(r.site.t, err)
}

// runKeepalived starts keepalived with the configuration.
func (r *router) runKeepalived(config string) {
	r.site.t.Helper()
	var err error
	r.keepalived, err = r.site.lab.StartKeepalived(r.Host, strings.ReplaceAll(config, "DIR", r.dir))
	must(r.site.t, err)
}

// reload makes this the configuration, and has it read.
func (r *router) reload(config string) {
	r.site.t.Helper()
	r.write(config)
	if out, err := r.Run(binary, "reload"); err != nil {
		r.site.t.Fatalf("reload: %v\n%s\n%s", err, out, r.daemon.Log())
	}
}

func (r *router) report() control.Report {
	r.site.t.Helper()
	report, err := gateway.Ask(r.Host)
	must(r.site.t, err)
	return report
}

// instance is the status of one instance.
func (r *router) instance(name string) control.InstanceStatus {
	r.site.t.Helper()
	for _, i := range r.report().Instances {
		if i.Name == name {
			return i
		}
	}
	r.site.t.Fatalf("%s has no instance %s", r.Name, name)
	panic("unreachable")
}

// states are those of all instances, in order: "MASTER BACKUP"; "" if nobody answers.
func (r *router) states() string {
	report, err := gateway.Ask(r.Host)
	if err != nil {
		return ""
	}
	var list []string
	for _, i := range report.Instances {
		list = append(list, i.State)
	}
	return strings.Join(list, " ")
}

// await waits until the instances are in these states.
func (r *router) await(states string) {
	r.site.t.Helper()
	r.site.eventually(func() error {
		if got := r.states(); got != states {
			return fmt.Errorf("%s is %q, want %q; its log:\n%s", r.Name, got, states, r.daemon.Log())
		}
		return nil
	})
}

// eventually waits until there is no error any more.
func (s *site) eventually(check func() error) {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for err := check(); err != nil; err = check() {
		if time.Now().After(deadline) {
			s.t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// has reports whether the address is on one of the interfaces.
func (r *router) has(a netip.Addr) bool {
	for _, nic := range []string{"eth0", "eth1"} {
		for _, p := range r.Addresses(nic) {
			if p.Addr() == a {
				return true
			}
		}
	}
	return false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
