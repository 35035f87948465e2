package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// tracker is a file in which something is defined and tracked.
func tracker(definition, use string) string {
	return "global_defs {\nscript_user nobody\n}\n" + definition + "\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n" + use + "\n}\n"
}

func TestWhatAScriptIs(t *testing.T) {
	usual := Script{Name: "s", Command: *asNobody("/bin/s a", "/bin/s", "a"), Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1}
	tests := map[string]func(*Script){
		"":                           func(*Script) {},
		"interval 5":                 func(s *Script) { s.Interval, s.Timeout = 5*time.Second, 5*time.Second },
		"interval 0.25\ntimeout 0.1": func(s *Script) { s.Interval, s.Timeout = 250*time.Millisecond, 100*time.Millisecond },
		"timeout 3":                  func(s *Script) { s.Timeout = 3 * time.Second },
		"rise 2\nfall 3":             func(s *Script) { s.Rise, s.Fall = 2, 3 },
		"init_fail":                  func(s *Script) { s.InitFail = true },
		"user root adm":              func(s *Script) { s.Command.User = script.User{Name: "root", GID: 4} },
	}
	for text, change := range tests {
		want := usual
		change(&want)
		c := mustLoad(t, tracker("vrrp_script s {\nscript \"/bin/s a\"\n"+text+"\n}", "track_script {\ns\n}"))
		if diff := cmp.Diff([]Script{want}, c.Scripts, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestAUseHasTheWeightOfItsDefinitionUnlessItSaysItsOwn(t *testing.T) {
	tests := []struct {
		definition, use string
		weight          int
		reverse         bool
	}{
		{"weight -20", "s", -20, false},
		{"weight -20", "s weight 5", 5, false},
		{"weight 10 reverse", "s", 10, true},
		{"weight 10 reverse", "s weight 5", 5, true},
		{"weight 10 reverse", "s weight 5 noreverse", 5, false},
		{"weight 10", "s weight 5 reverse", 5, true},
		{"", "s", 0, false},
	}
	for _, c := range tests {
		got := mustLoad(t, tracker("vrrp_script s {\nscript /bin/s\n"+c.definition+"\n}", "track_script {\n"+c.use+"\n}")).Instances[0].Tracks[0]
		if got.Weight != c.weight || got.Reverse != c.reverse {
			t.Errorf("%s, used as %s: weight %d, reverse %v", c.definition, c.use, got.Weight, got.Reverse)
		}
	}
}

func TestWhatATrackedProcessIs(t *testing.T) {
	usual := Process{Name: "p", Command: "nginx", Quorum: 1}
	tests := map[string]func(*Process){
		"process nginx":                                  func(*Process) {},
		"process nginx -c \"a b\"":                       func(p *Process) { p.Params, p.HasParams = []string{"-c", "a b"}, true },
		"process nginx\nparam_match":                     func(p *Process) { p.HasParams = true },
		"process nginx -c\nparam_match initial":          func(p *Process) { p.Params, p.HasParams, p.Initial = []string{"-c"}, true, true },
		"process nginx -c\nparam_match partial":          func(p *Process) { p.Params, p.HasParams, p.Partial = []string{"-c"}, true, true },
		"process nginx\nfull_command":                    func(p *Process) { p.FullCommand = true },
		"process nginx\nquorum 2\nquorum_max 4":          func(p *Process) { p.Quorum, p.QuorumMax = 2, 4 },
		"process nginx\ndelay 1.5":                       func(p *Process) { p.ForkDelay, p.ExitDelay = 1500*time.Millisecond, 1500*time.Millisecond },
		"process nginx\nfork_delay 1\nterminate_delay 2": func(p *Process) { p.ForkDelay, p.ExitDelay = time.Second, 2*time.Second },
	}
	for text, change := range tests {
		want := usual
		change(&want)
		c := mustLoad(t, tracker("vrrp_track_process p {\n"+text+"\n}", "track_process {\np\n}"))
		if diff := cmp.Diff([]Process{want}, c.Processes, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

// A quorum_max of 0 is up while there is no such process.
func TestNoneMayRun(t *testing.T) {
	c := mustLoad(t, tracker("vrrp_track_process p {\nprocess nginx\nquorum_max 0\n}", "track_process {\np\n}"))
	if p, use := c.Processes[0], c.Instances[0].Tracks[0]; p.QuorumMax >= 0 || use.Reverse {
		t.Errorf("got %+v used as %+v", p, use)
	}
}

func TestWhatATrackedFileIs(t *testing.T) {
	tests := map[string]File{
		"":                      {},
		"init_file":             {Init: true},
		"init_file 5 overwrite": {Init: true, Value: 5, Overwrite: true},
	}
	for text, want := range tests {
		want.Name, want.Path = "f", "/run/f"
		for _, block := range []string{"track_file", "vrrp_track_file"} {
			c := mustLoad(t, tracker(block+" f {\nfile /run/f\n"+text+"\n}", "track_file {\nf\n}"))
			if diff := cmp.Diff([]File{want}, c.Files, compare); diff != "" {
				t.Errorf("%s: -want +got:\n%s", text, diff)
			}
		}
	}
}

func TestWhatACheckIs(t *testing.T) {
	const s = time.Second
	tests := map[string]Check{
		"ping 192.0.2.1": {Kind: "ping", Target: "192.0.2.1", Interval: s, Timeout: s, Rise: 1, Fall: 1},
		"ping fe80::1\ninterface eth1\ninterval 2\ntimeout 1\nrise 2\nfall 3\ninit_fail": {Kind: "ping", Target: "fe80::1", Interface: "eth1", Interval: 2 * s, Timeout: s, Rise: 2, Fall: 3, InitFail: true},
		"tcp 192.0.2.1:80":    {Kind: "tcp", Target: "192.0.2.1:80", Interval: s, Timeout: s, Rise: 1, Fall: 1},
		"tcp 2001:db8::1 443": {Kind: "tcp", Target: "[2001:db8::1]:443", Interval: s, Timeout: s, Rise: 1, Fall: 1},
		"http https://192.0.2.1/up\nstatus 204\nhost gw\ninsecure": {Kind: "http", Target: "https://192.0.2.1/up", Status: 204, Host: "gw", Insecure: true, Interval: s, Timeout: s, Rise: 1, Fall: 1},
		"route 0.0.0.0/0":                     {Kind: "route", Target: "0.0.0.0/0"},
		"route 10.0.0.0/8 covering table wan": {Kind: "route", Target: "10.0.0.0/8", Covering: true, Table: 100},
		"route 2001:db8::/32 table 7":         {Kind: "route", Target: "2001:db8::/32", Table: 7},
	}
	for text, want := range tests {
		want.Name = "c"
		c := mustLoad(t, tracker("vrrp_check c {\n"+text+"\nweight 7\n}", "track_check {\nc\n}"))
		if diff := cmp.Diff([]Check{want}, c.Checks, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
		if got := c.Instances[0].Tracks[0].Weight; got != 7 {
			t.Errorf("%s: weight %d", text, got)
		}
	}
}

func TestWhatASyncGroupIs(t *testing.T) {
	const head = `
global_defs {
    script_user nobody
}
vrrp_script chk {
    script /bin/check
    weight -20
}
vrrp_instance A {
    interface eth0
    virtual_router_id 1
    virtual_ipaddress { 10.0.0.1 }
    %
}
vrrp_instance B {
    interface eth1
    virtual_router_id 1
    virtual_ipaddress { 10.1.0.1 }
}
vrrp_sync_group G {
`
	chk := Track{Kind: TrackScript, Name: "chk", Weight: -20}
	tests := map[string]struct {
		text, member string
		want         Group
	}{
		"names, one on a line":   {"group {\nA\nB\n}", "", Group{}},
		"names on one line":      {"group { A B }", "", Group{}},
		"a check of all":         {"group { A B }\ntrack_script {\nchk\n}", "", Group{Tracks: []Track{chk}}},
		"an interface of all":    {"group { A B }\ntrack_interface {\neth2\n}", "", Group{Tracks: []Track{{Kind: TrackInterface, Name: "eth2"}}}},
		"notify":                 {"group { A B }\nnotify_master /bin/m\nnotify /bin/n\nsmtp_alert", "", Group{Notify: Notify{Master: asNobody("/bin/m", "/bin/m"), Any: asNobody("/bin/n", "/bin/n"), Mail: true}}},
		"weights of the members": {"group { A B }\nsync_group_tracking_weight", "track_script {\nchk\n}", Group{}},
		"no weight of a member":  {"group { A B }", "track_script {\nchk weight 0\n}", Group{}},
	}
	for name, c := range tests {
		c.want.Name, c.want.Members = "G", []string{"A", "B"}
		got := mustLoad(t, strings.Replace(head, "%", c.member, 1)+c.text+"\n}\n")
		if diff := cmp.Diff([]Group{c.want}, got.Groups, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestWhatARouterAdvertisementIs(t *testing.T) {
	usual := RouterAdvertisement{Interval: 30 * time.Second, Lifetime: 30 * time.Minute, Preference: "medium"}
	prefix := AdvertisedPrefix{Prefix: netip.MustParsePrefix("2001:db8::/64"), Valid: 720 * time.Hour, Preferred: 168 * time.Hour, OnLink: true, Autonomous: true}
	short := prefix
	short.Valid, short.Preferred, short.OnLink, short.Autonomous = 20*time.Second, 10*time.Second, false, false
	tests := map[string]func(*RouterAdvertisement){
		"":                         func(*RouterAdvertisement) {},
		"interval 10\nlifetime 60": func(a *RouterAdvertisement) { a.Interval, a.Lifetime = 10*time.Second, time.Minute },
		"lifetime 0":               func(a *RouterAdvertisement) { a.Lifetime = 0 },
		"prefix 2001:db8::/64":     func(a *RouterAdvertisement) { a.Prefixes = []AdvertisedPrefix{prefix} },
		"prefix 2001:db8::/64 valid 20 preferred 10 off_link no_autoconf": func(a *RouterAdvertisement) { a.Prefixes = []AdvertisedPrefix{short} },
		"mtu 1400\nhop_limit 64": func(a *RouterAdvertisement) { a.MTU, a.HopLimit = 1400, 64 },
		"managed\nother_config":  func(a *RouterAdvertisement) { a.Managed, a.OtherConfig = true, true },
		"preference high":        func(a *RouterAdvertisement) { a.Preference = "high" },
		"dns 2001:db8::53 2001:db8::54": func(a *RouterAdvertisement) {
			a.DNS = []netip.Addr{netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("2001:db8::54")}
		},
	}
	for text, change := range tests {
		want := usual
		change(&want)
		c := mustLoad(t, "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\nfe80::1/64\n}\nrouter_advertisement {\n"+text+"\n}\n}\n")
		if diff := cmp.Diff(&want, c.Instances[0].Advertise, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestAddressesRoutesAndRulesAreThoseOfTheInstance(t *testing.T) {
	in := mustLoad(t, `vrrp_instance A {
    interface eth0
    virtual_router_id 1
    virtual_ipaddress {
        10.0.0.1/24 dev eth1 label eth1:1
        10.0.0.2
        10.0.0.1/24 dev eth1
    }
    virtual_ipaddress_excluded {
        2001:db8::1/64
    }
    virtual_routes {
        10.9.0.0/16 via 10.0.0.254 dev eth0
        blackhole 10.8.0.0/16
    }
    virtual_rules {
        from 10.0.0.0/8 table 7
    }
}`).Instances[0]
	if len(in.Addresses) != 2 || in.Addresses[0].Interface != "eth1" || in.Addresses[0].Label != "eth1:1" || in.Addresses[1].Prefix != netip.MustParsePrefix("10.0.0.2/32") {
		t.Errorf("addresses %+v", in.Addresses)
	}
	if len(in.Excluded) != 1 || len(in.Routes) != 2 || len(in.Rules) != 1 || in.Rules[0].Table != 7 {
		t.Errorf("excluded %+v, routes %+v, rules %+v", in.Excluded, in.Routes, in.Rules)
	}
}

func TestInterfacesMayComeLater(t *testing.T) {
	c := mustLoad(t, "global_defs {\ndynamic_interfaces\n}\nvrrp_instance A {\ninterface eth9\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1 dev eth8\n}\ntrack_interface {\neth7\n}\n}\n")
	if in := c.Instances[0]; in.Interface != "eth9" || in.Addresses[0].Interface != "eth8" || in.Tracks[0].Name != "eth7" {
		t.Errorf("got %+v", in)
	}
}

func TestScriptsRunAsWhoIsSaid(t *testing.T) {
	const text = "vrrp_script s {\nscript /bin/s\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\ntrack_script {\ns\n}\n}\n"
	nobodyThere := func(o *Options) { o.System = host{noUser: true} }
	if c := mustLoad(t, text); c.Scripts[0].Command.User.Name != "keepalived_script" {
		t.Errorf("without script_user it runs as %+v", c.Scripts[0].Command.User)
	}
	c, r := loadText(t, "global_defs {\nenable_script_security\n}\n"+text, nobodyThere)
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "no user to run it") {
		t.Errorf("as root with enable_script_security: %v, %+v", err, c.Scripts)
	}
	c, r = loadText(t, "global_defs {\nenable_script_security\n}\n"+text, nobodyThere, lenient)
	if r.Err() != nil || len(c.Scripts) > 0 || len(c.Instances[0].Tracks) > 0 {
		t.Errorf("the lenient: %v, %+v tracked by %+v", r.Err(), c.Scripts, c.Instances[0].Tracks)
	}
}
