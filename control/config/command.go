package config

import (
	"os"
	"strconv"
	"strings"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// command is a script that is named somewhere. As whom it runs is known only
// when the whole file is.
type command struct {
	*script.Command
	n           *node
	user, group string // as it is said; "": nothing is
	// of is what the command decides about, if anybody uses it.
	of *definition
	// drop leaves it out.
	drop func()
}

// command takes the argument at i as a command line. It may be nil.
func (n *node) command(i int, drop func()) *command {
	line := n.arg(i)
	args, err := splitCommand(line)
	switch {
	case err != nil:
		n.fail("%s: %v", n.Keyword(), err)
		return nil
	case len(args) == 0:
		n.fail("%s: the name of a program is missing", n.Keyword())
		return nil
	case strings.HasPrefix(args[0], "<"):
		n.fail("%s: %s asks whether a file can be opened, which is not done here: use a program, such as test -e", n.Keyword(), args[0])
		return nil
	}
	n.warnOfShell(args)
	c := &command{Command: &script.Command{Line: line, Args: args}, n: n, drop: drop}
	n.d.commands = append(n.d.commands, c)
	return c
}

// warnOfShell finds what only a shell would understand.
func (n *node) warnOfShell(args []string) {
	for _, a := range args[1:] {
		switch a {
		case "|", "||", "&&", ">", ">>", "<", ";", "&", "2>&1", ">/dev/null":
			n.warn("%s: %s is an argument here: there is no shell; for one, write /bin/sh -c '…'", n.Keyword(), a)
			return
		}
	}
}

// notifyCommand takes `COMMAND [USER [GROUP]]`.
func (n *node) notifyCommand(drop func()) *script.Command {
	c := n.command(0, drop)
	if c == nil {
		return nil
	}
	c.user, c.group = n.arg(1), n.arg(2)
	return c.Command
}

// checkCommands finds the users, and the scripts that would not run.
func (d *decoder) checkCommands() {
	for _, c := range d.commands {
		if c.of != nil && c.of.uses == 0 {
			continue
		}
		if !d.checkCommand(c) {
			c.drop()
		}
	}
}

func (d *decoder) checkCommand(c *command) bool {
	user, group := c.user, c.group
	if user == "" {
		user, group = d.global.defaultUser()
	}
	if user == "" {
		c.n.fail("%s: no user to run it: with enable_script_security say script_user, or make a user keepalived_script", c.n.Keyword())
		return false
	}
	var err error
	if c.User, err = d.options.System.LookupUser(user, group); err != nil {
		c.n.fail("%s: %v", c.n.Keyword(), err)
		return false
	}
	if own := d.global.User; own != nil && (own.UID != c.User.UID || own.GID != c.User.GID) {
		c.n.fail("%s: as user %s it would not run: with vrrp_user the daemon is %s, and can run nothing as another; take one of them out", c.n.Keyword(), user, own)
		return false
	}
	if err := d.options.System.CheckScript(*c.Command, d.global.secure); err != nil {
		c.n.fail("%s: it would not run: %v", c.n.Keyword(), err)
		return false
	}
	return true
}

// anonymous is the user for scripts where there is one.
const anonymous = "keepalived_script"

// defaultUser is as whom scripts run that do not say it; "": there is nobody.
func (g *globals) defaultUser() (user, group string) {
	if g.scriptUser != "" {
		return g.scriptUser, g.scriptGroup
	}
	if n := g.userNode; n != nil {
		return n.arg(0), n.arg(1)
	}
	if o := g.d.options; o.User != "" {
		return o.User, o.Group
	}
	if _, err := g.d.options.System.LookupUser(anonymous, ""); err == nil {
		return anonymous, ""
	}
	if g.secure {
		return "", ""
	}
	return strconv.Itoa(os.Geteuid()), ""
}
