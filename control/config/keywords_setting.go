package config

import "time"

// settingKeywords may stand in global_defs, with a prefix, and in an instance.
func settingKeywords(prefix string) []keyword {
	list := []keyword{
		{name: "garp_master_delay", mark: common, args: "SECONDS", def: "5", means: "when gratuitous ARPs are sent a second time after a promotion; 0: not", take: wholeSeconds(most, func(s sharing) **time.Duration { return &s.shared().delay })},
		{name: "garp_master_repeat", mark: common, args: "COUNT", def: "5", means: "how many each time; 0 is taken as 1", take: number(0, 255, func(s sharing) **int { return &s.shared().repeat })},
		{name: "garp_master_refresh", mark: common, args: "SECONDS", def: "0", means: "time between more of them while master; 0: none", take: wholeSeconds(most, func(s sharing) **time.Duration { return &s.shared().refresh })},
		{name: "garp_master_refresh_repeat", mark: common, args: "COUNT", def: "1", means: "how many then", take: number(0, 255, func(s sharing) **int { return &s.shared().refreshRepeat })},
		{name: "garp_lower_prio_delay", mark: rare, args: "SECONDS", def: "vrrp_garp_master_delay", means: "when they are sent a second time after another master was heard", take: wholeSeconds(most, func(s sharing) **time.Duration { return &s.shared().lesserDelay })},
		{name: "garp_lower_prio_repeat", mark: rare, args: "COUNT", def: "vrrp_garp_master_repeat", means: "how many then; 0: none", take: number(0, 255, func(s sharing) **int { return &s.shared().lesserRepeat })},
		{name: "garp_extra_if", mark: rare, args: "[all] SECONDS", def: "0", means: "time between announcements of addresses on other interfaces; 0: none", take: of(takeExtraRefresh)},
		{name: "lower_prio_no_advert", mark: common, args: "[on|off]", def: "off", means: "a master does not answer a lesser one with an advert", take: boolean(func(s sharing) **bool { return &s.shared().silentToLesser })},
		{name: "higher_prio_send_advert", mark: common, args: "[on|off]", def: "off", means: "a master that gives way to a better one sends a last advert", take: boolean(func(s sharing) **bool { return &s.shared().partingAdvert })},
		{name: "down_timer_adverts", mark: rare, args: "COUNT", def: "3", means: "adverts that a master may miss", why: "only 3, as in the RFC", take: takeDownTimer},
		{name: "skip_check_adv_addr", mark: common, args: "[on|off]", def: "off", means: "the addresses in adverts of the master that is followed are not compared", take: boolean(func(s sharing) **bool { return &s.shared().skipAddressCheck })},
		{name: "check_unicast_src", mark: common, args: "[on|off]", def: "on", means: "adverts from others than the peers are refused", why: "they always are", take: boolean(func(s sharing) **bool { return &s.shared().checkSource })},
		{name: "owner_ignore_adverts", mark: rare, args: "[on|off]", def: "off", means: "an address owner listens to nobody", why: "only off: two owners would not find out", take: of(takeOwnerIgnores)},
	}
	for i := range list {
		list[i].name = prefix + list[i].name
	}
	version, strict, checksum := "version", "strict_mode", "v3_checksum_as_v2"
	if prefix != "" {
		version, strict = "vrrp_version", "vrrp_strict"
	}
	return append(list,
		keyword{name: version, mark: essential, args: "2|3", def: "2; of IPv6 3", means: "version of the protocol", take: of(takeVersion)},
		keyword{name: strict, mark: common, args: "[on|off]", def: "off", means: "what the RFC does not have is an error; no_accept unless accept is said", take: boolean(func(s sharing) **bool { return &s.shared().strict })},
		keyword{name: checksum, mark: rare, args: "[on|off]", def: "off", means: "in version 3 over IPv4 the checksum covers the message only", take: boolean(func(s sharing) **bool { return &s.shared().checksum })},
	)
}

func takeVersion(s sharing, n *node) {
	v, ok := n.number(0, 2, 3)
	if !ok {
		return
	}
	s.shared().version = &v
	if in, isInstance := s.(*instance); isInstance {
		in.versionNode = n
	}
}

// takeExtraRefresh takes `[all] SECONDS`.
func takeExtraRefresh(s sharing, n *node) {
	at := 0
	if n.arg(0) == "all" {
		at = 1
	}
	switch {
	case at == 0 && n.arg(1) != "":
		n.surplus(1)
	case n.arg(at) == "":
		n.fatal("%s: a value is missing: %s [all] SECONDS", n.Keyword(), n.Keyword())
		return
	}
	if v, ok := n.number(at, 0, 86400); ok {
		d := time.Duration(v) * time.Second
		s.shared().extraRefresh = &d
	}
}

// takeDownTimer refuses what makes a backup wait for another time than others.
func takeDownTimer(n *node) {
	if v, ok := n.number(0, 1, 100); ok && v != 3 {
		n.fatal("%s: only 3 is possible here: the lease of a master ends when its backups expect it to; use it on all routers", n.Keyword())
	}
}

func takeOwnerIgnores(_ sharing, n *node) {
	if v, ok := n.boolean(0); ok && v {
		n.fail("%s: only off is possible here: two owners would not find out", n.Keyword())
	}
}
