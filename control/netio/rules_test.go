package netio

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

var virtualRules = []string{
	"from 192.0.2.0/24 table 1 preference 50",
	"not from 192.0.2.0/24 to 192.0.3.0/24 table 5 priority 100 iif lan0 oif lan0 tos 8 fwmark 24/12",
	"table 5 order 11", "from 192.0.2.7 blackhole priority 20", "from 192.0.2.7 unreachable priority 20",
	"to 192.0.2.7 prohibit dsfield 4 priority 20", "fwmark 0x10 table 4711 preference 106",
	"from 192.0.2.0/24 lookup main suppress_prefixlength 0 priority 7", "from 192.0.2.7 table 9",
	"to 2001:db8:9::/48 table 4 priority 8", "inet6 table 9 priority 13", "inet6 fwmark 1/1 unreachable priority 14",
	"from 2001:db8::/32 table 9 no_track protocol 55 priority 9",
}

func TestAVirtualRuleComesAndGoes(t *testing.T) {
	for _, line := range virtualRules {
		t.Run(line, func(t *testing.T) {
			s := newTables(t)
			rule := ruleOf(t, line)
			before := listRules(t, families(line))
			if !s.addRule(t, line) {
				t.Fatal("a new rule: said to be there already")
			}
			if has, err := s.HasRule(rule); err != nil || !has {
				t.Errorf("it is there, and has is %v, error %v", has, err)
			}
			if s.addRule(t, line) {
				t.Error("the same rule again: said to be new")
			}
			if n := len(listRules(t, families(line))); n != len(before)+1 {
				t.Errorf("there are %d rules, and %d before", n, len(before))
			}
			must(t, s.RemoveRule(rule))
			if after := listRules(t, families(line)); !slices.Equal(after, before) {
				t.Errorf("left are %v", after)
			}
			must(t, s.RemoveRule(rule))
		})
	}
}

func listRules(t *testing.T, family int) []string {
	t.Helper()
	rules, err := netlink.RuleList(family)
	must(t, err)
	var lines []string
	for _, r := range rules {
		lines = append(lines, r.String())
	}
	return lines
}

func TestARuleIsWhatItsWordsSay(t *testing.T) {
	s := newTables(t)
	s.addRule(t, "not from 192.0.2.0/24 to 192.0.3.0/24 table 4711 priority 100 iif lan0 oif lo tos 8 fwmark 24/12 suppress_prefixlength 3")
	rules, err := netlink.RuleList(netlink.FAMILY_V4)
	must(t, err)
	got := rules[1]
	switch {
	case !got.Invert, got.Src.String() != "192.0.2.0/24", got.Dst.String() != "192.0.3.0/24", got.Table != 4711, got.Priority != 100,
		got.IifName != "lan0", got.OifName != "lo", got.Tos != 8, got.Mark != 24, *got.Mask != 12, got.SuppressPrefixlen != 3, got.Protocol != 18:
		t.Errorf("the rule is %+v", got)
	}
}

func TestARuleOfTheAdministratorsIsNotRemovedInPlaceOfOurs(t *testing.T) {
	const ours = "table 5 preference 11"
	s := newTables(t)
	theirs := netlink.NewRule()
	theirs.Table, theirs.Priority, theirs.Src = 5, 11, netlink.NewIPNet(netip.MustParseAddr("192.0.2.7").AsSlice())
	must(t, netlink.RuleAdd(theirs))
	before := listRules(t, netlink.FAMILY_V4)

	must(t, s.RemoveRule(ruleOf(t, ours)))
	if after := listRules(t, netlink.FAMILY_V4); !slices.Equal(after, before) {
		t.Fatalf("ours was not there; left are %v", after)
	}
	s.addRule(t, ours)
	err := s.RemoveRule(ruleOf(t, ours))
	if err == nil || !strings.Contains(err.Error(), "192.0.2.7") {
		t.Errorf("error is %v", err)
	}
	must(t, netlink.RuleDel(theirs))
	must(t, s.RemoveRule(ruleOf(t, ours)))
	if has, err := s.HasRule(ruleOf(t, ours)); err != nil || has {
		t.Errorf("has is %v, error %v", has, err)
	}
}

func TestARuleThatOnlyLooksLikeOursIsNotOurs(t *testing.T) {
	differences := map[string]func(*netlink.Rule){
		"protocol":         func(r *netlink.Rule) { r.Protocol = unix.RTPROT_STATIC },
		"preference":       func(r *netlink.Rule) { r.Priority = 12 },
		"not":              func(r *netlink.Rule) { r.Invert = true },
		"IP protocol":      func(r *netlink.Rule) { r.IPProto = unix.IPPROTO_TCP },
		"users":            func(r *netlink.Rule) { r.UIDRange = netlink.NewRuleUIDRange(0, 5) },
		"mark":             func(r *netlink.Rule) { r.Mark = 1 },
		"table":            func(r *netlink.Rule) { r.Table = 6 },
		"length of prefix": func(r *netlink.Rule) { r.Src.Mask[3] = 0xfe },
	}
	like := func() *netlink.Rule {
		r := netlink.NewRule()
		r.Table, r.Priority, r.Protocol, r.Src = 5, 11, iproute.ProtocolKeepalived, netlink.NewIPNet(netip.MustParseAddr("192.0.2.6").AsSlice())
		return r
	}
	differences["nothing"] = func(*netlink.Rule) {}
	for difference, make := range differences {
		t.Run(difference, func(t *testing.T) {
			s := newTables(t)
			theirs := like()
			make(theirs)
			must(t, netlink.RuleAdd(theirs))
			has, err := s.HasRule(ruleOf(t, "from 192.0.2.6 table 5 preference 11"))
			if err != nil || has != (difference == "nothing") {
				t.Errorf("has is %v, error %v", has, err)
			}
		})
	}
}
