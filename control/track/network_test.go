package track

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// inOwnNetwork runs the test once more, as a process in a new network namespace
// that ends with it, and is true there. Every goroutine has to be in it, not
// only the thread of the test.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	requireRoot(t)
	const marker = "TRACK_TEST_IN_OWN_NETWORK"
	if os.Getenv(marker) == t.Name() {
		lo, err := netlink.LinkByName("lo")
		must(t, err)
		must(t, netlink.LinkSetUp(lo))
		return true
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), marker+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	output, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("in its own network:\n%s", output)
	}
	must(t, err)
	if strings.Contains(string(output), "--- SKIP") || strings.Contains(string(output), "no tests to run") {
		t.Fatalf("in its own network it did not run:\n%s", output)
	}
	return false
}

// withPeer has lan0, with 192.0.2.1/24 and 2001:db8::1/64, on a cable to a host
// with .2 and ::2, where on is run.
func withPeer(t *testing.T) (lan netlink.Link, on func(func())) {
	t.Helper()
	runtime.LockOSThread() // it ends with the process
	home, err := netns.Get()
	must(t, err)
	peer, err := netns.New()
	must(t, err)
	on = func(f func()) {
		must(t, netns.Set(peer))
		f()
		must(t, netns.Set(home))
	}
	must(t, netns.Set(home))
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "far0", PeerNamespace: netlink.NsFd(peer)}))
	lan = equip(t, "lan0", "192.0.2.1/24", "2001:db8::1/64")
	on(func() { equip(t, "far0", "192.0.2.2/24", "2001:db8::2/64", "fe80::2/64") })
	return lan, on
}

func equip(t *testing.T, name string, addresses ...string) netlink.Link {
	t.Helper()
	link, err := netlink.LinkByName(name)
	must(t, err)
	for _, address := range addresses {
		parsed, err := netlink.ParseAddr(address)
		must(t, err)
		if parsed.IP.To4() == nil {
			parsed.Flags = unix.IFA_F_NODAD
		}
		must(t, netlink.AddrAdd(link, parsed))
	}
	must(t, netlink.LinkSetUp(link))
	return link
}

// checks are quick in success, and not too quick in failure.
func checks() Common {
	return Common{Interval: 50 * time.Millisecond, Timeout: 500 * time.Millisecond, Rise: 1, Fall: 1}
}

// settle applies the spec alone, and waits until it is as wanted: an interface
// takes a moment to carry.
func (s *site) settle(spec Spec, want State) {
	s.t.Helper()
	s.Apply(nil)
	s.Apply([]Spec{spec})
	eventually(s.t, spec.Key().String()+" is "+want.String(), func() bool { return s.Results()[spec.Key()].State == want })
}

func TestPingIsUpWhileTheHostAnswers(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	lan, on := withPeer(t)
	s := newSite(t)
	for _, p := range []Ping{
		{Address: "192.0.2.2"},
		{Address: "192.0.2.2", Interface: "lan0"},
		{Address: "2001:db8::2"},
		{Address: "2001:db8::2", Interface: "lan0"},
		{Address: "fe80::2", Interface: "lan0"},
		{Address: "fe80::2%lan0"},
		{Address: "::ffff:192.0.2.2"},
		{Address: "127.0.0.1"},
		{Address: "::1", Interface: "lo"},
	} {
		p.Name, p.Common = p.Address+" "+p.Interface, checks()
		s.settle(p, Up)
	}
	for _, p := range []Ping{
		{Address: "192.0.2.3"},                    // nobody
		{Address: "2001:db8::3"},                  // nobody
		{Address: "198.51.100.1"},                 // no route
		{Address: "192.0.2.2", Interface: "lo"},   // not there
		{Address: "2001:db8::2", Interface: "lo"}, // not there
		{Address: "127.0.0.1", Interface: "lan0"}, // not there
		{Address: "192.0.2.2", Interface: "no-such"},
		{Address: "no address"},
	} {
		p.Name, p.Common = p.Address+" "+p.Interface, checks()
		s.settle(p, Down)
	}
	p4, p6 := Ping{Name: "4", Address: "192.0.2.2", Common: checks()}, Ping{Name: "6", Address: "2001:db8::2", Common: checks()}
	s.settle(p6, Up)
	on(func() { must(t, os.WriteFile("/proc/sys/net/ipv6/icmp/echo_ignore_all", []byte("1"), 0)) })
	eventually(t, "a host that ignores echo requests is down", func() bool { return s.Results()[p6.Key()].State == Down })
	if got := s.Results()[p6.Key()].Reason; got != "timed out after 500ms" {
		t.Errorf("reason is %q", got)
	}
	s.settle(p4, Up)
	must(t, netlink.LinkSetDown(lan))
	eventually(t, "a host behind a link that is down is down", func() bool { return s.Results()[p4.Key()].State == Down })
}

func TestOnlyTheAnswerToItsOwnRequestIsTaken(t *testing.T) {
	for name, kind := range map[string]icmp{"4": icmp4, "6": icmp6} {
		request := echoRequest(kind)
		if sum := checksum(request); sum != 0 {
			t.Errorf("%s: the checksum is wrong by %#x", name, sum)
		}
		answer := append([]byte{kind.reply}, request[1:]...)
		if !isAnswer(kind, request, answer) {
			t.Errorf("%s: the answer is not taken", name)
		}
		for at, what := range map[int]string{0: "type", 1: "code", 4: "identifier", 7: "sequence number", 20: "data"} {
			other := append([]byte{}, answer...)
			other[at] ^= 4
			if isAnswer(kind, request, other) {
				t.Errorf("%s: an answer with another %s is taken", name, what)
			}
		}
		if isAnswer(kind, request, answer[:7]) || isAnswer(kind, request, answer[:echoLen-1]) || isAnswer(kind, request, nil) {
			t.Errorf("%s: a short answer is taken", name)
		}
	}
}

func TestTCPIsUpWhileAConnectionCanBeMade(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	_, on := withPeer(t)
	var listener, listener6 net.Listener
	on(func() {
		var err error
		listener, err = net.Listen("tcp", "192.0.2.2:0")
		must(t, err)
		listener6, err = net.Listen("tcp", "[fe80::2%far0]:0")
		must(t, err)
	})
	s := newSite(t)
	address := listener.Addr().String()
	port6 := netip.MustParseAddrPort(listener6.Addr().String()).Port()
	linkLocal := netip.AddrPortFrom(netip.MustParseAddr("fe80::2"), port6).String()
	for _, tcp := range []TCP{
		{Name: "routed", Address: address},
		{Name: "on lan0", Address: address, Interface: "lan0"},
		{Name: "link-local", Address: linkLocal, Interface: "lan0"},
	} {
		tcp.Common = checks()
		s.settle(tcp, Up)
	}
	for _, tcp := range []TCP{
		{Name: "on lo", Address: address, Interface: "lo"},
		{Name: "another port", Address: "192.0.2.2:1"},
		{Name: "nobody", Address: "192.0.2.3:1"},
		{Name: "no port", Address: "192.0.2.2"},
	} {
		tcp.Common = checks()
		s.settle(tcp, Down)
	}
	tcp := TCP{Name: "web", Address: address, Common: checks()}
	s.settle(tcp, Up)
	must(t, listener.Close())
	eventually(t, "a closed port is down", func() bool { return s.Results()[tcp.Key()].State == Down })
	if got := s.Results()[tcp.Key()].Reason; !strings.Contains(got, "connection refused") {
		t.Errorf("reason is %q", got)
	}
}

func TestHTTPIsUpWhileTheStatusIsRight(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	asked := make(chan *http.Request, 1000)
	mux := http.NewServeMux()
	status := func(path string, code int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			asked <- r
			w.Header().Set("Location", "/404")
			w.WriteHeader(code)
		})
	}
	status("/200", 200)
	status("/302", 302)
	status("/404", 404)
	status("/503", 503)
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	plain := httptest.NewServer(mux)
	defer plain.Close()
	secure := httptest.NewTLSServer(mux)
	defer secure.Close()
	s := newSite(t)
	tests := []struct {
		name   string
		spec   HTTP
		want   State
		reason string
	}{
		{"200", HTTP{URL: plain.URL + "/200"}, Up, ""},
		{"a redirect, which is not followed", HTTP{URL: plain.URL + "/302"}, Up, ""},
		{"404", HTTP{URL: plain.URL + "/404"}, Down, "HTTP status 404"},
		{"503", HTTP{URL: plain.URL + "/503"}, Down, "HTTP status 503"},
		{"404, which is wanted", HTTP{URL: plain.URL + "/404", Status: 404}, Up, ""},
		{"200, where 404 is wanted", HTTP{URL: plain.URL + "/200", Status: 404}, Down, "HTTP status 200"},
		{"no answer", HTTP{URL: plain.URL + "/hang"}, Down, "timed out after 500ms"},
		{"nobody", HTTP{URL: "http://127.0.0.1:1/"}, Down, "connection refused"},
		{"an unknown certificate", HTTP{URL: secure.URL + "/200"}, Down, "certificate"},
		{"an unknown certificate, which is not checked", HTTP{URL: secure.URL + "/200", Insecure: true}, Up, ""},
		{"through lo", HTTP{URL: plain.URL + "/200", Interface: "lo"}, Up, ""},
		{"through what is not there", HTTP{URL: plain.URL + "/200", Interface: "no-such"}, Down, "no-such"},
	}
	for _, tt := range tests {
		tt.spec.Name, tt.spec.Common = tt.name, checks()
		s.settle(tt.spec, tt.want)
		if got := s.Results()[tt.spec.Key()].Reason; !strings.Contains(got, tt.reason) {
			t.Errorf("%s: reason is %q", tt.name, got)
		}
	}
	s.Apply(nil)
	for len(asked) > 0 {
		<-asked
	}
	s.settle(HTTP{Name: "host", URL: plain.URL + "/200?a=b", Host: "www.example.org:81", Common: checks()}, Up)
	r := <-asked
	if r.Host != "www.example.org:81" || r.Method != http.MethodGet || r.URL.RawQuery != "a=b" || !r.Close {
		t.Errorf("asked: %s %s of %s, and closes: %v", r.Method, r.URL, r.Host, r.Close)
	}
}

func TestAPasswordInAURLIsNotInTheReason(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	s := newSite(t)
	for _, target := range []string{"http://u:hunter2@127.0.0.1:1/", "http://u:hunter2@127.0.0.1:port/"} {
		spec := HTTP{Name: "secret", URL: target, Common: checks()}
		s.settle(spec, Down)
		if text := s.Results()[spec.Key()].Reason + s.log.String(); strings.Contains(text, "hunter2") {
			t.Errorf("it is: %s", text)
		}
	}
}
