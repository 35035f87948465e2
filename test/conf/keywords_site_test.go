package conf

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/forge"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const (
	// quick is the time between adverts where a keyword is not about time.
	quick = 100 * time.Millisecond
	// calm has an instance not lose its lease on a machine that is busy: where one
	// transition too many would be seen.
	calm = "advert_int 0.3\n"
)

// instance is the text of one, with the usual where the body does not say
// otherwise: VRID 10 on eth0, version 3, an advert each quick, and vip4.
func instance(name, body string) string {
	usual := [][2]string{
		{"interface", "eth0"},
		{"virtual_router_id", "10"},
		{"version", "3"},
		{"advert_int", fmt.Sprint(quick.Seconds())},
		{"virtual_ipaddress", "{\n" + vip4.String() + "/24\n}"},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "vrrp_instance %s {\n", name)
	for _, u := range usual {
		if !regexp.MustCompile(`(?m)^\s*` + u[0] + `\s`).MatchString(body) {
			fmt.Fprintf(&b, "%s %s\n", u[0], u[1])
		}
	}
	return b.String() + body + "\n}\n"
}

// global is global_defs with this in it.
func global(body string) string { return fmt.Sprintf("global_defs {\n%s\n}\n", body) }

// numbered is the instance VI_n, whose VRID and address nobody else has.
func numbered(n int, body string) string {
	return instance(nameOf(n), fmt.Sprintf("virtual_router_id %d\n%s", n, withAddress(addressOf(n), body)))
}

func withAddress(a netip.Addr, body string) string {
	if strings.Contains(body, "virtual_ipaddress {") {
		return body
	}
	return fmt.Sprintf("virtual_ipaddress {\n%v/24\n}\n%s", a, body)
}

func nameOf(n int) string { return fmt.Sprintf("VI_%d", n) }

func addressOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 1, byte(100 + n)}) }

// script makes an executable file of that name, which may use DIR too.
func (r *router) script(name, text string) {
	r.site.t.Helper()
	path := filepath.Join(r.dir, name)
	must(r.site.t, os.WriteFile(path, []byte("#!/bin/sh\n"+strings.ReplaceAll(text, "DIR", r.dir)+"\n"), 0o755))
}

// put makes this the content of a file of the router's folder, at one stroke.
func (r *router) put(name, text string) {
	r.site.t.Helper()
	path := filepath.Join(r.dir, name)
	must(r.site.t, os.WriteFile(path+".new", []byte(text), 0o644))
	must(r.site.t, os.Rename(path+".new", path))
}

// lines are those of a file of the router's folder; none if there is no such file.
func (r *router) lines(name string) []string {
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// awaitLines waits until the file has exactly these lines.
func (r *router) awaitLines(name string, want ...string) {
	r.site.t.Helper()
	r.site.eventually(func() error {
		if got := r.lines(name); !slices.Equal(got, want) {
			return fmt.Errorf("%s has %q, want %q; the daemon's log:\n%s", name, got, want, r.daemon.Log())
		}
		return nil
	})
}

// awaitPriority waits until the instance has this effective priority.
func (r *router) awaitPriority(name string, want uint8) {
	r.site.t.Helper()
	r.awaitUp()
	r.site.eventually(func() error {
		if got := r.instance(name).EffectivePriority; got != want {
			return fmt.Errorf("the priority of %s is %d, want %d; the daemon's log:\n%s", name, got, want, r.daemon.Log())
		}
		return nil
	})
}

// awaitState waits until one of the instances is in this state.
func (r *router) awaitState(name, want string) {
	r.site.t.Helper()
	r.awaitUp()
	r.site.eventually(func() error {
		for _, i := range r.report().Instances {
			if i.Name == name && i.State == want {
				return nil
			}
		}
		return fmt.Errorf("%s is %q, want %s to be %s; the daemon's log:\n%s", r.Name, r.states(), name, want, r.daemon.Log())
	})
}

// awaitUp waits until the daemon answers.
func (r *router) awaitUp() {
	r.site.t.Helper()
	r.site.eventually(func() error {
		if r.states() == "" {
			return fmt.Errorf("the daemon of %s does not answer; its log:\n%s", r.Name, r.daemon.Log())
		}
		return nil
	})
}

// sniff captures at the port of a NIC; In is what the router sends.
func (s *site) sniff(nic *lab.NIC) *lab.Sniffer {
	s.t.Helper()
	sniffer, err := nic.Sniff(nil)
	must(s.t, err)
	return sniffer
}

// sentAdvert selects the adverts of a virtual router that the host at the port
// has sent, by IPv4 or IPv6.
func sentAdvert(vrid int) func(lab.Frame) bool {
	return func(f lab.Frame) bool {
		v, ok := lab.ParseVRRP(f.Data)
		return ok && f.Direction == lab.In && v.VRID() == uint8(vrid)
	}
}

// wait waits for a frame, seen or to come.
func (s *site) wait(sniffer *lab.Sniffer, match func(lab.Frame) bool) lab.Frame {
	s.t.Helper()
	f, err := sniffer.Await(patience, match)
	must(s.t, err)
	return f
}

// waitAfter waits for the first frame that comes after a moment.
func (s *site) waitAfter(sniffer *lab.Sniffer, moment time.Time, match func(lab.Frame) bool) lab.Frame {
	s.t.Helper()
	return s.wait(sniffer, func(f lab.Frame) bool { return f.At.After(moment) && match(f) })
}

// waitFor waits until there are n of them, and returns these.
func (s *site) waitFor(sniffer *lab.Sniffer, n int, match func(lab.Frame) bool) []lab.Frame {
	s.t.Helper()
	var list []lab.Frame
	s.wait(sniffer, func(f lab.Frame) bool {
		if match(f) {
			list = append(list, f)
		}
		return len(list) == n
	})
	return list
}

func selected(frames []lab.Frame, match func(lab.Frame) bool) []lab.Frame {
	var list []lab.Frame
	for _, f := range frames {
		if match(f) {
			list = append(list, f)
		}
	}
	return list
}

// advertOf is what the other router, r2, would say for vip4 with VRID 10.
func (s *site) advertOf(priority uint8) vrrp.Advert {
	return vrrp.Advert{Version: vrrp.V3, VRID: 10, Priority: priority, Interval: quick, Addresses: []netip.Addr{vip4}}
}

var (
	own1, own2 = netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("192.168.1.3")
	group4     = netip.MustParseAddr("224.0.0.18")
	groupMAC   = lab.MAC{0x01, 0x00, 0x5e, 0, 0, 0x12}
)

// say has the other router multicast an advert.
func (s *site) say(a vrrp.Advert) {
	s.t.Helper()
	s.send(a, groupMAC, own2, group4, vrrp.TTL)
}

// send has the other router send an advert.
func (s *site) send(a vrrp.Advert, to lab.MAC, source, destination netip.Addr, ttl byte) {
	s.t.Helper()
	pdu, err := a.AppendBinary(nil, source, destination)
	must(s.t, err)
	p := forge.Packet{To: to, From: lab.VirtualMAC4(a.VRID), Source: source, Destination: destination, TTL: ttl, PDU: pdu}
	must(s.t, s.r2.lan.Send(p.Frame()))
}

// check runs `vrrp-xdp check` on the configuration: what it says, and its exit
// status, which is 0 or 2.
func (r *router) check(config string, args ...string) (string, int) {
	r.site.t.Helper()
	r.write(config)
	d, err := r.Start(lab.Command{Name: "vrrp-xdp check", Path: binary, Args: append([]string{"check", r.file}, args...), ViaIPNetns: true})
	must(r.site.t, err)
	status, err := d.Wait(patience)
	must(r.site.t, err)
	return d.Log(), status
}

// refuses wants `check` and `run` to refuse the configuration, and to say this.
func (r *router) refuses(config string, want ...string) {
	r.site.t.Helper()
	out, status := r.check(config)
	if status != 2 {
		r.site.t.Errorf("the exit status of check is %d, want 2:\n%s", status, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			r.site.t.Errorf("check does not say %q:\n%s", text, out)
		}
	}
	r.run(config)
	if status, err := r.daemon.Wait(patience); err != nil || status != 2 {
		r.site.t.Errorf("the exit status of run is %d, want 2: %v", status, err)
	}
}

func parse(address string) netip.Addr { return netip.MustParseAddr(address) }

func quoted(t *testing.T, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("it does not say %q:\n%s", want, text)
	}
}

func contains(text, part string) error {
	if !strings.Contains(text, part) {
		return fmt.Errorf("%q is not in %q", part, text)
	}
	return nil
}
