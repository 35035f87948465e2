package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/spf13/pflag"
)

// Each is one clear line that says what is wrong and how to mend it; exit
// status 2, and nothing was touched.
func TestWhatTheUserGotWrongIsSaidInOneLine(t *testing.T) {
	newNetwork(t)
	good := map[string]string{"--vrid": "10", "--vip": "192.168.1.1/24"}
	cases := []struct {
		name string
		args []string // besides the good ones, or in their place
		want string   // in the one line
	}{
		{"a missing interface", []string{"eth7"}, `no such interface: "eth7"; there are eth0, eth1`},
		{"an interface named twice", []string{"eth0", "eth0"}, "interface eth0 is named twice"},
		{"VRID 0", []string{"eth0", "--vrid", "0"}, "--vrid 0: must be a number from 1 to 255"},
		{"VRID 256", []string{"eth0", "--vrid", "256"}, "--vrid 256: must be a number from 1 to 255"},
		{"VRID ten", []string{"eth0", "--vrid", "ten"}, "--vrid ten: must be a number from 1 to 255"},
		{"two VRIDs", []string{"eth0", "--vrid", "10", "--vrid", "10"}, "--vrid is given twice"},
		{"priority 0", []string{"eth0", "--priority", "0"}, "--priority 0: must be a number from 1 to 255"},
		{"priority 300", []string{"eth0", "--priority", "300"}, "--priority 300: must be a number from 1 to 255"},
		{"an interval of 5 ms", []string{"eth0", "--advert-int", "5ms"}, "--advert-int 5ms: must be from 10ms to 40.95s, in steps of 10ms, in version 3"},
		{"an interval of 15 ms", []string{"eth0", "--advert-int", "15ms"}, "in steps of 10ms"},
		{"an interval of 60 s", []string{"eth0", "--advert-int", "60s"}, "--advert-int 60s: must be from 10ms to 40.95s"},
		{"half a second in version 2", []string{"eth0", "--advert-int", "0.5", "--version", "2"}, "must be a whole number of seconds from 1s to 255s in version 2"},
		{"an interval that is none", []string{"eth0", "--advert-int", "soon"}, "must be a time, such as 100ms or 1s"},
		{"version 4", []string{"eth0", "--version", "4"}, "--version 4: must be 2 or 3"},
		{"IPv6 without a link-local address first", []string{"eth0", "--vip", "2001:db8::1/64", "--vip", "fe80::1/64"}, "the first address must be link-local (fe80::/10)"},
		{"IPv6 in version 2", []string{"eth0", "--vip", "fe80::1/64", "--version", "2"}, "version: 2 does not exist for ipv6"},
		{"an address that is none", []string{"eth0", "--vip", "192.168.1"}, "--vip 192.168.1: must be an address with its prefix length, such as 192.168.1.1/24 or 2001:db8::1/64"},
		{"an IPv4 address in IPv6's clothes", []string{"eth0", "--vip", "::ffff:192.168.1.1/120"}, "must be an address with its prefix length"},
		{"an IPv6 subnet's own address", []string{"eth0", "--vip", "2001:db8::/64"}, "that is the subnet's own address"},
		{"a preempt delay of an hour", []string{"eth0", "--preempt-delay", "1h"}, "--preempt-delay 1h: must be a time from 0s to 16m40s"},
		{"a start delay that is none", []string{"eth0", "--start-delay", "later"}, "--start-delay later: must be a time"},
		{"a checksum form that is none", []string{"eth0", "--checksum", "crc"}, "--checksum crc: must be auto, pseudo-header or message-only"},
		{"a password in version 3", []string{"eth0", "--auth-pass", "s3cret"}, "password"},
		{"a password of nine bytes", []string{"eth0", "--auth-pass", "ninebytes", "--version", "2"}, "password: 9 bytes are more than 8"},
		{"a peer that is none", []string{"eth0", "--peer", "r2"}, "--peer r2: must be the address of a host"},
		{"a peer of the other family", []string{"eth0", "--peer", "192.168.1.3", "--peer", "2001:db8::3"}, "2001:db8::3: there is no ipv6 virtual address"},
		{"a peer with two interfaces", []string{"eth0", "eth1", "--vip", "10.0.0.1/24", "--peer", "10.0.0.3"}, "--peer and --source: with several interfaces"},
		{"an IPv6 peer without a source", []string{"eth0", "--vip", "fe80::1/64", "--peer", "2001:db8::3"}, "say with --source which IPv6 address of eth0"},
		{"a TTL without peers", []string{"eth0", "--min-ttl", "64"}, "peers"},
		{"a TTL of 256", []string{"eth0", "--min-ttl", "256"}, "--min-ttl 256: must be a number from 1 to 255"},
		{"router advertisements of IPv4", []string{"eth0", "--router-advertisement"}, "--router-advertisement needs an IPv6 virtual address"},
		{"a router lifetime without advertisements", []string{"eth0", "--ra-lifetime", "60s"}, "--ra-lifetime needs --router-advertisement"},
		{"a router advertisement a second", []string{"eth0", "--vip", "fe80::1/64", "--router-advertisement", "--ra-interval", "1s"}, "--ra-interval 1s: must be a time from 4s to 30m0s"},
		{"a prefix of another link", []string{"eth0", "--vip", "fe80::1/64", "--router-advertisement", "--ra-prefix", "2001:db8:9::/64"}, "--ra-prefix 2001:db8:9::/64: no subnet and no virtual address of these interfaces is in it"},
		{"an MTU of 100", []string{"eth0", "--vip", "fe80::1/64", "--router-advertisement", "--ra-mtu", "100"}, "--ra-mtu 100: must be a number from 1280 to 65535"},
		{"an empty password", []string{"eth0", "--auth-pass", "", "--version", "2"}, "--auth-pass is empty"},
		{"a checksum form for IPv6 alone", []string{"eth0", "--vip", "fe80::1/64", "--checksum", "message-only"}, "--checksum: IPv6 has but one form"},
		{"two sources of a family", []string{"eth0", "--source", "192.168.1.2", "--source", "192.168.1.4"}, "--source: there can be one ipv4 address"},
		{"a source with two interfaces", []string{"eth0", "eth1", "--source", "192.168.1.2"}, "--peer and --source: with several interfaces"},
		{"a prefix that is none", []string{"eth0", "--vip", "fe80::1/64", "--router-advertisement", "--ra-prefix", "2001:db8::1/64"}, "--ra-prefix 2001:db8::1/64: must be an IPv6 prefix"},
		{"a multicast address", []string{"eth0", "--vip", "224.0.0.5/24"}, "not an address that a host can have"},
		{"the subnet's own address", []string{"eth0", "--vip", "192.168.1.0/24"}, "that is the subnet's own address"},
		{"an address twice", []string{"eth0", "--vip", "192.168.1.1/24", "--vip", "192.168.1.1/32"}, "--vip 192.168.1.1/32: listed twice"},
		{"an address of the interface itself", []string{"eth0", "--vip", "192.168.1.2/24"}, "192.168.1.2/24 is an address of eth0 itself: take it off (ip addr del 192.168.1.2/24 dev eth0)"},
		{"an address that fits none of two interfaces", []string{"eth0", "eth1", "--vip", "172.16.0.1/24"}, "--vip 172.16.0.1/24: in no subnet of these interfaces"},
		{"a mode that is none", []string{"eth0", "--mode", "fast"}, `--mode fast: must be auto, native, tc or generic`},
		{"an unknown flag", []string{"eth0", "--prio", "5"}, "unknown flag: --prio"},
		{"a log format that is none", []string{"eth0", "--log-format", "xml"}, "--log-format xml: must be auto, text or json"},
		{"no interface", nil, "vrrp-xdp attach needs the name of an interface, such as eth0"},
	}
	for _, c := range cases {
		args := append([]string{"attach"}, c.args...)
		for flag, value := range good {
			if !strings.Contains(strings.Join(args, " "), flag+" ") {
				args = append(args, flag, value)
			}
		}
		code, stdout, stderr := call(t, args...)
		checkComplaint(t, c.name, complaint{code, stdout, stderr}, exitUsage, c.want)
	}
	checkNothingLeft(t)
}

// complaint is how a command ended.
type complaint struct {
	code           int
	stdout, stderr string
}

// checkComplaint wants one line, with want in it, and that exit status.
func checkComplaint(t *testing.T, name string, c complaint, status int, want string) {
	t.Helper()
	lines := errorLines(c.stderr)
	if c.code != status || len(lines) != 1 || !strings.Contains(lines[0], want) || !strings.HasPrefix(lines[0], "vrrp-xdp: ") || c.stdout != "" {
		t.Errorf("%s: exit status %d, want %d; printed %q and %q, want one line with %q", name, c.code, status, c.stdout, c.stderr, want)
	}
}

// checkRefused runs a command for that.
func checkRefused(t *testing.T, status int, want string, args ...string) {
	t.Helper()
	code, stdout, stderr := call(t, args...)
	checkComplaint(t, strings.Join(args, " "), complaint{code, stdout, stderr}, status, want)
}

// inProcess runs a command that ends before it touches anything.
func inProcess(args ...string) complaint {
	var stdout, stderr bytes.Buffer
	code := run(env{&stdout, &stderr}, args)
	return complaint{code, stdout.String(), stderr.String()}
}

// errorLines leaves out what the log says meanwhile.
func errorLines(stderr string) []string {
	var list []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "time=") {
			list = append(list, strings.TrimSuffix(line, "\n"))
		}
	}
	return list
}

func TestFlagsOfAVirtualRouterNeedOne(t *testing.T) {
	flags := addInstanceFlags(pflag.NewFlagSet("attach", pflag.ContinueOnError))
	if len(flags.ofInstance) < 10 {
		t.Fatalf("only %v", flags.ofInstance)
	}
	for _, name := range flags.ofInstance {
		value := "9"
		if flags.flags.Lookup(name).Value.Type() == "bool" {
			value = "true"
		}
		c := inProcess("attach", "lo", "--"+name+"="+value)
		checkComplaint(t, name, c, exitUsage, "--"+name+" needs --vrid")
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	c := inProcess("attach", "lo", "--vrid", "0", "--vip", "nonsense", "--priority", "300")
	if n := len(errorLines(c.stderr)); n != 3 {
		t.Errorf("%d lines, want 3:\n%s", n, c.stderr)
	}
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	checkComplaint(t, "attack", inProcess("attack"), exitUsage, `there is no command "attack"`)
}

func TestAUserThatThereIsNotIsRefused(t *testing.T) {
	newNetwork(t)
	checkRefused(t, exitUsage, `--user: look up user "no-such-user"`, "attach", "eth0", "--user", "no-such-user")
	checkRefused(t, exitUsage, `--user: look up group "no-such-group"`, "attach", "eth0", "--user", "nobody:no-such-group")
	checkNothingLeft(t)
}

func TestWithoutRootOneLineSaysSo(t *testing.T) {
	newNetwork(t)
	p := command(nil, "attach", "eth0")
	p.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	// The test binary lies in a folder that only root may enter.
	f, err := os.Open(executable())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p.Path, p.ExtraFiles = "/proc/self/fd/3", []*os.File{f}
	code := p.code(t, p.Run())
	if lines := errorLines(p.stderr.String()); code != exitFailed || len(lines) != 1 || !strings.Contains(lines[0], "not permitted: run as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW") {
		t.Errorf("exit status %d:\n%s", code, p.stderr.String())
	}
	checkNothingLeft(t)
}

func TestWithoutABPFFileSystemOneLineSaysHowToMountIt(t *testing.T) {
	newNetwork(t)
	// It may neither mount one nor see the processes that have one, those of other tests among them.
	script := `mount -t tmpfs none /sys/fs/bpf && exec setpriv --bounding-set=-sys_admin,-sys_ptrace --inh-caps=-sys_admin,-sys_ptrace -- "$@"`
	p := command([]string{"unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"}, "attach", "eth0")
	code := p.code(t, p.Run())
	if lines := errorLines(p.stderr.String()); code != exitFailed || len(lines) != 1 || !strings.Contains(lines[0], "mount -t bpf bpf /sys/fs/bpf") {
		t.Errorf("exit status %d:\n%s", code, p.stderr.String())
	}
	checkNothingLeft(t)
}

func TestAnOccupiedInterfaceNamesTheProgramAndOffersTC(t *testing.T) {
	newNetwork(t)
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "somebody_else", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	at, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: up(t, "eth0").Attrs().Index, Flags: link.XDPDriverMode})
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	checkRefused(t, exitFailed, "eth0 already runs another XDP program, somebody_else", "attach", "eth0", "--mode", "native")
	checkRefused(t, exitFailed, "--mode tc", "attach", "eth0", "--mode", "native")
	checkNothingLeft(t)
}

func TestAnAddressOutsideTheSubnetsIsAWarning(t *testing.T) {
	newNetwork(t)
	p := start(t, "attach", "eth0", "--vrid", "10", "--vip", "172.16.0.1/24", "--web.listen-address", "")
	p.stop(t)
	if !strings.Contains(p.stderr.String(), "level=WARN") || !strings.Contains(p.stderr.String(), "in no subnet of the interface") {
		t.Errorf("no warning:\n%s", p.stderr.String())
	}
	checkNothingLeft(t)
}

func TestTheSecondDaemonSaysWhoHoldsTheInterface(t *testing.T) {
	newNetwork(t)
	p := start(t, "attach", "eth0", "--web.listen-address", "")
	checkRefused(t, exitFailed, "eth0 is held by process ", "attach", "eth0")
	checkRefused(t, exitFailed, "eth0 is held by process ", "detach", "eth0")
	p.stop(t)
	checkNothingLeft(t)
}
