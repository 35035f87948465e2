// Package router proves with real packets what a host on the LAN sees of two
// routers in both families: neighbours, default routers, options of the protocol.
package router

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var binary string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &binary)) }

const vrid = 10

var (
	vip4      = netip.MustParseAddr("192.168.1.1")
	vip6      = netip.MustParseAddr("2001:db8:1::1")
	vipLocal  = netip.MustParseAddr("fe80::10")
	host4     = netip.MustParseAddr("192.168.1.77")
	host6     = netip.MustParseAddr("2001:db8:1::77")
	both      = []string{"--vip", "192.168.1.1/24", "--vip", "fe80::10/64", "--vip", "2001:db8:1::1/64"}
	only4     = both[:2]
	modes     = []string{"native", "tc"}
	patience  = 10 * time.Second
	quick     = 50 * time.Millisecond // between adverts
	quickDown = 3*quick + quick       // more than any Active_Down_Interval at that pace
)

// site is one LAN with two routers and a host on it.
type site struct {
	t      testing.TB
	mode   string
	lab    *lab.Lab
	lan    *lab.Switch
	r1, r2 *router
	host   *lab.Host
	nic    *lab.NIC
}

// router is a machine that may run vrrp-xdp.
type router struct {
	*lab.Host
	site   *site
	nic    *lab.NIC
	daemon *lab.Daemon
}

func eachMode(t *testing.T, test func(t testing.TB, s *site)) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) { undisturbed(t, mode, test) })
	}
}

// abreast is eachMode, at the same time, for what waits for seconds.
func abreast(t *testing.T, test func(t testing.TB, s *site)) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			undisturbed(t, mode, test)
		})
	}
}

// undisturbed runs a test again that failed while this machine paused for an interval: after two, a lease is over.
func undisturbed(t *testing.T, mode string, test func(t testing.TB, s *site)) {
	t.Helper()
	lab.Undisturbed(t, quick, func(t testing.TB) { test(t, newSite(t, mode)) })
}

func newSite(t testing.TB, mode string) *site {
	t.Helper()
	l := lab.ForTest(t)
	s := &site{t: t, lab: l, mode: mode, lan: l.Switch("lan")}
	s.r1, s.r2 = s.router("r1", 2), s.router("r2", 3)
	s.host = l.Host("host")
	s.nic = s.host.Connect(s.lan, "eth0", host4.String()+"/24", host6.String()+"/64")
	return s
}

func (s *site) router(name string, n int) *router {
	h := s.lab.Host(name)
	h.Forwarding(true)
	nic := h.Connect(s.lan, "eth0", fmt.Sprintf("192.168.1.%d/24", n), fmt.Sprintf("2001:db8:1::%d/64", n))
	return &router{Host: h, site: s, nic: nic}
}

// start runs vrrp-xdp on the router with these arguments too.
func (r *router) start(priority int, args ...string) {
	r.site.t.Helper()
	all := append([]string{"attach", "eth0", "--vrid", fmt.Sprint(vrid), "--priority", fmt.Sprint(priority),
		"--mode", r.site.mode, "--web.listen-address", ""}, args...)
	if !slices.Contains(args, "--advert-int") {
		all = append(all, "--advert-int", quick.String())
	}
	var err error
	r.daemon, err = r.Host.Start(lab.Command{Name: "vrrp-xdp", Path: binary, Args: all, ViaIPNetns: true})
	must(r.site.t, err)
}

func (r *router) report() control.Report {
	r.site.t.Helper()
	report, err := gateway.Ask(r.Host)
	must(r.site.t, err)
	return report
}

// states are those of all instances, in order: "MASTER BACKUP".
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
	deadline := time.Now().Add(patience)
	for r.states() != states {
		if time.Now().After(deadline) {
			r.site.t.Fatalf("%s is %q, want %q; its log:\n%s", r.Name, r.states(), states, r.daemon.Log())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// stays wants the states to last for a while.
func (r *router) stays(states string, d time.Duration) {
	r.site.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got := r.states(); got != states {
			r.site.t.Fatalf("%s is %q, want %q all the time; its log:\n%s", r.Name, got, states, r.daemon.Log())
		}
	}
}

// ping wants an answer from the address to the host.
func (s *site) ping(target netip.Addr) {
	s.t.Helper()
	probe, err := s.host.Probe(lab.ProbeOptions{Target: target, Interval: 5 * time.Millisecond})
	must(s.t, err)
	must(s.t, probe.AwaitAnswers(20, patience))
	probe.Stop()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func parse(address string) netip.Addr { return netip.MustParseAddr(address) }
