package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

func TestLateAdvertsDoNotShiftThoseAfterThem(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(interval+interval/2), Timer{}), SendAdvert{Priority: 100})
	r.wakes(after(2 * interval))
}

func TestAMasterThatIsAnIntervalLateSendsOneAdvertAndNotTwo(t *testing.T) {
	for _, late := range []time.Duration{interval, interval + interval/4} {
		r := newMaster(t)
		now := after(interval + late)
		r.does(r.Step(now, Timer{}), SendAdvert{Priority: 100})
		r.Step(now, AdvertSent{At: now})
		r.wakes(now.Add(interval))
	}
}

// Threat A4.
func TestAFloodOfPriorityZeroIsNotAnsweredWithAFlood(t *testing.T) {
	r := newMaster(t)
	sent := 0
	for at := time.Duration(0); at < interval; at += interval / 100 {
		sent += len(r.hear(after(at), higher, 0))
	}
	if sent != 2 {
		t.Errorf("sent %d adverts in one interval, want 2", sent)
	}
	r.wakes(after(interval/2 + interval))
}

// A contradiction just before it does not stand for the answer: the backups may
// have heard the priority 0 after it.
func TestPriorityZeroIsAnsweredThoughALesserAdvertJustWas(t *testing.T) {
	r := newMaster(t)
	r.hear(after(0), higher, 50)
	r.does(r.hear(after(1), higher, 0), SendAdvert{Priority: 100})
}

// Threat A5.
func TestAFloodOfLesserAdvertsIsNotAnsweredWithAFlood(t *testing.T) {
	r := newMaster(t)
	sent, announced := 0, 0
	for at := time.Duration(0); at < interval; at += interval / 100 {
		for _, action := range r.hear(after(at), higher, 99) {
			switch action.(type) {
			case SendAdvert:
				sent++
			case Announce:
				announced++
			}
		}
	}
	if sent != 2 || announced != 2 {
		t.Errorf("sent %d adverts and announced %d times in one interval, want 2", sent, announced)
	}
}

func TestTheTieBreakIgnoresTheZoneOfALinkLocalAddress(t *testing.T) {
	r := tester{NewRouter(valid6()), t}
	r.Step(after(-r.ActiveDownInterval()), Startup{})
	r.Step(after(0), SourceChanged{Source: netip.MustParseAddr("fe80::2%eth0")})
	r.Step(after(0), Timer{})
	r.does(r.hear(after(0), netip.MustParseAddr("fe80::2%eth1"), 120),
		Notice{Kind: OwnSourceRefused, Source: netip.MustParseAddr("fe80::2")}, Discard{Reason: ReasonOwnSource, Source: netip.MustParseAddr("fe80::2")})
	r.hear(after(0), netip.MustParseAddr("fe80::3%eth1"), 120)
	r.in(Backup)
	if source, _, _ := r.Master(); source.Zone() != "" {
		t.Errorf("master is %v", source)
	}
}

// Erratum 8298: two owners are an error of configuration, to be logged; and yet
// one has to go.
func TestOfTwoOwnersTheOneWithTheHigherAddressStays(t *testing.T) {
	r := newRouter(t, priority(255))
	r.Step(after(0), Startup{})
	r.does(r.hear(after(0), lower, 255), Notice{Kind: TwoOwners, Source: lower}, SendAdvert{Priority: 255}, Announce{Repeat: 5})
	r.does(r.hear(after(interval/2), lower, 255), Rival{Source: lower, Priority: 255}, SendAdvert{Priority: 255}, Announce{Repeat: 5}) // said once
	r.does(r.hear(after(interval/2), higher, 255), Notice{Kind: TwoOwners, Source: higher},
		SetLease{}, RemoveAddresses{}, Follow{Source: higher, Advert: r.advert(255)},
		Transition{From: Master, To: Backup, Reason: HigherAddress, Peer: higher})
}

func TestAMasterAnnouncesItsAddressesASecondTimeAfterFiveSeconds(t *testing.T) {
	r := newMaster(t)
	for at := interval; at < 5*interval; at += interval {
		r.Step(after(at), Timer{})
		r.Step(after(at), AdvertSent{At: after(at)})
	}
	r.does(r.Step(after(5*interval), Timer{}), SendAdvert{Priority: 100}, Announce{Repeat: 5})
	r.does(r.Step(after(5*interval), Timer{}))
}

func TestTheSecondAnnouncementIsWokenUpFor(t *testing.T) {
	r := newMaster(t, func(c *Config) { c.Interval = 10 * interval })
	r.wakes(after(5 * time.Second))
	r.does(r.Step(after(5*time.Second), Timer{}), Announce{Repeat: 5})
	r.wakes(after(10 * interval))
}

// From Master, Fault has no lease before it has anything else.
func TestLinkDownInMasterIsFault(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(0), LinkDown{}), SetLease{Until: 0}, SendAdvert{Priority: 0}, RemoveAddresses{},
		Transition{From: Master, To: Fault, Reason: LinkLost})
	r.in(Fault)
	r.wakes(never)
	r.does(r.Step(after(1), AdvertSent{At: after(0)}))
}

func TestAMasterIsItsOwnMaster(t *testing.T) {
	r := newMaster(t)
	if source, p, ok := r.Master(); source != self || p != 100 || !ok {
		t.Errorf("got %v, %d, %v", source, p, ok)
	}
	r.Step(after(0), SourceChanged{Source: higher})
	if source, _, _ := r.Master(); source != higher || r.Config().Source != higher {
		t.Errorf("got %v after the source changed to %v", source, higher)
	}
}
