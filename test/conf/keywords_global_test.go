package conf

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/config"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

var _ = covers(atTop, "global_defs")

var _ = covers(inGlobal, "vrrp_version", "vrrp_strict", "vrrp_startup_delay", "dynamic_interfaces",
	"vrrp_mcast_group4", "vrrp_mcast_group6", "vrrp_priority", "vrrp_rt_priority", "vrrp_no_swap", "vrrp_cpu_affinity")

// An owner adverts at once; IPv6 has no other version than 3.
func TestTheVersionOfAllInstances(t *testing.T) {
	t.Parallel()
	for globals, want := range map[string][3]byte{"": {2, 3, 2}, "vrrp_version 2": {2, 3, 2}, "vrrp_version 3": {3, 3, 2}} {
		s := newSite(t)
		sniffer := s.sniff(s.r1.lan)
		instance := func(vrid int, address, more string) string {
			return fmt.Sprintf("vrrp_instance VI_%d {\ninterface eth0\nvirtual_router_id %d\npriority 255\n%s\nvirtual_ipaddress {\n%s\n}\n}\n", vrid, vrid, more, address)
		}
		s.r1.run(global(globals) + instance(1, "192.168.1.1/24", "") + instance(2, "fe80::10/64", "") + instance(3, "192.168.1.9/24", "version 2"))
		for i, version := range want {
			v, _ := lab.ParseVRRP(s.wait(sniffer, sentAdvert(i+1)).Data)
			if got := v.PDU[0] >> 4; got != version {
				t.Errorf("%q: virtual router %d speaks version %d, want %d", globals, i+1, got, version)
			}
		}
	}
}

func TestStrictnessOfAllInstances(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	config := global("vrrp_strict") + numbered(1, "") + numbered(2, "accept") + numbered(3, "strict_mode off")
	s.r1.run(config)
	s.r1.await("MASTER MASTER MASTER")
	for n, accepts := range map[int]bool{1: false, 2: true, 3: true} {
		s.eventually(func() error {
			if s.r1.has(addressOf(n)) != accepts {
				return fmt.Errorf("VI_%d has its address: %v, want %v", n, !accepts, accepts)
			}
			return nil
		})
	}
	out, status := s.r1.check(global("vrrp_strict") + numbered(1, "unicast_peer {\n192.168.1.3\n}"))
	quoted(t, out, "strict mode has no unicast")
	if status != 2 {
		t.Errorf("the exit status of check is %d, want 2", status)
	}
}

func TestAStartupDelayKeepsAllInstancesInInit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	began := time.Now()
	s.r1.run(global("vrrp_startup_delay 1.5") + numbered(1, "priority 255") + numbered(2, ""))
	s.r1.await("INIT INIT")
	for vrid := 1; vrid <= 2; vrid++ {
		if took := s.wait(sniffer, sentAdvert(vrid)).At.Sub(began); took < 1500*time.Millisecond || took > 4*time.Second {
			t.Errorf("virtual router %d begins after %v, want 1.5s", vrid, took)
		}
	}
}

// Without dynamic_interfaces a name that is not there is a mistake.
func TestInterfacesThatComeLater(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := numbered(1, "") + numbered(2, "interface eth9")
	s.r1.refuses(body, "there is no interface eth9")
	s.r1.run(global("dynamic_interfaces") + body)
	s.r1.await("MASTER FAULT")
	s.r1.Connect(s.lan, "eth9", "192.168.1.42/24")
	s.r1.await("MASTER MASTER")
	s.pings(addressOf(2))
}

// Routers with different groups would not hear each other: there is only the usual one.
func TestGroupsOfMulticastAreTheUsualOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	body := numbered(4, "") + numbered(6, "virtual_ipaddress {\nfe80::10/64\n}")
	s.r1.refuses(global("vrrp_mcast_group4 224.0.0.19\nvrrp_mcast_group6 ff02::13")+body, "224.0.0.19 is not done here", "ff02::13 is not done here")
	s.r1.run(global("vrrp_mcast_group4 224.0.0.18\nvrrp_mcast_group6 ff02::12") + body)
	for vrid, want := range map[int]string{4: "224.0.0.18", 6: "ff02::12"} {
		v, _ := lab.ParseVRRP(s.wait(sniffer, sentAdvert(vrid)).Data)
		if got := v.DestinationIP.String(); got != want {
			t.Errorf("virtual router %d adverts to %s, want %s", vrid, got, want)
		}
	}
}

func TestTheSchedulingOfTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.run(global("vrrp_priority -7\nvrrp_no_swap\nvrrp_cpu_affinity 0") + numbered(1, ""))
	s.r2.run(global("vrrp_rt_priority 11") + numbered(1, ""))
	s.r1.awaitUp()
	s.r2.awaitUp()
	const reversed = 20 // the system call gives 20 - nice
	for _, id := range threads(t, s.r1) {
		if nice, err := unix.Getpriority(unix.PRIO_PROCESS, id); err != nil || reversed-nice != -7 {
			t.Errorf("thread %d has the nice value %d, want -7: %v", id, reversed-nice, err)
		}
		var set unix.CPUSet
		must(t, unix.SchedGetaffinity(id, &set))
		if set.Count() != 1 || !set.IsSet(0) {
			t.Errorf("thread %d runs on %d processors, want 1", id, set.Count())
		}
	}
	for _, id := range threads(t, s.r2) {
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil || attr.Policy != unix.SCHED_RR || attr.Priority != 11 {
			t.Errorf("thread %d has %+v, want real-time priority 11: %v", id, attr, err)
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.r1.daemon.PID()))
	must(t, err)
	if strings.Contains(string(text), "VmLck:\t       0 kB") {
		t.Errorf("no memory is locked:\n%s", text)
	}
}

func threads(t *testing.T, r *router) []int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", r.daemon.PID()))
	must(t, err)
	var ids []int
	for _, entry := range list {
		var id int
		_, err := fmt.Sscan(entry.Name(), &id)
		must(t, err)
		ids = append(ids, id)
	}
	return ids
}

var _ = covers(inGlobal, "enable_snmp_vrrp", "enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3", "enable_traps",
	"enable_dbus", "max_auto_priority", "process_names", "lvs_sync_daemon")

// lineReport is one of `check --json`.
type lineReport struct {
	Line    int      `json:"line"`
	Text    string   `json:"text"`
	Verdict string   `json:"verdict"`
	Notes   []string `json:"notes"`
}

// checkJSON is what `check --json` says of the lines.
func (r *router) checkJSON(config string, args ...string) (map[string]lineReport, int) {
	r.site.t.Helper()
	r.write(config)
	d, err := r.Start(lab.Command{Name: "vrrp-xdp check", Path: "sh", Args: []string{"-c", `"$@" 2>/dev/null`, "sh", binary, "check", "--json", r.file}, ViaIPNetns: true})
	must(r.site.t, err)
	status, err := d.Wait(patience)
	must(r.site.t, err)
	var report struct {
		Lines []lineReport `json:"lines"`
	}
	if err := json.Unmarshal([]byte(d.Log()), &report); err != nil {
		r.site.t.Fatalf("check --json: %v:\n%s", err, d.Log())
	}
	lines := make(map[string]lineReport)
	for _, line := range report.Lines {
		lines[line.Text] = line
	}
	return lines, status
}

// What has no effect, `check` says; and nothing else is so.
func TestWhatIsNotUsedIsSaidToBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var globals strings.Builder
	want := make(map[string]bool)
	for _, name := range []string{
		"enable_snmp_vrrp", "enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3", "enable_traps",
		"enable_dbus", "max_auto_priority 99", "process_names", "lvs_sync_daemon eth0 VI_1",
	} {
		want[name] = true
		fmt.Fprintln(&globals, name)
	}
	lines, status := s.r1.checkJSON(global(globals.String()+"vrrp_garp_master_delay 1") + numbered(1, "vmac_xmit_base"))
	want["vmac_xmit_base"] = true
	if status != 0 {
		t.Errorf("the exit status of check is %d, want 0", status)
	}
	for text := range want {
		if _, there := lines[text]; !there {
			t.Errorf("nothing is said of %q: %v", text, lines)
		}
	}
	for text, line := range lines {
		if not := line.Verdict == "not used"; not != want[text] || not && len(line.Notes) == 0 {
			t.Errorf("%q is %s, and why: %q; want it to be not used, and why: %v", text, line.Verdict, line.Notes, want[text])
		}
	}
	for _, k := range config.Keywords() {
		if k.Block == inGlobal && k.Mark != 'R' && !k.HasEffect && !strings.Contains(globals.String(), k.Name) {
			t.Errorf("%s has no effect, and is not looked at here", k.Name)
		}
	}
}
