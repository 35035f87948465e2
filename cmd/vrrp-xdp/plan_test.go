package main

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// planned is what becomes of flags on interfaces with these subnets.
func planned(t *testing.T, ports []port, args string) ([]control.InstanceConfig, error) {
	t.Helper()
	set := pflag.NewFlagSet("attach", pflag.ContinueOnError)
	flags := addInstanceFlags(set)
	if err := set.Parse(strings.Fields("--vrid 10 " + args)); err != nil {
		t.Fatal(err)
	}
	f, err := flags.instance()
	if err != nil {
		return nil, err
	}
	return planInstances(f, ports, slog.New(slog.DiscardHandler))
}

func portOf(name string, index int, subnets ...string) port {
	p := port{LinkInfo: netio.LinkInfo{Name: name, Index: index}}
	for _, s := range subnets {
		p.subnets = append(p.subnets, netip.MustParsePrefix(s))
	}
	return p
}

var twoPorts = []port{
	portOf("eth0", 1, "192.168.1.0/24", "2001:db8:1::/64", "fe80::/64"),
	portOf("eth1", 2, "10.0.0.0/24", "2001:db8:2::/64", "fe80::/64"),
}

// describe is "name interface addresses", for each.
func describe(list []control.InstanceConfig) []string {
	var all []string
	for _, c := range list {
		words := []string{c.Name, c.Interface}
		for _, p := range c.Addresses {
			words = append(words, p.Prefix.String())
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

func TestEachAddressGoesWhereItsSubnetIs(t *testing.T) {
	const four, six = "--vip 192.168.1.1/24 --vip 10.0.0.1/24 ", "--vip fe80::1/64 --vip 2001:db8:1::1/64 --vip 2001:db8:2::1/64"
	tests := map[string]struct {
		ports []port
		args  string
		want  []string
	}{
		"one interface":   {twoPorts[:1], "--vip 192.168.1.1/24", []string{"vr10 eth0 192.168.1.1/24"}},
		"two interfaces":  {twoPorts, four, []string{"vr10-eth0 eth0 192.168.1.1/24", "vr10-eth1 eth1 10.0.0.1/24"}},
		"only IPv6":       {twoPorts[:1], "--vip fe80::1/64 --vip 2001:db8:1::1/64", []string{"vr10 eth0 fe80::1/64 2001:db8:1::1/64"}},
		"only link-local": {twoPorts, "--vip fe80::1/64", []string{"vr10-eth0 eth0 fe80::1/64", "vr10-eth1 eth1 fe80::1/64"}},
		"both families on both": {twoPorts, four + six, []string{
			"vr10-eth0 eth0 192.168.1.1/24", "vr10-eth0-v6 eth0 fe80::1/64 2001:db8:1::1/64",
			"vr10-eth1 eth1 10.0.0.1/24", "vr10-eth1-v6 eth1 fe80::1/64 2001:db8:2::1/64",
		}},
		"IPv6 on one of two": {twoPorts, "--vip 10.0.0.1/24 --vip fe80::1/64 --vip 2001:db8:2::1/64",
			[]string{"vr10-eth1 eth1 10.0.0.1/24", "vr10-eth1-v6 eth1 fe80::1/64 2001:db8:2::1/64"}},
		"the smaller of two subnets": {[]port{portOf("wide", 1, "10.0.0.0/8"), twoPorts[1]}, "--vip 10.0.0.1/24", []string{"vr10-eth1 eth1 10.0.0.1/24"}},
	}
	for name, c := range tests {
		list, err := planned(t, c.ports, c.args)
		if got := describe(list); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestAnAddressThatFitsTwoInterfacesAlikeIsRefused(t *testing.T) {
	same := []port{twoPorts[0], portOf("eth2", 3, "192.168.1.0/24")}
	if _, err := planned(t, same, "--vip 192.168.1.1/24"); err == nil || !strings.Contains(err.Error(), "more than one of these interfaces has its subnet") {
		t.Errorf("got %v", err)
	}
}

// Hosts must not make addresses of the other link's prefix.
func TestAPrefixIsAdvertisedWhereItIs(t *testing.T) {
	list, err := planned(t, twoPorts, "--vip fe80::1/64 --vip 2001:db8:1::1/64 --vip 2001:db8:2::1/64 --router-advertisement --ra-prefix 2001:db8:2::/64")
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if got := list[0].Advertise.Prefixes; len(got) != 0 {
		t.Errorf("eth0 advertises %v", got)
	}
	if got := list[1].Advertise.Prefixes; len(got) != 1 || got[0].Prefix != netip.MustParsePrefix("2001:db8:2::/64") {
		t.Errorf("eth1 advertises %v", got)
	}
}

func TestAFixedChecksumFormIsForIPv4Only(t *testing.T) {
	list, err := planned(t, twoPorts[:1], "--vip 192.168.1.1/24 --vip fe80::1/64 --checksum message-only")
	if err != nil || len(list) != 2 || list[0].Router.Checksum != vrrp.ChecksumMessageOnly || list[1].Router.Checksum != vrrp.ChecksumAuto {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTogetherIsOneGroup(t *testing.T) {
	list, err := planned(t, twoPorts, "--vip 192.168.1.1/24 --vip 10.0.0.1/24 --together --name gw")
	if err != nil || len(list) != 2 || list[0].Group != "gw" || list[1].Group != "gw" {
		t.Errorf("%v, %v", list, err)
	}
}
