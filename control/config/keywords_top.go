package config

func topKeywords() []keyword {
	list := []keyword{
		{name: "global_defs", mark: essential, block: inGlobal, means: "what is not about one instance", repeats: true, pass: globalPass, take: takeGlobals},
		{name: "vrrp_script", mark: essential, args: "NAME", block: inScript, means: "a script that is run from time to time", repeats: true, pass: definitionPass, take: takeDefinition(TrackScript)},
		{name: "vrrp_track_process", mark: common, args: "NAME", block: inProcess, means: "processes that are counted", repeats: true, pass: definitionPass, take: takeDefinition(TrackProcess)},
		{name: "track_file", mark: common, args: "NAME", block: inFile, means: "a file that holds a number", repeats: true, pass: definitionPass, take: takeDefinition(TrackFile)},
		{name: "vrrp_track_file", mark: common, args: "NAME", block: inFile, means: "old word for track_file", repeats: true, pass: definitionPass, take: takeDefinition(TrackFile)},
		{name: "vrrp_check", mark: ours, args: "NAME", block: inCheck, means: "a check that needs no script", repeats: true, pass: definitionPass, take: takeDefinition(TrackCheck)},
		{name: "vrrp_instance", mark: essential, args: "NAME", block: inInstance, means: "a virtual router on an interface", repeats: true, pass: instancePass, take: takeInstance},
		{name: "vrrp_sync_group", mark: essential, args: "NAME", block: inGroup, means: "instances that are master together, or not at all", repeats: true, pass: groupPass, take: takeGroup},
		{name: "static_ipaddress", mark: rare, how: refused, why: "addresses that stay are not put on here: give them to the network's own configuration"},
		{name: "static_routes", mark: rare, how: refused, why: "routes that stay are not made here: give them to the network's own configuration, or use virtual_routes"},
		{name: "static_rules", mark: rare, how: refused, why: "rules that stay are not made here: give them to the network's own configuration, or use virtual_rules"},
		{name: "track_group", mark: rare, args: "NAME", how: refused, why: "there are no static addresses and routes that could be tracked"},
		{name: "bfd_instance", mark: rare, args: "NAME", how: notUsed, why: "there is no BFD; who tracks it, with track_bfd, is refused"},
		{name: "garp_group", mark: rare, how: notUsed, why: "gratuitous ARPs are spread by vrrp_garp_interval only"},
		{name: "interface_up_down_delays", mark: rare, how: refused, why: "a link that goes down is a FAULT at once: take it out"},
		{name: "linkbeat_interfaces", mark: rare, how: refused, why: "links are not polled: only what the kernel says of them counts"},
		{name: "linkbeat_use_polling", mark: rare, how: refused, why: "links are not polled: only what the kernel says of them counts"},
		{name: "net_namespace", mark: rare, args: "NAME", how: refusedEver, why: "start the daemon there: ip netns exec, or NetworkNamespacePath= of its unit"},
		{name: "instance", mark: rare, args: "NAME", how: notUsed, why: "it names files of process numbers, which there are none of"},
		{name: "use_pid_dir", mark: rare, how: notUsed, why: "there are no files of process numbers"},
		{name: "child_wait_time", mark: rare, args: "SECONDS", how: notUsed, why: "there is one process"},
	}
	for _, name := range []string{"virtual_server", "virtual_server_group", "lvs_flush", "net_namespace_ipvs", "namespace_with_ipsets"} {
		list = append(list, keyword{name: name, mark: rare, args: "[… VALUE]", how: notUsed, why: "there is no load balancer here"})
	}
	for _, name := range []string{"SSL", "ssl"} {
		list = append(list, keyword{name: name, mark: rare, how: notUsed, why: "there is no load balancer here"})
	}
	return list
}
