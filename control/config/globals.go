package config

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// globals are what global_defs say.
type globals struct {
	d *decoder
	Global
	settings
	secure                  bool
	scriptUser, scriptGroup string
	userNode                *node // vrrp_user
	startDelay              *time.Duration
	pace, pace6             *time.Duration
	minGARP                 *bool
	nice, realTime          *int
	smtpTimeout             *time.Duration
	smtpNode                *node
	mailVRRP                *bool // smtp_alert_vrrp
	emails                  *node
	fifos                   [2]fifo // notify_fifo, vrrp_notify_fifo
}

// settings may be said for all, and otherwise for one instance.
type settings struct {
	version                            *int
	repeat, refreshRepeat              *int
	delay, refresh, extraRefresh       *time.Duration
	lesserRepeat                       *int
	lesserDelay                        *time.Duration
	silentToLesser, partingAdvert      *bool
	skipAddressCheck, strict, checksum *bool
	priorityChanges, mail              *bool
	checkSource                        *bool
}

func (s *settings) shared() *settings { return s }

// sharing is whoever has settings.
type sharing interface{ shared() *settings }

// fifo is one of the two that there may be.
type fifo struct {
	n       *node
	command *script.Command
	script  *node
}

func (n *node) globals() *globals { return &n.d.global }

func takeGlobals(n *node) {
	g := n.globals()
	n.inside(g)
}

func (g *globals) takeScriptUser(n *node) {
	if _, err := g.d.options.System.LookupUser(n.arg(0), n.arg(1)); err != nil {
		n.fail("script_user: %v", err)
		return
	}
	g.scriptUser, g.scriptGroup = n.arg(0), n.arg(1)
}

func (g *globals) takeUser(n *node) {
	user, err := g.d.options.System.LookupUser(n.arg(0), n.arg(1))
	if err != nil {
		n.fatal("vrrp_user: %v", err)
		return
	}
	g.User, g.userNode = &user, n
}

func (g *globals) takeDynamic(n *node) {
	g.DynamicInterfaces = true
	if option := n.arg(0); option != "" && option != "allow_if_changes" {
		n.fail("dynamic_interfaces: %s is not allow_if_changes", option)
	}
}

func (g *globals) takeRecipients(n *node) {
	g.emails = n
	for _, line := range n.block {
		if line.plain() {
			g.Mail.To = append(g.Mail.To, line.texts()...)
		}
	}
}

// plain is for lines of a list that are no blocks.
func (n *node) plain() bool {
	if n.IsBlock {
		n.fail("%s has no block: take { and } away", n.Keyword())
		n.leaveOut()
	}
	return !n.IsBlock
}

func (g *globals) takeServer(n *node) {
	g.smtpNode = n
	port := 25
	if n.arg(1) != "" {
		var ok bool
		if port, ok = n.number(1, 1, 65535); !ok {
			return
		}
	}
	g.Mail.Server = net.JoinHostPort(n.arg(0), strconv.Itoa(port))
}

func (g *globals) takeCPUs(n *node) {
	for i := range n.Args() {
		if cpu, ok := n.number(i, 0, 4095); ok {
			g.CPUs = append(g.CPUs, cpu)
		}
	}
}

func takeFIFO(which int) func(*node) {
	return of(func(g *globals, n *node) { g.fifos[which].n = n })
}

func takeFIFOScript(which int) func(*node) {
	return of(func(g *globals, n *node) {
		f := &g.fifos[which]
		f.script, f.command = n, n.notifyCommand(func() { f.command = nil })
	})
}

// takeGroupAddress is for the multicast groups, which peers must share.
func takeGroupAddress(usual string) func(*node) {
	return func(n *node) {
		if n.arg(0) != usual {
			n.fatal("%s: %s is not done here, only %s: routers with different groups do not hear each other", n.Keyword(), n.arg(0), usual)
		}
	}
}

// finish fills in what was not said.
func (g *globals) finish() Global {
	if g.RouterID == "" {
		g.RouterID = g.d.hostnameOr()
	}
	g.Nice, g.RealTime = g.nice, first(0, g.realTime)
	g.finishMail()
	for _, f := range g.fifos {
		g.addFIFO(f)
	}
	return g.Global
}

func (d *decoder) hostnameOr() string {
	if d.hostname == "" {
		return "localhost"
	}
	return d.hostname
}

func (g *globals) finishMail() {
	if g.Mail.From == "" {
		g.Mail.From = "keepalived@" + g.d.hostnameOr()
	}
	if g.Mail.Helo == "" {
		g.Mail.Helo = g.d.hostnameOr()
	}
	g.Mail.Timeout = first(30*time.Second, g.smtpTimeout)
	if g.emails != nil && g.Mail.Server == "" {
		g.emails.warn("notification_email: no mail is sent without smtp_server")
	}
	if g.smtpNode != nil && len(g.Mail.To) == 0 {
		g.smtpNode.warn("smtp_server: no mail is sent without recipients, in notification_email")
	}
}

func (g *globals) addFIFO(f fifo) {
	if f.n == nil {
		if f.script != nil {
			f.script.fail("%s: there is no %s that it could read", f.script.Keyword(), strings.TrimSuffix(f.script.Keyword(), "_script"))
		}
		return
	}
	path := f.n.arg(0)
	switch {
	case !strings.HasPrefix(path, "/"):
		f.n.fail("%s: %s is not an absolute path", f.n.Keyword(), path)
		return
	case len(g.FIFOs) > 0 && g.FIFOs[0].Path == path:
		f.n.fail("%s: %s is the notify_fifo already", f.n.Keyword(), path)
		return
	}
	made := FIFO{Pos: f.n.Pos, Path: path, Script: f.command}
	user, group := f.n.arg(1), f.n.arg(2)
	if user == "" {
		user, group = g.defaultUser()
	}
	if user != "" {
		var err error
		if made.User, err = g.d.options.System.LookupUser(user, group); err != nil {
			f.n.fail("%s: %v", f.n.Keyword(), err)
			return
		}
	}
	g.FIFOs = append(g.FIFOs, made)
}
