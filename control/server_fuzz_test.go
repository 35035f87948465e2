package control

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering is a Reporter of an engine without instances, whose loop does what it is asked.
func answering() Reporter {
	e := &Engine{world: World{Now: func() time.Duration { return 0 }}, commands: make(chan func()), stopped: make(chan struct{})}
	go func() {
		for do := range e.commands {
			do()
		}
	}()
	return Reporter{
		Version: "v", Host: "h", Engine: e,
		Interfaces: func() ([]InterfaceStatus, error) { return nil, nil },
		Others:     func() ([]Other, error) { return nil, nil },
	}
}

var requests = []string{
	"GET /status HTTP/1.1\r\nHost: daemon\r\n\r\n",
	"POST /reload HTTP/1.1\r\nHost: daemon\r\nContent-Length: 0\r\n\r\n",
	"POST /reload HTTP/1.1\r\nHost: daemon\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /switchover HTTP/1.1\r\nHost: daemon\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"target\":\"VI_1\",\"for\":60}",
	"POST /maintenance?on=1 HTTP/1.0\r\n\r\n",
	"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
	"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
	"DELETE /status HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /%2e%2e/status?a=%zz HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\n\r\n",
}

// No request makes a handler panic or hang, only POST /reload reloads, and nobody
// changes anything by way of the web.
func FuzzRequest(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r))
	}
	reloaded := false
	reload := func(context.Context) ReloadAnswer { reloaded = true; return ReloadAnswer{OK: true} }
	r := answering()
	control, web := ControlHandler(r, reload, nil), WebHandler(r, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, text []byte) {
		reloaded = false
		for _, h := range []http.Handler{control, web} {
			q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
			if err != nil {
				return // the server answers 400, without us
			}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, q)
			if answer.Code < 200 || answer.Code > 599 {
				t.Errorf("status %d", answer.Code)
			}
			asks := q.Method == http.MethodGet || q.Method == http.MethodHead
			if reloaded && (asks || q.URL.Path != "/reload") {
				t.Errorf("%s %s has reloaded", q.Method, q.URL)
			}
			if !asks && answer.Code < 300 && strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain; version") {
				t.Errorf("%s %s was answered with metrics", q.Method, q.URL)
			}
			_, _ = io.Copy(io.Discard, q.Body)
		}
	})
}

func TestTheWebReadsOnly(t *testing.T) {
	web := WebHandler(answering(), slog.New(slog.DiscardHandler))
	for _, path := range []string{"/metrics", "/healthz", "/", "/reload", "/status"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "BREW"} {
			answer := httptest.NewRecorder()
			web.ServeHTTP(answer, httptest.NewRequest(method, path, strings.NewReader("x")))
			if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, answer.Code, answer.Header().Get("Allow"))
			}
		}
	}
	answer := httptest.NewRecorder()
	web.ServeHTTP(answer, httptest.NewRequest(http.MethodHead, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Errorf("HEAD /metrics: %d", answer.Code)
	}
}
