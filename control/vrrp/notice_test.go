package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// notices are those of an advert changed by change.
func (r tester) notices(from netip.Addr, change func(*Advert)) []Notice {
	a := r.advert(99)
	change(&a)
	return r.noticesOf(AdvertReceived{Advert: a, Source: from, At: after(0), TTL: 64})
}

func (r tester) noticesOf(ev Event) (list []Notice) {
	for _, action := range r.Step(after(0), ev) {
		if n, ok := action.(Notice); ok {
			list = append(list, n)
		}
	}
	return list
}

func TestWhatVersion2RefusesIsSaidOncePerSenderAndAgainWhenItChanges(t *testing.T) {
	tests := []struct {
		kind       NoticeKind
		odd, odder func(*Advert)
	}{
		{IntervalRefused, func(a *Advert) { a.Interval = 2 * interval }, func(a *Advert) { a.Interval = 3 * interval }},
		{AddressesRefused, func(a *Advert) { a.Addresses = virtual[:1] }, func(a *Advert) { a.Addresses = virtual[1:] }},
		{AuthDiffers, func(a *Advert) { a.AuthType = 0 }, func(a *Advert) { a.AuthType = 2 }},
	}
	for _, test := range tests {
		t.Run(test.kind.String(), func(t *testing.T) {
			r := newBackup(t, password)
			for i, step := range []struct {
				from   netip.Addr
				change func(*Advert)
				want   int
			}{{higher, test.odd, 1}, {higher, test.odd, 0}, {lower, test.odd, 1}, {higher, test.odder, 1}, {higher, test.odder, 0}, {higher, test.odd, 1}} {
				got := r.notices(step.from, step.change)
				if len(got) != step.want || step.want == 1 && (got[0].Kind != test.kind || got[0].Source != step.from) {
					t.Errorf("step %d: got %+v, want %d of %v", i, got, step.want, step.from)
				}
			}
		})
	}
}

func TestAWrongPasswordIsSaid(t *testing.T) {
	r := newBackup(t, password)
	got := r.notices(higher, func(a *Advert) { a.AuthData[0]++ })
	if len(got) != 1 || got[0].Kind != AuthDiffers || got[0].AuthType != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestWhateverMakesTwoMastersIsSaidOncePerSender(t *testing.T) {
	heard := func(r tester, from netip.Addr) AdvertReceived {
		return AdvertReceived{Advert: r.advert(99), Source: from, At: after(0), TTL: 64}
	}
	for _, test := range []struct {
		name   string
		config func(*Config)
		from   netip.Addr
		change func(*AdvertReceived)
		want   Notice
	}{
		{"another version", func(*Config) {}, higher, func(ev *AdvertReceived) { ev.Advert.Version = V2 }, Notice{Kind: VersionRefused, Version: V2}},
		{"version 3 where 2 is configured", version2, higher, func(ev *AdvertReceived) { ev.Advert.Version = V3 }, Notice{Kind: VersionRefused, Version: V3}},
		{"no peer", unicast, stranger, func(*AdvertReceived) {}, Notice{Kind: PeerRefused}},
		{"too few hops left", unicast, higher, func(ev *AdvertReceived) { ev.TTL = 63 }, Notice{Kind: TTLRefused, TTL: 63}},
		{"too many hops left", unicast, higher, func(ev *AdvertReceived) { ev.TTL = 255 }, Notice{Kind: TTLRefused, TTL: 255}},
		{"our own address", func(*Config) {}, self, func(*AdvertReceived) {}, Notice{Kind: OwnSourceRefused}},
		{"our own address, unicast", unicast, self, func(*AdvertReceived) {}, Notice{Kind: OwnSourceRefused}},
	} {
		for _, r := range []tester{newBackup(t, test.config), newMaster(t, test.config)} {
			t.Run(test.name, func(t *testing.T) {
				ev := heard(r, test.from)
				test.change(&ev)
				test.want.Source = test.from
				if got := r.noticesOf(ev); len(got) != 1 || !got[0].equal(test.want) {
					t.Errorf("got %+v, want %+v", got, test.want)
				}
				for range 100 {
					ev.Advert.Priority++
					if again := r.noticesOf(ev); len(again) != 0 {
						t.Fatalf("said again: %+v", again)
					}
				}
			})
		}
	}
}

func TestARefusalIsSaidAgainWhenTheSenderSaysSomethingElse(t *testing.T) {
	r := newBackup(t, unicast)
	for i, ttl := range []uint8{63, 62, 62} {
		got := r.noticesOf(AdvertReceived{Advert: r.advert(99), Source: higher, At: after(0), TTL: ttl})
		if want := 1 - i/2; len(got) != want {
			t.Errorf("TTL %d: got %+v, want %d", ttl, got, want)
		}
	}
	r = newBackup(t)
	for i, v := range []Version{2, 4, 4} {
		got := r.notices(higher, func(a *Advert) { a.Version = v })
		if want := 1 - i/2; len(got) != want {
			t.Errorf("version %d: got %+v, want %d", v, got, want)
		}
	}
}

func TestNothingIsSaidOfAnotherVirtualRouter(t *testing.T) {
	r := newBackup(t, unicast)
	for _, ttl := range []uint8{1, 64} {
		a := r.advert(99)
		a.VRID++
		for _, v := range []Version{V2, V3} {
			a.Version = v
			if got := r.noticesOf(AdvertReceived{Advert: a, Source: stranger, At: after(0), TTL: ttl}); len(got) != 0 {
				t.Errorf("version %d, TTL %d: got %+v", v, ttl, got)
			}
		}
	}
}

func TestStrangersDoNotUseUpWhatIsSaidOfPeers(t *testing.T) {
	r := newBackup(t, unicast)
	for i := range byte(100) {
		r.notices(netip.AddrFrom4([4]byte{10, 0, 0, i}), func(*Advert) {})
	}
	if got := r.notices(higher, func(a *Advert) { a.Version = V2 }); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestAnotherIntervalOfALesserMasterIsSaidOncePerSenderAndValue(t *testing.T) {
	for _, r := range []tester{newMaster(t), newBackup(t)} {
		for i, step := range []struct {
			from     netip.Addr
			interval time.Duration
			want     int
		}{{higher, 2, 1}, {higher, 2, 0}, {lower, 2, 1}, {higher, 3, 1}, {lower, 1, 0}} {
			got := r.notices(step.from, func(a *Advert) { a.Interval = step.interval * interval })
			want := Notice{Kind: IntervalDiffers, Source: step.from, Interval: step.interval * interval}
			if len(got) != step.want || step.want == 1 && !got[0].equal(want) {
				t.Errorf("step %d: got %+v, want %d of %+v", i, got, step.want, want)
			}
		}
	}
}

func TestAnIntervalThatWasAdoptedIsNotSaidToDifferToo(t *testing.T) {
	for name, r := range map[string]tester{"preempt delay": newBackup(t, func(c *Config) { c.PreemptDelay = interval }), "tie": newMaster(t)} {
		odd := r.advert(100)
		odd.Interval = 2 * interval
		if name == "preempt delay" {
			odd.Priority = 99
		}
		count := map[NoticeKind]int{}
		hear := func(at Instant) {
			for _, action := range r.Step(at, AdvertReceived{Advert: odd, Source: higher, At: at}) {
				if n, ok := action.(Notice); ok {
					count[n.Kind]++
				}
			}
		}
		hear(after(0))
		odd.Priority = 99
		hear(after(interval))
		r.Step(after(20*interval), Timer{})
		r.in(Master)
		hear(after(20 * interval))
		if count[IntervalAdopted] != 1 || count[IntervalDiffers] != 0 {
			t.Errorf("%s: got %v", name, count)
		}
	}
}

func TestAPeerThatIsThisRouterItselfIsSaidOnce(t *testing.T) {
	r := newRouter(t, unicast)
	r.does(r.Step(after(0), SourceChanged{Source: stranger}))
	r.does(r.Step(after(0), SourceChanged{Source: higher}), Notice{Kind: PeerIsSelf, Source: higher})
	r.does(r.Step(after(0), SourceChanged{Source: self}))
	r.does(r.Step(after(0), SourceChanged{Source: higher}))

	c := valid6()
	c.Peers = addrs("fe80::3")
	r = tester{NewRouter(c), t}
	r.does(r.Step(after(0), SourceChanged{Source: netip.MustParseAddr("fe80::3%eth0")}), Notice{Kind: PeerIsSelf, Source: c.Peers[0]})
}

func TestNoticesAboutInventedSendersAreBounded(t *testing.T) {
	r, said := newBackup(t), 0
	for i := range 1000 {
		from := netip.AddrFrom4([4]byte{192, 168, byte(2 + i/250), byte(1 + i%250)})
		said += len(r.notices(from, func(a *Advert) { a.Addresses = virtual[:1] }))
	}
	if said != mostNoticed {
		t.Errorf("%d notices, want %d", said, mostNoticed)
	}
}

func TestNoticesAboutASenderThatKeepsChangingAreBounded(t *testing.T) {
	r, said := newBackup(t), 0
	for i := range 1000 {
		said += len(r.notices(higher, func(a *Advert) { a.Addresses = virtual[i%2 : i%2+1] }))
	}
	if said != mostSaid {
		t.Errorf("%d notices, want %d", said, mostSaid)
	}
}

func TestEveryKindOfNoticeHasWords(t *testing.T) {
	seen := map[string]bool{"unknown": true}
	for k := IntervalAdopted; k <= PeerIsSelf; k++ {
		if seen[k.String()] {
			t.Errorf("kind %d is %q", k, k)
		}
		seen[fmt.Sprint(k)] = true
	}
}
