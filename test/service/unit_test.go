package service

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func unitBelow(dir, prefix string) string {
	return filepath.Join(dir, prefix, "lib/systemd/system/vrrp-xdp.service")
}

// commandsOf are the words of the commands that a unit runs.
func commandsOf(t *testing.T, unit string) map[string][]string {
	t.Helper()
	content, err := os.ReadFile(unit)
	must(t, err)
	commands := map[string][]string{}
	for line := range strings.Lines(string(content)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); strings.HasPrefix(name, "Exec") {
			commands[name] = strings.Fields(value)
		}
	}
	if len(commands) != 2 {
		t.Fatalf("%s runs %q", unit, commands)
	}
	return commands
}

// needAnalyze ends a test where there is no systemd to ask.
func needAnalyze(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err == nil {
		return
	}
	if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
		t.Fatal("needs systemd-analyze: install systemd")
	}
	t.Skip("needs systemd-analyze")
}

// verify is what systemd has against a unit. What it has against others of this
// host, that the unit is ordered with, is not ours.
func verify(t *testing.T, content string) (complaints []string) {
	t.Helper()
	unit := filepath.Join(t.TempDir(), "vrrp-xdp.service")
	must(t, os.WriteFile(unit, []byte(content), 0o644))
	output, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", unit).CombinedOutput()
	for line := range strings.Lines(string(output)) {
		if strings.Contains(line, "vrrp-xdp") {
			complaints = append(complaints, line)
		}
	}
	if err != nil && len(complaints) == 0 {
		t.Fatalf("systemd-analyze verify: %v\n%s", err, output)
	}
	return complaints
}

// service is the installed unit, as it would be if dir were the host's root.
func service(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	runMake(t, dir, "install", "PREFIX=/usr")
	content, err := os.ReadFile(unitBelow(dir, "/usr"))
	must(t, err)
	return strings.ReplaceAll(string(content), "/usr/sbin/vrrp-xdp", dir+"/usr/sbin/vrrp-xdp")
}

func TestSystemdHasNothingAgainstTheService(t *testing.T) {
	needAnalyze(t)
	if complaints := verify(t, service(t)); len(complaints) > 0 {
		t.Errorf("it says:\n%s", strings.Join(complaints, ""))
	}
}

func TestWhatIsWrongInAServiceIsSeen(t *testing.T) {
	needAnalyze(t)
	good := service(t)
	for _, change := range [][2]string{
		{"Restart=on-failure", "Restart=on-failur"},
		{"WatchdogSec=", "WatchdogSeconds="},
		{"KillMode=mixed", "KillMode=mixed\nPrivateFish=yes"},
		{"/sbin/vrrp-xdp run", "/sbin/vrrp-xdq run"},
		{"[Service]", "[Servce]"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("there is no %q in it", change[0])
		}
		if len(verify(t, bad)) == 0 {
			t.Errorf("%q is not", change[1])
		}
	}
}

// systemd does not know our options.
func TestTheCommandsOfTheServiceAreOnesThatWeKnow(t *testing.T) {
	dir := t.TempDir()
	runMake(t, dir, "install")
	for name, words := range commandsOf(t, unitBelow(dir, "/usr/local")) {
		c := exec.CommandContext(t.Context(), filepath.Join(dir, words[0]), append(words[1:], "--help")...)
		output, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(output), "vrrp-xdp "+words[1]) {
			t.Errorf("%s=%s: %v\n%s", name, strings.Join(words, " "), err, output)
		}
	}
}

func TestTheServiceReadsTheConfigurationThatIsInstalled(t *testing.T) {
	words := commandsOf(t, filepath.Join(root, "packaging/vrrp-xdp.service"))["ExecStart"]
	if words[len(words)-1] != configuration {
		t.Errorf("it is started with %q", words)
	}
}

// What systemd counts as exposure, in tenths: without the lines that bound what
// the service may do it was 9.4. The rest is what a router needs, and what
// scripts may.
const mostExposed = 62

func TestTheServiceIsBounded(t *testing.T) {
	needAnalyze(t)
	judge := func(content string) (string, error) {
		unit := filepath.Join(t.TempDir(), "vrrp-xdp.service")
		must(t, os.WriteFile(unit, []byte(content), 0o644))
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--no-pager", "--offline=true", fmt.Sprintf("--threshold=%d", mostExposed), unit).CombinedOutput()
		return string(out), err
	}
	good := service(t)
	if out, err := judge(good); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := judge(strings.ReplaceAll(good, "CapabilityBoundingSet=", "#")); err == nil {
		t.Error("with all capabilities it is as good")
	}
}

// The daemon cannot do without these; with more of them it could do what it does not have to.
func TestTheServiceHasTheCapabilitiesThatAreNeeded(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "packaging/vrrp-xdp.service"))
	must(t, err)
	var got []string
	for line := range strings.Lines(string(content)) {
		if set, ok := strings.CutPrefix(strings.TrimSpace(line), "CapabilityBoundingSet="); ok {
			got = append(got, strings.Fields(set)...)
		}
	}
	slices.Sort(got)
	want := strings.Fields("CAP_BPF CAP_CHOWN CAP_DAC_OVERRIDE CAP_IPC_LOCK CAP_KILL CAP_NET_ADMIN CAP_NET_RAW CAP_PERFMON CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_NICE CAP_SYS_RESOURCE")
	if !slices.Equal(got, want) {
		t.Errorf("they are\n%v, want\n%v", got, want)
	}
}
