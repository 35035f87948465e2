package control

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

const every = 30 * time.Second

func advertising(c *InstanceConfig) {
	c.Advertise = &Advertise{Interval: every, RouterAdvertisement: netio.RouterAdvertisement{Lifetime: time.Hour}}
}

// advertiser6 is a host that becomes master and sends router advertisements;
// what is sent to ask is a host's question for one.
func (l *lan) advertiser6(t *testing.T, changes ...func(*InstanceConfig)) (h *host, ask chan<- netio.RouterSolicitation) {
	t.Helper()
	h = l.newHost(t, 1)
	questions := make(chan netio.RouterSolicitation)
	h.world.Solicitations = func(ctx context.Context, _ []int) (<-chan netio.RouterSolicitation, error) {
		out := make(chan netio.RouterSolicitation)
		go func() {
			defer close(out)
			for {
				select {
				case q := <-questions:
					out <- q
				case <-ctx.Done():
					return
				}
			}
		}()
		return out, nil
	}
	h.install(instance6(1, 100, append(changes, advertising)...))
	h.start()
	return h, questions
}

const sentRA = `^send ra fe80::1$`

func TestAMasterSendsRouterAdvertisements(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, _ := l.advertiser6(t)
		elapse(down - 1)
		mustSay(t, h.journal(), 0, "ra fe80::1") // a backup does not
		elapse(1)
		mustSay(t, h.journal(), 1, sentRA)
		elapse(3 * initialAdvertisementInterval)
		mustSay(t, h.journal(), 3, sentRA) // RFC 4861 §6.2.4: the first few come sooner
		elapse(2 * every)
		mustSay(t, h.journal(), 2, sentRA)
	})
}

func TestAHostThatAsksGetsARouterAdvertisementSoon(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, ask := l.advertiser6(t)
		elapse(down + 3*initialAdvertisementInterval + every/2)
		h.journal()
		ask <- netio.RouterSolicitation{Interface: 3}
		elapse(latency)
		mustSay(t, h.journal(), 1, sentRA)
		for range 10 { // a flood of questions
			ask <- netio.RouterSolicitation{Interface: 3}
			elapse(latency)
		}
		mustSay(t, h.journal(), 0, sentRA)
		elapse(betweenAdvertisements)
		mustSay(t, h.journal(), 1, sentRA)
	})
}

func TestNoRouterAdvertisementEndsALifetimeWhenTheMasterStops(t *testing.T) {
	onLAN(t, func(t *testing.T, l *lan) {
		h, _ := l.advertiser6(t)
		elapse(down + latency)
		h.journal()
		h.engine.Stop()
		elapse(2 * interval)
		mustSay(t, h.journal(), 0, "ra fe80::1")
		h.mustBeClean()
	})
}

func TestWhatIsWrongWithRouterAdvertisements(t *testing.T) {
	tests := map[string]func(*InstanceConfig){
		"an interval of 3s is outside 4s..30m0s":                    func(c *InstanceConfig) { c.Advertise.Interval = 3 * time.Second },
		"a router lifetime of 1s is neither 0 nor within":           func(c *InstanceConfig) { c.Advertise.Lifetime = time.Second },
		"they exist for ipv6 only":                                  func(c *InstanceConfig) { c.Router.Family = vrrp.IPv4 },
		"prefix 2001:db8::/64 is preferred for 2s, longer than it ": func(c *InstanceConfig) { c.Advertise.Prefixes = prefixes("2001:db8::/64", time.Second, 2*time.Second) },
		"fe80::/64 is not an IPv6 prefix that hosts can use":        func(c *InstanceConfig) { c.Advertise.Prefixes = prefixes("fe80::/64", time.Hour, time.Hour) },
	}
	for want, change := range tests {
		err := Validate([]InstanceConfig{instance6(1, 100, advertising, change)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func prefixes(prefix string, valid, preferred time.Duration) []netio.AdvertisedPrefix {
	return []netio.AdvertisedPrefix{{Prefix: netip.MustParsePrefix(prefix), Valid: valid, Preferred: preferred}}
}
