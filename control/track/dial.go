package track

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

func tcpProbe(t TCP) probe {
	return bounded(func(ctx context.Context) error {
		address, err := netip.ParseAddrPort(t.Address)
		if err != nil {
			return err
		}
		conn, err := dialer(t.Interface).DialContext(ctx, "tcp", address.String())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// dialer makes connections that live for one look.
func dialer(device string) *net.Dialer {
	return &net.Dialer{Control: through(device), KeepAlive: -1}
}

func httpProbe(h HTTP) probe {
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer(h.Interface).DialContext,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: h.Insecure, ServerName: hostOnly(h.Host)},
		},
	}
	return bounded(func(ctx context.Context) error { return get(ctx, client, h) })
}

// get asks, and does not read what else is answered.
func get(ctx context.Context, client *http.Client, h HTTP) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return withoutURL(err)
	}
	request.Host = h.Host
	request.Header.Set("User-Agent", "vrrp-xdp")
	response, err := client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	response.Body.Close()
	status := response.StatusCode
	if h.Status == status || h.Status == 0 && status >= 200 && status <= 399 {
		return nil
	}
	return fmt.Errorf("HTTP status %d", status)
}

// withoutURL leaves the URL out, which may hold a password.
func withoutURL(err error) error {
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// hostOnly is a Host header without its port; "" stays.
func hostOnly(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
