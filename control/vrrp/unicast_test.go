package vrrp

import (
	"net/netip"
	"testing"
)

func TestAUnicastRouterHearsItsPeers(t *testing.T) {
	for _, peer := range []netip.Addr{lower, higher} {
		r := newBackup(t, unicast)
		a := r.advert(200)
		r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: peer, At: after(0), TTL: 64}), Follow{Source: peer, Advert: a})
	}
}

func TestAPeerMayBeNamedWithAZoneByTheSocket(t *testing.T) {
	c := valid6()
	c.Peers = addrs("fe80::3")
	r := tester{NewRouter(c), t}
	r.Step(after(0), Startup{})
	r.does(r.hear(after(0), netip.MustParseAddr("fe80::3%eth0"), 200), Follow{Source: netip.MustParseAddr("fe80::3"), Advert: r.advert(200)})
}

func TestTheBoundsOfTheTTLAreInclusiveAndOptional(t *testing.T) {
	tests := []struct {
		least, most, ttl uint8
		refused          bool
	}{
		{0, 0, 0, false}, {0, 0, 255, false},
		{254, 0, 253, true}, {254, 0, 254, false}, {254, 0, 255, false},
		{0, 64, 0, false}, {0, 64, 64, false}, {0, 64, 65, true},
	}
	for _, test := range tests {
		r := newBackup(t, unicast, func(c *Config) { c.MinTTL, c.MaxTTL = test.least, test.most })
		r.Step(after(0), AdvertReceived{Advert: r.advert(200), Source: higher, At: after(0), TTL: test.ttl})
		if _, _, heard := r.Master(); heard == test.refused {
			t.Errorf("%d..%d: TTL %d: heard %v", test.least, test.most, test.ttl, heard)
		}
	}
}

func TestTheTTLOfAMulticastAdvertIsTheParsers(t *testing.T) {
	r := newBackup(t)
	r.does(r.Step(after(0), AdvertReceived{Advert: r.advert(200), Source: higher, At: after(0), TTL: 1}), Follow{Source: higher, Advert: r.advert(200)})
}

func TestParseLeavesTheTTLOfUnicastToTheRouter(t *testing.T) {
	p := packetOf(t, vectorV3)
	p.TTL, p.Unicast = 64, true
	if _, err := Parse(p); err != nil {
		t.Error(err)
	}
}

func TestARouterKeepsItsOwnCopyOfItsPeers(t *testing.T) {
	peers := addrs("192.168.1.3")
	r := newRouter(t, func(c *Config) { c.Peers = peers })
	peers[0] = none
	if got := r.Config().Peers; len(got) != 1 || got[0] != higher {
		t.Errorf("got %v", got)
	}
}
