package config

import (
	"math"
	"time"
)

const most = math.MaxInt32

func globalKeywords() []keyword {
	list := []keyword{
		{name: "router_id", mark: essential, args: "NAME", def: "the host's name", means: "name of this router in mail", take: text(func(g *globals) *string { return &g.RouterID })},
		{name: "script_user", mark: essential, args: "USER [GROUP]", def: "that of vrrp_user; else keepalived_script if there is such a user, else that of the daemon", means: "as whom scripts run that do not say it; without any capability", take: of((*globals).takeScriptUser)},
		{name: "vrrp_user", mark: ours, args: "USER [GROUP]", def: "that of whoever starts it", means: "as whom the daemon runs, with CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF; scripts run as that user too", why: "it counts at a start; the user must be able to read the configuration, for reloads", take: of((*globals).takeUser)},
		{name: "enable_script_security", mark: essential, means: "no script that runs as root may be one that others can change; without script_user none falls back to root", take: is(func(g *globals) *bool { return &g.secure })},
		{name: "dynamic_interfaces", mark: common, args: "[allow_if_changes]", def: "off", means: "interfaces need not exist yet: their instances wait in FAULT", take: of((*globals).takeDynamic)},
		{name: "vrrp_startup_delay", mark: common, args: "SECONDS", def: "0", means: "how long to listen after the start before instances take part", take: seconds(0, longest, func(g *globals) **time.Duration { return &g.startDelay })},
		{name: "vrrp_mcast_group4", mark: common, args: "ADDRESS", def: "224.0.0.18", means: "where IPv4 adverts go", why: "only 224.0.0.18", take: takeGroupAddress("224.0.0.18")},
		{name: "vrrp_mcast_group6", mark: common, args: "ADDRESS", def: "ff02::12", means: "where IPv6 adverts go", why: "only ff02::12", take: takeGroupAddress("ff02::12")},
		{name: "vrrp_garp_interval", mark: common, args: "SECONDS", def: "0", means: "least time between two gratuitous ARPs of an instance", take: seconds(0, time.Hour, func(g *globals) **time.Duration { return &g.pace })},
		{name: "vrrp_gna_interval", mark: common, args: "SECONDS", def: "0", means: "least time between two unsolicited Neighbor Advertisements of an instance", take: seconds(0, time.Hour, func(g *globals) **time.Duration { return &g.pace6 })},
		{name: "vrrp_min_garp", mark: common, args: "[on|off]", def: "off", means: "announce once after a promotion, with no second batch", take: boolean(func(g *globals) **bool { return &g.minGARP })},
		{name: "vrrp_priority", mark: common, args: "-20..19", def: "that of the service", means: "nice value of the daemon", take: number(-20, 19, func(g *globals) **int { return &g.nice })},
		{name: "vrrp_rt_priority", mark: common, args: "1..99", def: "none", means: "real-time priority of the daemon", take: number(1, 99, func(g *globals) **int { return &g.realTime })},
		{name: "vrrp_no_swap", mark: rare, def: "off", means: "keep the daemon's memory from being swapped out", take: is(func(g *globals) *bool { return &g.NoSwap })},
		{name: "vrrp_cpu_affinity", mark: rare, args: "CPU [… CPU]", def: "all", means: "processors that the daemon runs on", take: of((*globals).takeCPUs)},
		{name: "notification_email", mark: common, entries: "ADDRESS", means: "who gets mail about transitions", take: of((*globals).takeRecipients)},
		{name: "notification_email_from", mark: common, args: "ADDRESS", def: "keepalived@ and the host's name", means: "sender of mail", take: text(func(g *globals) *string { return &g.Mail.From })},
		{name: "smtp_server", mark: common, args: "HOST [PORT]", def: "none, port 25", means: "who takes mail", take: of((*globals).takeServer)},
		{name: "smtp_helo_name", mark: rare, args: "NAME", def: "the host's name", means: "how to introduce oneself there", take: text(func(g *globals) *string { return &g.Mail.Helo })},
		{name: "smtp_connect_timeout", mark: common, args: "SECONDS", def: "30", means: "how long to wait for it", take: wholeSeconds(most, func(g *globals) **time.Duration { return &g.smtpTimeout })},
		{name: "smtp_alert", mark: common, args: "[on|off]", def: "off", means: "mail for instances and groups that do not say smtp_alert", take: boolean(mailSetting)},
		{name: "smtp_alert_vrrp", mark: common, args: "[on|off]", def: "that of smtp_alert", means: "the same", take: boolean(func(g *globals) **bool { return &g.mailVRRP })},
		{name: "notify_fifo", mark: common, args: "PATH [USER [GROUP]]", def: "none", means: "named pipe to which transitions are written", take: takeFIFO(0)},
		{name: "notify_fifo_script", mark: common, args: "COMMAND [USER [GROUP]]", def: "none", means: "started to read it, with its path as last argument", take: takeFIFOScript(0)},
		{name: "vrrp_notify_fifo", mark: common, args: "PATH [USER [GROUP]]", def: "none", means: "a second one", take: takeFIFO(1)},
		{name: "vrrp_notify_fifo_script", mark: common, args: "COMMAND [USER [GROUP]]", def: "none", means: "started to read that", take: takeFIFOScript(1)},
		{name: "vrrp_notify_priority_changes", mark: rare, args: "[on|off]", def: "off", means: "tell pipes and notify scripts of changed priorities too", take: boolean(priorityChangesSetting)},
		{name: "vrrp_iptables", mark: rare, args: "[IN [OUT]]", how: notUsed, why: "there is no firewall rule: no_accept keeps the addresses off the interface"},
		{name: "vrrp_delay_after_boot", mark: rare, args: "SECONDS", how: refused, why: "it delays who takes part: use vrrp_startup_delay"},
	}
	list = append(list, settingKeywords("vrrp_")...)
	return append(list, unusedGlobals()...)
}

// unusedGlobals have no effect on who is master, or on what is reachable.
func unusedGlobals() []keyword {
	var list []keyword
	none := func(m mark, why string, names ...string) {
		for _, name := range names {
			list = append(list, keyword{name: name, mark: m, how: notUsed, why: why, args: "[… VALUE]"})
		}
	}
	none(common, "there is no SNMP: see the metrics", "enable_snmp_vrrp", "enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3", "enable_traps")
	none(rare, "there is no SNMP: see the metrics", "enable_snmp_checker", "snmp_socket", "enable_snmp_keepalived")
	none(common, "there is no D-Bus: see status --json", "enable_dbus")
	none(rare, "there is no D-Bus: see status --json", "dbus_service_name", "dbus_no_interface_name")
	none(common, "the scheduler is asked once, by vrrp_rt_priority; a late daemon is no second master", "max_auto_priority")
	none(rare, "the scheduler is asked once, by vrrp_rt_priority; a late daemon is no second master", "min_auto_priority_delay", "vrrp_rlimit_rttime")
	none(common, "there is one process", "process_names")
	none(rare, "there is one process", "process_name", "vrrp_process_name", "checker_process_name", "bfd_process_name")
	none(rare, "there is no firewall rule: no_accept keeps the addresses off the interface", "nftables", "nftables_priority", "nftables_counters", "nftables_ifindex", "vrrp_ipsets", "disable_local_igmp")
	none(rare, "buffers are sized here", "vrrp_netlink_cmd_rcv_bufs", "vrrp_netlink_cmd_rcv_bufs_force", "vrrp_netlink_monitor_rcv_bufs", "vrrp_netlink_monitor_rcv_bufs_force", "process_monitor_rcv_bufs", "process_monitor_rcv_bufs_force", "vrrp_rx_bufs_policy", "vrrp_rx_bufs_multiplier")
	none(rare, "a reload always checks the whole configuration first, and writes no files", "reload_check_config", "reload_file", "config_save_dir", "tmp_config_directory", "include_check")
	none(rare, "reloads are not planned ahead", "reload_time_file", "reload_repeat")
	none(rare, "there are no dumps: see status --json", "data_use_instance", "state_dump_file", "stats_dump_file", "json_dump_file", "json_version")
	none(rare, "observe the wire with attach, or see status", "log_unknown_vrids")
	none(rare, "there is no macvlan", "vmac_prefix", "vmac_addr_prefix")
	none(rare, "the service's unit is the place", "umask", "startup_script", "startup_script_timeout", "shutdown_script", "shutdown_script_timeout", "set_supplementary_groups")
	none(rare, "${_RANDOM} is not there", "random_seed")
	none(rare, "names of tables are those of /etc/iproute2", "iproute_usr_dir", "iproute_etc_dir")
	none(rare, "scripts are checked with symbolic links followed", "use_symlink_paths")
	none(rare, "there are no static addresses here", "default_interface")
	none(rare, "a reload tells nobody what has not changed", "fifo_write_vrrp_states_on_reload")
	none(rare, "mail is about all transitions", "no_email_faults")
	none(common, "there is no load balancer here", "lvs_sync_daemon")
	none(rare, "there is no load balancer here", "lvs_timeouts", "lvs_flush", "lvs_flush_on_stop", "lvs_notify_fifo", "lvs_notify_fifo_script",
		"lvs_netlink_cmd_rcv_bufs", "lvs_netlink_cmd_rcv_bufs_force", "lvs_netlink_monitor_rcv_bufs", "lvs_netlink_monitor_rcv_bufs_force",
		"rs_init_notifies", "no_checker_emails", "smtp_alert_checker", "checker_log_all_failures", "checker_priority", "checker_no_swap",
		"checker_cpu_affinity", "checker_rt_priority", "checker_rlimit_rttime", "nftables_ipvs", "nftables_ipvs_priority", "nftables_ipvs_start_fwmark")
	none(rare, "there is no BFD", "bfd_priority", "bfd_no_swap", "bfd_cpu_affinity", "bfd_rt_priority", "bfd_rlimit_rttime")
	return list
}

func mailSetting(s sharing) **bool            { return &s.shared().mail }
func priorityChangesSetting(s sharing) **bool { return &s.shared().priorityChanges }
