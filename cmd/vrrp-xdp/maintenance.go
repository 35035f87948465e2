package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

func newMaintenance(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "maintenance on|off",
		Short: "Hand over everything, and keep this host out of MASTER until told",
		Long: `Hand every instance of this network namespace over to other routers, without losing a
packet, and keep this host out of MASTER: until maintenance off, through restarts and
reloads. An instance for which no other router is there goes too; then nobody serves it,
and that is said. An instance that a switchover keeps out stays so when it is off.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "on" && args[0] != "off" {
				return usage(errors.New("maintenance: say on or off"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return maintain(c.Context(), e, args[0] == "on") },
	}
}

// maintain tells every daemon of this network namespace.
func maintain(ctx context.Context, e env, on bool) error {
	sockets, err := daemons()
	if err != nil {
		return err
	}
	var errs []error
	for _, socket := range sockets {
		answer, err := askHold(ctx, socket, "/maintenance", control.MaintenanceRequest{On: on})
		switch {
		case err != nil:
			errs = append(errs, err)
		case !answer.OK:
			errs = append(errs, errors.New(answer.Error))
		case on:
			errs = append(errs, printOutcomes(e.stdout, answer.Instances, "until maintenance off"))
		default:
			_, err := fmt.Fprintln(e.stdout, "maintenance is over")
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
