package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

func newReload(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the running daemon read its configuration file again",
		Long: `Have the daemon that vrrp-xdp run has started read its file again: all of it, or, if
anything in it is wrong, nothing. What has not changed is not touched.
The exit status is 2 if the file is wrong.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return askReload(c.Context(), e) },
	}
}

// reloadPatience bounds how long a reload may take.
const reloadPatience = time.Minute

func askReload(ctx context.Context, e env) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var answer control.ReloadAnswer
	if err := order(ctx, "reload", &answer); err != nil {
		return err
	}
	switch {
	case answer.OK:
		_, err := fmt.Fprintln(e.stdout, "reloaded")
		return err
	case answer.Usage:
		return usage(errors.New(answer.Error))
	}
	return errors.New(answer.Error)
}

// patiently bounds what is asked of a daemon; ctx may be nil.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx == nil {
		ctx = context.Background()
	}
	return context.WithTimeout(ctx, reloadPatience)
}

// order has the daemon of vrrp-xdp run do what the path of that name is for.
func order(ctx context.Context, what string, answer any) error {
	socket, err := controlSocket(runSocket)
	if err != nil {
		return err
	}
	response, err := control.Request(ctx, socket, http.MethodPost, "/"+what, nil)
	if err != nil {
		return explainSilence(what, err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("the daemon's answer to %q: %s: %w", what, response.Status, err)
	}
	return nil
}

// explainSilence says why no daemon has answered.
func explainSilence(what string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("no vrrp-xdp run is there in this network namespace (or you may not see it: are you root?)")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the daemon of vrrp-xdp run has died: start it again, or vrrp-xdp detach its interfaces")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the daemon does not answer within %v; what became of the %s, its log says", reloadPatience, what)
	}
	return fmt.Errorf("ask the daemon to %s: %w", what, err)
}

// reloader is what the control socket offers, nil if there is nothing to reload.
func (d *daemon) reloader() control.Reload {
	if !d.options.reloads {
		return nil
	}
	return func(ctx context.Context) control.ReloadAnswer {
		err := d.reload(ctx)
		if err == nil {
			return control.ReloadAnswer{OK: true}
		}
		_, wrong := errors.AsType[usageError](err)
		return control.ReloadAnswer{Usage: wrong, Error: err.Error()}
	}
}

// reload reads the configuration again and goes over to it, or, with an error,
// changes nothing.
func (d *daemon) reload(ctx context.Context) error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if d.ended {
		return control.ErrStopped
	}
	notifyManager(d.log, reloadingState())
	defer notifyManager(d.log, sd.SdNotifyReady)
	began := time.Now()
	if err := d.change(ctx); err != nil {
		for _, line := range lines(err) {
			d.log.Error("reload: " + line)
		}
		if _, partial := errors.AsType[control.PartialError](err); partial {
			d.log.Error("the configuration was reloaded, but for this")
		} else {
			d.log.Error("the configuration was not reloaded; the one before goes on")
		}
		return err
	}
	d.log.Info("reloaded", "took", time.Since(began).Round(time.Microsecond))
	return nil
}

func (d *daemon) change(ctx context.Context) error {
	p, err := d.planner(d.links, d.log)
	if err != nil {
		return err
	}
	if err := errors.Join(sameUser(p.global), d.checkOwn(p.setup.Instances, d.held())); err != nil {
		return err
	}
	if err := d.notifier.Apply(p.setup.Notify); err != nil {
		return err
	}
	err = d.engine.Reload(ctx, p.setup.Instances)
	if _, partial := errors.AsType[control.PartialError](err); err != nil && !partial {
		return errors.Join(err, d.notifier.Apply(d.setup.Notify))
	}
	d.setup = p.setup
	d.trackers.Apply(p.setup.Trackers)
	return err
}

// held lists the virtual addresses of what runs: they are on interfaces because
// we put them there.
func (d *daemon) held() []datapath.Leftover { return d.addressesOf(d.setup.Instances) }

// addressesOf lists the virtual addresses of the instances, and where they stand.
func (d *daemon) addressesOf(instances []control.InstanceConfig) []datapath.Leftover {
	var list []datapath.Leftover
	for _, c := range instances {
		if c.Router.Priority == vrrp.OwnerPriority {
			continue // they are the host's own
		}
		for _, a := range slices.Concat(c.Addresses, c.Excluded) {
			if link, err := d.links.Link(cmp.Or(a.Interface, c.Interface)); err == nil {
				list = append(list, datapath.Leftover{Interface: link.Index, Address: a.Prefix.Addr()})
			}
		}
	}
	return list
}
