package vrrp

import (
	"testing"
	"time"
)

// The timers and parameters of RFC 9568 §6.1, and of RFC 3768 §6.1 for version 2.

// RFC 9568 §6.1 and RFC 3768 §6.1, worked out by hand.
func TestTimersAreExactAtBothEndsOfTheirRanges(t *testing.T) {
	tests := []struct {
		version    Version
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{V3, 100, time.Second, 609375 * time.Microsecond, 3609375 * time.Microsecond},
		{V3, 254, 10 * time.Millisecond, 78125 * time.Nanosecond, 30078125 * time.Nanosecond},
		{V3, 1, 10 * time.Millisecond, 9960937 * time.Nanosecond, 39960937 * time.Nanosecond},
		{V3, 1, 40950 * time.Millisecond, 40790039062 * time.Nanosecond, 163640039062 * time.Nanosecond},
		{V3, 100, 40950 * time.Millisecond, 24953906250 * time.Nanosecond, 147803906250 * time.Nanosecond},
		{V2, 100, time.Second, 609375 * time.Microsecond, 3609375 * time.Microsecond},
		{V2, 100, 255 * time.Second, 609375 * time.Microsecond, 765609375 * time.Microsecond},
		{V2, 1, 255 * time.Second, 996093750 * time.Nanosecond, 765996093750 * time.Nanosecond},
		{V2, 255, time.Second, 3906250 * time.Nanosecond, 3003906250 * time.Nanosecond},
	}
	for _, test := range tests {
		if got := skewTime(test.version, test.priority, test.interval); got != test.skew {
			t.Errorf("version %d, priority %d, %v: skew %v, want %v", test.version, test.priority, test.interval, got, test.skew)
		}
		if got := activeDownInterval(test.version, test.priority, test.interval); got != test.down {
			t.Errorf("version %d, priority %d, %v: down %v, want %v", test.version, test.priority, test.interval, got, test.down)
		}
	}
}

// What makes the lease safe: design "the lease".
func TestEveryLeaseEndsBeforeAnyBackupTakesOver(t *testing.T) {
	for _, version := range []Version{V2, V3} {
		for _, interval := range []time.Duration{time.Second, 7 * time.Second, 40 * time.Second} {
			for priority := 1; priority <= 255; priority++ {
				lease := Config{Interval: interval}.leaseAdverts() * interval
				if down := activeDownInterval(version, uint8(priority), interval); lease >= down {
					t.Errorf("version %d, priority %d, %v: lease %v, down %v", version, priority, interval, lease, down)
				}
			}
		}
	}
}

// RFC 9568 §6.1: Advertisement_Interval: 1..4095 centiseconds.
func TestTheIntervalOfVersion3Is1To4095Centiseconds(t *testing.T) {
	for _, test := range []struct {
		interval time.Duration
		valid    bool
	}{
		{0, false}, {time.Millisecond, false}, {10 * time.Millisecond, true}, {11 * time.Millisecond, false},
		{40950 * time.Millisecond, true}, {40960 * time.Millisecond, false},
	} {
		c := valid4()
		c.Interval = test.interval
		if err := c.Validate(); (err == nil) != test.valid {
			t.Errorf("%v: %v", test.interval, err)
		}
	}
}

// RFC 3768 §5.3.7: 1..255 seconds.
func TestTheIntervalOfVersion2Is1To255Seconds(t *testing.T) {
	for _, test := range []struct {
		interval time.Duration
		valid    bool
	}{
		{0, false}, {999 * time.Millisecond, false}, {time.Second, true}, {1500 * time.Millisecond, false},
		{255 * time.Second, true}, {256 * time.Second, false},
	} {
		c := valid4()
		c.Version, c.Interval = V2, test.interval
		if err := c.Validate(); (err == nil) != test.valid {
			t.Errorf("%v: %v", test.interval, err)
		}
	}
}

// RFC 9568 §6.1: Skew_Time = ((256 - Priority) * Active_Adver_Interval) / 256:
// of the master's interval, not of the own.
func TestTheSkewIsOfTheIntervalOfTheMaster(t *testing.T) {
	r := newBackup(t)
	a := r.advert(200)
	a.Interval = 4 * interval
	r.Step(after(0), AdvertReceived{Advert: a, Source: higher, At: after(0)})
	if r.SkewTime() != 4*skew || r.ActiveDownInterval() != 4*down {
		t.Errorf("skew %v, down %v; want %v, %v", r.SkewTime(), r.ActiveDownInterval(), 4*skew, 4*down)
	}
}

// RFC 3768 §6.1: Skew_Time = (256 - Priority) / 256 seconds.
func TestTheSkewOfVersion2DoesNotDependOnTheInterval(t *testing.T) {
	r := newBackup(t, version2, func(c *Config) { c.Interval = 20 * interval })
	if r.SkewTime() != skew || r.ActiveDownInterval() != 60*interval+skew {
		t.Errorf("skew %v, down %v", r.SkewTime(), r.ActiveDownInterval())
	}
}

// RFC 9568 §6.1: Priority: default 100.
func TestTheDefaultPriorityIs100(t *testing.T) {
	if DefaultPriority != 100 || OwnerPriority != 255 {
		t.Errorf("default %d, owner %d", DefaultPriority, OwnerPriority)
	}
}

// RFC 9568 §6.1: Preempt_Mode: default True. And it knows no delay of it.
func TestARouterPreemptsWithoutDelayUnlessItIsToldOtherwise(t *testing.T) {
	r := newBackup(t)
	for at := time.Duration(0); at < down; at += interval {
		r.does(r.hear(after(at), higher, 99))
	}
	r.wakes(after(down))
	r.does(r.Step(after(down), Timer{}), promoted(after(down), 100, Backup, Preempts, higher)...)
}
