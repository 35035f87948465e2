package config

import (
	"fmt"
	"strconv"
	"strings"
)

// node is a statement while its meaning is found.
type node struct {
	Statement
	d      *decoder
	in     *node // whose block it stands in; nil at the top
	line   int   // of the report
	word   *keyword
	owner  any // what it is about: *instance, *group, …
	block  []*node
	needed bool // without it nothing can run
	faulty bool // it, or something in its block, is an error
}

// nodes gives every statement its line of the report, in the order of reading.
func (d *decoder) nodes(list []Statement, in *node) []*node {
	var nodes []*node
	for _, s := range list {
		n := &node{Statement: s, d: d, in: in, line: len(d.lines)}
		d.lines = append(d.lines, Line{Pos: s.Pos, Text: s.masked()})
		n.block = d.nodes(s.Block, n)
		nodes = append(nodes, n)
	}
	return nodes
}

// note says something about the statement.
func (n *node) note(s Severity, format string, args ...any) {
	if s == Error && n.d.options.Lenient {
		s = Warning
	}
	for at := n; at != nil && s >= Error; at = at.in {
		at.faulty = true
	}
	n.d.lines[n.line].note(s, fmt.Sprintf(format, args...))
}

func (n *node) warn(format string, args ...any)   { n.note(Warning, format, args...) }
func (n *node) ignore(format string, args ...any) { n.note(Ignored, format, args...) }

// fail is for less than the text says: the caller leaves it out, for the lenient.
func (n *node) fail(format string, args ...any) {
	if n.needed {
		n.fatal(format, args...)
		return
	}
	n.note(Error, format, args...)
}

// failAll says each of joined errors.
func (n *node) failAll(prefix string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		n.fail("%s%s", prefix, line)
	}
}

// fatal is for what cannot run.
func (n *node) fatal(format string, args ...any) { n.note(Fatal, format, args...) }

// leaveOut marks all that stands in the block as without effect.
func (n *node) leaveOut() {
	for _, c := range n.block {
		n.d.lines[c.line].Verdict = max(n.d.lines[c.line].Verdict, NotUsed)
		c.leaveOut()
	}
}

// arg is the argument at that place, from 0; "" if there is none.
func (n *node) arg(i int) string {
	if args := n.Args(); i < len(args) {
		return args[i].Text
	}
	return ""
}

// texts are all words, for the lines of a list.
func (n *node) texts() []string {
	var list []string
	for _, w := range n.Words {
		list = append(list, w.Text)
	}
	return list
}

// before reports whether n stands before m.
func (n *node) before(m *node) bool { return n.line < m.line }

// seen says where another statement stands.
func (n *node) seen(other *node) string {
	if other.File != n.File {
		return "in " + other.Pos.String()
	}
	return "in line " + strconv.Itoa(other.Line)
}

const mask = "***"

// masked is the statement without its passwords.
func (s Statement) masked() string { return strings.Join(s.maskedWords(), " ") }

func (s Statement) maskedWords() []string {
	var words []string
	secret := false
	for i, w := range s.Words {
		if secret && i > 0 || strings.HasPrefix(w.Text, "hex:") {
			words = append(words, mask)
			continue
		}
		words = append(words, w.String())
		secret = len(w.Text) < 20 && isSecret(w.Text)
	}
	return words
}

// isSecret reports whether a password follows the word, which may be misspelt.
func isSecret(word string) bool {
	word = strings.ToLower(word)
	switch word {
	case "auth_type", "authentication":
		return false
	case "pass", "passwd", "password", "key", "secret":
		return true
	}
	return strings.HasPrefix(word, "auth") || distance(word, "auth_pass") <= 3 || distance(word, "key") <= 1
}
