package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

// RFC 9568 §6.4, sentence by sentence. What a state means for packets (answer
// ARP and Neighbor Solicitation or not, accept, forward, discard) is the fast
// path's, by the lease; that there is one in Master only is looked at in every
// test.

// RFC 9568 §6.4.1: Startup, Priority = 255.
func TestStartupMakesTheAddressOwnerMasterAtOnce(t *testing.T) {
	r := newRouter(t, priority(255))
	r.does(r.Step(after(0), Startup{}), promoted(after(0), 255, Init, IsOwner, none)...)
	r.in(Master)
	r.wakes(after(interval)) // Adver_Timer = Advertisement_Interval
}

// RFC 9568 §6.4.1: Startup, any other priority.
func TestStartupMakesEveryoneElseBackup(t *testing.T) {
	r := newRouter(t, priority(254))
	r.does(r.Step(after(0), Startup{}), Transition{From: Init, To: Backup, Reason: Started})
	r.in(Backup)
	r.wakes(after(r.ActiveDownInterval())) // Active_Down_Timer = Active_Down_Interval
}

// RFC 9568 §6.4.1: Active_Adver_Interval = Advertisement_Interval.
func TestStartupForgetsTheIntervalOfAnEarlierMaster(t *testing.T) {
	r := newBackup(t)
	slow := r.advert(200)
	slow.Interval = 5 * interval
	r.Step(after(0), AdvertReceived{Advert: slow, Source: higher, At: after(0)})
	r.Step(after(0), Shutdown{})
	r.Step(after(0), Startup{})
	r.wakes(after(down))
}

// RFC 9568 §6.4.2: Shutdown: cancel Active_Down_Timer, to Initialize.
func TestShutdownInBackupIsInit(t *testing.T) {
	r := newBackup(t)
	r.does(r.Step(after(0), Shutdown{}), Transition{From: Backup, To: Init, Reason: ShutdownRequested})
	r.in(Init)
	r.wakes(never)
}

// RFC 9568 §6.4.2: Active_Down_Timer fires.
func TestABackupThatHearsNothingBecomesMaster(t *testing.T) {
	r := newBackup(t)
	r.does(r.Step(after(down-1), Timer{})) // early is harmless
	r.does(r.Step(after(down), Timer{}), promoted(after(down), 100, Backup, MasterDown, none)...)
	r.in(Master)
	r.wakes(after(down + interval)) // Adver_Timer = Advertisement_Interval
}

// RFC 9568 §6.4.2: priority 0: Active_Down_Timer = Skew_Time. The addresses go
// on while the skew is waited for, where they are inert.
func TestPriorityZeroShortensTheWaitToTheSkew(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.hear(after(interval), higher, 0), InstallAddresses{})
	r.wakes(after(interval + skew))
	now := after(interval + skew)
	r.does(r.Step(now, Timer{}), append([]Action{Unfollow{}}, promoted(now, 100, Backup, MasterLeft, higher)...)...)
}

// RFC 9568 §6.4.2: priority >= local: Active_Down_Timer = Active_Down_Interval.
func TestAdvertsOfHigherOrEqualPriorityKeepABackupQuiet(t *testing.T) {
	for _, p := range []uint8{100, 101, 255} {
		// Equal is enough whoever has the higher address: it decides in Master only.
		for _, from := range []netip.Addr{lower, higher} {
			r := newBackup(t)
			r.does(r.hear(after(interval), from, p), Follow{Source: from, Advert: r.advert(p)})
			r.wakes(after(interval + down))
			if source, got, ok := r.Master(); source != from || got != p || !ok {
				t.Errorf("master is %v with %d, %v; want %v with %d", source, got, ok, from, p)
			}
		}
	}
}

// RFC 9568 §6.4.2: Preempt_Mode False.
func TestWithoutPreemptionALowerPriorityKeepsABackupQuiet(t *testing.T) {
	r := newBackup(t, noPreempt)
	r.does(r.hear(after(interval), higher, 1), Follow{Source: higher, Advert: r.advert(1)})
	r.wakes(after(interval + down))
}

// RFC 9568 §6.4.2: Active_Adver_Interval = that of the advert; recompute
// Skew_Time and Active_Down_Interval.
func TestABackupAdoptsTheIntervalOfItsMaster(t *testing.T) {
	r := newBackup(t)
	fast := r.advert(200)
	fast.Interval = 100 * time.Millisecond
	hear := AdvertReceived{Advert: fast, Source: higher, At: after(0)}
	r.does(r.Step(after(0), hear),
		Notice{Kind: IntervalAdopted, Source: higher, Interval: fast.Interval}, Follow{Source: higher, Advert: fast})
	if r.SkewTime() != skew/10 || r.ActiveDownInterval() != down/10 {
		t.Errorf("skew %v, down %v; want a tenth of %v and %v", r.SkewTime(), r.ActiveDownInterval(), skew, down)
	}
	r.wakes(after(down / 10))

	hear.At = after(interval / 10)
	r.does(r.Step(after(interval/10), hear)) // said once
	r.wakes(after((interval + down) / 10))

	now := after((interval + down) / 10)
	r.Step(now, Timer{})
	r.wakes(now.Add(interval)) // a master sends at its own
	if r.ActiveDownInterval() != down {
		t.Errorf("down %v as master, want %v", r.ActiveDownInterval(), down)
	}
}

// RFC 9568 §6.4.2: otherwise (lower priority, Preempt_Mode True), discard.
func TestAdvertsOfLowerPriorityDoNotPostponePreemption(t *testing.T) {
	r := newBackup(t)
	r.does(r.hear(after(interval), higher, 99))
	r.wakes(after(down))
	if source, p, ok := r.Master(); source != higher || p != 99 || !ok {
		t.Errorf("master is %v with %d, %v; want %v with 99", source, p, ok, higher)
	}
	r.does(r.Step(after(down), Timer{}), promoted(after(down), 100, Backup, Preempts, higher)...)
}

func TestAnIgnoredAdvertDoesNotChangeTheInterval(t *testing.T) {
	r := newBackup(t)
	slow := r.advert(99)
	slow.Interval = 40 * interval
	r.does(r.Step(after(0), AdvertReceived{Advert: slow, Source: higher, At: after(0)}),
		Notice{Kind: IntervalDiffers, Source: higher, Interval: 40 * interval})
	if r.ActiveDownInterval() != down {
		t.Errorf("down %v, want %v", r.ActiveDownInterval(), down)
	}
}

// RFC 9568 §6.1: the owner always preempts. It is Backup only behind another owner.
func TestAnOwnerPreemptsWhateverPreemptModeSays(t *testing.T) {
	r := newRouter(t, priority(255), noPreempt)
	r.Step(after(0), Startup{})
	r.hear(after(0), higher, 255)
	r.in(Backup)
	r.does(r.hear(after(interval), lower, 254))
	r.wakes(after(0).Add(r.ActiveDownInterval()))
}

// RFC 9568 §6.4.3: Shutdown: send an advert of priority 0. The addresses are
// served until the slowest backup could have taken over.
func TestAMasterThatIsToldToStopSendsPriorityZeroAndServesForOneMoreSkew(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(0), Shutdown{}), SetLease{Until: after(interval)}, SendAdvert{Priority: 0})
	r.in(Master)
	r.wakes(after(interval))
	r.does(r.Step(after(interval-1), Timer{}))
	r.does(r.Step(after(interval), Timer{}), left...)
	r.in(Init)
	r.wakes(never)
}

// RFC 9568 §6.4.3: Adver_Timer fires: send, and reset Adver_Timer.
func TestAMasterSendsAnAdvertEveryInterval(t *testing.T) {
	r := newMaster(t)
	r.does(r.Step(after(interval-1), Timer{}))
	r.does(r.Step(after(interval), Timer{}), SendAdvert{Priority: 100})
	r.wakes(after(2 * interval))
}

// RFC 9568 §6.4.3: an advert of priority 0: send, and reset Adver_Timer.
func TestAMasterAnswersPriorityZeroAtOnce(t *testing.T) {
	r := newMaster(t)
	r.does(r.hear(after(interval/4), higher, 0), SendAdvert{Priority: 100})
	r.wakes(after(interval/4 + interval))
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
			r.does(r.hear(after(interval/4), test.source, test.priority), SendAdvert{Priority: 100}, Announce{Repeat: 5})
			r.in(Master)
			r.wakes(after(interval)) // the regular advert stays where it was
		})
	}
}

// RFC 9568 §6.4.1, §6.4.2: what IPv4 announces by gratuitous ARP, IPv6 does by
// unsolicited Neighbor Advertisement: in the same order, and the tie-break
// compares all 128 bits.
func TestIPv6HasTheSameStatesAsIPv4(t *testing.T) {
	r := tester{NewRouter(valid6()), t}
	r.Step(after(-r.ActiveDownInterval()), Startup{})
	r.does(r.Step(after(0), Timer{}), promoted(after(0), 120, Backup, MasterDown, none)...)
	r.does(r.hear(after(0), netip.MustParseAddr("fe80::1"), 120), SendAdvert{Priority: 120}, Announce{Repeat: 5})
	better := netip.MustParseAddr("fe80::1:0:0:1")
	r.does(r.hear(after(0), better, 120), SetLease{}, RemoveAddresses{}, Follow{Source: better, Advert: r.advert(120)},
		Transition{From: Master, To: Backup, Reason: HigherAddress, Peer: better})
	r.in(Backup)
}
