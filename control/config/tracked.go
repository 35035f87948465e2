package config

import (
	"slices"
	"strings"
	"time"
)

// trackKey names what is tracked; names are unique within a kind.
type trackKey struct {
	kind TrackKind
	name string
}

// String returns the block that defines what is tracked.
func (k TrackKind) String() string {
	return [...]string{"track_interface", "vrrp_script", "vrrp_track_process", "track_file", "vrrp_check"}[k]
}

// definition is a vrrp_script, vrrp_track_process, track_file or vrrp_check.
type definition struct {
	n       *node
	key     trackKey
	weight  int
	reverse bool
	uses    int
	dropped bool

	script  Script
	command *command
	process Process
	file    File
	check   Check

	interval, timeout *time.Duration
	rise, fall        *int
	initFail          bool
	quorum, quorumMax *int
	fork, terminate   *time.Duration
	host, iface       string
	status            *int
	matched           bool
	user, group       string
	limited           []limited
}

// limited is a keyword that has a meaning for some kinds of checks only.
type limited struct {
	n     *node
	kinds string // with commas
}

func (l limited) has(kind string) bool {
	return slices.Contains(strings.Split(l.kinds, ", "), kind)
}

// takeDefinition makes a definition of that kind.
func takeDefinition(kind TrackKind) func(*node) {
	return func(n *node) {
		d := &definition{n: n, key: trackKey{kind, n.arg(0)}}
		if kind == TrackFile {
			d.weight = 1
		}
		n.inside(d)
		if before := n.d.tracked[d.key]; before != nil {
			n.fail("%s %s is there twice: the first counts, %s; give one another name", n.Keyword(), n.arg(0), n.seen(before.n))
			n.leaveOut()
			return
		}
		n.d.tracked[d.key] = d
		n.d.defined = append(n.d.defined, d)
		map[TrackKind]func(){TrackScript: d.finishScript, TrackProcess: d.finishProcess, TrackFile: d.finishFile, TrackCheck: d.finishCheck}[kind]()
	}
}

// weighted takes `N [reverse]`.
func weighted(most int) func(*node) {
	return of(func(d *definition, n *node) {
		v, ok := n.number(0, -most, most)
		if !ok {
			return
		}
		d.weight = v
		d.reverse = n.arg(1) == "reverse"
		if r := n.arg(1); r != "" && !d.reverse {
			n.fail("weight: %s is not reverse", r)
		}
	})
}

func (d *definition) takeScript(n *node) {
	d.command = n.command(0, func() { d.dropped = true })
	if d.command == nil {
		d.dropped = true
		return
	}
	d.command.of = d
}

func (d *definition) takeUser(n *node) {
	if _, err := n.d.options.System.LookupUser(n.arg(0), n.arg(1)); err != nil {
		n.fail("user: %v", err)
		d.dropped = true // keepalived does not run it as somebody else
		return
	}
	d.user, d.group = n.arg(0), n.arg(1)
}

func (d *definition) finishScript() {
	if d.command == nil {
		if !d.n.faulty {
			d.n.fail("vrrp_script %s has no script: say which program to run", d.key.name)
		}
		d.dropped = true
		return
	}
	d.command.user, d.command.group = d.user, d.group
	interval, timeout, rise, fall := d.common()
	d.script = Script{
		Pos: d.n.Pos, Name: d.key.name,
		Interval: interval, Timeout: timeout, Rise: rise, Fall: fall, InitFail: d.initFail,
	}
}

// common is what all have that run from time to time.
func (d *definition) common() (interval, timeout time.Duration, rise, fall int) {
	interval = first(time.Second, d.interval)
	return interval, first(interval, d.timeout), first(1, d.rise), first(1, d.fall)
}

func (d *definition) takeProcess(n *node) {
	d.process.Command = n.arg(0)
	for _, w := range n.Args()[1:] {
		d.process.Params = append(d.process.Params, w.Text)
	}
}

func (d *definition) takeMatch(n *node) {
	d.matched = true
	switch n.arg(0) {
	case "":
	case "initial":
		d.process.Initial = true
	case "partial":
		d.process.Partial = true
	default:
		n.fail("param_match: %s is neither initial nor partial", n.arg(0))
	}
}

func (d *definition) takeDelay(n *node) {
	if v, ok := n.seconds(0, 0, time.Hour); ok {
		d.fork, d.terminate = &v, &v
	}
}

func (d *definition) finishProcess() {
	p := &d.process
	p.Pos, p.Name = d.n.Pos, d.key.name
	p.HasParams = len(p.Params) > 0 || d.matched
	p.Quorum, p.QuorumMax = first(1, d.quorum), first(0, d.quorumMax)
	p.ForkDelay, p.ExitDelay = first(0, d.fork), first(0, d.terminate)
	switch {
	case p.Command == "":
		if !d.n.faulty {
			d.n.fail("vrrp_track_process %s has no process: say which one", d.key.name)
		}
		d.dropped = true
	case d.quorumMax != nil && *d.quorumMax == 0:
		p.QuorumMax = -1
	case d.quorumMax != nil && p.QuorumMax < p.Quorum:
		d.n.fatal("vrrp_track_process %s: quorum_max %d is less than quorum %d", d.key.name, p.QuorumMax, p.Quorum)
	}
}

func (d *definition) takeInit(n *node) {
	d.file.Init = true
	for i := range n.Args() {
		if n.arg(i) == "overwrite" {
			d.file.Overwrite = true
		} else if v, ok := n.number(i, -most, most); ok {
			d.file.Value = v
		}
	}
}

func (d *definition) finishFile() {
	d.file.Pos, d.file.Name = d.n.Pos, d.key.name
	if d.file.Path == "" {
		if !d.n.faulty {
			d.n.fail("track_file %s has no file: say which one", d.key.name)
		}
		d.dropped = true
	}
}

// addTracked adds what is used.
func (d *decoder) addTracked(c *Config) {
	for _, t := range d.defined {
		switch {
		case t.uses == 0 && !t.dropped:
			t.n.warn("nobody tracks %s: it does nothing", t.key.name)
			continue
		case t.uses == 0 || t.dropped:
			continue
		}
		switch t.key.kind {
		case TrackScript:
			t.script.Command = *t.command.Command
			c.Scripts = append(c.Scripts, t.script)
		case TrackProcess:
			c.Processes = append(c.Processes, t.process)
		case TrackFile:
			c.Files = append(c.Files, t.file)
		case TrackCheck:
			c.Checks = append(c.Checks, t.check)
		}
	}
}
