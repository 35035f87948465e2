package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const attachLong = `Attach the fast path to the interfaces and run in the foreground until a signal.

Without --vrid it observes: it tells which virtual routers speak on this wire,
who is their master, at what priority and how regularly, and changes nothing.

With --vrid and --vip it runs that virtual router. With several interfaces, each
virtual address is served on the interface whose subnet it is in. IPv4 and IPv6
addresses are two virtual routers; they, and those of several interfaces, move on
their own unless --together is given.`

const attachExample = `  vrrp-xdp attach eth0
  vrrp-xdp attach eth0 --vrid 10 --vip 192.168.1.1/24 --priority 120
  vrrp-xdp attach eth0 eth1 --vrid 10 --vip 192.168.1.1/24 --vip 10.0.0.1/24 --together
  vrrp-xdp attach eth0 --vrid 10 --vip fe80::1/64 --vip 2001:db8::1/64 --router-advertisement --ra-prefix 2001:db8::/64
  vrrp-xdp attach eth0 -f /etc/keepalived/keepalived.conf
  vrrp-xdp attach eth0 --vrid 10 --vip 192.168.1.1/24 --peer 192.168.1.3`

// attachOptions are the flags of attach.
type attachOptions struct {
	daemonOptions
	interfaces []string
	instance   *flagInstance
	file       fileOptions
}

// addDaemonFlags adds the flags of every command that runs a daemon.
func addDaemonFlags(flags *pflag.FlagSet, o *daemonOptions, mode *string) {
	flags.StringVar(mode, "mode", string(datapath.Auto), "auto, native, tc or generic: how to attach")
	flags.BoolVar(&o.keepAttached, "keep-attached", false, "leave the programs attached, silent, when exiting")
	flags.StringVar(&o.logFormat, "log-format", "auto", "auto, text or json")
	flags.StringVar(&o.user, "user", "", "`USER[:GROUP]` to run as, with CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF only (default: vrrp_user of the file)")
	flags.BoolVar(&o.realTime, "realtime", false, "run before ordinary processes and stay in memory, as with vrrp_rt_priority and vrrp_no_swap; if that is not allowed, warn and go on")
	flags.BoolVar(&o.debug, "debug", false, "log also what is of no consequence")
	o.web.add(flags)
}

// finish takes what the flags say once they are parsed.
func (o *daemonOptions) finish(flags *pflag.FlagSet, mode string) error {
	o.web.asked = flags.Changed(listenFlag)
	var err error
	if o.mode, err = datapath.ParseMode(mode); err != nil {
		return usage(fmt.Errorf("--%w", err))
	}
	return nil
}

func newAttach(e env) *cobra.Command {
	var o attachOptions
	var mode string
	c := &cobra.Command{
		Use:     "attach INTERFACE...",
		Short:   "Attach to interfaces: observe them, or run a virtual router on them",
		Long:    attachLong,
		Example: attachExample,
		Args:    needInterfaces,
	}
	flags := c.Flags()
	instance := addInstanceFlags(flags)
	flags.StringVarP(&o.file.path, "file", "f", "", "run the instances of this configuration `file` that are on these interfaces")
	o.file.add(c)
	addDaemonFlags(flags, &o.daemonOptions, &mode)
	c.RunE = func(_ *cobra.Command, args []string) error {
		o.interfaces = args
		if err := o.finish(flags, mode); err != nil {
			return err
		}
		var err error
		if o.instance, err = instance.instance(); err != nil {
			return err
		}
		if o.file.path != "" && o.instance != nil {
			return usage(errors.New("--file and --vrid: an instance is in the file, or on the command line"))
		}
		return attach(e, o)
	}
	return c
}

// attach runs in the foreground until a signal.
func attach(e env, o attachOptions) error {
	o.socket, o.described = o.interfaces[0], &o.file
	if o.file.path != "" {
		return runDaemon(e, o.daemonOptions, o.planFile)
	}
	return runDaemon(e, o.daemonOptions, func(links *netio.Links, log *slog.Logger) (plan, error) {
		ports, err := lookPorts(links, o.interfaces)
		if err != nil {
			return plan{}, err
		}
		var p plan
		for _, port := range ports {
			p.interfaces = append(p.interfaces, port.Name) // it may have been called by another
		}
		p.setup.Instances, err = planInstances(o.instance, ports, log)
		return p, err
	})
}

// planFile is the part of a configuration file that is about these interfaces.
func (o attachOptions) planFile(links *netio.Links, log *slog.Logger) (plan, error) {
	p, err := o.file.plan(links, log)
	if err != nil {
		return plan{}, err
	}
	p.setup.Instances = slices.DeleteFunc(p.setup.Instances, func(c control.InstanceConfig) bool {
		return !slices.Contains(o.interfaces, c.Interface)
	})
	if len(p.setup.Instances) == 0 {
		return plan{}, usage(fmt.Errorf("%s: there is no vrrp_instance on %s in it", o.file.path, strings.Join(o.interfaces, ", ")))
	}
	needed := control.Interfaces(p.setup.Instances)
	p.interfaces = slices.DeleteFunc(p.interfaces, func(name string) bool { return !slices.Contains(needed, name) })
	return p, nil
}
