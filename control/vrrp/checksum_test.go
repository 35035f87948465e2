package vrrp

import "testing"

func checksum(p ChecksumPolicy) func(*Config) { return func(c *Config) { c.Checksum = p } }

// hearForm is an advert with the given form of checksum.
func (r tester) hearForm(form ChecksumForm, priority uint8) []Action {
	a := r.advert(priority)
	a.Checksum = form
	return r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)})
}

func TestTheFormIsThatOfTheOtherRouterIfItIsNotFixed(t *testing.T) {
	r := newMaster(t)
	for _, form := range []ChecksumForm{PseudoHeader, MessageOnly, PseudoHeader, MessageOnly} {
		r.hearForm(form, 0)
		if got := r.Advert(100).Checksum; got != form {
			t.Errorf("sends %v after it heard %v", got, form)
		}
	}
	r.hearForm(PseudoHeader, 99) // a lesser one counts too
	if got := r.Advert(100).Checksum; got != PseudoHeader {
		t.Errorf("sends %v", got)
	}
}

func TestTheFormIsThePseudoHeaderIfNothingWasHeard(t *testing.T) {
	if got := newRouter(t).Advert(100).Checksum; got != PseudoHeader {
		t.Errorf("sends %v", got)
	}
}

func TestARefusedAdvertDoesNotChangeTheForm(t *testing.T) {
	r := newBackup(t)
	a := r.advert(200)
	a.Checksum = MessageOnly
	r.Step(after(0), AdvertReceived{Advert: a, Source: self, At: after(0)})
	if got := r.Advert(100).Checksum; got != PseudoHeader {
		t.Errorf("sends %v", got)
	}
}

func TestAFixedFormStaysAndTheDifferenceIsSaidOnce(t *testing.T) {
	for policy, fixed := range map[ChecksumPolicy]ChecksumForm{ChecksumPseudoHeader: PseudoHeader, ChecksumMessageOnly: MessageOnly} {
		r := newBackup(t, checksum(policy))
		other := PseudoHeader + MessageOnly - fixed
		r.does(r.hearForm(fixed, 99))
		r.does(r.hearForm(other, 99), Notice{Kind: ChecksumDiffers, Source: higher, Form: other})
		r.does(r.hearForm(other, 99))
		if got := r.Advert(100).Checksum; got != fixed {
			t.Errorf("sends %v, want %v", got, fixed)
		}
	}
}

func TestWithoutAChoiceTheFormIsTheOnlyOne(t *testing.T) {
	if got := newRouter(t, version2).Advert(100).Checksum; got != MessageOnly {
		t.Errorf("version 2 sends %v", got)
	}
	r := tester{NewRouter(valid6()), t}
	r.heardForm = MessageOnly
	if got := r.Advert(100).Checksum; got != PseudoHeader {
		t.Errorf("IPv6 sends %v", got)
	}
}
