package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

func newCheck(e env) *cobra.Command {
	var file fileOptions
	var asJSON bool
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what a configuration file means, line by line, and start nothing",
		Long: `Say of every line of a keepalived.conf whether it is used, used in another way than
its text says, ignored, or refused. The exit status is 2 if anything is refused.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("vrrp-xdp check needs the name of one file"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			links, err := netio.NewLinks()
			if err != nil {
				return err
			}
			defer links.Close()
			file.path = args[0]
			c, report := file.load(links)
			write := report.WriteText
			if asJSON {
				write = report.WriteJSON
			}
			if err := write(e.stdout); err != nil {
				return err
			}
			if report.Err() != nil {
				return usage(fmt.Errorf("%s: it would not start", file.path))
			}
			if len(c.Instances) == 0 {
				return usage(fmt.Errorf("%s: it would not start: there is no vrrp_instance in it", file.path))
			}
			return nil
		},
	}
	file.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
