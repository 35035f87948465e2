package config

import "github.com/vrrp-xdp/vrrp-xdp/control/script"

// notifying is whoever has notify scripts.
type notifying interface{ notify() *Notify }

func (in *instance) notify() *Notify { return &in.Notify }
func (g *group) notify() *Notify     { return &g.Notify }

// takeNotify takes `COMMAND [USER [GROUP]]` into a field.
func takeNotify(field func(*Notify) **script.Command) func(*node) {
	return func(n *node) {
		slot := field(n.owner.(notifying).notify())
		*slot = n.notifyCommand(func() { *slot = nil })
	}
}

// notifyKeywords stand in instances and groups.
func notifyKeywords() []keyword {
	const syntax = "COMMAND [USER [GROUP]]"
	return []keyword{
		{name: "notify_master", mark: essential, args: syntax, means: "runs when it becomes master", firstCounts: true, take: takeNotify(func(n *Notify) **script.Command { return &n.Master })},
		{name: "notify_backup", mark: essential, args: syntax, means: "runs when it becomes backup", firstCounts: true, take: takeNotify(func(n *Notify) **script.Command { return &n.Backup })},
		{name: "notify_fault", mark: essential, args: syntax, means: "runs when it goes into FAULT", firstCounts: true, take: takeNotify(func(n *Notify) **script.Command { return &n.Fault })},
		{name: "notify_stop", mark: essential, args: syntax, means: "runs when the daemon stops", firstCounts: true, take: takeNotify(func(n *Notify) **script.Command { return &n.Stop })},
		{name: "notify", mark: essential, args: syntax, means: "runs at every transition, with four more arguments: INSTANCE or GROUP, name, state, priority", firstCounts: true, take: takeNotify(func(n *Notify) **script.Command { return &n.Any })},
		{name: "notify_priority_changes", mark: rare, args: "[on|off]", def: "vrrp_notify_priority_changes", means: "tell pipes and notify of changed priorities too", take: boolean(priorityChangesSetting)},
		{name: "smtp_alert", mark: common, args: "[on|off]", def: "smtp_alert of global_defs", means: "mail at every transition", take: boolean(mailSetting)},
	}
}
