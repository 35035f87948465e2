package lab

import (
	"testing"
	"time"
)

// received counts the foreign frames that reach bob's port of n that alice sends.
func received(t *testing.T, p *pair, n int) int {
	t.Helper()
	s, err := p.bobN.Sniff(func(f Frame) bool { return isForeign(f) && f.Direction == Out })
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := p.aliceN.Send(p.foreign("one of many")); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Millisecond)
	return len(s.Stop())
}

func TestALossyPortLosesItsShareInEachDirection(t *testing.T) {
	p := newPair(t)
	const n = 1000
	for name, c := range map[string]struct {
		lose        func()
		least, most int
	}{
		"nothing yet":           {func() {}, n, n},
		"all that alice sends":  {func() { p.aliceN.Lose(1, 0) }, 0, 0},
		"all that alice hears":  {func() { p.aliceN.Lose(0, 1) }, n, n},
		"all that bob is sent":  {func() { p.bobN.Lose(0, 1) }, 0, 0},
		"half of what she says": {func() { p.aliceN.Lose(0.5, 0) }, n / 3, 2 * n / 3},
	} {
		c.lose()
		if got := received(t, p, n); got < c.least || got > c.most {
			t.Errorf("%s is lost: %d of %d arrive, want %d..%d", name, got, n, c.least, c.most)
		}
		p.aliceN.Lose(0, 0)
		p.bobN.Lose(0, 0)
	}
	if !p.pings(t) {
		t.Error("nothing is lost any more, and a ping is not answered")
	}
}
