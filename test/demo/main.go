// Command demo shows in a terminal what vrrp-xdp does: two routers and a client
// in network namespaces, and a master to which everything happens that happens
// to masters. `make demo` runs it, as root.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

func main() {
	setup := gateway.Setup{Extra: []string{"--web.listen-address", ""}}
	flag.StringVar(&setup.Binary, "binary", "bin/vrrp-xdp", "the vrrp-xdp to show")
	flag.StringVar(&setup.Mode, "mode", "native", "native, tc or generic")
	flag.DurationVar(&setup.Advert, "advert", 100*time.Millisecond, "time between adverts")
	flag.Parse()
	if err := demo(setup); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

func demo(setup gateway.Setup) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("it makes network namespaces: run it as root, or with sudo make demo")
	}
	if setup.Binary, err = filepath.Abs(setup.Binary); err != nil {
		return err
	}
	l, err := lab.New(lab.Options{Name: "demo"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	defer lab.Catch(&err)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer lab.Catch(&err)
		err = show(screen{colours: isTerminal(os.Stdout)}, gateway.New(l, setup))
	}()
	select {
	case err := <-done:
		return err
	case s := <-interrupted:
		return fmt.Errorf("%v: cleaned up", s)
	}
}

// show tells the story.
func show(s screen, p *gateway.Pair) error {
	s.title("vrrp-xdp: two routers, one gateway address, one client")
	s.drawing(p)
	for _, r := range []*gateway.Router{p.R1, p.R2} {
		s.command(fmt.Sprintf("%s# vrrp-xdp attach eth0 eth1 --vrid %d --vip %s/24 --vip %s/24 --priority %d --advert-int %v --mode %s",
			r.Name, gateway.VRID, gateway.VIP, gateway.ServerVIP, r.Priority, p.Setup.Advert, p.Setup.Mode))
	}
	if err := p.StartBoth(); err != nil {
		return err
	}
	if err := s.state(p); err != nil {
		return err
	}
	s.note("The client sends a ping every 500 µs to %s. A backup may wait %v (Active_Down_Interval) before it takes over.",
		gateway.VIP, p.ActiveDown(gateway.Priority2).Round(100*time.Microsecond))
	s.header()
	twice := 0
	for _, e := range events {
		r, err := play(s, p, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		twice += r.Duplicates
	}
	s.note("%d pings were answered by both routers: a master that hangs or dies stops owning by its lease,\nbefore the other one starts. Now everything is taken down again.", twice)
	return nil
}

// event is something that happens to the master, and how it is mended.
type event struct {
	name, how    string
	happen, mend func(p *gateway.Pair) error
}

var events = []event{
	{"hangs", "SIGSTOP",
		func(p *gateway.Pair) error { return p.R1.Daemon.Freeze() },
		func(p *gateway.Pair) error { return p.R1.Daemon.Thaw() }},
	{"is killed", "SIGKILL", func(p *gateway.Pair) error { return p.R1.Daemon.Kill() }, restart},
	{"stops gracefully", "SIGTERM", func(p *gateway.Pair) error { return p.R1.Daemon.Stop() }, restart},
	{"loses its link", "cable cut",
		func(p *gateway.Pair) error { p.R1.LAN.Cut(); return nil },
		func(p *gateway.Pair) error { p.R1.LAN.Restore(); return nil }},
}

func restart(p *gateway.Pair) error {
	if _, err := p.R1.Daemon.Wait(10 * time.Second); err != nil {
		return err
	}
	return p.R1.Start()
}

// play lets one event happen under the client's eyes.
func play(s screen, p *gateway.Pair, e event) (*lab.Report, error) {
	s.begin(e)
	probe, err := p.Client.Probe(lab.ProbeOptions{Target: gateway.VIP})
	if err != nil {
		return nil, err
	}
	const echoes = 1000
	err = errors.Join(
		probe.AwaitAnswers(echoes, time.Minute),
		e.happen(p),
		p.R2.Await("MASTER", "eth0"),
		probe.AwaitAnswers(echoes, time.Minute),
	)
	r := probe.Stop()
	if err != nil {
		return nil, err
	}
	s.result(e, r, whoAnswered(r))
	if err := e.mend(p); err != nil {
		return nil, err
	}
	return r, p.Settle(p.R1, p.R2)
}

func whoAnswered(r *lab.Report) string {
	var hosts []string
	for _, seg := range r.Segments() {
		hosts = append(hosts, seg.Host)
	}
	return strings.Join(hosts, " → ")
}
