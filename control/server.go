package control

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// answerTimeout bounds how long a question waits for the loop.
	answerTimeout = time.Second
	// mostScrapes bounds how many collect metrics at the same time.
	mostScrapes = 4
	// mostAsked bounds the body of a request to the control socket.
	mostAsked = 64 << 10
)

// WebHandler answers on the network, read only: /metrics, and /healthz, which
// is 200 while the loop answers and 503 when it does not.
func WebHandler(r Reporter, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(Collector{r, log}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: mostScrapes}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, q *http.Request) {
		if _, ok := ask(w, q, r.Engine.Status); ok {
			_, _ = w.Write([]byte("ok\n"))
		}
	})
	return readOnly(mux)
}

// readOnly answers 405 to whatever is no question, on any path.
func readOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodGet && q.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, q)
	})
}

// Reload reads the configuration again. It is called from any goroutine.
type Reload func(context.Context) ReloadAnswer

// ReloadAnswer is what became of a reload.
type ReloadAnswer struct {
	OK bool `json:"ok"`
	// Usage says that the configuration is wrong; nothing was touched.
	Usage bool   `json:"usage,omitempty"`
	Error string `json:"error,omitempty"` // a line for each
}

// Upgrade has another binary take this one's place. It is called from any goroutine.
type Upgrade func(context.Context) UpgradeAnswer

// UpgradeAnswer is what became of an upgrade before it began. Once it has begun,
// a Report tells how it went on.
type UpgradeAnswer struct {
	Version  string `json:"version,omitempty"`  // of the binary that takes over
	Upgrades int    `json:"upgrades,omitempty"` // of the Report, after it has
	Error    string `json:"error,omitempty"`    // nothing was touched
}

// ControlHandler answers on the control socket: GET /status, a Report; POST
// /switchover and /maintenance, a HoldAnswer; POST /upgrade, an UpgradeAnswer; and,
// where there is something to reload, POST /reload, a ReloadAnswer.
func ControlHandler(r Reporter, reload Reload, upgrade Upgrade) http.Handler {
	mux := http.NewServeMux()
	if upgrade != nil {
		mux.HandleFunc("POST /upgrade", func(w http.ResponseWriter, _ *http.Request) {
			answerJSON(w, upgrade(context.Background()))
		})
	}
	if reload != nil {
		mux.HandleFunc("POST /reload", func(w http.ResponseWriter, _ *http.Request) {
			// Whoever asked may go away; what has begun is finished.
			answerJSON(w, reload(context.Background()))
		})
	}
	serveHolds(mux, r.Engine)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, q *http.Request) {
		report, ok := ask(w, q, r.Report)
		if !ok {
			return
		}
		answerJSON(w, report)
	})
	return http.MaxBytesHandler(mux, mostAsked)
}

func answerJSON(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client is gone if this fails
}

// ask asks a question that the loop has to answer, or answers 503.
func ask[T any](w http.ResponseWriter, q *http.Request, question func(context.Context) (T, error)) (T, bool) {
	ctx, cancel := context.WithTimeout(q.Context(), answerTimeout)
	defer cancel()
	answer, err := question(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return answer, false
	}
	return answer, true
}
