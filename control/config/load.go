package config

import (
	"os"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// System is what a configuration is checked against.
type System interface {
	iproute.Names
	// HasInterface reports whether there is an interface of that name.
	HasInterface(name string) bool
	// LookupUser is script.LookupUser.
	LookupUser(user, group string) (script.User, error)
	// CheckScript is script.Check.
	CheckScript(c script.Command, secure bool) error
	// CheckSecret is the CheckSecret of this package.
	CheckSecret(path string) error
	// ReadSecret is the ReadSecret of this package.
	ReadSecret(path string) ([]byte, error)
}

// Options for Load.
type Options struct {
	// ID is what lines such as `@r1 priority 120` are compared with.
	ID string
	// Lenient turns errors of severity Error into warnings: what keepalived
	// would skip is skipped.
	Lenient bool
	// User and Group are whom the daemon runs as, where it cannot run scripts as
	// anybody else; "" where it can.
	User, Group string
	System      System
}

// Load reads a file and all that it includes and says what it means. The Config
// is to be used only if the Report has no errors.
func Load(path string, o Options) (Config, Report) {
	source := Read(path, o.ID)
	d := &decoder{options: o, language: newLanguage(), borrowed: source.borrowed, tracked: make(map[trackKey]*definition)}
	d.global.d = d
	d.hostname, _ = os.Hostname() // "" says as much in a mail
	top := d.nodes(source.Statements, nil)
	for pass := range passes {
		d.decode(top, atTop, nil, pass)
	}
	c := d.config()
	return c, Report{File: path, Lines: d.report(source.Problems)}
}
