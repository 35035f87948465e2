package config

import "strings"

// decoder finds the meaning of statements.
type decoder struct {
	options  Options
	language language
	lines    []Line
	hostname string
	borrowed map[Pos][]string // files whose definitions a line uses

	global     globals
	tracked    map[trackKey]*definition
	defined    []*definition
	instances  []*instance
	groups     []*group
	commands   []*command
	unnumbered uint32 // rules so far that have no preference of their own
}

// passes is how often the top level is gone through, so that what is used by
// others is known when they come.
const (
	globalPass = iota
	definitionPass
	instancePass
	groupPass
	passes
)

// decode takes the keywords of a block, each once. owner is what they are about.
func (d *decoder) decode(list []*node, in place, owner any, pass int) {
	first := make(map[string]*node)
	for _, n := range list {
		n.owner, n.word = owner, d.language[in][n.Keyword()]
		if n.word == nil {
			if pass == 0 {
				d.unknown(n, in)
			}
			continue
		}
		if n.word.pass != pass && in == atTop || !n.plausible() || n.again(first) {
			continue
		}
		switch {
		case n.word.take != nil:
			n.word.take(n)
		case n.word.block != "":
			d.decode(n.block, n.word.block, owner, 0)
		}
	}
}

// inside takes the keywords of the statement's block.
func (n *node) inside(owner any) { n.d.decode(n.block, n.word.block, owner, 0) }

// unknown says what a keyword may have been meant to be.
func (d *decoder) unknown(n *node, in place) {
	defer n.leaveOut()
	name, known := n.Keyword(), d.language[in]
	what := "keyword"
	if n.IsBlock {
		what = "block"
	}
	places := d.language.elsewhere(name)
	switch near := nearest(name, known); {
	case known["vrrp_"+name] != nil:
		n.fail("%s does not stand in %v: there it is %s", name, in, "vrrp_"+name)
	case len(places) > 0:
		n.fail("%s does not stand in %v: it belongs into %s", name, in, either(places))
	case near != "":
		n.fail("unknown %s %q in %v: did you mean %q?", what, name, in, near)
	default:
		n.fail("unknown %s %q in %v: correct it, or take it out", what, name, in)
	}
}

// plausible reports whether it is a keyword that does something, with as many
// arguments as it needs, and with a block if it has one.
func (n *node) plausible() bool {
	k := n.word
	switch k.how {
	case notUsed:
		n.ignore("%s", k.why)
	case refused:
		n.fail("%s: %s", k.name, k.why)
	case refusedEver:
		n.fatal("%s: %s", k.name, k.why)
	}
	if k.how != used {
		n.leaveOut()
		return false
	}
	return n.hasArguments() && n.hasBraces()
}

func (n *node) hasArguments() bool {
	least, most := n.word.counts()
	switch got := len(n.Args()); {
	case got < least && n.comment != noComment:
		n.fatal("%s: what follows is a comment, for it begins with # or !: put it between double quotes", n.word.name)
		n.leaveOut()
		return false
	case got < least:
		n.fatal("%s: a value is missing: %s %s", n.word.name, n.word.name, n.word.args)
		n.leaveOut()
		return false
	case got > most:
		n.surplus(most)
	}
	return true
}

// surplus is about words that nothing is made of.
func (n *node) surplus(most int) {
	extra := strings.Join(n.maskedWords()[most+1:], " ")
	switch {
	case most == 0:
		n.fail("%s takes no value: %s is too much", n.word.name, extra)
	default:
		n.fail("%s: %s is too much: %s %s is all it takes, one a line, with double quotes around what has blanks", n.word.name, extra, n.word.name, n.word.args)
	}
	n.Words = n.Words[:most+1]
}

func (n *node) hasBraces() bool {
	switch {
	case n.word.hasBlock() && !n.IsBlock:
		n.fatal("%s needs a block: what belongs to it, between { and }", n.word.name)
	case !n.word.hasBlock() && n.IsBlock:
		n.fail("%s has no block: take { and } away", n.word.name)
		n.leaveOut()
	default:
		return true
	}
	return !n.word.hasBlock()
}

// again is about what stands there twice. It reports whether to leave it out.
func (n *node) again(first map[string]*node) bool {
	name := n.Keyword()
	before := first[name]
	if n.word.repeats {
		return false
	}
	if before == nil {
		first[name] = n
		return false
	}
	if n.word.firstCounts {
		n.fail("%s is there twice: the first counts, %s; take one out", name, n.seen(before))
		n.leaveOut()
		return true
	}
	n.warn("%s is there twice: this one counts, not that %s", name, n.seen(before))
	return false
}

// report puts the problems of reading beside the lines.
func (d *decoder) report(list []Problem) []Line {
	for _, p := range list {
		if p.Severity == Error && d.options.Lenient {
			p.Severity = Warning
		}
		at := 0
		for i, l := range d.lines {
			if l.File == p.File && l.Line <= p.Line {
				at = i + 1
			}
		}
		if at == 0 || d.lines[at-1].Pos != p.Pos {
			d.lines = append(d.lines[:at], append([]Line{{Pos: p.Pos}}, d.lines[at:]...)...)
			at++
		}
		d.lines[at-1].note(p.Severity, p.Text)
	}
	return d.lines
}

// config is what all of it means. What is wrong only in sight of all is found here.
func (d *decoder) config() Config {
	var c Config
	for _, in := range d.instances {
		in.finish()
	}
	for _, g := range d.groups {
		g.finish()
	}
	d.checkInstances()
	d.checkCommands()
	for _, in := range d.instances {
		in.Tracks = d.resolved(in.tracks)
		c.Instances = append(c.Instances, in.Instance)
	}
	for _, g := range d.groups {
		g.Tracks = d.resolved(g.tracks)
		c.Groups = append(c.Groups, g.Group)
	}
	c.Global = d.global.finish()
	d.addTracked(&c)
	return c
}
