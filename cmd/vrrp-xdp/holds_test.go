package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

var someHolds = control.Holds{Maintenance: true, Switchovers: []control.Switchover{
	{Name: "VI_1", Until: time.Hour}, {Name: "gw", Group: true, Alone: true},
}}

func TestHoldsAreKeptForTheNextDaemonUntilNothingIsHeld(t *testing.T) {
	newNetwork(t)
	path, err := holdsPath("eth0")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(path)) })
	keep := holdKeeper("eth0")
	for _, h := range []control.Holds{{}, someHolds, {Maintenance: true}} {
		if err := keep(h); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, readHolds("eth0", slog.Default())); diff != "" {
			t.Errorf("kept is not read (-want +got):\n%s", diff)
		}
	}
	if other := readHolds("eth1", slog.Default()); !other.Empty() {
		t.Errorf("another daemon reads %v", other)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	of := strings.Replace(string(text), `"namespace":`, `"namespace":9`, 1)
	for _, broken := range []string{of, "", "{"} {
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if h := readHolds("eth0", slog.Default()); !h.Empty() {
			t.Errorf("%q holds %v", broken, h)
		}
	}
	if err := keep(control.Holds{}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhatIsWrongWithASwitchoverIsAUsageError(t *testing.T) {
	newNetwork(t)
	for line, want := range map[string]string{
		"switchover":                         "needs the name of one",
		"switchover a b":                     "needs the name of one",
		"switchover a --for 0s":              "it has to be longer than 0",
		"switchover a --for soon":            "invalid argument",
		"switchover a --for 1s --until-told": "exclude each other",
		"switchover a --end --force":         "exclude each other",
		"switchover a --end --until-told":    "exclude each other",
		"maintenance":                        "say on or off",
		"maintenance maybe":                  "say on or off",
	} {
		var out strings.Builder
		if status := run(env{&out, &out}, strings.Fields(line)); status != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %d, %q; want %q", line, status, out.String(), want)
		}
	}
}
