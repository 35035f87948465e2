package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
)

// notices are those of an advert changed by change.
func (r tester) notices(from netip.Addr, change func(*Advert)) (list []Notice) {
	a := r.advert(99)
	change(&a)
	for _, action := range r.Step(after(0), AdvertReceived{Advert: a, Source: from, At: after(0)}) {
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
	for k := IntervalAdopted; k <= AddressesRefused; k++ {
		if seen[k.String()] {
			t.Errorf("kind %d is %q", k, k)
		}
		seen[fmt.Sprint(k)] = true
	}
}
