package vrrp

import (
	"net/netip"
	"testing"
)

func TestASkippedAddressCheckAcceptsAnotherListFromTheFollowedMasterOnly(t *testing.T) {
	skip := func(c *Config) { c.SkipAddressCheck = true }
	r := newBackup(t, version2, skip)
	other := r.advert(200)
	other.Addresses = virtual[:1]
	hear := func(from netip.Addr) []Action {
		return r.Step(after(1), AdvertReceived{Advert: other, Source: from, At: after(1)})
	}
	refused := func(from netip.Addr) []Action {
		return []Action{Discard{Reason: ReasonAddressList, Source: from}}
	}
	r.does(butNotices(hear(higher)), refused(higher)...)
	r.hear(after(0), higher, 200)
	r.does(hear(higher), Notice{Kind: AddressesDiffer, Source: higher, Addresses: virtual[:1]}, Follow{Source: higher, Advert: other})
	r.does(hear(higher))
	r.does(butNotices(hear(lower)), refused(lower)...)

	r = newMaster(t, version2, skip)
	r.does(butNotices(hear(higher)), refused(higher)...)

	r = newBackup(t, version2)
	r.hear(after(0), higher, 200)
	r.does(butNotices(hear(higher)), refused(higher)...)
}

// Both routers of a pair get an address more, one after the other.
func TestAListChangesOnOneRouterAfterTheOtherWithoutATransition(t *testing.T) {
	more := func(c *Config) { c.Addresses = append(addrs("192.168.1.252"), virtual...) }
	for _, masterFirst := range []bool{true, false} {
		skip := func(c *Config) { c.SkipAddressCheck = true }
		master, backup := newMaster(t, version2, skip, func(c *Config) { c.Source = higher }), newBackup(t, version2, skip)
		for at := interval; at <= 12*interval; at += interval {
			if at == 4*interval || at == 8*interval {
				r := master
				if masterFirst != (at == 4*interval) {
					r = backup
				}
				r.does(r.reconfigure(after(at-1), more))
			}
			master.Step(after(at), Timer{})
			master.Step(after(at), AdvertSent{At: after(at)})
			backup.Step(after(at), AdvertReceived{Advert: master.advert(100), Source: higher, At: after(at)})
			backup.in(Backup)
			master.in(Master)
			backup.wakes(after(at + down))
		}
	}
}
