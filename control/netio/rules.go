package netio

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// ruleInvert is FIB_RULE_INVERT.
const ruleInvert = 2

func ruleRequest(rule iproute.Rule) []nl.NetlinkRequestData {
	header := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family: familyNumber(rule.Family),
		Tos:    rule.TOS,
		Table:  unix.RT_TABLE_UNSPEC,
		Type:   rule.Type,
	}}
	if rule.Invert {
		header.Flags |= ruleInvert
	}
	request := []nl.NetlinkRequestData{header, nl.NewRtAttr(nl.FRA_PROTOCOL, []byte{protocolOf(rule.Protocol)})}
	add := func(when bool, attribute *nl.RtAttr) {
		if when {
			request = append(request, attribute)
		}
	}
	add(rule.Priority != 0, attribute32(nl.FRA_PRIORITY, rule.Priority))
	if rule.From.IsValid() {
		header.Src_len = uint8(rule.From.Bits())
		add(true, nl.NewRtAttr(nl.FRA_SRC, rule.From.Masked().Addr().AsSlice()))
	}
	if rule.To.IsValid() {
		header.Dst_len = uint8(rule.To.Bits())
		add(true, nl.NewRtAttr(nl.FRA_DST, rule.To.Masked().Addr().AsSlice()))
	}
	add(rule.InputIf != "", nl.NewRtAttr(nl.FRA_IIFNAME, nl.ZeroTerminated(rule.InputIf)))
	add(rule.OutputIf != "", nl.NewRtAttr(nl.FRA_OIFNAME, nl.ZeroTerminated(rule.OutputIf)))
	add(rule.MarkMask != 0, attribute32(nl.FRA_FWMARK, rule.Mark))
	add(rule.MarkMask != 0, attribute32(nl.FRA_FWMASK, rule.MarkMask))
	if rule.Type == iproute.ActionTable {
		add(true, attribute32(nl.FRA_TABLE, tableOf(rule.Table)))
		add(rule.SuppressPrefixLength >= 0, attribute32(nl.FRA_SUPPRESS_PREFIXLEN, uint32(rule.SuppressPrefixLength)))
	}
	return request
}

// foundRule is a rule of the kernel's.
type foundRule struct {
	iproute.Rule
	// alien: it has what iproute.Rule has not.
	alien bool
}

// kernelRule is a rule as the kernel would list it.
func kernelRule(rule iproute.Rule) foundRule {
	rule.Protocol = protocolOf(rule.Protocol)
	rule.NoTrack = false
	rule.From, rule.To = selectorOf(rule.From), selectorOf(rule.To)
	if rule.Type == iproute.ActionTable {
		rule.Table = tableOf(rule.Table)
	} else {
		rule.Table, rule.SuppressPrefixLength = 0, -1
	}
	return foundRule{Rule: rule}
}

// selectorOf: a prefix of no bits selects nothing.
func selectorOf(prefix netip.Prefix) netip.Prefix {
	if prefix.Bits() <= 0 {
		return netip.Prefix{}
	}
	return prefix.Masked()
}

// is compares with a rule of which the preference may be 0: any.
func (f foundRule) is(wanted foundRule) bool {
	if wanted.Priority == 0 {
		wanted.Priority = f.Priority
	}
	return f == wanted
}

// firstHit is the rule that the kernel removes when it is told to remove wanted: of those with the same preference the
// first that has all that wanted has, and maybe more.
func firstHit(rules []foundRule, wanted foundRule) (hit foundRule, found bool) {
	for _, r := range rules {
		same := r.Priority == wanted.Priority && r.Type == wanted.Type &&
			(wanted.Table == 0 || r.Table == wanted.Table) &&
			(!wanted.From.IsValid() || r.From == wanted.From) &&
			(!wanted.To.IsValid() || r.To == wanted.To) &&
			(wanted.InputIf == "" || r.InputIf == wanted.InputIf) &&
			(wanted.OutputIf == "" || r.OutputIf == wanted.OutputIf) &&
			(wanted.MarkMask == 0 || r.Mark == wanted.Mark && r.MarkMask == wanted.MarkMask) &&
			(wanted.TOS == 0 || r.TOS == wanted.TOS)
		if same {
			return r, true
		}
	}
	return foundRule{}, false
}

// rules lists the rules of a family in the order in which they are asked.
func (r route) rules(family uint8) ([]foundRule, error) {
	messages, err := r.list(unix.RTM_GETRULE, unix.RTM_NEWRULE, &nl.RtMsg{RtMsg: unix.RtMsg{Family: familyNumber(family)}})
	if err != nil {
		return nil, fmt.Errorf("list the rules of IPv%d: %w", family, err)
	}
	var rules []foundRule
	for _, message := range messages {
		rule, err := parseRule(message, family)
		if err != nil {
			return nil, fmt.Errorf("list the rules of IPv%d: %w", family, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseRule(message []byte, family uint8) (foundRule, error) {
	header := nl.DeserializeRtMsg(message)
	attributes, err := nl.ParseRouteAttr(message[header.Len():])
	if err != nil {
		return foundRule{}, fmt.Errorf("parse a rule: %w", err)
	}
	rule := foundRule{Rule: iproute.Rule{
		Family: family, Type: header.Type, TOS: header.Tos, Invert: header.Flags&ruleInvert != 0, SuppressPrefixLength: -1,
	}}
	for _, attribute := range attributes {
		value := attribute.Value
		switch attribute.Attr.Type {
		case nl.FRA_SRC:
			rule.From = prefixOf(value, header.Src_len)
		case nl.FRA_DST:
			rule.To = prefixOf(value, header.Dst_len)
		case nl.FRA_IIFNAME:
			rule.InputIf = unix.ByteSliceToString(value)
		case nl.FRA_OIFNAME:
			rule.OutputIf = unix.ByteSliceToString(value)
		case nl.FRA_PRIORITY:
			rule.Priority = number32(value)
		case nl.FRA_FWMARK:
			rule.Mark = number32(value)
		case nl.FRA_FWMASK:
			rule.MarkMask = number32(value)
		case nl.FRA_TABLE:
			rule.Table = number32(value)
		case nl.FRA_SUPPRESS_PREFIXLEN:
			rule.SuppressPrefixLength = int32(number32(value))
		case nl.FRA_PROTOCOL:
			rule.Protocol = number8(value)
		default: // the kernel lists nothing else of a rule that has nothing else
			rule.alien = true
		}
	}
	if rule.Type != iproute.ActionTable {
		rule.Table, rule.SuppressPrefixLength = 0, -1
	}
	return rule, nil
}

// prefixOf is the prefix of that many bits in the address of an attribute; zero if it is none.
func prefixOf(address []byte, bits uint8) netip.Prefix {
	ip, _ := netip.AddrFromSlice(address)
	return selectorOf(netip.PrefixFrom(ip, int(bits)))
}

// number32 is the number of an attribute; 0 if it is none.
func number32(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(value)
}

// number8 is the number of an attribute; 0 if it is none.
func number8(value []byte) uint8 {
	if len(value) < 1 {
		return 0
	}
	return value[0]
}
