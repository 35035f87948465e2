package iproute

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	sameAddr   = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	samePrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
)

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// holds reports whether each of the texts, in order, has the part that belongs to it.
func holds(texts, parts []string) bool {
	return slices.EqualFunc(texts, parts, strings.Contains)
}

// linesOf are the errors that were joined.
func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestAnAddressIsRead(t *testing.T) {
	tests := []struct {
		line     string
		want     Address
		warnings []string
	}{
		{line: "192.0.2.1", want: Address{Prefix: prefix("192.0.2.1/32")}},
		{line: "192.0.2.1/24", want: Address{Prefix: prefix("192.0.2.1/24")}},
		{line: "2001:db8::1", want: Address{Prefix: prefix("2001:db8::1/128")}},
		{line: "2001:db8::1/64 dev lan0", want: Address{Prefix: prefix("2001:db8::1/64"), Interface: "lan0"}},
		{line: "dev lan0 192.0.2.1/24", want: Address{Prefix: prefix("192.0.2.1/24"), Interface: "lan0"}},
		{
			line: "192.0.2.1/24 brd 192.0.2.9 dev lan0 scope link label lan0:1 no_track use_vmac noprefixroute",
			want: Address{
				Prefix: prefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.9"), Interface: "lan0",
				Scope: 253, Label: "lan0:1", NoTrack: true, NoPrefixRoute: true,
			},
		},
		{line: "192.0.2.1/24 scope 200", want: Address{Prefix: prefix("192.0.2.1/24"), Scope: 200}},
		{line: "192.0.2.1/24 brd +", want: Address{Prefix: prefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.255")}},
		{line: "192.0.2.1/24 broadcast -", want: Address{Prefix: prefix("192.0.2.1/24"), Broadcast: netip.MustParseAddr("192.0.2.0")}},
		{line: "192.0.2.1 peer 192.0.2.9", want: Address{Prefix: prefix("192.0.2.1/32"), Peer: prefix("192.0.2.9/32")}},
		{line: "192.0.2.1 peer 192.0.3.9/24", want: Address{Prefix: prefix("192.0.2.1/24"), Peer: prefix("192.0.3.9/24")}},
		{
			line: "192.0.2.1/24 peer 192.0.2.9", want: Address{Prefix: prefix("192.0.2.1/32"), Peer: prefix("192.0.2.9/32")},
			warnings: []string{"the prefix length of 192.0.2.1/24 is ignored"},
		},
		{line: "2001:db8::1/64 preferred_lft forever", want: Address{Prefix: prefix("2001:db8::1/64"), Preferred: true}},
		{line: "2001:db8::1/128 preferred_lft 0", want: Address{Prefix: prefix("2001:db8::1/128")}},
		{line: "2001:db8::1/64 -nodad home mngtmpaddr", want: Address{Prefix: prefix("2001:db8::1/64"), DAD: true, Home: true, ManageTemporary: true}},
		{
			line: "2001:db8::1/64 label x scope link", want: Address{Prefix: prefix("2001:db8::1/64")},
			warnings: []string{"label is of IPv4", "scope is of IPv4"},
		},
		{line: "192.0.2.1/24 -nodad home", want: Address{Prefix: prefix("192.0.2.1/24")}, warnings: []string{"are of IPv6"}},
		{line: "192.0.2.1/24 preferred_lft 5", want: Address{Prefix: prefix("192.0.2.1/24")}, warnings: []string{"preferred_lft is of IPv6"}},
		{
			line: "192.0.2.1/24 dev lan0 dev lan1", want: Address{Prefix: prefix("192.0.2.1/24"), Interface: "lan1"},
			warnings: []string{"dev is given more than once"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, warnings, err := ParseAddress(strings.Fields(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, sameAddr, samePrefix); diff != "" {
				t.Errorf("address (-want +got):\n%s", diff)
			}
			if !holds(warnings, tt.warnings) {
				t.Errorf("warnings are %q, want %q", warnings, tt.warnings)
			}
		})
	}
}

func TestAnAddressThatIsWrongIsRefusedAndWhatKeepalivedWouldMakeOfItIsTold(t *testing.T) {
	tests := []struct {
		line string
		errs []string
		left string // "": keepalived would have no address
	}{
		{"", []string{"no address"}, ""},
		{"dev lan0", []string{"no address"}, ""},
		{"192.0.2.1 192.0.2.2", []string{"192.0.2.2 is a second address: one address per line"}, "192.0.2.1/32"},
		{"192.0.2.1/24 foo bar", []string{`unknown word "foo"`, `unknown word "bar"`}, "192.0.2.1/24"},
		{"192.0.2.1/24 lable x", []string{`"lable" in virtual_ipaddress: did you mean "label"?`, `"x"`}, "192.0.2.1/24"},
		{"192.0.2.1/24 track_group G", []string{"track_group is not supported", `"G"`}, "192.0.2.1/24"},
		{"192.0.2.1/24 label", []string{"label lacks its value"}, "192.0.2.1/24"},
		{"192.0.2.1/24 dev", []string{"dev lacks its value"}, "192.0.2.1/24"},
		{"192.0.2.1/24 brd", []string{"brd lacks its value"}, "192.0.2.1/24"},
		{"192.0.2.1/24 label label-of-15-byt", nil, "192.0.2.1/24 label label-of-15-byt"},
		{"192.0.2.1/24 label label-of-16-byte", []string{"longer than 15 bytes"}, ""},
		{"192.0.2.1/33", []string{`"33" is not a number in 0..32`}, "192.0.2.1/32"},
		{"192.0.2.1/255.255.255.0", []string{`"255.255.255.0" is not a number in 0..32`}, "192.0.2.1/32"},
		{"2001:db8::1/129", []string{`"129" is not a number in 0..128`}, "2001:db8::1/128"},
		{"192.0.2.1/+24", []string{`"+24" is not a number`}, "192.0.2.1/32"},
		{"192.0.2.1/24 scope bogus", []string{`scope "bogus" is neither a number in 0..255 nor one of global, host, link, nowhere, site`}, "192.0.2.1/24"},
		{"192.0.2.1/24 scope 256", []string{`scope "256"`}, "192.0.2.1/24"},
		{"192.0.2.1/24 brd x", []string{`brd "x" is neither`}, ""},
		{"192.0.2.1/24 brd 2001:db8::1", []string{`brd "2001:db8::1" is neither`}, ""},
		{"192.0.2.1/31 brd +", []string{"a subnet of 31 bits has no broadcast address"}, "192.0.2.1/31"},
		{"2001:db8::1/64 brd +", []string{"brd is of IPv4"}, ""},
		{"192.0.2.1 peer 2001:db8::1", []string{"peer 2001:db8::1 is not of the family of 192.0.2.1"}, "192.0.2.1/32"},
		{"192.0.2.1 peer x", []string{`peer "x": not an IPv4`}, "192.0.2.1/32"},
		{"2001:db8::1/64 preferred_lft 500", []string{`preferred_lft "500" is not supported: 0 or forever`}, "2001:db8::1/64"},
		{"2001:db8::1/60 mngtmpaddr", []string{"mngtmpaddr needs the prefix length 64"}, ""},
		{"192.0.2.1/24 autojoin", []string{"autojoin is for multicast"}, ""},
		{"224.0.0.18/24", []string{"multicast"}, ""},
		{"ff02::12/64", []string{"multicast"}, ""},
		{"0.0.0.0/0", []string{"unspecified"}, ""},
		{"255.255.255.255/32", []string{"is the broadcast address"}, ""},
		{"any", []string{`"any" is no address`}, ""},
		{"::ffff:192.0.2.1/120", []string{"is no address"}, ""},
		{"fe80::1%lan0/64", []string{"say dev INTERFACE instead of %INTERFACE"}, ""},
		{"192.000.2.1", []string{"is no address"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			got, _, err := ParseAddress(strings.Fields(tt.line))
			if !holds(linesOf(err), tt.errs) {
				t.Errorf("errors are %q, want %q", linesOf(err), tt.errs)
			}
			left := got.String()
			if !got.Prefix.IsValid() {
				left = ""
			}
			if left != tt.left {
				t.Errorf("keepalived would have %q, want %q", left, tt.left)
			}
		})
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, line := range []string{
		"192.0.2.1", "192.0.2.1/24 brd + dev lan0 scope link label lan0:1 no_track use_vmac noprefixroute", "192.0.2.1 peer 192.0.3.9/24",
		"2001:db8::1/64 -nodad home mngtmpaddr preferred_lft forever", "192.0.2.1 192.0.2.2 autojoin track_group", "brd", "192.0.2.1/0 brd -",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		address, _, err := ParseAddress(strings.Fields(line))
		if err != nil {
			return
		}
		again, warnings, err := ParseAddress(strings.Fields(address.String()))
		if diff := cmp.Diff(address, again, sameAddr, samePrefix); diff != "" || err != nil || warnings != nil {
			t.Errorf("%q is %q, which is read with %v, %q otherwise (-first +again):\n%s", line, address, err, warnings, diff)
		}
	})
}
