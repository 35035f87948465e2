package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
)

// Request asks a daemon through its control socket; body may be nil. The caller
// closes the answer's body. The errors are those of net/http. For any goroutine.
func Request(ctx context.Context, socket, method, path string, body io.Reader) (*http.Response, error) {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://daemon"+path, body)
	if err != nil {
		return nil, err
	}
	return client.Do(request)
}

// FetchReport asks the daemon at a control socket for its report. Errors: those of
// Request, and an answer that is none. For any goroutine.
func FetchReport(ctx context.Context, socket string) (report Report, err error) {
	response, err := Request(ctx, socket, http.MethodGet, "/status", nil)
	if err != nil {
		return report, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return report, errors.New(response.Status)
	}
	err = json.NewDecoder(response.Body).Decode(&report)
	return report, err
}
