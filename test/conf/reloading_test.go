package conf

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// steady is the time between adverts in tests of what must not be disturbed.
const steady = 100 * time.Millisecond

var vip6 = netip.MustParseAddr("2001:db8:1::1")

// stanza is an instance that can be changed.
type stanza struct {
	name, nic      string
	vrid, priority int
	interval       time.Duration
	addresses      []string
	more           string // further lines
	absent         bool   // it is left out
}

func (s stanza) String() string {
	return instance(s.name, fmt.Sprintf("interface %s\nvirtual_router_id %d\npriority %d\nadvert_int %v\nvirtual_ipaddress {\n%s\n}\n%s",
		s.nic, s.vrid, s.priority, s.interval.Seconds(), strings.Join(s.addresses, "\n"), s.more))
}

// gateway4 and gateway6 are the instances on the LAN that most tests look at.
func gateway4(priority int) stanza {
	return stanza{name: "gw4", nic: "eth0", vrid: 10, priority: priority, interval: steady, addresses: []string{"192.168.1.1/24"}}
}

func gateway6(priority int) stanza {
	return stanza{name: "gw6", nic: "eth0", vrid: 10, priority: priority, interval: steady, addresses: []string{"fe80::10/64", "2001:db8:1::1/64"}}
}

// uplink is on the other interface.
func uplink(priority int) stanza {
	return stanza{name: "uplink", nic: "eth1", vrid: 40, priority: priority, interval: steady, addresses: []string{"10.0.0.1/24"}}
}

// groupOf is the text of a sync group.
func groupOf(name string, members ...string) string {
	return fmt.Sprintf("vrrp_sync_group %s {\ngroup {\n%s\n}\n}\n", name, strings.Join(members, "\n"))
}

// file is the text of a configuration.
func file(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// starts runs the configuration, and waits until the daemon answers.
func (r *router) starts(config string, args ...string) {
	r.site.t.Helper()
	r.run(config, args...)
	r.awaitUp()
}

// tryReload has this configuration read, and returns the exit status of
// `vrrp-xdp reload` and what it says.
func (r *router) tryReload(config string) (status int, said string) {
	r.site.t.Helper()
	r.write(config)
	out, err := r.Run(binary, "reload")
	if err == nil {
		return 0, out
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		r.site.t.Fatal(err)
	}
	return exit.ExitCode(), err.Error()
}

// hangUp has this configuration read by SIGHUP.
func (r *router) hangUp(config string) {
	r.site.t.Helper()
	r.write(config)
	since := time.Now()
	must(r.site.t, r.daemon.Signal(syscall.SIGHUP))
	_, err := r.daemon.WaitLine(since, patience, "msg=reloaded")
	must(r.site.t, err)
}

// history is what a reload must leave alone of an instance: since when, and how
// often, it is what it is.
func history(i control.InstanceStatus) string {
	return fmt.Sprintf("%s since %v, %v", i.State, i.LastTransition.At.Format(time.StampNano), i.Counters.Transitions)
}

// keepsState does something, and wants these instances to be what they were.
func (r *router) keepsState(do func(), names ...string) {
	r.site.t.Helper()
	before := make(map[string]string)
	for _, name := range names {
		before[name] = history(r.instance(name))
	}
	do()
	for _, name := range names {
		if now := history(r.instance(name)); now != before[name] {
			r.site.t.Errorf("%s of %s was %s,\nand is %s", name, r.Name, before[name], now)
		}
	}
}

// settled is the mark after which no ping may be lost: before it, neighbours
// have to find each other, and a new master's addresses to get into place.
const settled = "settled"

// probe pings every 500 µs.
func (s *site) probe(target netip.Addr) *lab.Prober {
	s.t.Helper()
	p, err := s.client.Probe(lab.ProbeOptions{Target: target})
	must(s.t, err)
	must(s.t, p.AwaitAnswers(100, patience))
	p.Mark(settled)
	return p
}

// losesNothing lets some more pings pass, and wants every one answered, once.
func losesNothing(t *testing.T, p *lab.Prober) *lab.Report {
	t.Helper()
	must(t, p.AwaitAnswers(200, patience))
	r := p.Stop().Phase(settled)
	if r.Lost > 0 || r.Duplicates > 0 {
		t.Errorf("of %d pings %d were lost, %d answered twice; outages %+v, worst pause of this machine %v", r.Sent, r.Lost, r.Duplicates, r.Outages, r.WorstPause)
	}
	return r
}

// advertsOf are the adverts of a virtual router that entered the switch, with
// an IPv6 source or not.
func advertsOf(frames []lab.Frame, vrid int, ipv6 bool) (list []lab.Frame) {
	for _, f := range frames {
		v, ok := lab.ParseVRRP(f.Data)
		if ok && f.Direction == lab.In && v.VRID() == uint8(vrid) && v.SourceIP.Is6() == ipv6 {
			list = append(list, f)
		}
	}
	return list
}

// regular wants an advert each interval: none more, none missing. pause is how
// long this machine may have kept the router from running; an advert that was
// late for that brings its successor that much earlier.
func regular(t *testing.T, adverts []lab.Frame, interval, pause time.Duration) {
	t.Helper()
	if len(adverts) < 3 {
		t.Fatalf("there are only %d adverts", len(adverts))
	}
	late := time.Duration(0)
	for i, f := range adverts[1:] {
		gap := f.At.Sub(adverts[i].At)
		if gap < interval-interval/10-late || gap > interval+interval/2+pause {
			t.Errorf("advert %d of %d comes %v after the one before, at an interval of %v", i+1, len(adverts)-1, gap, interval)
		}
		late = max(gap-interval, 0)
	}
}

// priorities are those of the adverts.
func priorities(adverts []lab.Frame) (list []int) {
	for _, f := range adverts {
		v, _ := lab.ParseVRRP(f.Data)
		list = append(list, int(v.Priority()))
	}
	return list
}
