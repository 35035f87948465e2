package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

func newDetach(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "detach INTERFACE...",
		Short: "Take the programs, pins and virtual addresses off, whoever left them",
		Args:  needInterfaces,
		RunE: func(_ *cobra.Command, names []string) error {
			var errs []error
			for _, name := range names {
				errs = append(errs, detach(e, name))
			}
			return errors.Join(errs...)
		},
	}
}

func detach(e env, name string) error {
	if err := checkPrivileges(); err != nil {
		return err
	}
	book, err := netio.NewAddresses()
	if err != nil {
		return err
	}
	defer book.Close()
	// The addresses first: without the programs the kernel would answer for them.
	found, err := datapath.Detach(name, func(ifindex int, left []datapath.Leftover) error {
		return errors.Join(removeSocket(name), removeDeadSocket(runSocket), removeLeftovers(book, ifindex, left, nil, slog.New(slog.NewTextHandler(e.stderr, nil))))
	})
	if err != nil {
		return err
	}
	said := "nothing of vrrp-xdp was there"
	if found {
		said = "detached"
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s\n", name, said)
	return err
}
