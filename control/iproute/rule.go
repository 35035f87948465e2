package iproute

import (
	"net/netip"
	"strings"
)

// Rule is an IPv4 or IPv6 policy routing rule.
type Rule struct {
	Family   uint8        // 4 or 6
	From, To netip.Prefix // zero: any
	InputIf  string       // iif; "": any
	OutputIf string       // oif; "": any
	// Mark and MarkMask: the packet's mark, masked, must be Mark; mask 0: any mark.
	Mark                 uint32
	MarkMask             uint32
	TOS                  uint8
	Invert               bool   // not
	Type                 uint8  // FR_ACT_TO_TBL, FR_ACT_BLACKHOLE, FR_ACT_UNREACHABLE, FR_ACT_PROHIBIT
	Table                uint32 // of FR_ACT_TO_TBL
	Priority             uint32 // 0: the kernel's choice
	SuppressPrefixLength int32  // -1: none
	Protocol             uint8  // 0: 18, RTPROT_KEEPALIVED
	NoTrack              bool
}

type ruleLine struct {
	Rule
	names Names
	inet6 bool
}

// ParseRule reads one line of virtual_rules, without its comment. names may be nil: then only the tables have names
// that always do. The error is of every wrong word of the line, joined with errors.Join: keepalived leaves out such a
// rule. Warnings are of words that keepalived ignores or takes otherwise.
//
// A rule without a preference has Priority 0; the rules of a configuration are then numbered by it.
func ParseRule(line []string, names Names) (Rule, []string, error) {
	p := parser{words: line}
	r := ruleLine{names: names, Rule: Rule{SuppressPrefixLength: -1}}
	for word, ok := p.next(); ok; word, ok = p.next() {
		r.read(&p, word)
	}
	r.finish(&p)
	if err := p.err(); err != nil {
		return Rule{}, p.warnings, err
	}
	return r.Rule, p.warnings, nil
}

func (r *ruleLine) read(p *parser, word string) {
	if read, known := ruleWords[word]; known {
		read(p, r, word)
		return
	}
	if action, known := actions[word]; known {
		r.act(p, word, action)
		return
	}
	p.unknown(word, "virtual_rules", append(sortedKeys(ruleWords), sortedKeys(actions)...), ruleUnsupported)
}

// act settles what the rule does: one thing only.
func (r *ruleLine) act(p *parser, word string, action uint8) {
	if r.Type != 0 {
		p.fail("%s: the rule does something else already", word)
	}
	r.Type = action
}

// ruleUnsupported are words that keepalived knows.
var ruleUnsupported = []string{
	"dport", "goto", "ip_proto", "ipproto", "l3mdev", "nop", "realms", "sport", "suppress_ifgroup", "track_group", "uidrange", "vrf",
}

var ruleWords = words[ruleLine]{
	"from":  func(p *parser, r *ruleLine, word string) { p.once("from", word); r.From = r.selector(p, word) },
	"to":    func(p *parser, r *ruleLine, word string) { p.once("to", word); r.To = r.selector(p, word) },
	"inet6": func(_ *parser, r *ruleLine, _ string) { r.inet6 = true },
	"not":   func(_ *parser, r *ruleLine, _ string) { r.Invert = true },
	"iif":   readInput,
	"dev":   readInput,
	"oif": func(p *parser, r *ruleLine, word string) {
		p.once("oif", word)
		r.OutputIf = p.interfaceName(word)
	},
	"fwmark":     readMark,
	"tos":        func(p *parser, r *ruleLine, word string) { p.once("tos", word); r.TOS = p.trafficClass(word) },
	"dsfield":    func(p *parser, r *ruleLine, word string) { p.once("tos", word); r.TOS = p.trafficClass(word) },
	"table":      readLookup,
	"lookup":     readLookup,
	"priority":   readPreference,
	"preference": readPreference,
	"order":      readPreference,
	"type": func(p *parser, r *ruleLine, word string) {
		text, ok := p.value(word)
		if !ok {
			return
		}
		action, known := actions[text]
		if !known {
			p.fail("type %q is none of %s", text, strings.Join(sortedKeys(actions), ", "))
			action = ActionBlackhole
		}
		r.act(p, word+" "+text, action)
	},
	"suppress_prefixlength": func(p *parser, r *ruleLine, word string) {
		p.once("suppress_prefixlength", word)
		r.SuppressPrefixLength = int32(p.uint32(word, 128))
	},
	"protocol": func(p *parser, r *ruleLine, word string) {
		p.once("protocol", word)
		r.Protocol, _ = p.named(word, protocols)
	},
	"no_track": func(_ *parser, r *ruleLine, _ string) { r.NoTrack = true },
}

// selector reads the prefix that from or to is about; that of "any" is zero.
func (r *ruleLine) selector(p *parser, word string) netip.Prefix {
	r.inet6 = p.skip("inet6") || r.inet6
	text, ok := p.value(word)
	if !ok || isAll(text) {
		return netip.Prefix{}
	}
	prefix, err := parsePrefix(text)
	if err != nil {
		p.fail("%s %q: %w", word, text, err)
		return netip.Prefix{}
	}
	if family := familyOf(prefix.Addr()); r.Family != 0 && r.Family != family {
		p.fail("%s %s: IPv4 and IPv6 in one rule", word, text)
	} else {
		r.Family = family
	}
	return prefix.Masked()
}

// maxInterfaceName is the longest name that a rule can have, in bytes: IFNAMSIZ without its 0.
const maxInterfaceName = 15

func (p *parser) interfaceName(word string) string {
	name, _ := p.value(word)
	if len(name) > maxInterfaceName {
		p.fail("%s %q is longer than %d bytes: a rule needs the interface's own name", word, name, maxInterfaceName)
	}
	return name
}

func readInput(p *parser, r *ruleLine, word string) {
	p.once("iif", word)
	r.InputIf = p.interfaceName(word)
}

func readLookup(p *parser, r *ruleLine, word string) {
	r.Table = p.table(word, r.names)
	r.act(p, word, ActionTable)
}

// readPreference refuses 0, which is that of the rule for the kernel's own table.
func readPreference(p *parser, r *ruleLine, word string) {
	p.once("preference", word)
	n, _ := p.number(word, 1, 1<<32-1)
	r.Priority = uint32(n)
}

// readMark reads MARK or MARK/MASK. Without a mask all bits count, unless the mark is 0, which any mark matches then.
func readMark(p *parser, r *ruleLine, word string) {
	p.once("fwmark", word)
	text, ok := p.value(word)
	if !ok {
		return
	}
	text, maskText, masked := strings.Cut(text, "/")
	mark, _ := p.inRange(word, text, 0, 1<<32-1)
	mask := uint64(1<<32 - 1)
	switch {
	case masked:
		mask, _ = p.inRange("mask of "+word, maskText, 0, 1<<32-1)
	case mark == 0:
		mask = 0
		p.warn("fwmark 0 without a mask matches every packet")
	}
	r.Mark, r.MarkMask = uint32(mark), uint32(mask)
}

// finish checks what depends on several words.
func (r *ruleLine) finish(p *parser) {
	if r.inet6 && r.Family == 4 {
		p.fail("inet6 beside IPv4 addresses")
	}
	if r.Family == 0 {
		r.Family = 4
		if r.inet6 {
			r.Family = 6
		}
	}
	if r.Type == 0 {
		p.fail("the rule does nothing: it lacks table, blackhole, unreachable or prohibit")
	}
	if r.SuppressPrefixLength >= 0 && r.Type != ActionTable {
		p.fail("suppress_prefixlength needs table")
	}
	if r.SuppressPrefixLength > 32 && r.Family == 4 {
		p.fail("suppress_prefixlength %d is not a number in 0..32", r.SuppressPrefixLength)
	}
	if r.Protocol == 0 {
		r.Protocol = ProtocolKeepalived
	}
	if r.Protocol != ProtocolKeepalived && !r.NoTrack {
		p.warn("protocol %s needs no_track: without it keepalived sets its own, and so do we", nameOf(r.Protocol, protocols))
		r.Protocol = ProtocolKeepalived
	}
}
