package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// RFC 9568 §7.1 as far as it needs the configuration; and in every state a
// refused advert moves nothing.
func TestRefusedAdvertsMoveNothing(t *testing.T) {
	tests := []struct {
		name   string
		config func(*Config)
		change func(*AdvertReceived)
		want   Reason
	}{
		{"version 2 where 3 is configured", func(*Config) {}, func(ev *AdvertReceived) { ev.Advert.Version = V2 }, ReasonVersion},
		{"version 3 where 2 is configured", version2, func(ev *AdvertReceived) { ev.Advert.Version = V3 }, ReasonVersion},
		{"another VRID", func(*Config) {}, func(ev *AdvertReceived) { ev.Advert.VRID++ }, ReasonVRID},
		{"our own source", func(*Config) {}, func(ev *AdvertReceived) { ev.Source = self }, ReasonOwnSource},
		{"a sender that is no peer", unicast, func(ev *AdvertReceived) { ev.Source = stranger }, ReasonPeer},
		{"a sender that is not on the list", listed, func(ev *AdvertReceived) { ev.Source = stranger }, ReasonSender},
		{"a sender that is not on the list says that it owns the addresses", listed, func(ev *AdvertReceived) {
			ev.Source, ev.Advert.Priority = stranger, OwnerPriority
		}, ReasonSender},
		{"a sender on the list that may not own the addresses does", listed, func(ev *AdvertReceived) { ev.Advert.Priority = OwnerPriority }, ReasonOwner},
		{"too few hops left", unicast, func(ev *AdvertReceived) { ev.TTL = 63 }, ReasonTTL},
		{"too many hops left", unicast, func(ev *AdvertReceived) { ev.TTL = 65 }, ReasonTTL},
		{"version 2 with a password", version2, func(ev *AdvertReceived) { ev.Advert.AuthType = 1 }, ReasonAuthType},
		{"version 2 with MD5", password, func(ev *AdvertReceived) { ev.Advert.AuthType = 2 }, ReasonAuthType},
		{"version 2 without a password", password, func(ev *AdvertReceived) { ev.Advert.AuthType = 0 }, ReasonAuthType},
		{"version 2 with another password", password, func(ev *AdvertReceived) { ev.Advert.AuthData[7] = '!' }, ReasonAuth},
		{"version 2 with a password of another case", password, func(ev *AdvertReceived) { ev.Advert.AuthData[0] = 'S' }, ReasonAuth},
		{"version 2 with another interval", version2, func(ev *AdvertReceived) { ev.Advert.Interval += time.Second }, ReasonInterval},
		{"version 2 with an address less", version2, func(ev *AdvertReceived) { ev.Advert.Addresses = virtual[:1] }, ReasonAddressList},
		{"version 2 with another address", version2, func(ev *AdvertReceived) {
			ev.Advert.Addresses = addrs("192.168.1.254", "192.168.1.252")
		}, ReasonAddressList},
	}
	for _, test := range tests {
		for _, p := range []uint8{0, 50, 200} {
			for _, r := range []tester{newBackup(t, test.config), newMaster(t, test.config), newLeaving(t, test.config)} {
				t.Run(test.name, func(t *testing.T) {
					r.t = t
					state, lease := r.State(), r.Lease()
					deadline, _ := r.Deadline()
					ev := AdvertReceived{Advert: r.advert(p), Source: higher, At: after(1), TTL: 64}
					test.change(&ev)
					r.does(butNotices(r.Step(after(1), ev)), Discard{Reason: test.want, Source: ev.Source})
					r.wakes(deadline)
					if r.State() != state || r.Lease() != lease {
						t.Errorf("in %v until %d, was in %v until %d", r.State(), r.Lease(), state, lease)
					}
				})
			}
		}
	}
}

// RFC 3768 §7.1: only a router that is not the owner must list the same addresses.
func TestVersion2AcceptsOtherAddressesFromTheirOwner(t *testing.T) {
	r := newBackup(t, version2)
	a := r.advert(255)
	a.Addresses = virtual[:1]
	r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)}),
		Notice{Kind: AddressesDiffer, Source: higher, Addresses: a.Addresses}, Follow{Source: higher, Advert: a})
}

// RFC 9568 §7.1: version 3 logs other addresses, and keeps the advert.
func TestVersion3AcceptsOtherAddressesAndSaysSoOnce(t *testing.T) {
	r := newBackup(t)
	a := r.advert(200)
	a.Addresses = append(addrs("192.168.1.250"), virtual...)
	hear := func(at Instant, from netip.Addr) []Action {
		return r.Step(at, AdvertReceived{Advert: a, Source: from, At: at})
	}
	r.does(hear(after(0), higher), Notice{Kind: AddressesDiffer, Source: higher, Addresses: a.Addresses}, Follow{Source: higher, Advert: a})
	r.does(hear(after(1), higher))
	r.does(hear(after(2), lower), Notice{Kind: AddressesDiffer, Source: lower, Addresses: a.Addresses}, Follow{Source: lower, Advert: a})
}

func TestTwoOddSendersAreNotSaidAgainWithEveryAdvert(t *testing.T) {
	r := newBackup(t)
	a := r.advert(200)
	a.Addresses = addrs("192.168.1.250")
	said := 0
	for i := range 10 {
		from := []netip.Addr{higher, lower}[i%2]
		for _, action := range r.Step(after(time.Duration(i)), AdvertReceived{Advert: a, Source: from, At: after(time.Duration(i))}) {
			if _, ok := action.(Notice); ok {
				said++
			}
		}
	}
	if said != 2 {
		t.Errorf("%d notices about two senders", said)
	}
}

func TestTheOrderOfAddressesDoesNotMatter(t *testing.T) {
	for _, change := range []func(*Config){version2, func(*Config) {}} {
		r := newBackup(t, change)
		a := r.advert(200)
		a.Addresses = []netip.Addr{virtual[1], virtual[0]}
		r.does(r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)}), Follow{Source: higher, Advert: a})
	}
}

func TestAdvertsAreSentWithTheAddressesInTheirConfiguredOrder(t *testing.T) {
	list := addrs("192.168.1.9", "192.168.1.1", "192.168.1.5")
	r := newRouter(t, func(c *Config) { c.Addresses = list; c.Checksum = ChecksumMessageOnly })
	want := Advert{Version: V3, VRID: 10, Priority: 7, Interval: interval, Addresses: addrs("192.168.1.9", "192.168.1.1", "192.168.1.5"), Checksum: MessageOnly}
	list[0] = none // the router keeps its own copy
	if got := r.Advert(7); !got.Equal(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
