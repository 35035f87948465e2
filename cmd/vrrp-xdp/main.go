// Command vrrp-xdp is a VRRP router for Linux gateways.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// Exit statuses.
const (
	exitFailed = 1 // it failed while running
	exitUsage  = 2 // the command line or the configuration is wrong; nothing was touched
)

// env is what a command sees of the process, so that tests can stand in for it.
type env struct {
	stdout, stderr io.Writer
}

// usageError marks an error as the user's words.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func main() {
	os.Exit(run(env{os.Stdout, os.Stderr}, os.Args[1:]))
}

// run runs a command line and returns the exit status.
func run(e env, args []string) int {
	root := newRoot(e)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	for _, line := range lines(err) {
		fmt.Fprintf(e.stderr, "vrrp-xdp: %s\n", line)
	}
	if _, ok := errors.AsType[usageError](err); ok || errors.Is(err, datapath.ErrNoInterface) {
		return exitUsage
	}
	return exitFailed
}

func newRoot(e env) *cobra.Command {
	root := &cobra.Command{
		Use:           "vrrp-xdp",
		Short:         "VRRP for Linux gateways, with an XDP/tc fast path",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("there is no command %q: see vrrp-xdp --help", args[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w (see %s --help)", err, c.CommandPath()))
	})
	root.AddCommand(newAttach(e), newRun(e), newCheck(e), newReload(e), newUpgrade(e), newSwitchover(e), newMaintenance(e), newStatus(e), newDetach(e), newVersion(e))
	return root
}

// lines is one line for a person for each of the errors that were joined.
func lines(err error) []string { return strings.Split(err.Error(), "\n") }

// needInterfaces is the argument check of commands that work on interfaces.
func needInterfaces(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(fmt.Errorf("%s needs the name of an interface, such as eth0", c.CommandPath()))
	}
	for _, name := range args {
		// Files are named after interfaces.
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") || len(name) > 127 {
			return usage(fmt.Errorf("%q is not the name of an interface", name))
		}
	}
	return nil
}

// noArgs is the argument check of commands that take none.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(fmt.Errorf("%s takes no arguments, not %q", c.CommandPath(), args[0]))
	}
	return nil
}
