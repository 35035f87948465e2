package vrrp

import (
	"testing"
	"time"
)

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
