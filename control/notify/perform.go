package notify

import "github.com/vrrp-xdp/vrrp-xdp/control/script"

// job is what is to be done for an event.
type job struct {
	event    Event
	commands []script.Command
	mail     *mail // nil: none
}

func (n *Notifier) perform(j job) {
	for _, c := range j.commands {
		if n.context.Err() != nil {
			n.log.Warn("notify script is not run: the time to stop is over", j.attrs(c)...)
			continue
		}
		n.report(j, c, n.run(n.context, c, n.timeout))
	}
	if j.mail != nil {
		n.mails.add(struct{}{}, *j.mail)
	}
}

func (j job) attrs(c script.Command) []any {
	return []any{j.event.subject().attr(), "state", j.event.State, "script", c.String()}
}

// report says how a script ended. Nothing else is done about one that fails.
func (n *Notifier) report(j job, c script.Command, r script.Result) {
	attrs := append(j.attrs(c), "after", r.Took)
	if r.Output != "" {
		attrs = append(attrs, "output", r.Output)
	}
	switch {
	case r.TimedOut:
		n.log.Warn("notify script hangs: killed", append(attrs, "timeout", n.timeout)...)
	case r.Err != nil:
		n.log.Warn("notify script failed", append(attrs, "error", r.Err)...)
	case r.Exit != 0:
		n.log.Warn("notify script failed", append(attrs, "exit", r.Exit)...)
	default:
		n.log.Debug("notify script has run", attrs...)
	}
}
