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
		"the owner's source":      func(c *Config) { c.Priority, c.Source = 255, c.Addresses[0] },
		"lease of 2":              func(c *Config) { c.LeaseAdverts = 2 },
		"checksum without header": func(c *Config) { c.Checksum = ChecksumMessageOnly },
		"checksum with header":    func(c *Config) { c.Checksum = ChecksumPseudoHeader },
		"version 2, a password":   func(c *Config) { c.Version, c.Password = V2, "8 bytes!" },
		"unicast":                 func(c *Config) { c.Peers = addrs("192.168.1.3", "10.0.0.1") },
		"unicast, hops":           func(c *Config) { c.Peers, c.MinTTL, c.MaxTTL = addrs("10.0.0.1"), 64, 64 },
		"unicast, hops at least":  func(c *Config) { c.Peers, c.MinTTL = addrs("10.0.0.1"), 254 },
		"preempt delay":           func(c *Config) { c.PreemptDelay = 1000 * time.Second },
		"start delay":             func(c *Config) { c.StartDelay = time.Hour },
		"IPv6, unicast": func(c *Config) {
			*c = valid6()
			c.Source, c.Peers = netip.MustParseAddr("2001:db8::2"), addrs("2001:db8::3")
		},
		"signed":                  signed,
		"signed, version 2":       func(c *Config) { signed(c); c.Version = V2 },
		"signed, no common clock": func(c *Config) { signed(c); c.Auth.Monotonic, c.Auth.Window = true, 0 },
		"signed, 300 s":           func(c *Config) { signed(c); c.Auth.Window = 300 * time.Second },
		"signed IPv6, 89 addresses": func(c *Config) {
			*c = valid6()
			signed(c)
			c.Addresses = manyAddresses(IPv6, 89)
		},
		"255 addresses":      func(c *Config) { c.Addresses = manyAddresses(IPv4, 255) },
		"IPv6":               func(c *Config) { *c = valid6() },
		"IPv6, 90 addresses": func(c *Config) { *c = valid6(); c.Addresses = manyAddresses(IPv6, 90) },
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
		a = netip.MustParseAddr("fe80::1:1")
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
		{valid4(), func(c *Config) { c.Source = c.Addresses[0] }, "source 192.168.1.1: it is a virtual address; adverts need an address of this router's own"},
		{valid6(), func(c *Config) { c.Source = netip.MustParseAddr("fe80::a%eth0") }, "source fe80::a%eth0: it is a virtual address"},
		{valid6(), func(c *Config) {
			c.Source, c.Peers = c.Addresses[1], addrs("2001:db8::3")
		}, "source 2001:db8::1: it is a virtual address"},
		{valid4(), func(c *Config) { c.LeaseAdverts = 1 }, "lease: 1 adverts is outside 2..3"},
		{valid4(), func(c *Config) { c.LeaseAdverts = 4 }, "lease: 4 adverts is outside 2..3"},
		{valid4(), func(c *Config) { c.Checksum = 3 }, "checksum: unknown does not exist"},
		{valid6(), func(c *Config) { c.Version = V2 }, "version: 2 does not exist for ipv6"},
		{valid6(), func(c *Config) { c.Addresses = addrs("2001:db8::1", "fe80::a") }, "address 2001:db8::1: the first address must be link-local"},
		{valid6(), func(c *Config) { c.Addresses = addrs("fe80::a", "::ffff:10.0.0.1") }, "not an ipv6 address"},
		{valid6(), func(c *Config) { c.Addresses = addrs("fe80::a%eth0") }, "not the address of one host"},
		{valid6(), func(c *Config) { c.Addresses = manyAddresses(IPv6, 91) }, "addresses: 91 is outside 1..90"},
		{valid6(), func(c *Config) { c.Source = netip.MustParseAddr("2001:db8::2") }, "source 2001:db8::2"},
		{valid6(), func(c *Config) { c.Checksum = ChecksumPseudoHeader }, "checksum: pseudo-header does not exist for version 3 over ipv6"},
		{valid4(), func(c *Config) { c.Version, c.Checksum = V2, ChecksumMessageOnly }, "checksum: message-only does not exist for version 2 over ipv4"},
		{valid4(), func(c *Config) { c.Password = "secret" }, "password: version 3 has no authentication"},
		{valid4(), func(c *Config) { c.Version, c.Password = V2, "nine byte" }, "password: 9 bytes are more than 8"},
		{valid4(), func(c *Config) { c.Peers = addrs("fe80::1") }, "peer fe80::1: not an ipv4 address"},
		{valid4(), func(c *Config) { c.Peers = addrs("10.0.0.1", "10.0.0.1") }, "peer 10.0.0.1: listed twice"},
		{valid4(), func(c *Config) { c.Peers = addrs("192.168.1.2") }, "peer 192.168.1.2: the source of this router itself"},
		{valid4(), func(c *Config) { c.Peers = addrs("224.0.0.18") }, "peer 224.0.0.18: not the address of one host"},
		{valid4(), func(c *Config) { c.Peers = []netip.Addr{{}} }, "not an ipv4 address"},
		{valid4(), func(c *Config) { c.Peers, c.Source = addrs("10.0.0.1"), netip.MustParseAddr("fe80::2") }, "source fe80::2: adverts need an ipv4 address"},
		{valid4(), func(c *Config) { c.MinTTL = 1 }, "ttl: bounds are for unicast peers only"},
		{valid4(), func(c *Config) { c.MaxTTL = 1 }, "ttl: bounds are for unicast peers only"},
		{valid4(), func(c *Config) { c.Peers, c.MinTTL, c.MaxTTL = addrs("10.0.0.1"), 9, 8 }, "ttl: 9..8 is empty"},
		{valid4(), func(c *Config) { c.PreemptDelay = -1 }, "preempt delay: -1ns is outside 0s..16m40s"},
		{valid4(), func(c *Config) { c.PreemptDelay = 1001 * time.Second }, "preempt delay: 16m41s is outside"},
		{valid4(), func(c *Config) { c.StartDelay = -1 }, "start delay: -1ns is negative"},
		{valid4(), func(c *Config) { signed(c); c.Version, c.Password = V2, "secret" }, "password: hmac authenticates already"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Active = 2 }, "hmac: there is no key 2, which is to be the active one"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Keys[0] = c.Auth.Keys[1] }, "hmac key 0: an id is 1..255"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Keys[2] = Key{} }, "hmac key 2: an id is 1..255, and a key has 32 to 64 bytes"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Mode = 3 }, "hmac: there is no mode 3"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Window = 0 }, "hmac: a window of 0s is not 1..300 whole seconds"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Window = 301 * time.Second }, "hmac: a window of 5m1s"},
		{valid4(), func(c *Config) { signed(c); c.Auth.Window = 1500 * time.Millisecond }, "hmac: a window of 1.5s"},
		{valid6(), func(c *Config) { signed(c); c.Addresses = manyAddresses(IPv6, 90) }, "addresses: 90 is outside 1..89"},
		{valid6(), func(c *Config) { c.Peers = addrs("fe80::9%eth0") }, "peer fe80::9%eth0: not the address of one host, without a zone"},
		{valid6(), func(c *Config) { c.Peers = addrs("::ffff:10.0.0.1") }, "not an ipv6 address"},
		{valid6(), func(c *Config) { c.Checksum = ChecksumMessageOnly }, "checksum: message-only does not exist for version 3 over ipv6"},
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
