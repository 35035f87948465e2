package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

const (
	// trialVariable makes a daemon say whether it could start, and end.
	trialVariable = "VRRP_XDP_TRIAL"
	// legacyVariable names the descriptor of what the image before has left.
	legacyVariable = "VRRP_XDP_LEGACY"

	trialPatience   = 30 * time.Second
	preparePatience = 5 * time.Second
	// leavePatience bounds what a daemon waits for that leaves to come back: scripts.
	leavePatience = 2 * time.Second
)

// binaryPath is where this program is, and where the next one will be.
var binaryPath, _ = os.Executable()

// legacy is what an image leaves to the next one in the same process.
type legacy struct {
	Upgrades int              `json:"upgrades"`
	Version  string           `json:"version"`
	Snapshot control.Snapshot `json:"snapshot"`
	Kept     []int            `json:"kept"` // descriptors that hold memberships
	Stop     bool             `json:"stop"` // was asked for when this image had left already

	failure string // of executing the next one: this one goes on
}

// receiveLegacy is nil if there is none.
func receiveLegacy() (*legacy, error) {
	number := os.Getenv(legacyVariable)
	if number == "" {
		return nil, nil
	}
	_ = os.Unsetenv(legacyVariable) // scripts need not know
	fd, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", legacyVariable, err)
	}
	file := os.NewFile(uintptr(fd), "legacy")
	defer file.Close()
	var l legacy
	if err := json.NewDecoder(file).Decode(&l); err != nil {
		return nil, fmt.Errorf("read what the program before this one has left: %w", err)
	}
	l.closeKeptOnExec()
	return &l, nil
}

// closeKeptOnExec: no script is to have them.
func (l *legacy) closeKeptOnExec() {
	for _, fd := range l.Kept {
		unix.CloseOnExec(fd)
	}
}

// release ends the memberships, once there are new ones.
func (l *legacy) release() error {
	var errs []error
	for _, fd := range l.Kept {
		errs = append(errs, unix.Close(fd))
	}
	l.Kept = nil
	return errors.Join(errs...)
}

// execute puts the next image in the place of this one. It returns only if that
// fails.
func (l *legacy) execute() error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("vrrp-xdp", 0)
	if err != nil {
		return fmt.Errorf("make room for what the next image has to know: %w", err)
	}
	file := os.NewFile(uintptr(fd), "legacy")
	defer file.Close()
	if _, err = file.Write(data); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	environment := append(os.Environ(), fmt.Sprintf("%s=%d", legacyVariable, fd))
	if err := datapath.KeepHome(true); err != nil {
		return err
	}
	err = unix.Exec(binaryPath, os.Args, environment)
	l.closeKeptOnExec()
	return errors.Join(fmt.Errorf("execute %s: %w", binaryPath, err), datapath.KeepHome(false))
}

// isTrial reports whether this process is only to say whether it could start.
func isTrial() bool { return os.Getenv(trialVariable) != "" }

// trialPassed is what a trial says, followed by its version.
const trialPassed = "vrrp-xdp can start: "

// pass is the end of a trial: the configuration has been understood; the kernel
// has to accept the programs. They are kept for the daemon that follows: to load
// them takes longer than a lease of a few hundred milliseconds lasts.
func pass(e env) error {
	if err := datapath.Prepare(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.stdout, trialPassed+version)
	return err
}

// try has the binary that is to take over say whether it could, and which it is.
func try(ctx context.Context) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialPatience)
	defer cancel()
	trial := exec.CommandContext(ctx, binaryPath, os.Args[1:]...)
	trial.Env = append(os.Environ(), trialVariable+"=1")
	var stdout, stderr bytes.Buffer
	trial.Stdout, trial.Stderr = &stdout, &stderr
	err = trial.Run()
	said, passed := strings.CutPrefix(strings.TrimSpace(stdout.String()), trialPassed)
	switch {
	case err != nil:
		return "", fmt.Errorf("upgrade to %s: it would not start: %w: %s", binaryPath, err, cmp.Or(strings.TrimSpace(stderr.String()), "it says nothing"))
	case !passed:
		return "", fmt.Errorf("upgrade to %s: it does not say that it could start: is it vrrp-xdp?", binaryPath)
	}
	return said, nil
}

// upgrade has the binary that is on disk now take the place of this one, in this
// process. With an error nothing has happened.
func (d *daemon) upgrade(ctx context.Context) (control.UpgradeAnswer, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if d.ended {
		return control.UpgradeAnswer{}, control.ErrStopped
	}
	// A daemon that has just begun may not have all that leaving ends.
	if err := d.engine.Alive(ctx); err != nil {
		return control.UpgradeAnswer{}, err
	}
	if err := d.sameUserNext(); err != nil {
		d.log.Error("not upgraded: this version goes on", "error", err)
		return control.UpgradeAnswer{}, err
	}
	next, err := try(ctx)
	if err != nil {
		d.log.Error("not upgraded: this version goes on", "error", err)
		return control.UpgradeAnswer{}, err
	}
	d.log.Info("upgrading", "from", version, "to", next)
	d.ended = true
	return control.UpgradeAnswer{Version: next, Upgrades: d.upgrades + 1}, nil
}

// sameUserNext refuses an upgrade that has to become another user: it would lose what
// this image leaves. What else is wrong with the file the trial says.
func (d *daemon) sameUserNext() error {
	p, err := d.planner(d.links, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil
	}
	return sameUser(p.global)
}

func (d *daemon) upgrader() control.Upgrade {
	return func(ctx context.Context) control.UpgradeAnswer {
		answer, err := d.upgrade(ctx)
		if err != nil {
			return control.UpgradeAnswer{Error: err.Error()}
		}
		d.beside.Go(func() { d.leave(&legacy{Upgrades: answer.Upgrades, Version: version}) })
		return answer
	}
}

// leave ends the daemon and leaves everything to whoever comes next: the image
// that is to be executed, or, with nil, another process. What may take time ends
// while the leases are renewed still.
func (d *daemon) leave(next *legacy) {
	if next != nil {
		notifyManager(d.log, reloadingState())
	}
	d.trackers.Close()
	snapshot, kept, err := d.leaveEngine()
	if errors.Is(err, control.ErrStopped) {
		return // somebody wants it to end for good: not again, which would be at once
	}
	if err != nil {
		d.failed = fmt.Errorf("the engine cannot leave its leases to another process: it ends: %w", err)
		d.log.Error(d.failed.Error())
		d.engine.Stop()
		return
	}
	d.left.Store(true)
	if next == nil {
		return
	}
	next.Snapshot = snapshot
	for _, m := range kept {
		if k, ok := m.(interface{ Keep() ([]int, error) }); ok {
			fds, err := k.Keep()
			if err != nil {
				d.log.Warn("an interface may forget a virtual MAC for a moment", "error", err)
			}
			next.Kept = append(next.Kept, fds...)
		}
	}
	d.next.Store(next)
}

// leaveEngine ends what others are told and asked by, and then the engine.
func (d *daemon) leaveEngine() (control.Snapshot, []io.Closer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), leavePatience)
	defer cancel()
	if err := d.engine.Hush(ctx); err != nil {
		return control.Snapshot{}, nil, err
	}
	d.endNotifier(leavePatience)
	d.stopServing()
	ctx, cancel = context.WithTimeout(context.Background(), leavePatience)
	defer cancel()
	return d.engine.Leave(ctx)
}

// prepareNext has the next process find its programs loaded. Whoever sends SIGQUIT
// wants this one to end, whether or not the next one can start.
func (d *daemon) prepareNext(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, preparePatience)
	defer cancel()
	if _, err := try(ctx); err != nil {
		d.log.Warn("the next process may come too late, or not at all", "error", err)
	}
}

func (d *daemon) endNotifier(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := d.notifier.Close(ctx); err != nil {
		d.log.Warn("notifications", "error", err)
	}
}

func newUpgrade(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade",
		Short: "Have the running daemon replaced by the binary that is on disk now",
		Long: `Have the daemon that vrrp-xdp run has started execute the binary that is on disk now,
in the same process, with the configuration that is on disk now. Masters stay
masters: no address is without an owner in between, and no backup takes over.
A binary that would not start is refused, and the daemon goes on as it is.
SIGUSR2 does the same.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return askUpgrade(c.Context(), e) },
	}
}

func askUpgrade(ctx context.Context, e env) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var answer control.UpgradeAnswer
	if err := order(ctx, "upgrade", &answer); err != nil {
		return err
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	report, err := awaitUpgrade(ctx, answer.Upgrades)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "upgraded to %s\n", report.Version)
	return err
}

// awaitUpgrade waits until the new image answers, or the old one again.
func awaitUpgrade(ctx context.Context, upgrades int) (control.Report, error) {
	socket, err := controlSocket(runSocket)
	if err != nil {
		return control.Report{}, err
	}
	for {
		report, err := control.FetchReport(ctx, socket)
		switch {
		case err == nil && report.UpgradeError != "":
			return report, errors.New(report.UpgradeError)
		case err == nil && report.Upgrades >= upgrades:
			return report, nil
		}
		select {
		case <-ctx.Done():
			return report, fmt.Errorf("the new version does not answer: see its log (%w)", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// obeyUpgrades leaves at SIGQUIT, and upgrades at SIGUSR2.
func (d *daemon) obeyUpgrades(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-d.departures:
			if s == unix.SIGQUIT {
				d.log.Info("leaving the leases to the next process", "signal", s.String())
				d.endReloading()
				d.prepareNext(ctx)
				d.leave(nil)
				return
			}
			if answer := d.upgrader()(ctx); answer.Error == "" {
				return
			}
			notifyManager(d.log, sd.SdNotifyReady)
		}
	}
}
