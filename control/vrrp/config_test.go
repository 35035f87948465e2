package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func valid4() Config {
	return Config{VRID: 10, Family: IPv4, Version: V3, Priority: 120, Interval: time.Second,
		Addresses: addrs("192.168.1.1"), Source: netip.MustParseAddr("192.168.1.2")}
}

func valid6() Config {
	return Config{VRID: 10, Family: IPv6, Version: V3, Priority: 120, Interval: time.Second,
		Addresses: addrs("fe80::a", "2001:db8::1"), Source: netip.MustParseAddr("fe80::2")}
}

func TestConfigurationsWithinTheRangesAreValid(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"unchanged":               func(*Config) {},
		"VRID 255":                func(c *Config) { c.VRID = 255 },
		"priority 1":              func(c *Config) { c.Priority = 1 },
		"priority 255":            func(c *Config) { c.Priority = 255 },
		"10 ms":                   func(c *Config) { c.Interval = 10 * time.Millisecond },
		"40.95 s":                 func(c *Config) { c.Interval = 40950 * time.Millisecond },
		"source not known yet":    func(c *Config) { c.Source = netip.Addr{} },
		"version 2":               func(c *Config) { c.Version = V2 },
		"version 2, 255 s":        func(c *Config) { c.Version, c.Interval = V2, 255*time.Second },
		"lease of 2":              func(c *Config) { c.LeaseAdverts = 2 },
		"checksum without header": func(c *Config) { c.Checksum = MessageOnly },
		"255 addresses":           func(c *Config) { c.Addresses = manyAddresses(IPv4, 255) },
		"IPv6":                    func(c *Config) { *c = valid6() },
		"IPv6, 90 addresses":      func(c *Config) { *c = valid6(); c.Addresses = manyAddresses(IPv6, 90) },
	} {
		c := valid4()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyAddresses(f Family, n int) []netip.Addr {
	a := netip.MustParseAddr("10.0.0.1")
	if f == IPv6 {
		a = netip.MustParseAddr("fe80::1")
	}
	var list []netip.Addr
	for range n {
		list = append(list, a)
		a = a.Next()
	}
	return list
}

func TestConfigurationsOutsideTheRangesAreRefused(t *testing.T) {
	tests := []struct {
		base   Config
		change func(*Config)
		want   string
	}{
		{valid4(), func(c *Config) { c.VRID = 0 }, "vrid: 0 is outside 1..255"},
		{valid4(), func(c *Config) { c.Priority = 0 }, "priority: 0 is outside 1..255"},
		{valid4(), func(c *Config) { c.Interval = 5 * time.Millisecond }, "interval 5ms is not within 10ms..40.95s in steps of 10ms"},
		{valid4(), func(c *Config) { c.Interval = time.Minute }, "interval 1m0s is not within"},
		{valid4(), func(c *Config) { c.Interval = 15 * time.Millisecond }, "interval 15ms is not within"},
		{valid4(), func(c *Config) { c.Version, c.Interval = V2, 500*time.Millisecond }, "interval 500ms is not within 1s..4m15s in steps of 1s"},
		{valid4(), func(c *Config) { c.Version, c.Interval = V2, 256*time.Second }, "interval 4m16s is not within"},
		{valid4(), func(c *Config) { c.Version = 4 }, "version: 4 is neither 2 nor 3"},
		{valid4(), func(c *Config) { c.Family = 0 }, "family: family(0) is neither ipv4 nor ipv6"},
		{valid4(), func(c *Config) { c.Addresses = nil }, "addresses: 0 is outside 1..255"},
		{valid4(), func(c *Config) { c.Addresses = manyAddresses(IPv4, 256) }, "addresses: 256 is outside 1..255"},
		{valid4(), func(c *Config) { c.Addresses = addrs("fe80::1") }, "address fe80::1: not an ipv4 address"},
		{valid4(), func(c *Config) { c.Addresses = []netip.Addr{{}} }, "not an ipv4 address"},
		{valid4(), func(c *Config) { c.Addresses = addrs("0.0.0.0") }, "address 0.0.0.0: not the address of one host"},
		{valid4(), func(c *Config) { c.Addresses = addrs("224.0.0.18") }, "not the address of one host"},
		{valid4(), func(c *Config) { c.Addresses = addrs("10.0.0.1", "10.0.0.1") }, "address 10.0.0.1: listed twice"},
		{valid4(), func(c *Config) { c.Source = netip.MustParseAddr("fe80::2") }, "source fe80::2"},
		{valid4(), func(c *Config) { c.LeaseAdverts = 1 }, "lease: 1 adverts is outside 2..3"},
		{valid4(), func(c *Config) { c.LeaseAdverts = 4 }, "lease: 4 adverts is outside 2..3"},
		{valid4(), func(c *Config) { c.Checksum = 2 }, "checksum: unknown does not exist"},
		{valid6(), func(c *Config) { c.Version = V2 }, "version: 2 does not exist for ipv6"},
		{valid6(), func(c *Config) { c.Addresses = addrs("2001:db8::1", "fe80::a") }, "address 2001:db8::1: the first address must be link-local"},
		{valid6(), func(c *Config) { c.Addresses = addrs("fe80::a", "::ffff:10.0.0.1") }, "not an ipv6 address"},
		{valid6(), func(c *Config) { c.Addresses = addrs("fe80::a%eth0") }, "not the address of one host"},
		{valid6(), func(c *Config) { c.Addresses = manyAddresses(IPv6, 91) }, "addresses: 91 is outside 1..90"},
		{valid6(), func(c *Config) { c.Source = netip.MustParseAddr("2001:db8::2") }, "source 2001:db8::2"},
		{valid6(), func(c *Config) { c.Checksum = MessageOnly }, "checksum: message-only does not exist for ipv6"},
	}
	for _, test := range tests {
		test.change(&test.base)
		if err := test.base.Validate(); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want just %q", err, test.want)
		}
	}
}

func TestAllFaultsOfAConfigurationAreToldAtOnce(t *testing.T) {
	err := Config{Family: IPv4, Version: V3}.Validate()
	if got := len(strings.Split(err.Error(), "\n")); got != 4 {
		t.Errorf("got %d faults, want those of addresses, vrid, priority, interval: %v", got, err)
	}
}
