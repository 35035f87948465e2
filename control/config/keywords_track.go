package config

import "time"

const minimumInterval = 10 * time.Millisecond

func intervalOf(d *definition) **time.Duration { return &d.interval }
func timeoutOf(d *definition) **time.Duration  { return &d.timeout }

// periodic are keywords of all that runs from time to time.
func periodic(m mark) []keyword {
	return []keyword{
		{name: "interval", mark: m, args: "SECONDS", def: "1", means: "time between the starts of two runs", take: seconds(minimumInterval, longest, intervalOf)},
		{name: "timeout", mark: common, args: "SECONDS", def: "the interval", means: "how long a run may take", take: seconds(minimumInterval, longest, timeoutOf)},
		{name: "rise", mark: m, args: "COUNT", def: "1", means: "successes in a row that make it up", take: number(1, most, func(d *definition) **int { return &d.rise })},
		{name: "fall", mark: m, args: "COUNT", def: "1", means: "failures in a row that make it down", take: number(1, most, func(d *definition) **int { return &d.fall })},
		{name: "init_fail", mark: rare, means: "begin as down", take: is(func(d *definition) *bool { return &d.initFail })},
	}
}

const weightMeans = "0: down is a FAULT of who tracks it; above: added while up; below: subtracted while down; reverse: up and down change places"

func scriptKeywords() []keyword {
	return append([]keyword{
		{name: "script", mark: essential, args: "COMMAND", means: "program, with its arguments in the same double quotes; up while it exits with 0; no shell runs it", firstCounts: true, take: of((*definition).takeScript)},
		{name: "weight", mark: essential, args: "-253..253 [reverse]", def: "0", means: weightMeans, take: weighted(253)},
		{name: "user", mark: common, args: "USER [GROUP]", def: "script_user", means: "as whom it runs", take: of((*definition).takeUser)},
	}, periodic(essential)...)
}

func processKeywords() []keyword {
	return []keyword{
		{name: "process", mark: common, args: "NAME [… PARAMETER]", means: "program, by its name or with full_command by its path", take: of((*definition).takeProcess)},
		{name: "param_match", mark: common, args: "[initial|partial]", def: "exactly these", means: "initial: the last parameter may be longer; partial: more may follow", take: of((*definition).takeMatch)},
		{name: "full_command", mark: common, means: "compare the whole command line", take: is(func(d *definition) *bool { return &d.process.FullCommand })},
		{name: "weight", mark: common, args: "-254..254 [reverse]", def: "0", means: weightMeans, take: weighted(254)},
		{name: "quorum", mark: common, args: "1..65535", def: "1", means: "how many must run", take: number(1, 65535, func(d *definition) **int { return &d.quorum })},
		{name: "quorum_max", mark: common, args: "0..65535", def: "any number", means: "how many may run", take: number(0, 65535, func(d *definition) **int { return &d.quorumMax })},
		{name: "delay", mark: common, args: "SECONDS", def: "0", means: "fork_delay and terminate_delay", take: of((*definition).takeDelay)},
		{name: "fork_delay", mark: common, args: "SECONDS", def: "0", means: "how long enough must run until it is up", take: seconds(0, time.Hour, func(d *definition) **time.Duration { return &d.fork })},
		{name: "terminate_delay", mark: common, args: "SECONDS", def: "0", means: "how long too few may run until it is down", take: seconds(0, time.Hour, func(d *definition) **time.Duration { return &d.terminate })},
	}
}

func fileKeywords() []keyword {
	return []keyword{
		{name: "file", mark: common, args: "PATH", means: "file that holds a number; it times the weight is added to the priority", take: text(func(d *definition) *string { return &d.file.Path })},
		{name: "weight", mark: common, args: "-254..254 [reverse]", def: "1", means: "0: another number than 0 is a FAULT; reverse: with the opposite sign", take: weighted(254)},
		{name: "init_file", mark: common, args: "[0] [overwrite]", def: "not written", means: "number to write at the start if there is no file, or whatever is in it", take: of((*definition).takeInit)},
	}
}

func checkKeywords() []keyword {
	list := append([]keyword{
		{name: "ping", mark: ours, args: "ADDRESS", means: "up while the host answers an echo request", take: takeTarget((*definition).takePing)},
		{name: "tcp", mark: ours, args: "ADDRESS:PORT [PORT]", means: "up while a connection can be made; also as ADDRESS PORT", take: takeTarget((*definition).takeTCP)},
		{name: "http", mark: ours, args: "URL", means: "up while a GET is answered with the status", take: takeTarget((*definition).takeHTTP)},
		{name: "route", mark: ours, args: "PREFIX [covering] [table NUMBER]", means: "up while the kernel has a route to this prefix, or with covering one that leads there and is not a default route", take: takeTarget((*definition).takeRoute)},
		{name: "interface", mark: ours, args: "NAME", def: "as routed", means: "where ping and tcp leave", take: onlyFor("ping, tcp", text(func(d *definition) *string { return &d.iface }))},
		{name: "status", mark: ours, args: "100..599", def: "200..399", means: "status that http expects", take: onlyFor("http", number(100, 599, func(d *definition) **int { return &d.status }))},
		{name: "host", mark: ours, args: "NAME", def: "that of the URL", means: "Host header of http", take: onlyFor("http", text(func(d *definition) *string { return &d.host }))},
		{name: "insecure", mark: ours, means: "https certificates are not checked", take: onlyFor("http", is(func(d *definition) *bool { return &d.check.Insecure }))},
		{name: "weight", mark: ours, args: "-253..253 [reverse]", def: "0", means: weightMeans, take: weighted(253)},
	}, periodic(ours)...)
	for i, k := range list {
		switch k.name {
		case "interval", "timeout", "rise", "fall", "init_fail":
			list[i].mark, list[i].take = ours, onlyFor("ping, tcp, http", k.take)
		}
	}
	return list
}

// trackingKeywords stand in instances and groups.
func trackingKeywords() []keyword {
	const syntax = "NAME [weight -253..253 [reverse|noreverse]]"
	const wide = "NAME [weight -254..254 [reverse|noreverse]]"
	return []keyword{
		{name: "track_interface", mark: essential, entries: "NAME [weight -253..253 [reverse]]", means: "interfaces whose link is tracked too; weight 0: down is a FAULT", repeats: true, take: takeTracks(TrackInterface, 253)},
		{name: "track_script", mark: essential, entries: syntax, def: "weight of the vrrp_script", means: "scripts that are tracked", repeats: true, take: takeTracks(TrackScript, 253)},
		{name: "track_process", mark: common, entries: wide, def: "weight of the vrrp_track_process", means: "processes that are tracked", repeats: true, take: takeTracks(TrackProcess, 254)},
		{name: "track_file", mark: common, entries: wide, def: "weight of the track_file", means: "files that are tracked", repeats: true, take: takeTracks(TrackFile, 254)},
		{name: "track_check", mark: ours, entries: syntax, def: "weight of the vrrp_check", means: "checks that are tracked", repeats: true, take: takeTracks(TrackCheck, 253)},
		{name: "track_bfd", mark: rare, entries: syntax, how: refused, why: "there is no BFD: the instance would track less than this says"},
	}
}
