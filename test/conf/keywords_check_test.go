package conf

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

var _ = covers(atTop, "vrrp_check")

var _ = covers(inInstance, "track_check")

var _ = covers(inCheck, "ping", "tcp", "http", "route", "interface", "status", "host", "weight", "interval", "timeout", "rise", "fall")

// webServer is on the client: what it answers, and 421 to questions for other
// hosts than it is told. It is reached at 192.168.1.77.
func (s *site) webServer(status *atomic.Int32, host string) (port int) {
	s.t.Helper()
	var listener net.Listener
	must(s.t, s.client.Do(func() (err error) {
		listener, err = net.Listen("tcp4", client4.String()+":0")
		return err
	}))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/named" && r.Host != host {
			w.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		w.WriteHeader(int(status.Load()))
	})}
	go server.Serve(listener)
	s.t.Cleanup(func() { server.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

// While all is well; while the server says 503; while the client cannot be
// reached and the route is gone; and when all is well again.
func TestChecksThatNeedNoScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var status atomic.Int32
	status.Store(http.StatusOK)
	port := s.webServer(&status, "gateway.example.net")
	checks := []struct {
		body string
		want []uint8
	}{
		{"ping 192.168.1.77", []uint8{120, 120, 100, 120}},
		{"ping 2001:db8:1::77\nrise 2\nfall 2", []uint8{120, 120, 100, 120}},
		{"ping 192.168.1.77\ninterface eth0", []uint8{120, 120, 100, 120}},
		{"ping 192.168.1.77\ninterface eth1", []uint8{100, 100, 100, 100}},
		{"tcp 192.168.1.77:PORT", []uint8{120, 120, 100, 120}},
		{"tcp 192.168.1.77 1", []uint8{100, 100, 100, 100}},
		{"http http://192.168.1.77:PORT/", []uint8{120, 100, 100, 120}},
		{"http http://192.168.1.77:PORT/\nstatus 503", []uint8{100, 120, 100, 100}},
		{"http http://192.168.1.77:PORT/named", []uint8{100, 100, 100, 100}},
		{"http http://192.168.1.77:PORT/named\nhost gateway.example.net", []uint8{120, 100, 100, 120}},
		{"route 198.51.100.0/24", []uint8{120, 120, 100, 120}},
		{"route 198.51.100.128/25", []uint8{100, 100, 100, 100}},
		{"route 198.51.100.128/25 covering", []uint8{120, 120, 100, 120}},
		{"route 203.0.113.0/24 table 100", []uint8{120, 120, 120, 120}},
	}
	var config strings.Builder
	var list []tracking
	for i, c := range checks {
		body := strings.ReplaceAll(c.body, "PORT", fmt.Sprint(port))
		if !strings.HasPrefix(body, "route") {
			body += "\ninterval 0.2\ntimeout 0.15"
		}
		fmt.Fprintf(&config, "vrrp_check c%d {\n%s\nweight 20\n}\n", i+1, body)
		// Its own interface is the one that is cut.
		list = append(list, tracking{fmt.Sprintf("# %s\ninterface eth1\ntrack_check {\nc%d\n}", strings.ReplaceAll(body, "\n", "; "), i+1), c.want})
	}
	route := func(args ...string) {
		t.Helper()
		_, err := s.r1.Run("ip", append([]string{"route"}, args...)...)
		must(t, err)
	}
	route("add", "198.51.100.0/24", "via", "10.0.0.9")
	route("add", "203.0.113.0/24", "via", "10.0.0.9", "table", "100")
	s.r1.run(config.String() + numberedAll(list))
	s.r1.awaitTracked(list, 0)
	status.Store(http.StatusServiceUnavailable)
	s.r1.awaitTracked(list, 1)
	s.r1.lan.Cut()
	route("del", "198.51.100.0/24")
	s.r1.awaitTracked(list, 2)
	status.Store(http.StatusOK)
	s.r1.lan.Restore()
	route("add", "198.51.100.0/24", "via", "10.0.0.9")
	s.r1.awaitTracked(list, 3)
}
