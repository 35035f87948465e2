package vrrp

import (
	"testing"
	"time"
)

// Where RFC 3768 (version 2), RFC 5798 and RFC 9568 (both version 3) differ. Not
// here: Accept_Mode (fast path), the R flag of Neighbor Advertisements (netio).

var versions = []struct {
	name   string
	change func(*Config)
}{
	{"version 2", version2},
	{"version 3", func(*Config) {}},
}

// Terms: Active is called Master, as in RFC 3768 and RFC 5798.
func TestActiveIsCalledMaster(t *testing.T) {
	if Master.String() != "MASTER" {
		t.Errorf("got %v", Master)
	}
}

// An advert of lower priority in Active: version 2 drops it silently, RFC 9568
// sends an advert at once. Deviates from RFC 3768 §6.4.3 because two masters end
// sooner so; keepalived sends one in both versions too.
func TestALesserAdvertIsContradictedInBothVersions(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			r := newMaster(t, v.change)
			r.does(r.hear(after(1), higher, 99), SendAdvert{Priority: 100}, Announce{Repeat: 5})
			r.in(Master)
		})
	}
}

// The checksum over IPv4: version 2 covers the message only. Version 3 was read
// in both ways: both are accepted, and either can be sent.
func TestVersion3AcceptsBothChecksumsAndVersion2One(t *testing.T) {
	for _, test := range []struct {
		version Version
		form    ChecksumForm
		want    error
	}{
		{V2, MessageOnly, nil}, {V2, PseudoHeader, ReasonChecksum},
		{V3, MessageOnly, nil}, {V3, PseudoHeader, nil},
	} {
		p := packetOf(t, map[Version]int{V2: vectorV2, V3: vectorV3}[test.version])
		covered := sum(append(p.PDU[:6:6], p.PDU[8:]...))
		if test.form == PseudoHeader {
			pseudo, _ := pseudoHeaderSum(IPv4, p.Source, p.Destination, len(p.PDU))
			covered += pseudo
		}
		c := ^fold(covered)
		p.PDU[6], p.PDU[7] = byte(c>>8), byte(c)
		a, err := Parse(p)
		if err != test.want || err == nil && a.Checksum != test.form {
			t.Errorf("version %d, %v: %v, found to be %v", test.version, test.form, err, a.Checksum)
		}
	}
}

// An owner that receives an advert: RFC 3768 and RFC 5798 drop it, erratum 8298
// logs it. Version 2 is treated the same: of two owners one has to go.
func TestAnOwnerThatHearsAnotherSaysSoInBothVersions(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			r := newRouter(t, v.change, priority(255))
			r.Step(after(0), Startup{})
			r.does(r.hear(after(0), lower, 255), Notice{Kind: TwoOwners, Source: lower}, SendAdvert{Priority: 255}, Announce{Repeat: 5})
			r.hear(after(0), higher, 255)
			r.in(Backup)
		})
	}
}

// Another interval: version 2 drops the advert, version 3 logs and keeps it.
func TestAnotherIntervalIsRefusedInVersion2AndAdoptedInVersion3(t *testing.T) {
	other := 2 * time.Second
	r := newBackup(t, version2)
	a := r.advert(200)
	a.Interval = other
	r.does(r.Step(after(1), AdvertReceived{Advert: a, Source: higher, At: after(1)}),
		Notice{Kind: IntervalRefused, Source: higher, Interval: other}, Discard{Reason: ReasonInterval, Source: higher})
	r.wakes(after(down))

	r = newBackup(t)
	a = r.advert(200)
	a.Interval = other
	r.does(r.Step(after(1), AdvertReceived{Advert: a, Source: higher, At: after(1)}),
		Notice{Kind: IntervalAdopted, Source: higher, Interval: other}, Follow{Source: higher, Advert: a})
}

// The learned interval: RFC 9568 recomputes Skew_Time and Active_Down_Interval,
// and the timer that runs is the new one.
func TestALearnedIntervalChangesSkewAndDownTimerAtOnce(t *testing.T) {
	r := newBackup(t)
	a := r.advert(200)
	a.Interval = interval / 2
	r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)})
	r.wakes(after(down / 2))
	r.hear(after(0), higher, 0)
	r.wakes(after(skew / 2))
}

// The type of authentication: version 2 has one, and it must be the configured
// one; version 3 has none.
func TestVersion2HasAuthenticationAndVersion3HasNone(t *testing.T) {
	for _, test := range []struct {
		config func(*Config)
		typ    uint8
		want   []Action
	}{
		{version2, 1, []Action{Notice{Kind: AuthDiffers, Source: higher, AuthType: 1}, Discard{Reason: ReasonAuthType, Source: higher}}},
		{password, 0, []Action{Notice{Kind: AuthDiffers, Source: higher}, Discard{Reason: ReasonAuthType, Source: higher}}},
		{password, 1, []Action{SendAdvert{Priority: 100}, Announce{Repeat: 5}}},
	} {
		r := newMaster(t, test.config)
		a := r.advert(99)
		a.AuthType = test.typ
		r.does(r.Step(after(1), AdvertReceived{Advert: a, Source: higher, At: after(1)}), test.want...)
	}
	c := valid4()
	c.Password = "secret"
	if c.Validate() == nil {
		t.Error("a password is valid in version 3")
	}
}
