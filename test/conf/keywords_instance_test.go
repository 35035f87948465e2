package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var _ = covers(atTop, "vrrp_instance")

var _ = covers(inInstance, "interface", "virtual_router_id", "state", "priority", "advert_int", "version",
	"authentication", "virtual_ipaddress", "unicast_peer", "unicast_src_ip", "mcast_src_ip", "use_vmac", "vmac_xmit_base")

var _ = covers(inAuth, "auth_type", "auth_pass")

// said is what an advert of version 3 says where the case does not say otherwise.
type said struct {
	version, vrid, priority byte
	centiseconds            int
	addresses               []string
	source, destination     string
	to                      lab.MAC // zero: any
	password                string
}

func readAdvert(v lab.VRRP) said {
	s := said{
		version: v.PDU[0] >> 4, vrid: v.PDU[1], priority: v.PDU[2],
		source: v.SourceIP.String(), destination: v.DestinationIP.String(), to: v.Destination,
	}
	count := int(v.PDU[3])
	s.centiseconds = int(v.PDU[4]&0x0f)<<8 | int(v.PDU[5])
	if s.version == 2 {
		s.centiseconds = 100 * int(v.PDU[5])
	}
	body := v.PDU[8:]
	for range count {
		s.addresses = append(s.addresses, netip.AddrFrom4([4]byte(body)).String())
		body = body[4:]
	}
	if s.version == 2 && v.PDU[4] == 1 {
		s.password = strings.TrimRight(string(body), "\x00")
	}
	return s
}

// advertCase is an instance, and how its adverts differ from the usual ones.
type advertCase struct {
	body   string
	change func(*said)
}

// advertCases have a peer at this MAC.
func advertCases(peer lab.MAC) map[string]advertCase {
	return map[string]advertCase{
		"the usual":          {"", func(*said) {}},
		"interface":          {"interface eth1", func(w *said) { w.source = "10.0.0.2" }},
		"a virtual_router":   {"virtual_router_id 219", func(w *said) { w.vrid = 219 }},
		"priority":           {"priority 173", func(w *said) { w.priority = 173 }},
		"state and priority": {"state MASTER\npriority 174", func(w *said) { w.priority = 174 }},
		"state alone":        {"state MASTER", func(w *said) { w.priority = 255 }},
		"advert_int":         {"advert_int 0.23", func(w *said) { w.centiseconds = 23 }},
		"version 2": {"version 2\nadvert_int 2\npriority 255", func(w *said) {
			w.version, w.centiseconds, w.priority = 2, 200, 255
		}},
		"state alone in version 2": {"version 2\nadvert_int 1\nstate MASTER", func(w *said) {
			w.version, w.centiseconds, w.priority = 2, 100, 255
		}},
		"authentication": {"version 2\nadvert_int 1\npriority 255\nauthentication {\nauth_type PASS\nauth_pass opensesame\n}", func(w *said) {
			w.version, w.centiseconds, w.priority, w.password = 2, 100, 255, "opensesa"
		}},
		"a fraction in version 2": {"version 2\nadvert_int 1.6\npriority 255", func(w *said) {
			w.version, w.centiseconds, w.priority = 2, 200, 255
		}},
		"virtual_ipaddress": {"virtual_ipaddress {\n192.168.1.243\n192.168.1.242/24 dev eth1\n192.168.1.241/25\n}", func(w *said) {
			w.addresses = []string{"192.168.1.243", "192.168.1.242", "192.168.1.241"}
		}},
		"mcast_src_ip": {"mcast_src_ip 192.168.1.20", func(w *said) { w.source = "192.168.1.20" }},
		"unicast_peer": {"unicast_peer {\n192.168.1.3\n}", func(w *said) {
			w.destination, w.to = own2.String(), peer
		}},
		"unicast_src_ip": {"unicast_src_ip 192.168.1.21\nunicast_peer {\n192.168.1.3\n}", func(w *said) {
			w.source, w.destination, w.to = "192.168.1.21", own2.String(), peer
		}},
		"use_vmac": {"use_vmac vrrp.10\nvmac_xmit_base", func(*said) {}},
	}
}

func TestAdvertsAreWhatTheInstanceSays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, address := range []string{"192.168.1.20/24", "192.168.1.21/24"} {
		_, err := s.r1.Run("ip", "addr", "add", address, "dev", "eth0")
		must(t, err)
	}
	lan, wan := s.sniff(s.r1.lan), s.sniff(s.r1.wan)
	var config strings.Builder
	wants := make(map[string]said)
	n := 0
	for name, test := range advertCases(s.r2.lan.MAC) {
		n++
		want := said{version: 3, vrid: byte(n), priority: 100, centiseconds: int(quick / (10 * time.Millisecond)), addresses: []string{addressOf(n).String()},
			source: own1.String(), destination: group4.String(), to: groupMAC}
		test.change(&want)
		wants[name] = want
		body := test.body
		if want.vrid != byte(n) {
			body = instance(nameOf(n), withAddress(addressOf(n), body))
		} else {
			body = numbered(n, body)
		}
		config.WriteString(body)
	}
	s.r1.run(config.String())
	for name, want := range wants {
		t.Run(name, func(t *testing.T) {
			sniffer := lan
			if want.source == "10.0.0.2" {
				sniffer = wan
			}
			f, err := sniffer.Await(patience, sentAdvert(int(want.vrid)))
			must(t, err)
			v, _ := lab.ParseVRRP(f.Data)
			if got := readAdvert(v); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the advert says\n%+v, want\n%+v", got, want)
			}
			// RFC 9568 §7.2, whatever use_vmac says; routers only pass unicast on.
			if mac := lab.VirtualMAC4(want.vrid); v.Source != mac && v.DestinationIP == group4 {
				t.Errorf("the frame comes from %v, want %v", v.Source, mac)
			}
		})
	}
	links, err := s.r1.Run("ip", "-oneline", "link", "show", "type", "macvlan")
	must(t, err)
	if links != "" {
		t.Errorf("there is a macvlan: %s", links)
	}
}

func TestTimeBetweenAdvertsIsThatOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.run(numbered(1, "advert_int 0.2\npriority 255") + numbered(2, "advert_int 0.4\npriority 255"))
	for vrid, want := range map[int]time.Duration{1: 200 * time.Millisecond, 2: 400 * time.Millisecond} {
		const n = 6
		list := s.waitFor(sniffer, n, sentAdvert(vrid))
		got := list[n-1].At.Sub(list[0].At) / (n - 1)
		if got < want*9/10 || got > want*13/10 {
			t.Errorf("adverts of virtual router %d come every %v, want %v", vrid, got, want)
		}
	}
}

var _ = covers(inInstance, "virtual_ipaddress_excluded", "accept", "no_accept", "strict_mode")

var excluded4, excluded6 = netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("2001:db8:1::5")

func TestAddressesStandOnInterfacesAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.run(instance("VI_1", `
    virtual_ipaddress {
        172.16.1.1/24 brd 172.16.1.254 dev eth0 scope link label eth0:vip
        172.16.2.1/24 dev eth1 scope site
        192.168.1.9
        192.168.1.10/25 brd +
    }
    virtual_ipaddress_excluded {
        192.168.1.5/24 label eth0:more
        2001:db8:1::5/64
        10.0.0.5/24 dev eth1
    }`))
	s.r1.await("MASTER")
	for _, want := range []string{
		"eth0 inet 172.16.1.1/24 brd 172.16.1.254 scope link eth0:vip",
		"eth1 inet 172.16.2.1/24 scope site",
		"eth0 inet 192.168.1.9/32 scope global",
		"eth0 inet 192.168.1.10/25 brd 192.168.1.127 scope global",
		"eth0 inet 192.168.1.5/24 scope global secondary eth0:more",
		"eth0 inet6 2001:db8:1::5/64 scope global",
		"eth1 inet 10.0.0.5/24 scope global",
	} {
		s.eventually(func() error {
			out, err := s.r1.Run("ip", "-oneline", "addr", "show")
			must(t, err)
			if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
				return fmt.Errorf("there is no %q:\n%s", want, out)
			}
			return nil
		})
	}
}

// An excluded address is served, announced and taken away like any other; only
// adverts do not list it.
func TestExcludedAddressesAreServedAndNotAdvertised(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.run(instance("VI_1", `
    virtual_ipaddress_excluded {
        192.168.1.5/24
        2001:db8:1::5/64
    }`))
	s.r1.await("MASTER")
	announced := s.wait(sniffer, telling(excluded4))
	if mac := announced.Source(); mac != lab.VirtualMAC4(10) {
		t.Errorf("%v is announced by %v", excluded4, mac)
	}
	if mac := s.wait(sniffer, telling(excluded6)).Source(); mac != lab.VirtualMAC6(10) {
		t.Errorf("%v is announced by %v", excluded6, mac)
	}
	for address, mac := range map[netip.Addr]lab.MAC{vip4: lab.VirtualMAC4(10), excluded4: lab.VirtualMAC4(10), excluded6: lab.VirtualMAC6(10)} {
		s.pings(address)
		if got, state, _ := s.client.Neighbour("eth0", address); got != mac {
			t.Errorf("the client knows %v as %v (%s), want %v", address, got, state, mac)
		}
	}
	for _, f := range selected(sniffer.Frames(), sentAdvert(10)) {
		v, _ := lab.ParseVRRP(f.Data)
		if got := readAdvert(v).addresses; !slices.Equal(got, []string{vip4.String()}) {
			t.Fatalf("an advert lists %v, want only %v", got, vip4)
		}
	}
	must(t, s.r1.daemon.Stop())
	_, err := s.r1.daemon.Wait(patience)
	must(t, err)
	for _, address := range []netip.Addr{vip4, excluded4, excluded6} {
		if s.r1.has(address) {
			t.Errorf("%v stays on the interface", address)
		}
	}
}

// telling selects gratuitous ARPs and unsolicited NAs that the host at the port sends.
func telling(address netip.Addr) func(lab.Frame) bool {
	return func(f lab.Frame) bool {
		if f.Direction != lab.In {
			return false
		}
		if a, ok := lab.ParseARP(f.Data); ok {
			return a.SenderIP == address && a.TargetIP == address
		}
		n, ok := lab.ParseND(f.Data)
		return ok && n.Type == lab.NeighborAdvertisement && !n.Solicited && n.Target == address
	}
}

// pings wants an answer from the address to the client.
func (s *site) pings(address netip.Addr) {
	s.t.Helper()
	s.eventually(func() error { return s.ping(address) })
}

func (s *site) ping(address netip.Addr) error {
	_, err := s.client.Run("ping", "-n", "-c", "1", "-W", "1", address.String())
	return err
}

func TestWhetherTheAddressesAreAcceptedIsThatOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	accept := map[string]bool{"": true, "accept": true, "no_accept": false, "strict_mode on": false, "strict_mode on\naccept": true, "strict_mode off": true}
	var config strings.Builder
	of := make(map[int]string)
	for body := range accept {
		n := len(of) + 1
		of[n] = body
		config.WriteString(numbered(n, body))
	}
	s.r1.run(config.String())
	s.r1.await(strings.TrimSpace(strings.Repeat("MASTER ", len(of))))
	for n, body := range of {
		address := addressOf(n)
		if accept[body] {
			s.pings(address)
		} else if s.ping(address) == nil {
			t.Errorf("%q: the address answers pings", body)
		}
		if s.r1.has(address) != accept[body] {
			t.Errorf("%q: the address is on the interface: %v", body, s.r1.has(address))
		}
		// Hosts find the router all the same.
		if mac, _, _ := s.client.Neighbour("eth0", address); mac != lab.VirtualMAC4(uint8(n)) {
			t.Errorf("%q: the client knows the address as %v", body, mac)
		}
	}
}

func TestStrictModeRefusesWhatTheRFCDoesNotHave(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for body, want := range map[string]string{
		"unicast_peer {\n192.168.1.3\n}": "strict mode has no unicast",
		"preempt_delay 5":                "strict mode has none",
	} {
		out, status := s.r1.check(instance("VI_1", "strict_mode\n"+body))
		quoted(t, out, want)
		if status != 2 {
			t.Errorf("%q: the exit status of check is %d, want 2", body, status)
		}
		if out, status := s.r1.check(instance("VI_1", body)); status != 0 {
			t.Errorf("%q: the exit status of check without strict_mode is %d, want 0:\n%s", body, status, out)
		}
	}
}
