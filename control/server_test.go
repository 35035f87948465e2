package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var update = flag.Bool("update", false, "write the golden files")

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("not %s (-update accepts it):\n%s", path, diff)
	}
}

func reporterOf(h *host) Reporter {
	return Reporter{
		Version: "1.2.3", Host: "r1", PID: 4711, Engine: h.engine,
		Interfaces: func() ([]InterfaceStatus, error) {
			return []InterfaceStatus{{Name: "lan0", Index: 3, Mode: "tc", ModeReason: "a veth", AdvertsDropped: map[string]uint64{"vrid": 21}}}, nil
		},
		Others: func() ([]Other, error) {
			return []Other{
				{Interface: "lan0", VRID: 30, Family: "ipv4", Version: 3, Master: "198.51.100.5", MAC: "00:00:5e:00:01:1e", Priority: 90},
				{Interface: "lan0", VRID: 20, VLAN: 5, Family: "ipv4", Version: 2, Master: "198.51.100.4", MAC: "00:00:5e:00:01:14", Priority: 80,
					AdvertIntervalMS: 1000, ShortestMS: 998.5, LongestMS: 1001.5, Addresses: 2, FirstAddress: "192.0.2.77", Adverts: 17, SilentMS: 345},
			}, nil
		},
	}
}

// countingMaster has a different number in every counter.
func (l *lan) countingMaster(t *testing.T) *host {
	t.Helper()
	h := l.loneMaster(t)
	h.paths[0].counters = Counters{
		AdvertsReceived: 1, AdvertsUnchanged: 2, AdvertsPriorityZero: 26, AdvertsByChecksum: map[string]uint64{"message-only": 27, "pseudo-header": 28},
		AdvertsOdd: map[string]uint64{"address_list": 29, "interval": 30, "source_mac": 31}, AdvertsDropped: map[string]uint64{"checksum": 3, "ttl": 24}, EventsLost: 5,
		ARPRequests: map[string]uint64{"answered": 6, "passed": 7, "refused": 8}, ARPConflicts: 9,
		NDSolicitations: map[string]uint64{"answered": 32, "invalid": 33, "passed_on": 34, "refused": 35}, NDConflicts: 36,
		VirtualMACFrames: map[string]uint64{"accepted": 10, "refused": 11}, VirtualMACSpoofed: 37, ClaimsGuarded: map[string]uint64{"refused": 12, "rewritten": 13},
	}
	h.paths[0].arrivals = Arrivals{
		Below: map[time.Duration]uint64{time.Second: 14, 2 * time.Second: 15}, All: 16, Sum: 1700 * time.Millisecond,
	}
	ev := masterAdvert(t, h.paths[0].slot)
	ev.TTL = 64
	h.events.push(ev)
	elapse(250 * time.Millisecond)
	return h
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestTheControlSocketAnswersWithAReport(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		answer := get(t, ControlHandler(reporterOf(l.countingMaster(t)), nil, nil), "/status")
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("got %d %v", answer.Code, answer.Header())
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, answer.Body.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		compareGolden(t, "status.json", indented.Bytes())
	})
}

func TestAReportFailsWithAnyOfItsParts(t *testing.T) {
	broken := errors.New("no such map")
	tests := map[string]func(*Reporter){
		"interfaces": func(r *Reporter) { r.Interfaces = func() ([]InterfaceStatus, error) { return nil, broken } },
		"others":     func(r *Reporter) { r.Others = func() ([]Other, error) { return nil, broken } },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			onLAN(t, func(t *testing.T, l *lan) {
				r := reporterOf(l.router(t, 1, 100))
				spoil(&r)
				answer := get(t, ControlHandler(r, nil, nil), "/status")
				if answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), broken.Error()) {
					t.Errorf("got %d %s", answer.Code, answer.Body)
				}
			})
		})
	}
}

func TestAScrapeIsWhatWasCounted(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.countingMaster(t)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(Collector{reporterOf(h), h.log})
		answer := get(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), "/metrics")
		if answer.Code != http.StatusOK {
			t.Fatalf("got %d %s", answer.Code, answer.Body)
		}
		compareGolden(t, "metrics.txt", answer.Body.Bytes())
	})
}

func TestAScrapeOfAnEngineThatEndedFails(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.router(t, 1, 100)
		h.engine.Stop()
		elapse(0)
		if answer := get(t, WebHandler(reporterOf(h), h.log), "/metrics"); answer.Code != http.StatusInternalServerError {
			t.Errorf("got %d, want 500", answer.Code)
		}
		mustSay(t, h.journal(), 1, `level=ERROR msg="a scrape could not be answered"`)
	})
}

func TestHealthIsWhetherTheLoopAnswers(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		r := reporterOf(h)
		r.Others = func() ([]Other, error) { return nil, errors.New("not the loop's") }
		web := WebHandler(r, h.log)
		if answer := get(t, web, "/healthz"); answer.Code != http.StatusOK || answer.Body.String() != "ok\n" {
			t.Errorf("got %d %q, want 200", answer.Code, answer.Body)
		}
		hang := make(chan struct{})
		h.sender.set(func(s *fakeSender) { s.hang = hang })
		elapse(interval)
		if answer := get(t, web, "/healthz"); answer.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d while the loop hangs, want 503", answer.Code)
		}
		h.sender.set(func(s *fakeSender) { s.hang = nil })
		close(hang)
		elapse(0)
		h.engine.Stop()
		h.engine.Stop()
		elapse(0)
		if answer := get(t, web, "/healthz"); answer.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d after the end, want 503", answer.Code)
		}
	})
}

func TestPromtoolHasNothingToSayAboutTheMetrics(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
			t.Fatalf("%v: Debian's package prometheus has it", err)
		}
		t.Skip(err)
	}
	var metrics []byte
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.countingMaster(t)
		metrics = get(t, WebHandler(reporterOf(h), h.log), "/metrics").Body.Bytes()
	})
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(metrics)
	if output, err := check.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("%v\n%s", err, output)
	}
	if !bytes.Contains(metrics, []byte("vrrp_xdp_build_info")) {
		t.Errorf("none of our metrics is there:\n%s", metrics)
	}
}

func TestTheControlSocketTakesASwitchoverAndMaintenance(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h := l.loneMaster(t)
		handler := ControlHandler(reporterOf(h), nil, nil)
		for _, c := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"/switchover", `{"name":"gw7"}`, 200, `"unknown":true`},
			{"/switchover", `{"name":"gw1","force":true}`, 200, `"outcome":"no_successor"`},
			{"/switchover", `{"name":"gw1","end":true}`, 200, `"ok":true`},
			{"/switchover", `{"name":"gw1","end":true}`, 200, `"ok":false`},
			{"/switchover", `{"name":"gw1","for_ns":-1}`, 200, `"ok":false`},
			{"/maintenance", `{"on":true}`, 200, `"ok":true`},
			{"/maintenance", `{"on":false}`, 200, `"ok":true`},
			{"/maintenance", `{"off":true}`, 400, "unknown field"},
			{"/maintenance", `{"on":true}{"on":false}`, 400, "more behind it"},
			{"/switchover", `{"name":"` + strings.Repeat("x", mostQuestion) + `"}`, 400, "too large"},
			{"/switchover", ``, 400, "EOF"},
		} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest("POST", c.path, strings.NewReader(c.body)))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %.40s: %d %s; want %d, %s", c.path, c.body, w.Code, w.Body, c.status, c.want)
			}
		}
	})
}
