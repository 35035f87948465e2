package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

const (
	defaultConfig = "/etc/vrrp-xdp/vrrp-xdp.conf"
	// runSocket cannot be the name of an interface, after which others are named.
	runSocket = "run:"
)

// fileOptions say which configuration to read, and how.
type fileOptions struct {
	path    string
	id      string
	lenient bool
}

func newRun(e env) *cobra.Command {
	var o daemonOptions
	var file fileOptions
	var mode string
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the virtual routers of a configuration file",
		Long: `Run everything that a configuration file says, in the foreground until a signal.
The file is a keepalived.conf, or one in its language: see docs/configuration.md.
SIGHUP, or vrrp-xdp reload, reads it again.`,
		Example: `  vrrp-xdp run -f /etc/keepalived/keepalived.conf`,
		Args:    noArgs,
	}
	flags := c.Flags()
	flags.StringVarP(&file.path, "file", "f", defaultConfig, "configuration file")
	file.add(c)
	addDaemonFlags(flags, &o, &mode)
	c.RunE = func(_ *cobra.Command, _ []string) error {
		if err := o.finish(flags, mode); err != nil {
			return err
		}
		o.socket, o.reloads, o.described = runSocket, true, &file
		return runDaemon(e, o, file.plan)
	}
	return c
}

func (f *fileOptions) add(c *cobra.Command) {
	c.Flags().StringVarP(&f.id, "config-id", "i", "", "what lines such as `@ID` are for (default: the host's name up to its first dot)")
	c.Flags().BoolVar(&f.lenient, "lenient", false, "skip what keepalived would skip, with a warning, where that is an error otherwise")
}

// load reads the file.
func (f *fileOptions) load(links *netio.Links) (config.Config, config.Report) {
	id := f.id
	if id == "" {
		name, _ := os.Hostname()
		id, _, _ = strings.Cut(name, ".")
	}
	user, group := currentUser()
	return config.Load(f.path, config.Options{ID: id, Lenient: f.lenient, User: user, Group: group, System: fileSystem{links}})
}

// checkReadable says how to mend it if the user that the daemon has become may not read the file.
func (f *fileOptions) checkReadable() error {
	if _, err := os.ReadFile(f.path); !errors.Is(err, os.ErrPermission) {
		return nil
	}
	return fmt.Errorf("%s: the daemon reads it as user %d of group %d: chgrp %[3]d %[1]s, chmod 0640 %[1]s", f.path, os.Geteuid(), os.Getegid())
}

// plan is a planner.
func (f *fileOptions) plan(links *netio.Links, log *slog.Logger) (plan, error) {
	c, report := f.load(links)
	if err := report.Err(); err != nil {
		return plan{}, usage(errors.Join(err, f.checkReadable()))
	}
	for _, p := range report.Problems() {
		log.Warn("configuration: "+p.Text, "at", p.Pos.String())
	}
	if len(c.Instances) == 0 {
		return plan{}, usage(fmt.Errorf("%s: there is no vrrp_instance in it", f.path))
	}
	p := plan{setup: control.NewSetup(c), global: c.Global}
	if err := control.Validate(p.setup.Instances); err != nil {
		return plan{}, usage(err)
	}
	var errs []error
	for _, name := range control.Interfaces(p.setup.Instances) {
		switch _, err := links.Link(name); {
		case err == nil:
			p.interfaces = append(p.interfaces, name)
		case !errors.Is(err, netio.ErrNoInterface):
			errs = append(errs, err)
		case !c.Global.DynamicInterfaces:
			errs = append(errs, usage(err))
		}
	}
	slices.Sort(p.interfaces)
	return p, errors.Join(errs...)
}

// fileSystem is the host as a configuration is checked against it.
type fileSystem struct{ links *netio.Links }

func (s fileSystem) HasInterface(name string) bool {
	_, err := s.links.Link(name)
	return err == nil
}

func (fileSystem) LookupUser(user, group string) (script.User, error) {
	return script.LookupUser(user, group)
}

func (fileSystem) CheckScript(c script.Command, secure bool) error { return script.Check(c, secure) }

func (fileSystem) CheckSecret(path string) error { return config.CheckSecret(path) }

func (fileSystem) ReadSecret(path string) ([]byte, error) { return config.ReadSecret(path) }

func (fileSystem) Table(name string) (uint32, bool) { return routingTable(name) }
