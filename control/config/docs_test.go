package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// reference is docs/configuration.md: what testdata says in words, and the
// table of keywords.
func reference(t *testing.T) string {
	t.Helper()
	head, err := os.ReadFile("testdata/configuration.head.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	all.Write(head)
	for _, s := range sections() {
		title := "In a file"
		if s.place != atTop {
			title = "In `" + string(s.place) + "`"
		}
		fmt.Fprintf(&all, "\n## %s\n\n| Keyword | Default | Meaning |\n|---|---|---|\n", title)
		for _, k := range s.keywords {
			if k.how == used {
				fmt.Fprintf(&all, "| `%s` | %s | %s |\n", cell(k.syntax()), cell(k.def), cell(k.described()))
			}
		}
		all.WriteString(others("Refused", s.keywords, refused, refusedEver))
		all.WriteString(others("Not used", s.keywords, notUsed))
	}
	return all.String()
}

// syntax is how the keyword is written.
func (k keyword) syntax() string {
	text := strings.TrimSpace(k.name + " " + k.args)
	switch {
	case k.block != "":
		text += " { … }"
	case k.entries != "":
		text += " { " + k.entries + " }"
	}
	return text
}

func (k keyword) described() string {
	text := k.means
	if k.why != "" {
		text += ". Here: " + k.why
	}
	if k.mark == ours {
		text += " (not in keepalived)"
	}
	return text
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// others lists the keywords that have no effect, with one line for each reason.
func others(title string, list []keyword, hows ...treatment) string {
	var reasons []string
	names := make(map[string][]string)
	for _, k := range list {
		for _, how := range hows {
			if k.how != how {
				continue
			}
			why := k.why
			if how == refusedEver {
				why += "; also with `--lenient`"
			}
			if names[why] == nil {
				reasons = append(reasons, why)
			}
			names[why] = append(names[why], "`"+k.name+"`")
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	text := "\n" + title + ":\n\n"
	for _, why := range reasons {
		text += "- " + strings.Join(names[why], ", ") + ": " + why + "\n"
	}
	return text
}

func TestTheReferenceIsThatOfTheKeywords(t *testing.T) {
	golden(t, "../../docs/configuration.md", reference(t))
}

func TestEachKeywordIsDescribed(t *testing.T) {
	for _, s := range sections() {
		seen := make(map[string]bool)
		for _, k := range s.keywords {
			if seen[k.name] {
				t.Errorf("%s in %v is there twice", k.name, s.place)
			}
			seen[k.name] = true
			switch {
			case k.mark == 0:
				t.Errorf("%s in %v has no mark", k.name, s.place)
			case k.how != used && k.why == "":
				t.Errorf("%s in %v does not say why it is not used", k.name, s.place)
			case k.how == used && (k.means == "" || k.take == nil):
				t.Errorf("%s in %v says nothing or does nothing", k.name, s.place)
			}
			if least, most := k.counts(); least > most {
				t.Errorf("%s in %v: %d..%d arguments", k.name, s.place, least, most)
			}
		}
	}
}

// The essential and the common keywords of keepalived, and none of them is unknown.
func TestTheKeywordsOfKeepalivedAreKnown(t *testing.T) {
	l := newLanguage()
	for in, words := range map[place]string{
		atTop:      "global_defs vrrp_instance vrrp_sync_group vrrp_script vrrp_track_process track_file vrrp_track_file bfd_instance garp_group static_ipaddress static_routes static_rules track_group interface_up_down_delays linkbeat_interfaces linkbeat_use_polling net_namespace net_namespace_ipvs instance use_pid_dir child_wait_time namespace_with_ipsets virtual_server virtual_server_group",
		inGlobal:   "router_id script_user enable_script_security vrrp_version vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_garp_interval vrrp_gna_interval vrrp_min_garp vrrp_skip_check_adv_addr vrrp_strict vrrp_check_unicast_src vrrp_lower_prio_no_advert vrrp_higher_prio_send_advert vrrp_mcast_group4 vrrp_mcast_group6 notification_email notification_email_from smtp_server smtp_connect_timeout smtp_alert smtp_alert_vrrp dynamic_interfaces notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script enable_snmp_vrrp enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_traps enable_dbus vrrp_priority vrrp_rt_priority max_auto_priority vrrp_startup_delay process_names lvs_sync_daemon vrrp_garp_extra_if vrrp_down_timer_adverts v3_checksum_as_v2 nftables vrrp_iptables vrrp_ipsets disable_local_igmp vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload min_auto_priority_delay vrrp_no_swap vrrp_cpu_affinity vrrp_rlimit_rttime vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_delay_after_boot log_unknown_vrids vrrp_owner_ignore_adverts vmac_prefix vmac_addr_prefix umask random_seed reload_check_config reload_time_file reload_repeat reload_file include_check config_save_dir tmp_config_directory data_use_instance state_dump_file stats_dump_file json_dump_file json_version iproute_usr_dir iproute_etc_dir snmp_socket dbus_service_name dbus_no_interface_name startup_script shutdown_script startup_script_timeout shutdown_script_timeout default_interface set_supplementary_groups use_symlink_paths no_email_faults smtp_helo_name",
		inInstance: "state interface virtual_router_id priority advert_int version virtual_ipaddress virtual_ipaddress_excluded authentication auth_hmac nopreempt preempt preempt_delay unicast_src_ip mcast_src_ip unicast_peer check_unicast_src unicast_ttl unicast_fault_no_peer track_interface track_script track_process track_file track_bfd dont_track_primary notify_master notify_backup notify_fault notify_stop notify notify_master_rx_lower_pri notify_deleted notify_priority_changes garp_master_delay garp_master_repeat garp_master_refresh garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat garp_extra_if vmac_garp_intvl lower_prio_no_advert higher_prio_send_advert down_timer_adverts use_vmac vmac_xmit_base use_vmac_addr use_ipvlan accept no_accept strict_mode virtual_routes virtual_rules smtp_alert mcast_dst_ip track_src_ip vrf native_ipv6 promote_secondaries skip_check_adv_addr v3_checksum_as_v2 old_unicast_checksum no_virtual_ipaddress timer_expired_backup thread_timer_expired owner_ignore_adverts kernel_rx_buf_size debug linkbeat_use_polling lvs_sync_daemon_interface",
		inGroup:    "group track_interface track_script track_file track_process track_bfd notify_master notify_backup notify_fault notify_stop notify smtp_alert notify_priority_changes sync_group_tracking_weight global_tracking",
		inScript:   "script interval timeout weight rise fall user init_fail",
		inProcess:  "process param_match weight quorum quorum_max delay fork_delay terminate_delay full_command",
		inFile:     "file weight init_file",
	} {
		for word := range strings.FieldsSeq(words) {
			if l[in][word] == nil {
				t.Errorf("%s in %v is not known", word, in)
			}
		}
	}
}
