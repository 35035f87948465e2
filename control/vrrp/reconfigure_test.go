package vrrp

import (
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// reconfigure changes the configuration that r has.
func (r tester) reconfigure(at Instant, changes ...func(*Config)) []Action {
	r.t.Helper()
	c := r.Config()
	for _, change := range changes {
		change(&c)
	}
	if err := c.Validate(); err != nil {
		r.t.Fatal(err)
	}
	return r.Step(at, Reconfigured{Config: c})
}

func every(d time.Duration) func(*Config) { return func(c *Config) { c.Interval = d } }

func TestTheSameConfigurationDoesNothing(t *testing.T) {
	for name, r := range map[string]tester{
		"init": newRouter(t), "backup": newBackup(t), "master": newMaster(t), "ready": newReady(t), "leaving": newLeaving(t),
		"with everything": newMaster(t, announcing, unicast, delayed, func(c *Config) { c.SilentToLesser, c.PartingAdvert = true, true }),
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.Step(after(1), PriorityChanged{Priority: 90})
			before := *r.Router
			r.does(r.reconfigure(after(1)))
			r.does(r.reconfigure(after(1), func(c *Config) {
				c.Source = none // keeps it
				c.LeaseAdverts = 3
				if c.Announcements == nil {
					a := DefaultAnnouncements()
					c.Announcements = &a
				}
			}))
			r.out, before.out = nil, nil
			if !reflect.DeepEqual(*r.Router, before) {
				t.Errorf("got  %+v\nwant %+v", *r.Router, before)
			}
		})
	}
}

// One that is forgotten would not be taken over.
func TestEveryFieldMakesAConfigurationAnother(t *testing.T) {
	fields := reflect.TypeFor[Config]()
	for i := range fields.NumField() {
		a, b := Config{}, Config{}
		field := reflect.ValueOf(&b).Elem().Field(i)
		switch f := field.Addr().Interface().(type) {
		case *bool:
			*f = true
		case *string:
			*f = "x"
		case *[]netip.Addr:
			*f = virtual
		case *[]Sender:
			*f = []Sender{{Address: lower}}
		case *netip.Addr:
			*f = self
		case **Announcements:
			*f = &Announcements{Repeat: 1}
		case **Auth:
			*f = &Auth{Active: 1}
		case *int:
			*f = 2
		case *time.Duration:
			*f = 1
		default:
			field.SetUint(1)
		}
		if a.equal(b) || !b.equal(b) {
			t.Errorf("%s is not compared", fields.Field(i).Name)
		}
	}
}

func TestAnotherVirtualRouterIsNotAConfigurationOfThisOne(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.VRID++ },
		func(c *Config) { c.Version = V2 },
		func(c *Config) { c.Family, c.Addresses, c.Source = IPv6, addrs("fe80::1"), none },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			newBackup(t).reconfigure(after(0), change)
		}()
	}
}

func TestTheCallerMayChangeAConfigurationAfterwards(t *testing.T) {
	c := valid4()
	announcing(&c)
	r := NewRouter(valid4())
	r.Step(after(0), Reconfigured{Config: c})
	c.Addresses[0], c.Announcements.Repeat = stranger, 77
	if got := r.Config(); got.Addresses[0] == stranger || got.Announcements.Repeat == 77 {
		t.Errorf("got %+v", got)
	}
}

func TestAMasterStaysMasterAndSaysItsNewPriorityNext(t *testing.T) {
	r := newMaster(t)
	r.becomes(after(1), 80)
	r.does(r.reconfigure(after(1), priority(120)))
	r.has(120)
	r.wakes(after(interval))
	r.does(r.Step(after(interval), Timer{}), SendAdvert{Priority: 120})
}

func TestAnotherPriorityOnlyTakesBackWhatTrackingSaid(t *testing.T) {
	r := newMaster(t)
	r.becomes(after(1), 80)
	r.does(r.reconfigure(after(1), noPreempt))
	r.has(80)
}

func TestAMasterMayBecomeTheOwnerAndCeaseToBe(t *testing.T) {
	r := newMaster(t)
	r.becomes(after(0), 80)
	r.does(r.reconfigure(after(0), priority(255)))
	r.does(r.becomes(after(0), 80))
	r.does(r.Step(after(interval), Timer{}), SendAdvert{Priority: 255})
	r.does(r.reconfigure(after(interval), priority(100)))
	r.does(r.Step(after(2*interval), Timer{}), SendAdvert{Priority: 100})
	r.does(r.becomes(after(2*interval), 80))
	r.has(80)
}

func TestABackupThatIsMadeTheOwnerPreemptsWhenItsTimeIsOver(t *testing.T) {
	r := newBackup(t, noPreempt, delayed)
	r.hear(after(0), higher, 200)
	r.does(r.reconfigure(after(1), priority(255)), Unfollow{})
	r.does(r.hear(after(interval), higher, 200))
	last := after(3*interval + interval/256)
	r.wakes(last)
	r.does(r.Step(last, Timer{}), promoted(last, 255, Backup, Preempts, higher)...)
}

func TestABackupFollowsOnThroughAnotherConfiguration(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.does(r.reconfigure(after(interval), every(5*interval), func(c *Config) {
		c.Addresses, c.LeaseAdverts, c.Checksum = virtual[:1], 2, ChecksumMessageOnly
	}))
	r.in(Backup)
	r.wakes(after(down)) // at the master's interval
	r.does(r.Step(after(2*interval), MasterHeard{At: after(2 * interval)}))
	r.wakes(after(2*interval + down))
}

func TestABackupOfNobodyWaitsForAdvertsOfALongerInterval(t *testing.T) {
	r := newBackup(t)
	r.does(r.reconfigure(after(interval), every(2*interval)))
	r.wakes(after(2 * down))
	r.does(r.reconfigure(after(interval), every(interval)))
	r.wakes(after(2 * down)) // others may have the long one still
	r.hear(after(interval), higher, 0)
	r.does(r.reconfigure(after(interval), every(4*interval)))
	r.wakes(after(interval + 2*skew))
}

func TestTheSkewOfABackupFollowsItsConfiguration(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 250)
	r.does(r.reconfigure(after(interval), priority(228)))
	r.wakes(after(3*interval + 28*interval/256))
}

// Peers that are to be changed next: see Reconfigured.
func TestWhatIsFollowedInVersion2KeepsTheBackupQuietAsLongAsItStaysTheSame(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"interval":  every(3 * interval),
		"addresses": func(c *Config) { c.Addresses = virtual[:1] },
		"password":  func(c *Config) { c.Password = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			r := newBackup(t, password)
			same, next := r.advert(200), r.advert(201)
			hear := func(at Instant, from netip.Addr, a Advert) []Action {
				return butNotices(r.Step(at, AdvertReceived{Advert: a, Source: from, At: at}))
			}
			hear(after(0), higher, same)
			r.does(r.reconfigure(after(1), change))
			r.does(hear(after(interval), higher, same))
			r.wakes(after(interval + down))
			for _, odd := range []AdvertReceived{{Source: higher, Advert: next}, {Source: lower, Advert: same}} {
				if got := hear(after(interval+1), odd.Source, odd.Advert); len(got) != 1 {
					t.Errorf("%+v: %v, want a discard", odd, got)
				}
			}
			renewed := r.advert(200) // the other router has been changed too
			r.does(hear(after(2*interval), higher, renewed), Follow{Source: higher, Advert: renewed})
		})
	}
}

func TestAPeerThatIsNoneAnyMoreIsNotFollowed(t *testing.T) {
	r := newBackup(t, unicast)
	hear := func(at Instant) []Action {
		return butNotices(r.Step(at, AdvertReceived{Advert: r.advert(200), Source: higher, At: at, TTL: 64}))
	}
	hear(after(0))
	r.does(r.reconfigure(after(1), func(c *Config) { c.Peers = []netip.Addr{higher, stranger} }))
	r.does(r.reconfigure(after(1), func(c *Config) { c.Peers = []netip.Addr{lower} }), Unfollow{})
	r.does(hear(after(2)), Discard{Reason: ReasonPeer, Source: higher})
	r.does(r.Step(after(down), Timer{}), promoted(after(down), 100, Backup, MasterDown, none)...)
}

func TestTheSourceIsKeptUnlessThereIsAnother(t *testing.T) {
	r := newMaster(t, unicast)
	r.reconfigure(after(0), func(c *Config) { c.Source = none })
	if got := r.Config().Source; got != self {
		t.Errorf("source %v, want %v", got, self)
	}
	r.does(r.reconfigure(after(0), func(c *Config) { c.Source = stranger }))
	if got := r.Config().Source; got != stranger {
		t.Errorf("source %v, want %v", got, stranger)
	}
	r.does(r.reconfigure(after(0), func(c *Config) { c.Source, c.Peers = none, []netip.Addr{stranger} }),
		Notice{Kind: PeerIsSelf, Source: stranger})
}

func TestWhatIsOddIsSaidAgainAfterAnotherConfiguration(t *testing.T) {
	r := newBackup(t)
	odd := func(a *Advert) { a.Addresses = virtual[:1] }
	r.notices(higher, odd)
	r.reconfigure(after(0))
	if got := r.notices(higher, odd); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	r.reconfigure(after(0), priority(101))
	if got := r.notices(higher, odd); len(got) != 1 || got[0].Kind != AddressesDiffer {
		t.Errorf("got %+v", got)
	}
}

func TestAMasterListsItsNewAddressesWithTheNextAdvert(t *testing.T) {
	r := newMaster(t)
	list := addrs("192.168.1.250", "192.168.1.253")
	r.does(r.reconfigure(after(1), func(c *Config) { c.Addresses = list }))
	r.wakes(after(interval))
	if got := r.Advert(100).Addresses; !reflect.DeepEqual(got, list) || !r.Lists(list) || r.Lists(virtual) {
		t.Errorf("lists %v", got)
	}
}

// What was put on the interface in expectation is still to be taken off.
func TestABackupRemembersItsPreparationsThroughAnotherConfiguration(t *testing.T) {
	r := newBackup(t)
	r.hear(after(0), higher, 200)
	r.hear(after(1), higher, 0)
	before := r.advert(200)
	r.does(r.reconfigure(after(2), func(c *Config) { c.Addresses = virtual[:1] }))
	r.does(butNotices(r.Step(after(3), AdvertReceived{Advert: before, Source: higher, At: after(3)})), RemoveAddresses{})
}

func TestTheStartDelayMayChangeUntilItIsOver(t *testing.T) {
	r := newRouter(t, startDelayed)
	r.Step(after(0), Startup{})
	r.does(r.reconfigure(after(interval), func(c *Config) { c.StartDelay = 9 * interval }))
	r.wakes(after(9 * interval))
	r.does(r.reconfigure(after(2*interval), func(c *Config) { c.StartDelay = interval }))
	r.wakes(after(2 * interval))
	r.does(r.Step(after(2*interval), Timer{}), Transition{From: Init, To: Backup, Reason: Started})
	r.does(r.reconfigure(after(2*interval), startDelayed))
	r.in(Backup)
}

func TestThePreemptDelayMayChangeWhileItRuns(t *testing.T) {
	r := newBackup(t, delayed)
	r.hear(after(0), lower, 99)
	r.hear(after(3*interval), lower, 99)
	r.does(r.reconfigure(after(3*interval), func(c *Config) { c.PreemptDelay = 6 * interval }))
	r.wakes(after(6 * interval))
	r.does(r.reconfigure(after(3*interval), func(c *Config) { c.PreemptDelay = 0 }), Unfollow{})
	r.wakes(after(3*interval + down))
	r.does(r.reconfigure(after(3*interval), delayed))
	r.does(r.hear(after(4*interval), lower, 99), Follow{Source: lower, Advert: r.advert(99)})
}

func TestPreemptionMayBeForbiddenAndAllowed(t *testing.T) {
	r := newBackup(t)
	r.hear(after(3*interval), lower, 99)
	r.does(r.reconfigure(after(3*interval), noPreempt))
	if deadline, _ := r.Deadline(); deadline.Before(after(6 * interval)) {
		t.Errorf("takes over at %v from a master heard at 3s", deadline.Sub(after(0)))
	}
	r.does(r.hear(after(4*interval), lower, 99), Follow{Source: lower, Advert: r.advert(99)})
	r.does(r.reconfigure(after(4*interval), func(c *Config) { c.NoPreempt = false }), Unfollow{})
	r.wakes(after(4*interval + down))
}

// A member that is taken out of a group need not wait for it any more; but its
// stamp is looked at first.
func TestAReadyRouterWithoutAGroupIsPromotedByItsTimer(t *testing.T) {
	ungrouped := func(c *Config) { c.Grouped = false }
	r := newReady(t)
	r.does(r.reconfigure(after(interval), ungrouped))
	r.wakes(after(interval))
	r.does(r.Step(after(interval), Timer{}), promoted(after(interval), 100, Backup, MasterDown, none)...)

	r = newBackup(t, grouped)
	r.hear(after(0), higher, 200)
	r.Step(after(down), Timer{})
	r.reconfigure(after(down), ungrouped)
	r.does(r.Step(after(down), MasterHeard{At: after(down - 1)}))
	r.wakes(after(down - 1 + down))

	owner := newRouter(t, grouped, priority(255))
	owner.Step(after(0), Startup{})
	owner.does(owner.reconfigure(after(0), ungrouped))
	owner.wakes(after(0))
}
