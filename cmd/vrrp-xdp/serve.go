package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/pflag"
	"golang.org/x/net/netutil"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// mostScrapers bounds the connections to the web server: whoever opens more waits.
const mostScrapers = 64

const (
	listenFlag    = "web.listen-address"
	defaultListen = "127.0.0.1:9112"
)

// webOptions say where metrics are served.
type webOptions struct {
	listen string
	config string
	asked  bool // the address is the user's, not the default
}

func (o *webOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.listen, listenFlag, defaultListen, "address that serves /metrics and /healthz; empty: none")
	flags.StringVar(&o.config, "web.config.file", "", "file with TLS and authentication settings for that address")
}

// serve starts the control socket and the web server, and returns what ends them.
func (d *daemon) serve(r control.Reporter) (stop func(), err error) {
	socket, err := listenControl(d.options.socket, d.log)
	if err != nil {
		return nil, err
	}
	var servers []*http.Server
	start := func(s *http.Server, serve func(*http.Server) error) {
		servers = append(servers, s)
		go func() {
			if err := serve(s); !errors.Is(err, http.ErrServerClosed) {
				d.log.Error("a server ended", "error", err)
			}
		}()
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for _, s := range servers {
			// Whoever is being answered reads maps that are closed next.
			if s.Shutdown(ctx) != nil {
				_ = s.Close()
			}
		}
		_ = os.Remove(filepath.Dir(socket.Addr().String())) // unless somebody else is there
	}
	start(newServer(control.ControlHandler(r, d.reloader(), d.upgrader()), d.log), func(s *http.Server) error { return s.Serve(socket) })
	listener, err := d.options.web.open(d.log)
	if err != nil {
		stop()
		return nil, err
	}
	if listener != nil {
		start(newWebServer(control.WebHandler(r, d.log), d.log), func(s *http.Server) error {
			return web.Serve(listener, s, &web.FlagConfig{WebConfigFile: &d.options.web.config}, d.log)
		})
	}
	return stop, nil
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	const patience, mostHeader = 10 * time.Second, 16 << 10
	return &http.Server{Handler: h, ReadHeaderTimeout: patience, WriteTimeout: patience + reloadPatience, IdleTimeout: time.Minute,
		MaxHeaderBytes: mostHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
}

// newWebServer is for questions that anybody may ask: they have no body worth waiting for.
func newWebServer(h http.Handler, log *slog.Logger) *http.Server {
	s := newServer(h, log)
	s.ReadTimeout = s.ReadHeaderTimeout
	return s
}

// open listens for the web server. The default address may be taken, by a
// daemon for another interface of this host: metrics are not worth a gateway.
func (o webOptions) open(log *slog.Logger) (net.Listener, error) {
	if o.listen == "" {
		return nil, nil
	}
	if err := web.Validate(o.config); err != nil {
		return nil, usage(fmt.Errorf("--web.config.file %s: %w", o.config, err))
	}
	l, err := net.Listen("tcp", o.listen)
	if err == nil {
		o.warnOfExposure(l.Addr(), log)
		return netutil.LimitListener(l, mostScrapers), nil
	}
	if o.asked {
		return nil, fmt.Errorf("serve metrics (--%s): %w", listenFlag, err)
	}
	log.Warn("no metrics: the default address is taken; choose another with --"+listenFlag, "error", err)
	return nil, nil
}

// warnOfExposure says that others than this host can read the metrics.
func (o webOptions) warnOfExposure(at net.Addr, log *slog.Logger) {
	tcp, ok := at.(*net.TCPAddr)
	switch {
	case !ok || tcp.IP.IsLoopback():
	case tcp.IP == nil || tcp.IP.IsUnspecified():
		log.Warn("metrics are served on all interfaces, to anybody who reaches them; --web.config.file knows TLS and passwords", "address", at.String())
	default:
		log.Warn("metrics are served beyond this host, to anybody who reaches the address; --web.config.file knows TLS and passwords", "address", at.String())
	}
}

// controlSocket is where the daemon that holds the interface answers.
func controlSocket(name string) (string, error) {
	dir, err := datapath.RunDir()
	return filepath.Join(dir, name+".sock"), err
}

func listenControl(name string, log *slog.Logger) (net.Listener, error) {
	path, err := controlSocket(name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if c, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("another vrrp-xdp answers at %s: end it first", path), c.Close())
	}
	if err := removeSocket(name); err != nil {
		return nil, err
	}
	l, err := listenPrivately(path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return ownListener{l, log}, nil
}

// removeSocket removes what a dead predecessor left. The interface must be
// claimed by this process.
func removeSocket(name string) error {
	path, err := controlSocket(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the control socket of a predecessor: %w", err)
	}
	return nil
}

// removeDeadSocket removes a control socket at which nobody answers any more.
func removeDeadSocket(name string) error {
	path, err := controlSocket(name)
	if err != nil {
		return err
	}
	if c, err := net.Dial("unix", path); err == nil {
		return c.Close()
	}
	return removeSocket(name)
}
