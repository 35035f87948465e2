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

// answerTimeout bounds how long a question waits for the loop.
const answerTimeout = time.Second

// WebHandler answers on the network, read only: /metrics, and /healthz, which
// is 200 while the loop answers and 503 when it does not.
func WebHandler(r Reporter, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(Collector{r, log}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, q *http.Request) {
		if _, ok := ask(w, q, r.Engine.Status); ok {
			_, _ = w.Write([]byte("ok\n"))
		}
	})
	return mux
}

// ControlHandler answers on the control socket: GET /status, a Report.
func ControlHandler(r Reporter) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, q *http.Request) {
		report, ok := ask(w, q, r.Report)
		if !ok {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(report) // the client is gone if this fails
	})
	return mux
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
