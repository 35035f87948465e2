package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// screen writes for people, with colours where there are any.
type screen struct{ colours bool }

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil && os.Getenv("NO_COLOR") == ""
}

const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (s screen) in(colour, text string) string {
	if !s.colours {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s screen) title(text string) { fmt.Printf("\n  %s\n\n", s.in(bold, text)) }

func (s screen) command(text string) { fmt.Printf("  %s\n", s.in(faint, text)) }

func (s screen) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Printf("\n  %s\n\n", strings.ReplaceAll(text, "\n", "\n  "))
}

func (s screen) drawing(p *gateway.Pair) {
	fmt.Printf(`                      eth0          eth1
   client ────────┬── r1 (priority %d) ──┬──────── server
   192.168.1.77   │                       │   10.0.0.80
                  └── r2 (priority %d) ──┘
        gateway %s             gateway %s
        %s        VRID %d

`, gateway.Priority1, gateway.Priority2, s.in(bold, gateway.VIP.String()), s.in(bold, gateway.ServerVIP.String()),
		s.in(cyan, lab.VirtualMAC4(gateway.VRID).String()), gateway.VRID)
}

// state shows who is master, where the address is and what the client believes.
func (s screen) state(p *gateway.Pair) error {
	fmt.Println()
	for _, r := range []*gateway.Router{p.R1, p.R2} {
		report, err := r.Status()
		if err != nil {
			return err
		}
		i := report.Instances[0]
		fmt.Printf("  %s  %s  eth0: %s  %s\n", r.Name, s.paint(i.State), addresses(r), s.in(faint, "attached: "+report.Interfaces[0].Mode))
	}
	probe, err := p.Client.Probe(lab.ProbeOptions{Target: gateway.VIP})
	if err != nil {
		return err
	}
	defer probe.Stop()
	if err := probe.AwaitAnswers(1, 5*time.Second); err != nil {
		return fmt.Errorf("the client cannot reach its gateway: %w", err)
	}
	mac, state, _ := p.Client.Neighbour("eth0", gateway.VIP)
	fmt.Printf("  client's ARP entry: %s is at %s %s\n", gateway.VIP, s.in(cyan, mac.String()), s.in(faint, state))
	return nil
}

func (s screen) paint(state string) string {
	if state == "MASTER" {
		return s.in(green, state)
	}
	return s.in(yellow, state)
}

func addresses(r *gateway.Router) string {
	var list []string
	for _, a := range r.Addresses("eth0") {
		if a.Addr().Is4() {
			list = append(list, a.String())
		}
	}
	return strings.Join(list, " ")
}

const row = "  %-30s %10s %8s   %s\n"

func (s screen) header() {
	fmt.Printf(row, "THE MASTER …", "GAP", "LOST", "WHO ANSWERED")
}

func (s screen) begin(e event) {
	if s.colours {
		fmt.Printf("  %-30s …\r", name(e))
	}
}

func name(e event) string { return e.name + " (" + e.how + ")" }

func (s screen) result(e event, r *lab.Report, who string) {
	gap := fmt.Sprintf("%.1f ms", float64(r.LongestGap.Round(100*time.Microsecond))/float64(time.Millisecond))
	lost := fmt.Sprint(r.Lost)
	colour := yellow
	switch {
	case r.Duplicates > 0:
		colour, who = red, who+fmt.Sprintf(", %d answered twice", r.Duplicates)
	case r.Lost == 0:
		colour, gap = green, "none"
	}
	// Padded before it is painted: colours have no width.
	fmt.Printf("  %-30s %s %s   %s\n", name(e), s.in(colour, fmt.Sprintf("%10s", gap)), s.in(colour, fmt.Sprintf("%8s", lost)), who)
}
