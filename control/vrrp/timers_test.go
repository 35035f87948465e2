package vrrp

import (
	"testing"
	"time"
)

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
				lease := Config{Interval: interval}.leaseLength()
				if down := activeDownInterval(version, uint8(priority), interval); lease >= down {
					t.Errorf("version %d, priority %d, %v: lease %v, down %v", version, priority, interval, lease, down)
				}
			}
		}
	}
}

func TestInstantsCompareAndTheEarliestIgnoresNever(t *testing.T) {
	t0 := Instant(5)
	t1 := t0.Add(time.Second)
	if !t0.Before(t1) || !t1.After(t0) || t0.After(t1) || t1.Before(t0) || t1.Sub(t0) != time.Second {
		t.Errorf("%d and %d compare wrongly", t0, t1)
	}
	if got := earliest(0, t1, 0, t0); got != t0 {
		t.Errorf("earliest is %d, want %d", got, t0)
	}
	if got := earliest(0, 0); got != 0 {
		t.Errorf("earliest of nothing is %d", got)
	}
}
