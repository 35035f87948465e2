package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// RFC 9568 §6.4.3: Adver_Timer fires: send, and reset Adver_Timer.
func TestAMasterSendsAnAdvertEveryInterval(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(interval-1), Timer{}))
	r.does(r.Step(after(interval), Timer{}), SendAdvert{Priority: 100})
	r.wakes(after(2 * interval))
}

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

// RFC 9568 §6.4.3: an advert of priority 0: send, and reset Adver_Timer.
func TestAMasterAnswersPriorityZeroAtOnce(t *testing.T) {
	r := newMaster(t)
	r.does(r.hear(after(interval/4), higher, 0), SendAdvert{Priority: 100})
	r.wakes(after(interval/4 + interval))
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

// RFC 9568 §6.4.3: priority greater, or equal and a greater address: cancel
// Adver_Timer, adopt the interval, set Active_Down_Timer, to Backup.
func TestAMasterGivesWayToABetterOne(t *testing.T) {
	tests := []struct {
		name     string
		source   netip.Addr
		priority uint8
		why      TransitionReason
	}{
		{"higher priority, lower address", lower, 101, HigherPriority},
		{"higher priority, higher address", higher, 254, HigherPriority},
		{"the owner", lower, 255, HigherPriority},
		{"equal priority, higher address", higher, 100, HigherAddress},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// Preempt_Mode is not looked at in Master.
			for _, change := range []func(*Config){func(*Config) {}, noPreempt} {
				r := newMaster(t, change)
				ev := AdvertReceived{Advert: r.advert(test.priority), Source: test.source, At: after(interval / 4)}
				r.does(r.Step(after(interval/2), ev), SetLease{Until: 0}, RemoveAddresses{},
					Follow{Source: test.source, Advert: ev.Advert},
					Transition{From: Master, To: Backup, Reason: test.why, Peer: test.source})
				r.in(Backup)
				r.wakes(after(interval/4 + down))
			}
		})
	}
}

func TestAMasterThatGivesWayAdoptsTheInterval(t *testing.T) {
	r := newMaster(t)
	slow := r.advert(200)
	slow.Interval = 4 * interval
	r.does(r.Step(after(0), AdvertReceived{Advert: slow, Source: higher, At: after(0)}),
		SetLease{}, RemoveAddresses{}, Notice{Kind: IntervalAdopted, Source: higher, Interval: 4 * interval},
		Follow{Source: higher, Advert: slow}, Transition{From: Master, To: Backup, Reason: HigherPriority, Peer: higher})
	r.wakes(after(4 * down))
}

// RFC 9568 §6.4.3, new in §1.2: otherwise discard, and send an advert at once.
func TestAMasterContradictsALesserOneAtOnce(t *testing.T) {
	tests := []struct {
		name     string
		source   netip.Addr
		priority uint8
	}{
		{"lower priority, higher address", higher, 99},
		{"equal priority, lower address", lower, 100},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newMaster(t)
			r.does(r.hear(after(interval/4), test.source, test.priority), SendAdvert{Priority: 100})
			r.in(Master)
			r.wakes(after(interval)) // the regular advert stays where it was
		})
	}
}

// Threat A5.
func TestAFloodOfLesserAdvertsIsNotAnsweredWithAFlood(t *testing.T) {
	r := newMaster(t)
	sent := 0
	for at := time.Duration(0); at < interval; at += interval / 100 {
		sent += len(r.hear(after(at), higher, 99))
	}
	if sent != 2 {
		t.Errorf("sent %d adverts in one interval, want 2", sent)
	}
}

// RFC 9568 §6.4.3: addresses are compared as unsigned numbers in network order.
func TestTheTieBreakComparesAddressesUnsignedFromTheFirstByte(t *testing.T) {
	for _, test := range []struct{ own, other string }{
		{"9.0.0.9", "10.0.0.1"},
		{"127.0.0.1", "128.0.0.1"},
		{"10.0.1.255", "10.0.2.0"},
	} {
		r := newMaster(t, func(c *Config) { c.Source = netip.MustParseAddr(test.own) })
		r.hear(after(0), netip.MustParseAddr(test.other), 100)
		if r.State() != Backup {
			t.Errorf("%s does not give way to %s", test.own, test.other)
		}
		r = newMaster(t, func(c *Config) { c.Source = netip.MustParseAddr(test.other) })
		r.hear(after(0), netip.MustParseAddr(test.own), 100)
		if r.State() != Master {
			t.Errorf("%s gives way to %s", test.other, test.own)
		}
	}
}

func TestTheTieBreakIgnoresTheZoneOfALinkLocalAddress(t *testing.T) {
	r := tester{NewRouter(valid6()), t}
	r.Step(after(-r.ActiveDownInterval()), Startup{})
	r.Step(after(0), SourceChanged{Source: netip.MustParseAddr("fe80::2%eth0")})
	r.Step(after(0), Timer{})
	r.does(r.hear(after(0), netip.MustParseAddr("fe80::2%eth1"), 120), Discard{Reason: ReasonOwnSource, Source: netip.MustParseAddr("fe80::2")})
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
	r.does(r.hear(after(0), lower, 255), Notice{Kind: TwoOwners, Source: lower, Interval: interval}, SendAdvert{Priority: 255})
	r.does(r.hear(after(interval/2), lower, 255), SendAdvert{Priority: 255}) // said once
	r.does(r.hear(after(interval/2), higher, 255), Notice{Kind: TwoOwners, Source: higher, Interval: interval},
		SetLease{}, RemoveAddresses{}, Follow{Source: higher, Advert: r.advert(255)},
		Transition{From: Master, To: Backup, Reason: HigherAddress, Peer: higher})
}

func TestAMasterAnnouncesItsAddressesASecondTimeAfterFiveSeconds(t *testing.T) {
	r := newMaster(t)
	for at := interval; at < 5*interval; at += interval {
		r.Step(after(at), Timer{})
		r.Step(after(at), AdvertSent{At: after(at)})
	}
	r.does(r.Step(after(5*interval), Timer{}), SendAdvert{Priority: 100}, Announce{})
	r.does(r.Step(after(5*interval), Timer{}))
}

func TestTheSecondAnnouncementIsWokenUpFor(t *testing.T) {
	r := newMaster(t, func(c *Config) { c.Interval = 10 * interval })
	r.wakes(after(5 * time.Second))
	r.does(r.Step(after(5*time.Second), Timer{}), Announce{})
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
