package config

import "github.com/vrrp-xdp/vrrp-xdp/control/script"

func instanceKeywords() []keyword {
	list := []keyword{
		{name: "interface", mark: essential, args: "NAME", def: "must be there", means: "where the virtual router is", take: of((*instance).takeInterface)},
		{name: "virtual_router_id", mark: essential, args: "1..255", def: "must be there", means: "its number, the same on all its routers", take: of((*instance).takeVRID)},
		{name: "state", mark: essential, args: "MASTER|BACKUP", def: "BACKUP", means: "a hint: who is master is found out by priority", why: "only nopreempt, preempt_delay and a missing priority look at it", firstCounts: true, take: of((*instance).takeState)},
		{name: "priority", mark: essential, args: "1..255", def: "100; with state MASTER 255", means: "the highest becomes master; 255 owns the addresses", take: number(1, 255, func(in *instance) **int { return &in.priority })},
		{name: "advert_int", mark: essential, args: "SECONDS", def: "1", means: "time between adverts: version 2 1..255 in whole seconds, version 3 0.01..40.95 in steps of 0.01", take: of((*instance).takeInterval)},
		{name: "authentication", mark: essential, block: inAuth, means: "password of version 2", take: of((*instance).takeAuthentication)},
		{name: "auth_hmac", mark: rare, block: inHMAC, means: "adverts are signed, and what is not signed is refused", take: of((*instance).takeHMAC)},
		{name: "virtual_ipaddress", mark: essential, entries: "ADDRESS[/LENGTH] [brd ADDRESS|+|-] [dev NAME] [scope SCOPE] [label LABEL] [peer ADDRESS] …", means: "the virtual addresses, of one family; each line is one", repeats: true, take: of((*instance).takeAddresses)},
		{name: "virtual_ipaddress_excluded", mark: common, entries: "as in virtual_ipaddress", means: "addresses that move too, and are not in adverts; of any family", repeats: true, take: of((*instance).takeExcluded)},
		{name: "virtual_routes", mark: common, entries: "a route, as in ip route add", means: "routes that are there while master", repeats: true, take: of((*instance).takeRoutes)},
		{name: "virtual_rules", mark: common, entries: "a rule, as in ip rule add", means: "rules that are there while master", repeats: true, take: of((*instance).takeRules)},
		{name: "nopreempt", mark: essential, means: "leave a master of lower priority alone", take: of(func(in *instance, n *node) { in.noPreempt = n })},
		{name: "preempt", mark: essential, means: "do not: the default", take: of(func(in *instance, _ *node) { in.noPreempt = nil })},
		{name: "preempt_delay", mark: common, args: "0..1000", def: "0", means: "seconds to leave it alone", take: of((*instance).takePreemptDelay)},
		{name: "unicast_peer", mark: essential, entries: "ADDRESS [min_ttl N] [max_ttl N]", means: "send to, and listen to, these routers only; each line is one", repeats: true, take: of((*instance).takePeers)},
		{name: "unicast_src_ip", mark: essential, args: "ADDRESS", def: "that of the interface", means: "where adverts come from", take: of((*instance).takeSource)},
		{name: "mcast_src_ip", mark: common, args: "ADDRESS", def: "that of the interface", means: "where adverts come from", take: of((*instance).takeSource)},
		{name: "unicast_ttl", mark: rare, args: "0..255", def: "255", means: "TTL of unicast adverts", why: "always 255", take: of((*instance).takeUnicastTTL)},
		{name: "unicast_fault_no_peer", mark: rare, means: "unicast without peers is a fault", take: of((*instance).takeFaultWithoutPeers)},
		{name: "accept", mark: common, def: "accept", means: "the master accepts packets to the virtual addresses", take: of((*instance).takeAccept)},
		{name: "no_accept", mark: common, means: "it does not, unless it owns them: they are not put on the interface", take: of((*instance).takeAccept)},
		{name: "dont_track_primary", mark: common, means: "go on when the interface is down", take: is(func(in *instance) *bool { return &in.IgnoreLink })},
		{name: "use_vmac", mark: common, args: "[NAME [… OPTION]]", means: "use the virtual MAC", why: "it always is; there is no macvlan interface", take: of((*instance).takeVMAC)},
		{name: "vmac_xmit_base", mark: common, how: notUsed, why: "adverts always leave by the interface itself, with the virtual MAC"},
		{name: "use_vmac_addr", mark: rare, how: notUsed, why: "addresses on other interfaces have those interfaces' MAC"},
		{name: "notify_master_rx_lower_pri", mark: rare, args: "COMMAND [USER [GROUP]]", means: "runs when the master hears a lesser one", firstCounts: true, take: takeNotify(func(n *Notify) **script.Command { return &n.LowerPriority })},
		{name: "notify_deleted", mark: rare, args: "[COMMAND [USER [GROUP]]]", means: "runs when a reload takes it away", firstCounts: true, take: of((*instance).takeDeleted)},
		{name: "checksum", mark: ours, args: "auto|pseudo-header|message-only", def: "auto", means: "what the checksum of version 3 over IPv4 covers when sending; both are accepted", take: of((*instance).takeChecksum)},
		{name: "strict_mac", mark: ours, means: "refuse adverts that do not come from the virtual MAC", take: is(func(in *instance) *bool { return &in.StrictMAC })},
		{name: "allowed_sources", mark: ours, entries: "ADDRESS [owner]", def: "anybody", means: "refuse adverts of others, and priority 255 of those without the word owner; each line is one", repeats: true, take: of((*instance).takeSenders)},
		{name: "router_advertisement", mark: ours, block: inAdvertisement, means: "while master, tell hosts of IPv6 that this is their router", take: of((*instance).takeAdvertisement)},
	}
	list = append(list, trackingKeywords()...)
	list = append(list, notifyKeywords()...)
	list = append(list, settingKeywords("")...)
	return append(list, otherInstanceKeywords()...)
}

// otherInstanceKeywords are rare, and not used.
func otherInstanceKeywords() []keyword {
	return []keyword{
		{name: "mcast_dst_ip", mark: rare, args: "ADDRESS", def: "224.0.0.18, ff02::12", means: "where adverts go", why: "only the usual ones", take: of((*instance).takeDestination)},
		{name: "old_unicast_checksum", mark: rare, args: "[never]", means: "checksum of keepalived before 2017", why: "only never", take: of((*instance).takeOldChecksum)},
		{name: "vmac_garp_intvl", mark: rare, args: "[all] SECONDS", def: "0", means: "old word for garp_extra_if", take: of(takeExtraRefresh)},
		{name: "use_ipvlan", mark: rare, args: "[… OPTION]", how: refusedEver, why: "there are no ipvlan interfaces"},
		{name: "vrf", mark: rare, args: "NAME", how: refusedEver, why: "name an interface of the VRF with interface"},
		{name: "track_src_ip", mark: rare, how: refused, why: "the address that adverts come from is not tracked"},
		{name: "timer_expired_backup", mark: rare, args: "[PRIORITY]", how: refused, why: "a master that is late has lost its lease, and steps down anyway: take it out"},
		{name: "thread_timer_expired", mark: rare, args: "[PRIORITY]", how: refused, why: "a master that is late has lost its lease, and steps down anyway: take it out"},
		{name: "no_virtual_ipaddress", mark: rare, how: refused, why: "there must be a virtual address"},
		{name: "linkbeat_use_polling", mark: rare, how: refused, why: "links are not polled: only what the kernel says of them counts"},
		{name: "native_ipv6", mark: rare, how: notUsed, why: "the virtual addresses say of which family the instance is"},
		{name: "promote_secondaries", mark: rare, how: notUsed, why: "addresses that others take away come back at once"},
		{name: "kernel_rx_buf_size", mark: rare, args: "BYTES", how: notUsed, why: "buffers are sized here"},
		{name: "debug", mark: rare, args: "LEVEL", how: notUsed, why: "see --debug"},
		{name: "lvs_sync_daemon_interface", mark: rare, args: "NAME", how: notUsed, why: "there is no load balancer here"},
	}
}

func authKeywords() []keyword {
	return []keyword{
		{name: "auth_type", mark: essential, args: "PASS", def: "must be there", means: "the password stands in the adverts, for all to read", why: "AH is refused", take: of((*instance).takeAuthType)},
		{name: "auth_pass", mark: essential, args: "PASSWORD", def: "must be there", means: "the same on all routers; only 8 bytes count", take: of((*instance).takePassword)},
	}
}
