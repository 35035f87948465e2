package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// defaultHold is long enough to see how the other router does, and ends by itself.
const defaultHold = 5 * time.Minute

const switchoverLong = `Hand an instance, or a whole sync group, over to another router now, without losing a
packet: this one says goodbye, serves until the other has taken over, and is then kept
out of MASTER for a while, whatever its priority. A member of a sync group takes the
group with it.

If no other router answers, nothing changes: this one stays master, which it has been
all the time, and the exit status is 1. --force goes anyway.

What is kept out stays so when the daemon is restarted or killed, or its configuration
reloaded; vrrp-xdp status says so. An instance that is backup already is only kept out.`

func newSwitchover(e env) *cobra.Command {
	q := control.SwitchoverRequest{For: defaultHold}
	var untilTold bool
	c := &cobra.Command{
		Use:   "switchover INSTANCE|GROUP",
		Short: "Hand over to another router now, and stay out of the way for a while",
		Long:  switchoverLong,
		Example: `  vrrp-xdp switchover VI_1 --for 30s
  vrrp-xdp switchover VI_1 --until-told
  vrrp-xdp switchover VI_1 --end`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usage(errors.New("switchover needs the name of one instance or sync group: vrrp-xdp status lists them"))
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.DurationVar(&q.For, "for", defaultHold, "how long it is kept out of MASTER")
	flags.BoolVar(&untilTold, "until-told", false, "keep it out until switchover --end")
	flags.BoolVar(&q.End, "end", false, "end the switchover before")
	flags.BoolVar(&q.Force, "force", false, "hand over even if no other router answers")
	c.RunE = func(c *cobra.Command, args []string) error {
		asked := flags.Changed("for")
		switch {
		case asked && q.For <= 0:
			return usage(fmt.Errorf("--for %v: it has to be longer than 0", q.For))
		case asked && untilTold, q.End && (asked || untilTold || q.Force):
			return usage(errors.New("--for, --until-told and --end exclude each other, and --end has no --force"))
		case untilTold || q.End:
			q.For = 0
		}
		q.Name = args[0]
		return switchOver(c.Context(), e, q)
	}
	return c
}

// switchOver asks one daemon after the other until one knows the name.
func switchOver(ctx context.Context, e env, q control.SwitchoverRequest) error {
	sockets, err := daemons()
	if err != nil {
		return err
	}
	var unknown, silent []error
	for _, socket := range sockets {
		answer, err := askHold(ctx, socket, "/switchover", q)
		switch {
		case err != nil:
			silent = append(silent, err)
		case answer.Unknown:
			unknown = append(unknown, errors.New(answer.Error))
		case !answer.OK:
			return errors.New(answer.Error)
		default:
			kept := "until told"
			if q.For > 0 {
				kept = "for " + q.For.String()
			}
			if q.End {
				return printEnded(e.stdout, answer.Instances)
			}
			return printOutcomes(e.stdout, answer.Instances, kept)
		}
	}
	if err := errors.Join(silent...); err != nil {
		return errors.Join(append(unknown, err)...)
	}
	return usage(errors.Join(unknown...))
}

// daemons lists the control sockets of this network namespace.
func daemons() ([]string, error) {
	dir, err := datapath.RunDir()
	if err != nil {
		return nil, err
	}
	sockets, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	if err != nil || len(sockets) == 0 {
		return nil, errors.New("no vrrp-xdp runs in this network namespace (or you may not see it: are you root?)")
	}
	return sockets, nil
}

// askHold asks one daemon, and waits for the outcome.
func askHold(ctx context.Context, socket, path string, question any) (answer control.HoldAnswer, err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, control.HoldPatience+statusPatience)
	defer cancel()
	body, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	fault := func(err error) (control.HoldAnswer, error) {
		return control.HoldAnswer{}, explainDaemon(socket, err)
	}
	response, err := control.Request(ctx, socket, http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return fault(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fault(fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(text)))
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fault(err)
	}
	return answer, nil
}

// printOutcomes says what became of each instance. The error is about those that
// have not handed over.
func printOutcomes(w io.Writer, list []control.HoldOutcome, kept string) error {
	var errs []error
	for _, o := range list {
		took := time.Duration(o.TookMS * float64(time.Millisecond)).Round(100 * time.Microsecond)
		switch o.Outcome {
		case control.HandedOver:
			fmt.Fprintf(w, "%s: handed over to %s in %v; kept out %s\n", o.Instance, o.Successor, took, kept)
		case control.NoSuccessor:
			fmt.Fprintf(w, "%s: gone after %v, and no other router has been heard that took over; kept out %s\n", o.Instance, took, kept)
		case control.WasNoMaster:
			fmt.Fprintf(w, "%s: is %s already%s; kept out %s\n", o.Instance, strings.ToLower(o.State), describeSuccessor(o), kept)
		case control.StaysMaster:
			errs = append(errs, fmt.Errorf("%s: no other router answered within %v: it stays master (--force goes anyway)", o.Instance, took))
		case control.LostLease:
			errs = append(errs, fmt.Errorf("%s: this host was not run in time and lost its lease meanwhile; see vrrp-xdp status", o.Instance))
		default:
			errs = append(errs, fmt.Errorf("%s: still hands over after %v; see vrrp-xdp status", o.Instance, took))
		}
	}
	return errors.Join(errs...)
}

func describeSuccessor(o control.HoldOutcome) string {
	if o.Successor == "" {
		return ""
	}
	return " of " + o.Successor
}

func printEnded(w io.Writer, list []control.HoldOutcome) error {
	for _, o := range list {
		if _, err := fmt.Fprintf(w, "%s: may become master again\n", o.Instance); err != nil {
			return err
		}
	}
	return nil
}
