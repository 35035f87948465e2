// Package attack sends what an attacker on the link would, and wants the router
// to go on as it should: the threats A1 to A14 of docs/reliability.md, each with
// and without a list of those who may speak.
package attack

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
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
	vrid     = 10
	ours     = 100 // the router's priority
	interval = 100 * time.Millisecond
	patience = 10 * time.Second
)

// network is what an IPv4 and an IPv6 link have each for its own.
type network struct {
	family                         vrrp.Family
	vips                           []netip.Addr
	prefixes                       string
	own, peer, attacker, offSubnet netip.Addr
}

var (
	ipv4 = network{
		vrrp.IPv4, []netip.Addr{parse("192.168.1.1")}, "192.168.1.1/24",
		parse("192.168.1.100"), parse("192.168.1.200"), parse("192.168.1.201"), parse("10.99.99.99"),
	}
	ipv6 = network{
		vrrp.IPv6, []netip.Addr{parse("fe80::10"), parse("2001:db8:1::1")}, "fe80::10/64\n2001:db8:1::1/64",
		netip.Addr{}, parse("fe80::ff00:0:0:200"), parse("fe80::ff00:0:0:201"), parse("2001:db8:99::1"), // own: derived from the MAC
	}
)

func (n network) virtualMAC() lab.MAC { return lab.MAC(vrrp.VirtualMAC(n.family, vrid)) }

// site is a router under test, and a station that says what it likes.
type site struct {
	network
	t       testing.TB
	mode    string
	lab     *lab.Lab
	lan     *lab.Switch
	router  *lab.Host
	nic     *lab.NIC // of the router
	station *lab.NIC
	daemon  *lab.Daemon
	pace    time.Duration // of adverts
}

func newSite(t testing.TB, mode string, n network) *site {
	t.Helper()
	l := lab.ForTest(t)
	s := &site{network: n, t: t, mode: mode, lab: l, lan: l.Switch("lan"), router: l.Host("router"), pace: interval}
	s.nic = s.router.Connect(s.lan, "eth0", "192.168.1.100/24", "2001:db8:1::100/64")
	s.station = l.Host("station").Connect(s.lan, "eth0", "192.168.1.3/24", "2001:db8:1::3/64")
	if n.family == vrrp.IPv6 {
		s.own = s.nic.LinkLocal()
	}
	return s
}

// hardened is what the file says where only the peer may speak.
func (n network) hardened() string {
	return fmt.Sprintf("strict_mac\nallowed_sources {\n%v\n}\n", n.peer)
}

// start runs the router with these words in its instance too.
func (s *site) start(words string) {
	s.t.Helper()
	// Real-time priority, as on a gateway: what is measured is not the other load.
	text := fmt.Sprintf("global_defs {\nvrrp_rt_priority 50\n}\nvrrp_instance VI {\ninterface eth0\nvirtual_router_id %d\npriority %d\nversion 3\nadvert_int %v\nvirtual_ipaddress {\n%s\n}\n%s\n}\n",
		vrid, ours, s.pace.Seconds(), s.prefixes, words)
	path := filepath.Join(s.t.TempDir(), "vrrp-xdp.conf")
	must(s.t, os.WriteFile(path, []byte(text), 0o600))
	var err error
	s.daemon, err = s.router.Start(lab.Command{Name: "vrrp-xdp", Path: program, ViaIPNetns: true,
		Args: []string{"attach", "eth0", "--mode", s.mode, "--web.listen-address", "", "-f", path}})
	must(s.t, err)
}

func (s *site) report() (control.Report, error) { return gateway.Ask(s.router) }

func (s *site) status() control.InstanceStatus {
	s.t.Helper()
	report, err := s.report()
	must(s.t, err)
	return report.Instances[0]
}

// eventually waits until what is wanted is so.
func (s *site) eventually(what string, so func(control.Report) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		report, err := s.report()
		if err == nil && so(report) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("it does not come to this: %s (%v)", what, err)
		}
	}
}

func (s *site) await(state string) {
	s.t.Helper()
	s.eventually("the router is "+state, func(r control.Report) bool { return r.Instances[0].State == state })
}

// counts are all the counters of adverts and claims that an attack may move:
// "dropped ttl", "on the interface vrid".
func counts(r control.Report) map[string]uint64 {
	i := r.Instances[0].Counters
	c := map[string]uint64{"received": i.AdvertsReceived, "conflict": i.ARPConflicts + i.NDConflicts, "lost": i.EventsLost}
	for prefix, of := range map[string]map[string]uint64{"dropped ": i.AdvertsDropped, "odd ": i.AdvertsOdd, "on the interface ": r.Interfaces[0].AdvertsDropped} {
		for what, n := range of {
			c[prefix+what] = n
		}
	}
	return c
}

// advert is what another router of the same configuration would say.
func (s *site) advert(priority uint8) vrrp.Advert {
	return vrrp.Advert{Version: vrrp.V3, VRID: vrid, Priority: priority, Interval: s.pace, Addresses: s.vips}
}

// pack puts an advert into a packet, as its sender would.
func (s *site) pack(source netip.Addr, a vrrp.Advert) forge.Packet {
	s.t.Helper()
	group := vrrp.GroupAddress(s.family)
	pdu, err := a.AppendBinary(nil, source, group)
	must(s.t, err)
	return forge.Packet{To: lab.MAC(vrrp.GroupMAC(s.family)), From: s.virtualMAC(), Source: source, Destination: group, TTL: vrrp.TTL, PDU: pdu}
}

func (s *site) send(frame []byte) {
	s.t.Helper()
	must(s.t, s.station.Send(frame))
}

// part is t.Run for a part of a test, which begins again where this machine spoils it.
func (s *site) part(name string, do func()) {
	outer := s.t
	defer func() { s.t = outer }()
	outer.(*testing.T).Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
		lab.Undisturbed(t, interval, func(t testing.TB) {
			s.t = t
			do()
		})
	})
}

// everywhere runs a test in both modes of attaching, and on links of both families.
// That both hooks give the same answers to the same bytes is shown elsewhere.
func everywhere(t *testing.T, test func(s *site)) {
	inEachNetwork(t, func(t *testing.T, mode string, n network) {
		lab.Undisturbed(t, interval, func(t testing.TB) { test(newSite(t, mode, n)) })
	})
}

// inEachNetwork is everywhere for a test that consists of parts.
func inEachNetwork(t *testing.T, test func(t *testing.T, mode string, n network)) {
	for mode, n := range map[string]network{"native": ipv4, "tc": ipv6} {
		t.Run(fmt.Sprintf("%s/%v", mode, n.family), func(t *testing.T) {
			t.Parallel()
			test(t, mode, n)
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parse(address string) netip.Addr { return netip.MustParseAddr(address) }
