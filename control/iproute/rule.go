package iproute

import (
	"errors"
	"net/netip"
)

// Rule is an IPv4 or IPv6 policy routing rule.
type Rule struct {
	Family               uint8 // 4 or 6
	From, To             netip.Prefix
	InputIf              string // iif
	OutputIf             string // oif
	Mark                 uint32 // fwmark
	MarkMask             uint32
	TOS                  uint8
	Invert               bool  // not
	Type                 uint8 // FR_ACT_TO_TBL, FR_ACT_BLACKHOLE, FR_ACT_UNREACHABLE, FR_ACT_PROHIBIT
	Table                uint32
	Priority             uint32 // 0: the kernel's choice
	SuppressPrefixLength int32  // -1: none
	Protocol             uint8  // 0: 18, RTPROT_KEEPALIVED
	NoTrack              bool
}

// ParseRule reads one line of virtual_rules. Errors name the word that is wrong.
func ParseRule(words []string, names Names) (Rule, error) {
	return Rule{}, errors.New("not written yet")
}
