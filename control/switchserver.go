package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// mostQuestion is the longest body that the control socket takes.
	mostQuestion = 4096
	// HoldPatience is how long the control socket waits for a handover. The
	// longest skew of version 2 can be longer.
	HoldPatience = time.Minute
)

// MaintenanceRequest begins maintenance, or ends it.
type MaintenanceRequest struct {
	On bool `json:"on"`
}

// HoldAnswer is what became of a switchover, or of maintenance.
type HoldAnswer struct {
	OK bool `json:"ok"`
	// Unknown says that there is nothing of that name.
	Unknown   bool          `json:"unknown,omitempty"`
	Error     string        `json:"error,omitempty"`
	Instances []HoldOutcome `json:"instances,omitempty"`
}

// serveHolds answers POST /switchover and POST /maintenance.
func serveHolds(mux *http.ServeMux, e *Engine) {
	mux.HandleFunc("POST /switchover", func(w http.ResponseWriter, q *http.Request) {
		var request SwitchoverRequest
		if takeQuestion(w, q, &request) {
			answerHold(w, q, func(ctx context.Context) ([]HoldOutcome, error) { return e.Switchover(ctx, request) })
		}
	})
	mux.HandleFunc("POST /maintenance", func(w http.ResponseWriter, q *http.Request) {
		var request MaintenanceRequest
		if takeQuestion(w, q, &request) {
			answerHold(w, q, func(ctx context.Context) ([]HoldOutcome, error) { return e.Maintenance(ctx, request.On) })
		}
	})
}

// takeQuestion reads the body, or answers that it is wrong.
func takeQuestion(w http.ResponseWriter, q *http.Request, into any) bool {
	if err := readQuestion(http.MaxBytesReader(w, q.Body, mostQuestion), into); err != nil {
		http.Error(w, fmt.Sprintf("the question is not the JSON of a %T of at most %d bytes: %v", into, mostQuestion, err), http.StatusBadRequest)
		return false
	}
	return true
}

// readQuestion takes one JSON object, all of which must be known.
func readQuestion(r io.Reader, into any) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind it")
	}
	return nil
}

func answerHold(w http.ResponseWriter, q *http.Request, do func(context.Context) ([]HoldOutcome, error)) {
	ctx, cancel := context.WithTimeout(q.Context(), HoldPatience)
	defer cancel()
	outcomes, err := do(ctx)
	if errors.Is(err, ErrStopped) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer := HoldAnswer{OK: err == nil, Unknown: errors.Is(err, ErrUnknown), Instances: outcomes}
	if err != nil {
		answer.Error = err.Error()
	}
	answerJSON(w, answer)
}
