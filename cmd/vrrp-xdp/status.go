package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

func newStatus(e env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what is going on now in this network namespace",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			report, err := gather(c.Context())
			if report.PID == 0 { // nobody has answered
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(e.stdout)
				encoder.SetIndent("", "  ")
				return errors.Join(encoder.Encode(report), err)
			}
			return errors.Join(printReport(e.stdout, report), err)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// statusPatience bounds how long a daemon may take to answer.
const statusPatience = 3 * time.Second

// gather asks every daemon of this network namespace; there may be one per
// interface. The error is about those that do not answer.
func gather(ctx context.Context) (control.Report, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	sockets, err := daemons()
	if err != nil {
		return control.Report{}, err
	}
	var all control.Report
	var errs []error
	for _, socket := range sockets {
		one, err := ask(ctx, socket)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all.Version, all.Host, all.PID = one.Version, one.Host, one.PID
		all.Upgrades, all.UpgradeError = one.Upgrades, one.UpgradeError
		all.Interfaces = append(all.Interfaces, one.Interfaces...)
		all.Instances = append(all.Instances, one.Instances...)
		all.Loop.Add(one.Loop)
		all.Others = append(all.Others, one.Others...)
	}
	all.Summarize()
	return all, errors.Join(errs...)
}

func ask(ctx context.Context, socket string) (control.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, statusPatience)
	defer cancel()
	report, err := control.FetchReport(ctx, socket)
	if err != nil {
		return control.Report{}, explainDaemon(socket, err)
	}
	return report, nil
}

// explainDaemon says why the daemon of a control socket has not answered.
func explainDaemon(socket string, err error) error {
	name := strings.TrimSuffix(filepath.Base(socket), ".sock")
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && name == runSocket:
		return errors.New("the daemon of vrrp-xdp run has died: start it again, or vrrp-xdp detach its interfaces")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the daemon on %s has died: start it again, or vrrp-xdp detach %s", name, name)
	}
	return fmt.Errorf("the daemon on %s does not answer: %w", strings.TrimSuffix(name, ":"), err)
}

func printReport(w io.Writer, r control.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "INTERFACE\tMODE\tBECAUSE")
	for _, i := range r.Interfaces {
		fmt.Fprintf(t, "%s\t%s\t%s\n", i.Name, i.Mode, i.ModeReason)
	}
	if len(r.Instances) > 0 {
		fmt.Fprintln(t, "\nINSTANCE\tINTERFACE\tFAMILY\tVRID\tSTATE\tPRIORITY\tMASTER\tLEASE\tSINCE\tADDRESSES")
	}
	for _, i := range r.Instances {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Name, i.Interface, i.Family, i.VRID, describeState(i), describePriority(i),
			describeMaster(i.Master), describeLease(i.LeaseRemainingMS), describeSince(i.LastTransition), describeAddresses(i.VirtualAddresses))
	}
	printAuth(t, r.Instances)
	if len(r.Others) > 0 {
		fmt.Fprintln(t, "\nALSO ON THE WIRE\tINTERFACE\tVRID\tVERSION\tPRIORITY\tMASTER\tEVERY\tMEASURED\tADDRESSES\tUNLIKE OURS")
	}
	for _, o := range r.Others {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%gms\t%s\t%s\t%s\n", o.Family, o.Interface, o.VRID, o.Version, o.Priority,
			o.Master, o.AdvertIntervalMS, describeGaps(o), describeCount(o.FirstAddress, o.Addresses), o.Mismatch)
	}
	return t.Flush()
}

// printAuth says how the adverts of those instances are signed where they are.
func printAuth(w io.Writer, instances []control.InstanceStatus) {
	head := "\nSIGNED\tMODE\tKEY\tANTI-REPLAY\tWINDOW\tHEARD\n"
	for _, i := range instances {
		a := i.Auth
		if a == nil {
			continue
		}
		heard := make([]string, 0, len(a.Senders))
		for _, s := range a.Senders {
			if s.Signed {
				heard = append(heard, fmt.Sprintf("%s (key %d, clock %+.3fs)", s.Address, s.Key, -s.ClockBehindMS/1000))
			} else {
				heard = append(heard, s.Address+" (not signed)")
			}
		}
		fmt.Fprintf(w, "%s%s\t%s\t%d\t%s\t%s\t%s\n", head, i.Name, a.Mode, a.ActiveKey, a.AntiReplay, describeLease(a.WindowMS), cmp.Or(strings.Join(heard, ", "), "-"))
		head = ""
	}
}

func describeState(i control.InstanceStatus) string {
	switch {
	case i.Fault != "":
		return i.State + " (" + i.Fault + ")"
	case i.Held != nil && i.Held.Until != nil:
		return fmt.Sprintf("%s (%s, for %v)", i.State, i.Held.Reason, time.Until(*i.Held.Until).Round(time.Second))
	case i.Held != nil:
		return i.State + " (" + i.Held.Reason + ", until told)"
	}
	return i.State
}

func describePriority(i control.InstanceStatus) string {
	if i.EffectivePriority != i.Priority {
		return fmt.Sprintf("%d (of %d)", i.EffectivePriority, i.Priority)
	}
	return fmt.Sprint(i.Priority)
}

func describeMaster(m *control.MasterStatus) string {
	if m == nil {
		return "none heard"
	}
	return fmt.Sprintf("%s (%d)", m.Address, m.Priority)
}

func describeLease(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond).String()
}

func describeSince(t control.LastTransition) string {
	if t.At.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%s ago, %s", time.Since(t.At).Round(time.Second), t.Reason)
}

func describeAddresses(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return describeCount(list[0], len(list))
}

func describeCount(first string, n int) string {
	if n > 1 {
		return fmt.Sprintf("%s and %d more", first, n-1)
	}
	return first
}

func describeGaps(o control.Other) string {
	if o.Adverts < 2 {
		return "once"
	}
	return fmt.Sprintf("%.1f..%.1fms", o.ShortestMS, o.LongestMS)
}
