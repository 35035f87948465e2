package iproute

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lookup is a rule of keepalived's for IPv4 that asks table 5, of preference 50.
func lookup(change func(*Rule)) Rule {
	r := Rule{Family: 4, Type: ActionTable, Table: 5, Priority: 50, SuppressPrefixLength: -1, Protocol: 18}
	change(&r)
	return r
}

func TestARuleIsRead(t *testing.T) {
	const five = " table 5 preference 50"
	from := func(r *Rule) { r.From = prefix("192.0.2.0/24") }
	tests := []struct {
		line     string
		want     Rule
		warnings []string
	}{
		{line: "from 192.0.2.0/24" + five, want: lookup(from)},
		{line: "from 192.0.2.7/24 lookup 5 priority 50", want: lookup(from)},
		{line: "from 192.0.2.0/24 table 5 order 0x32", want: lookup(from)},
		{line: "from 192.0.2.7" + five, want: lookup(func(r *Rule) { r.From = prefix("192.0.2.7/32") })},
		{line: "to 192.0.3.0/24" + five, want: lookup(func(r *Rule) { r.To = prefix("192.0.3.0/24") })},
		{line: "from any to default" + five, want: lookup(func(*Rule) {})},
		{line: "iif lan0 oif wan0" + five, want: lookup(func(r *Rule) { r.InputIf, r.OutputIf = "lan0", "wan0" })},
		{line: "dev lan0" + five, want: lookup(func(r *Rule) { r.InputIf = "lan0" })},
		{line: "fwmark 0x10" + five, want: lookup(func(r *Rule) { r.Mark, r.MarkMask = 16, 0xffffffff })},
		{line: "fwmark 24/12" + five, want: lookup(func(r *Rule) { r.Mark, r.MarkMask = 24, 12 })},
		{line: "fwmark 0/0xff" + five, want: lookup(func(r *Rule) { r.MarkMask = 0xff })},
		{line: "fwmark 0" + five, want: lookup(func(*Rule) {}), warnings: []string{"matches every packet"}},
		{line: "tos 24" + five, want: lookup(func(r *Rule) { r.TOS = 24 })},
		{line: "dsfield 0x10" + five, want: lookup(func(r *Rule) { r.TOS = 16 })},
		{line: "not from 192.0.2.0/24" + five, want: lookup(func(r *Rule) { from(r); r.Invert = true })},
		{line: "table wan preference 50", want: lookup(func(r *Rule) { r.Table = 4711 })},
		{line: "table main suppress_prefixlength 0 preference 50", want: lookup(func(r *Rule) { r.Table, r.SuppressPrefixLength = 254, 0 })},
		{line: "blackhole preference 50", want: lookup(func(r *Rule) { r.Table, r.Type = 0, ActionBlackhole })},
		{line: "type unreachable preference 50", want: lookup(func(r *Rule) { r.Table, r.Type = 0, ActionUnreachable })},
		{line: "prohibit preference 50", want: lookup(func(r *Rule) { r.Table, r.Type = 0, ActionProhibit })},
		{line: "protocol 55 no_track" + five, want: lookup(func(r *Rule) { r.Protocol, r.NoTrack = 55, true })},
		{line: "protocol 55" + five, want: lookup(func(*Rule) {}), warnings: []string{"protocol 55 needs no_track"}},
		{line: "table 5", want: lookup(func(r *Rule) { r.Priority = 0 })},
		{line: "from 2001:db8::/32" + five, want: lookup(func(r *Rule) { r.Family, r.From = 6, prefix("2001:db8::/32") })},
		{line: "inet6" + five, want: lookup(func(r *Rule) { r.Family = 6 })},
		{line: "from inet6 all suppress_prefixlength 64" + five, want: lookup(func(r *Rule) { r.Family, r.SuppressPrefixLength = 6, 64 })},
		{line: "from 192.0.2.9 from 192.0.2.0/24" + five, want: lookup(from), warnings: []string{"from is given more than once"}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, warnings, err := ParseRule(strings.Fields(tt.line), tables)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, samePrefix); diff != "" {
				t.Errorf("rule (-want +got):\n%s", diff)
			}
			if !holds(warnings, tt.warnings) {
				t.Errorf("warnings are %q, want %q", warnings, tt.warnings)
			}
		})
	}
}

func TestARuleThatIsWrongIsRefused(t *testing.T) {
	const five = " table 5 preference 50"
	tests := []struct {
		line string
		errs []string
	}{
		{"", []string{"lacks table, blackhole, unreachable or prohibit"}},
		{"from 192.0.2.0/24 preference 9", []string{"the rule does nothing"}},
		{"from x" + five, []string{`from "x": not an IPv4`}},
		{"from 192.0.2.0/33" + five, []string{`"33" is not a number in 0..32`}},
		{"from 192.0.2.0/24 to 2001:db8::/32" + five, []string{"to 2001:db8::/32: IPv4 and IPv6 in one rule"}},
		{"inet6 from 192.0.2.0/24" + five, []string{"inet6 beside IPv4"}},
		{"from" + five, []string{`from "table": not an IPv4`, `"5"`, "does nothing"}},
		{"pref 5 table 5", []string{`"pref" in virtual_rules: did you mean "preference"?`, `"5"`}},
		{"foo" + five, []string{`unknown word "foo" in virtual_rules`}},
		{"goto 50 preference 5", []string{"goto is not supported in virtual_rules", `"50"`, "does nothing"}},
		{"uidrange" + five, []string{"uidrange is not supported"}},
		{"suppress_prefixlen 0" + five, []string{`did you mean "suppress_prefixlength"?`, `"0"`}},
		{"suppress_prefixlength 33" + five, []string{"33 is not a number in 0..32"}},
		{"suppress_prefixlength 129 inet6" + five, []string{`"129" is not a number in 0..128`}},
		{"suppress_prefixlength 5 blackhole preference 9", []string{"suppress_prefixlength needs table"}},
		{"blackhole" + five, []string{"table: the rule does something else already"}},
		{"type unicast preference 5", []string{`type "unicast" is none of blackhole, prohibit, unreachable`}},
		{"table nosuch preference 5", []string{`table "nosuch"`}},
		{"table 5 preference 0", []string{`preference "0" is not a number in 1..4294967295`}},
		{"fwmark x" + five, []string{`fwmark "x"`}},
		{"fwmark 1/x" + five, []string{`mask of fwmark "x"`}},
		{"tos 1" + five, []string{"bits of ECN"}},
		{"iif an-interface-of-16" + five, []string{"longer than 15 bytes"}},
		{"oif" + five[:6], []string{"does nothing"}},
		{"table 5 preference", []string{"preference lacks its value"}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, _, err := ParseRule(strings.Fields(tt.line), tables)
			if !holds(linesOf(err), tt.errs) {
				t.Errorf("errors are %q, want %q", linesOf(err), tt.errs)
			}
			if got.Family != 0 {
				t.Errorf("there is a rule all the same: %s", got)
			}
		})
	}
}

func FuzzParseRule(f *testing.F) {
	for _, line := range []string{
		"not from 192.0.2.0/24 to 192.0.3.0/24 table wan priority 100 iif lan0 oif lan0 tos 8 fwmark 24/12 suppress_prefixlength 3 no_track protocol 55",
		"inet6 from all unreachable order 5", "fwmark 0x10 type prohibit preference 9", "from 2001:db8::/32 lookup main preference 0x70",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		rule, _, err := ParseRule(strings.Fields(line), tables)
		if err != nil || rule.Priority == 0 {
			return
		}
		again, warnings, err := ParseRule(strings.Fields(rule.String()), tables)
		if diff := cmp.Diff(rule, again, samePrefix); diff != "" || err != nil || warnings != nil {
			t.Errorf("%q is %q, which is read with %v, %q otherwise (-first +again):\n%s", line, rule, err, warnings, diff)
		}
	})
}
