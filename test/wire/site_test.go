// Package wire proves with raw packets on a real interface what a daemon does
// with adverts, questions and claims, good and bad, and what it sends itself.
package wire

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var program string

func TestMain(m *testing.M) { os.Exit(gateway.Main(m, &program)) }

const (
	vrid      = 10
	otherVRID = 77 // nobody's
	// ours is the priority of the router under test.
	ours = 100
	// better is that of the adverts that would end its reign, were they believed.
	better = 250
	// lesser is that of adverts that would not.
	lesser = 50

	patience = 10 * time.Second
)

// dialect is a way to speak VRRP.
type dialect struct {
	name     string
	version  vrrp.Version
	family   vrrp.Family
	interval time.Duration
	vips     []netip.Addr
	prefixes []string
	// other is who sends the adverts that the tests make, own the router's address.
	other, own netip.Addr
}

var (
	v3 = dialect{
		name: "IPv4 v3", version: vrrp.V3, family: vrrp.IPv4, interval: 50 * time.Millisecond,
		vips: []netip.Addr{parse("192.168.1.1")}, prefixes: []string{"192.168.1.1/24"},
		other: parse("192.168.1.200"), own: parse("192.168.1.100"),
	}
	v2 = dialect{
		name: "IPv4 v2", version: vrrp.V2, family: vrrp.IPv4, interval: time.Second,
		vips: v3.vips, prefixes: v3.prefixes, other: v3.other, own: v3.own,
	}
	v3ipv6 = dialect{
		name: "IPv6 v3", version: vrrp.V3, family: vrrp.IPv6, interval: 50 * time.Millisecond,
		vips: []netip.Addr{parse("fe80::10"), parse("2001:db8:1::1")}, prefixes: []string{"fe80::10/64", "2001:db8:1::1/64"},
		other: parse("fe80:0:0:0:ff00::200"), // own: derived from the MAC
	}
)

func (d dialect) at(interval time.Duration) dialect {
	d.interval = interval
	return d
}

func (d dialect) virtualMAC() lab.MAC { return lab.MAC(vrrp.VirtualMAC(d.family, vrid)) }

// skew is Skew_Time of the router under test, RFC 9568 §6.1 and RFC 3768 §6.1,
// behind a master of that interval.
func (d dialect) skew(interval time.Duration) time.Duration {
	if d.version == vrrp.V2 {
		interval = time.Second
	}
	return (256 - ours) * interval / 256
}

// down is Active_Down_Interval behind a master of that interval.
func (d dialect) down(interval time.Duration) time.Duration { return 3*interval + d.skew(interval) }

// site is a router under test, a station that plays the other router, and a host.
type site struct {
	dialect
	t      testing.TB
	mode   string
	lab    *lab.Lab
	lan    *lab.Switch
	router *lab.Host
	nic    *lab.NIC // of the router
	peer   *lab.NIC
	host   *lab.NIC
	wire   *lab.Sniffer // at the router's port: In is what the router sends
	daemon *lab.Daemon
}

// each runs a test in both modes of attaching, in each of the dialects.
func each(t *testing.T, dialects []dialect, test func(t *testing.T, s *site)) {
	t.Helper()
	eachWay(t, dialects, func(t *testing.T, mode string, d dialect) { test(t, newSite(t, mode, d)) })
}

// eachUndisturbed is each for a test that has no parts, and that this machine
// spoils where it pauses.
func eachUndisturbed(t *testing.T, dialects []dialect, test func(t testing.TB, s *site)) {
	t.Helper()
	eachWay(t, dialects, func(t *testing.T, mode string, d dialect) {
		lab.Undisturbed(t, unfit, func(t testing.TB) { test(t, newSite(t, mode, d)) })
	})
}

// eachWay names the ways to run a test. Version 2 has intervals of seconds: what
// waits for it waits beside others.
func eachWay(t *testing.T, dialects []dialect, test func(t *testing.T, mode string, d dialect)) {
	for _, mode := range []string{"native", "tc"} {
		for _, d := range dialects {
			t.Run(mode+"/"+d.name, func(t *testing.T) {
				if d.version == vrrp.V2 {
					t.Parallel()
				}
				test(t, mode, d)
			})
		}
	}
}

func newSite(t testing.TB, mode string, d dialect) *site {
	t.Helper()
	l := lab.ForTest(t)
	s := &site{dialect: d, t: t, lab: l, mode: mode, lan: l.Switch("lan")}
	s.router = l.Host("router")
	s.nic = s.router.Connect(s.lan, "eth0", v3.own.String()+"/24", "2001:db8:1::100/64")
	s.peer = l.Host("peer").Connect(s.lan, "eth0", "192.168.1.3/24", "2001:db8:1::3/64")
	s.host = l.Host("host").Connect(s.lan, "eth0", "192.168.1.77/24", "2001:db8:1::77/64")
	if d.family == vrrp.IPv6 {
		s.own = s.nic.LinkLocal()
	}
	var err error
	s.wire, err = s.nic.Sniff(nil)
	must(t, err)
	return s
}

// start runs the daemon with these arguments too.
func (s *site) start(priority int, more ...string) {
	s.t.Helper()
	args := []string{"attach", "eth0", "--mode", s.mode, "--web.listen-address", "", "--vrid", fmt.Sprint(vrid),
		"--priority", fmt.Sprint(priority), "--advert-int", s.interval.String(), "--version", fmt.Sprint(s.version)}
	for _, p := range s.prefixes {
		args = append(args, "--vip", p)
	}
	var err error
	s.daemon, err = s.router.Start(lab.Command{Name: "vrrp-xdp", Path: program, Args: append(args, more...), ViaIPNetns: true})
	must(s.t, err)
}

func (s *site) stop() {
	s.t.Helper()
	must(s.t, s.daemon.Stop())
	_, err := s.daemon.Wait(patience)
	must(s.t, err)
}

func (s *site) ask() (control.Report, error) { return gateway.Ask(s.router) }

func (s *site) report() control.Report {
	s.t.Helper()
	report, err := s.ask()
	must(s.t, err)
	return report
}

func (s *site) status() control.InstanceStatus {
	s.t.Helper()
	return s.report().Instances[0]
}

// await waits until the router is in the state.
func (s *site) await(state string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		report, err := s.ask()
		if err == nil && report.Instances[0].State == state {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the router does not become %s: %v", state, err)
		}
	}
}

// advert is what another router of the same configuration would say.
func (s *site) advert(priority uint8) vrrp.Advert {
	return vrrp.Advert{Version: s.version, VRID: vrid, Priority: priority, Interval: s.interval, Addresses: s.vips}
}

// groupOf is where multicast adverts of a family go.
func groupOf(f vrrp.Family) (netip.Addr, lab.MAC) {
	return vrrp.GroupAddress(f), lab.MAC(vrrp.GroupMAC(f))
}

// pack puts an advert of the other router into a packet, as a good one would.
func (s *site) pack(a vrrp.Advert) forge.Packet {
	s.t.Helper()
	return s.packFrom(s.other, a)
}

func (s *site) packFrom(source netip.Addr, a vrrp.Advert) forge.Packet {
	s.t.Helper()
	group, mac := groupOf(s.family)
	pdu, err := a.AppendBinary(nil, source, group)
	must(s.t, err)
	return forge.Packet{To: mac, From: s.virtualMAC(), Source: source, Destination: group, TTL: vrrp.TTL, PDU: pdu}
}

func (s *site) send(frame []byte) {
	s.t.Helper()
	must(s.t, s.peer.Send(frame))
}

// talk sends an advert at each interval until its answer is called, as a master does.
func (s *site) talk(frame []byte, interval time.Duration) (end func()) {
	s.t.Helper()
	stop, err := s.peer.Repeat(frame, interval)
	must(s.t, err)
	return func() {
		s.t.Helper()
		must(s.t, stop())
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parse(address string) netip.Addr { return netip.MustParseAddr(address) }
