package config

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// The usual instance; a second family; and what they can be told to track.
const (
	before = `
vrrp_script chk {
    script "/bin/check one"
    weight -20
}
vrrp_track_process web {
    process nginx
}
track_file load {
    file /run/load
}
vrrp_check up {
    ping 192.0.2.1
}
global_defs {
    router_id r1
    script_user nobody
`
	between = `
}
vrrp_instance A {
    interface eth0
    virtual_router_id 10
    virtual_ipaddress {
        10.0.0.1/24
    }
`
	after = `
}
vrrp_instance B {
    interface eth1
    virtual_router_id 20
    priority 90
    virtual_ipaddress {
        fe80::1/64
    }
    track_script {
        chk
    }
    track_process {
        web
    }
    track_file {
        load
    }
    track_check {
        up
    }
}
`
)

var compare = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmpopts.IgnoreTypes(Pos{}),
}

func asNobody(line string, args ...string) *script.Command {
	nobody := script.User{Name: "nobody", UID: 65534, GID: 65534}
	return &script.Command{Line: line, Args: args, User: nobody}
}

func TestWhatIsSaidNowhereHasKeepalivedsDefaults(t *testing.T) {
	a := mustLoad(t, before+between+after).Instances[0]
	want := vrrp.Config{
		VRID: 10, Family: vrrp.IPv4, Version: vrrp.V2, Priority: 100, Interval: time.Second,
		Addresses:     []netip.Addr{netip.MustParseAddr("10.0.0.1")},
		Announcements: &vrrp.Announcements{Repeat: 5, Delay: 5 * time.Second, RefreshRepeat: 1, LesserRepeat: 5, LesserDelay: 5 * time.Second},
	}
	if diff := cmp.Diff(want, a.Router, compare); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if a.Name != "A" || a.Interface != "eth0" || a.NoAccept || len(a.Addresses) != 1 {
		t.Errorf("got %+v", a)
	}
}

// Each keyword changes one thing, and nothing else.
func TestWhatAKeywordOfAnInstanceMeans(t *testing.T) {
	type in = *Instance
	addr := netip.MustParseAddr
	chk := Track{Kind: TrackScript, Name: "chk", Weight: -20}
	tests := map[string]func(in){
		"state BACKUP":                     func(in) {},
		"state MASTER\npriority 120":       func(i in) { i.Router.Priority = 120 },
		"state MASTER":                     func(i in) { i.Router.Priority = 255 },
		"priority 7":                       func(i in) { i.Router.Priority = 7 },
		"advert_int 3":                     func(i in) { i.Router.Interval = 3 * time.Second },
		"advert_int 1.5":                   func(i in) { i.Router.Interval = 2 * time.Second },
		"advert_int 0.3":                   func(i in) { i.Router.Interval = time.Second },
		"version 3":                        func(i in) { i.Router.Version = vrrp.V3 },
		"version 3\nadvert_int 0.03":       func(i in) { i.Router.Version = vrrp.V3; i.Router.Interval = 30 * time.Millisecond },
		"version 3\nadvert_int 0.126":      func(i in) { i.Router.Version = vrrp.V3; i.Router.Interval = 130 * time.Millisecond },
		"version 3\nchecksum message-only": func(i in) { i.Router.Version = vrrp.V3; i.Router.Checksum = vrrp.ChecksumMessageOnly },
		"version 3\nv3_checksum_as_v2":     func(i in) { i.Router.Version = vrrp.V3; i.Router.Checksum = vrrp.ChecksumMessageOnly },
		"version 3\nchecksum pseudo-header": func(i in) {
			i.Router.Version = vrrp.V3
			i.Router.Checksum = vrrp.ChecksumPseudoHeader
		},
		"authentication {\n auth_type PASS\n auth_pass abc\n}":            func(i in) { i.Router.Password = "abc" },
		"authentication {\n auth_type PASS\n auth_pass abcdefghijk\n}":    func(i in) { i.Router.Password = "abcdefgh" },
		"authentication {\n auth_type PASS\n auth_pass abc#def\n}":        func(i in) { i.Router.Password = "abc" },
		"authentication {\n auth_type PASS\n auth_pass \"abc#def\"\n}":    func(i in) { i.Router.Password = "abc#def" },
		"version 3\nauthentication {\n auth_type PASS\n auth_pass abc\n}": func(i in) { i.Router.Version = vrrp.V3 },
		"nopreempt":                           func(i in) { i.Router.NoPreempt = true },
		"nopreempt\npreempt":                  func(in) {},
		"state MASTER\npriority 9\nnopreempt": func(i in) { i.Router.Priority = 9 },
		"priority 255\nnopreempt":             func(i in) { i.Router.Priority = 255 },
		"preempt_delay 2.5":                   func(i in) { i.Router.PreemptDelay = 2500 * time.Millisecond },
		"nopreempt\npreempt_delay 2":          func(i in) { i.Router.NoPreempt = true },
		"mcast_src_ip 10.0.0.3":               func(i in) { i.Source = addr("10.0.0.3") },
		"unicast_src_ip 10.0.0.3":             func(i in) { i.Source = addr("10.0.0.3") },
		"unicast_peer {\n 10.0.0.2\n 10.0.0.4\n}": func(i in) {
			i.Router.Peers = []netip.Addr{addr("10.0.0.2"), addr("10.0.0.4")}
		},
		"unicast_peer {\n 10.0.0.2 min_ttl 250 max_ttl 254\n}": func(i in) {
			i.Router.Peers, i.Router.MinTTL, i.Router.MaxTTL = []netip.Addr{addr("10.0.0.2")}, 250, 254
		},
		"unicast_peer {\n 10.0.0.2 min_ttl 250 max_ttl 254\n 10.0.0.4 min_ttl 200\n}": func(i in) {
			i.Router.Peers, i.Router.MinTTL = []netip.Addr{addr("10.0.0.2"), addr("10.0.0.4")}, 200
		},
		"allowed_sources {\n 10.0.0.2\n 10.0.0.4 owner\n}": func(i in) {
			i.Router.Senders = []vrrp.Sender{{Address: addr("10.0.0.2")}, {Address: addr("10.0.0.4"), Owner: true}}
		},
		"check_unicast_src":            func(in) {},
		"accept":                       func(in) {},
		"no_accept":                    func(i in) { i.NoAccept = true },
		"dont_track_primary":           func(i in) { i.IgnoreLink = true },
		"use_vmac":                     func(in) {},
		"use_vmac vrrp.10":             func(in) {},
		"vmac_xmit_base":               func(in) {},
		"strict_mac":                   func(i in) { i.StrictMAC = true },
		"garp_master_delay 7":          func(i in) { i.Router.Announcements.Delay = 7 * time.Second },
		"garp_master_repeat 3":         func(i in) { i.Router.Announcements.Repeat = 3 },
		"garp_master_repeat 0":         func(i in) { i.Router.Announcements.Repeat = 1 },
		"garp_master_refresh 60":       func(i in) { i.Router.Announcements.Refresh = time.Minute },
		"garp_master_refresh_repeat 2": func(i in) { i.Router.Announcements.RefreshRepeat = 2 },
		"garp_lower_prio_repeat 0":     func(i in) { i.Router.Announcements.LesserRepeat = 0 },
		"garp_lower_prio_delay 1":      func(i in) { i.Router.Announcements.LesserDelay = time.Second },
		"garp_extra_if all 100":        func(i in) { i.ExtraRefresh = 100 * time.Second },
		"lower_prio_no_advert":         func(i in) { i.Router.SilentToLesser = true },
		"lower_prio_no_advert off":     func(in) {},
		"higher_prio_send_advert yes":  func(i in) { i.Router.PartingAdvert = true },
		"skip_check_adv_addr":          func(i in) { i.Router.SkipAddressCheck = true },
		"skip_check_adv_addr off":      func(in) {},
		"smtp_alert":                   func(i in) { i.Notify.Mail = true },
		"notify_priority_changes on":   func(i in) { i.Notify.PriorityChanges = true },
		"strict_mode\npriority 10": func(i in) {
			i.Router.Priority, i.NoAccept, i.Router.SilentToLesser = 10, true, true
			i.Router.Announcements.LesserRepeat, i.Router.Announcements.LesserDelay = 0, 0
		},
		"track_interface {\n eth2\n}":                  func(i in) { i.Tracks = []Track{{Kind: TrackInterface, Name: "eth2"}} },
		"track_interface {\n eth2 weight 5 reverse\n}": func(i in) { i.Tracks = []Track{{Kind: TrackInterface, Name: "eth2", Weight: 5, Reverse: true}} },
		"track_script {\n chk\n}":                      func(i in) { i.Tracks = []Track{chk} },
		"track_script {\n chk weight 30\n}":            func(i in) { i.Tracks = []Track{{Kind: TrackScript, Name: "chk", Weight: 30}} },
		"track_script {\n chk weight 30 reverse\n}":    func(i in) { i.Tracks = []Track{{Kind: TrackScript, Name: "chk", Weight: 30, Reverse: true}} },
		"track_process {\n web weight 4\n}":            func(i in) { i.Tracks = []Track{{Kind: TrackProcess, Name: "web", Weight: 4}} },
		"track_file {\n load\n}":                       func(i in) { i.Tracks = []Track{{Kind: TrackFile, Name: "load", Weight: 1}} },
		"track_check {\n up weight -3\n}":              func(i in) { i.Tracks = []Track{{Kind: TrackCheck, Name: "up", Weight: -3}} },
		"notify_master /bin/m":                         func(i in) { i.Notify.Master = asNobody("/bin/m", "/bin/m") },
		"notify_backup \"/bin/b one 'two three'\"":     func(i in) { i.Notify.Backup = asNobody("/bin/b one 'two three'", "/bin/b", "one", "two three") },
		"notify_fault \"/bin/f \\\"a b\\\"\"":          func(i in) { i.Notify.Fault = asNobody(`/bin/f "a b"`, "/bin/f", "a b") },
		"notify_stop /bin/s":                           func(i in) { i.Notify.Stop = asNobody("/bin/s", "/bin/s") },
		"notify /bin/n":                                func(i in) { i.Notify.Any = asNobody("/bin/n", "/bin/n") },
		"notify_deleted /bin/d":                        func(i in) { i.Notify.Deleted = asNobody("/bin/d", "/bin/d") },
		"notify_master_rx_lower_pri /bin/l":            func(i in) { i.Notify.LowerPriority = asNobody("/bin/l", "/bin/l") },
		"notify_master /bin/m root adm": func(i in) {
			i.Notify.Master = asNobody("/bin/m", "/bin/m")
			i.Notify.Master.User = script.User{Name: "root", GID: 4}
		},
	}
	for text, change := range tests {
		want := mustLoad(t, before+between+after)
		change(&want.Instances[0])
		got, r := loadText(t, before+between+text+after)
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}

func TestWhatAKeywordOfGlobalDefsMeans(t *testing.T) {
	type conf = *Config
	announce := func(f func(*vrrp.Announcements)) func(conf) {
		return func(c conf) {
			for _, in := range c.Instances {
				f(in.Router.Announcements)
			}
		}
	}
	routers := func(f func(*vrrp.Config)) func(conf) {
		return func(c conf) {
			for i := range c.Instances {
				f(&c.Instances[i].Router)
			}
		}
	}
	number := -5
	tests := map[string]func(conf){
		"vrrp_version 3":                    func(c conf) { c.Instances[0].Router.Version = vrrp.V3 },
		"vrrp_garp_master_delay 7":          announce(func(a *vrrp.Announcements) { a.Delay, a.LesserDelay = 7*time.Second, 7*time.Second }),
		"vrrp_garp_master_repeat 2":         announce(func(a *vrrp.Announcements) { a.Repeat, a.LesserRepeat = 2, 2 }),
		"vrrp_garp_master_refresh 9":        announce(func(a *vrrp.Announcements) { a.Refresh = 9 * time.Second }),
		"vrrp_garp_master_refresh_repeat 3": announce(func(a *vrrp.Announcements) { a.RefreshRepeat = 3 }),
		"vrrp_garp_lower_prio_delay 1":      announce(func(a *vrrp.Announcements) { a.LesserDelay = time.Second }),
		"vrrp_garp_lower_prio_repeat 4":     announce(func(a *vrrp.Announcements) { a.LesserRepeat = 4 }),
		"vrrp_min_garp": announce(func(a *vrrp.Announcements) {
			a.Repeat, a.LesserRepeat, a.Delay, a.LesserDelay = 1, 1, 0, 0
		}),
		"vrrp_garp_interval 0.001":     func(c conf) { c.Instances[0].Pace = time.Millisecond },
		"vrrp_gna_interval 0.002":      func(c conf) { c.Instances[1].Pace = 2 * time.Millisecond },
		"vrrp_skip_check_adv_addr":     routers(func(r *vrrp.Config) { r.SkipAddressCheck = true }),
		"vrrp_lower_prio_no_advert":    routers(func(r *vrrp.Config) { r.SilentToLesser = true }),
		"vrrp_higher_prio_send_advert": routers(func(r *vrrp.Config) { r.PartingAdvert = true }),
		"vrrp_check_unicast_src":       func(conf) {},
		"vrrp_mcast_group4 224.0.0.18": func(conf) {},
		"vrrp_mcast_group6 ff02::12":   func(conf) {},
		"vrrp_startup_delay 5.5":       routers(func(r *vrrp.Config) { r.StartDelay = 5500 * time.Millisecond }),
		"vrrp_strict": func(c conf) {
			for i := range c.Instances {
				in := &c.Instances[i]
				in.NoAccept, in.Router.SilentToLesser = true, true
				in.Router.Announcements.LesserRepeat, in.Router.Announcements.LesserDelay = 0, 0
			}
		},
		"enable_script_security":              func(conf) {},
		"router_id gw":                        func(c conf) { c.Global.RouterID = "gw" },
		"script_user root":                    func(c conf) { c.Scripts[0].Command.User = script.User{Name: "root"} },
		"dynamic_interfaces":                  func(c conf) { c.Global.DynamicInterfaces = true },
		"vrrp_priority -5":                    func(c conf) { c.Global.Nice = &number },
		"vrrp_rt_priority 50":                 func(c conf) { c.Global.RealTime = 50 },
		"vrrp_no_swap":                        func(c conf) { c.Global.NoSwap = true },
		"vrrp_cpu_affinity 0 2":               func(c conf) { c.Global.CPUs = []int{0, 2} },
		"notification_email {\n a@b\n c@d\n}": func(c conf) { c.Global.Mail.To = []string{"a@b", "c@d"} },
		"notification_email_from x@y":         func(c conf) { c.Global.Mail.From = "x@y" },
		"smtp_server mx.example.net":          func(c conf) { c.Global.Mail.Server = "mx.example.net:25" },
		"smtp_server 192.0.2.1 587":           func(c conf) { c.Global.Mail.Server = "192.0.2.1:587" },
		"smtp_helo_name gw":                   func(c conf) { c.Global.Mail.Helo = "gw" },
		"smtp_connect_timeout 9":              func(c conf) { c.Global.Mail.Timeout = 9 * time.Second },
		"smtp_alert":                          func(c conf) { c.Instances[0].Notify.Mail, c.Instances[1].Notify.Mail = true, true },
		"smtp_alert on\nsmtp_alert_vrrp off":  func(conf) {},
		"notify_fifo /run/f":                  func(c conf) { c.Global.FIFOs = []FIFO{{Path: "/run/f", User: asNobody("").User}} },
		"vrrp_notify_fifo /run/v root\nvrrp_notify_fifo_script \"/bin/read x\"": func(c conf) {
			c.Global.FIFOs = []FIFO{{Path: "/run/v", User: script.User{Name: "root"}, Script: asNobody("/bin/read x", "/bin/read", "x")}}
		},
		"max_auto_priority 99\nenable_dbus\nenable_snmp_vrrp\nprocess_names\nlvs_sync_daemon eth0 A": func(conf) {},
	}
	for text, change := range tests {
		want := mustLoad(t, before+between+after)
		change(&want)
		got, r := loadText(t, before+text+between+after)
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Errorf("%s: -want +got:\n%s", text, diff)
		}
	}
}
