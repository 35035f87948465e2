package wire

import (
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// margin is what a measured time may be off by. Timers and sockets of the
// kernel, two switches of context and the capture take well below a millisecond
// on an idle machine; the rest is for a neighbour on the other CPU.
const margin = 10 * time.Millisecond

// Times are asserted in runs only during which the machine itself was not late
// by more than unfit; others are measured again.
const (
	unfit    = margin / 2
	attempts = 5
)

// pulse finds out how late this machine wakes up those who sleep.
type pulse struct {
	end   chan struct{}
	worst chan time.Duration
}

func startPulse() *pulse {
	p := &pulse{end: make(chan struct{}), worst: make(chan time.Duration)}
	go func() {
		const beat = 2 * time.Millisecond
		var worst time.Duration
		for last, ended := time.Now(), false; !ended; {
			select {
			case <-p.end:
				ended = true // what is measured may wake up from a pause before this does
			case <-time.After(beat):
			}
			now := time.Now()
			worst, last = max(worst, now.Sub(last)-beat), now
		}
		p.worst <- worst
	}()
	return p
}

func (p *pulse) stop() time.Duration {
	close(p.end)
	return <-p.worst
}

// timed is one measurement: the difference to what the protocol says.
type timed struct {
	what      string
	got, want time.Duration
}

// thrice wants what measure returns to be as long as it should be, three times.
func thrice(t testing.TB, measure func() []timed) {
	t.Helper()
	thriceAfter(t, func() {}, measure)
}

// thriceAfter prepares each measurement by what may make the machine pause.
func thriceAfter(t testing.TB, prepare func(), measure func() []timed) {
	t.Helper()
	for range 3 {
		checkTimes(t, prepare, measure)
	}
}

// checkTimes repeats a measurement that this machine has spoilt.
func checkTimes(t testing.TB, prepare func(), measure func() []timed) {
	t.Helper()
	for range attempts {
		prepare()
		p := startPulse()
		measured := measure()
		if late := p.stop(); late >= unfit {
			t.Logf("measured again: this machine paused for %v", late)
			continue
		}
		for _, m := range measured {
			if off := (m.got - m.want).Abs(); off > margin {
				t.Errorf("%s took %v, want %v", m.what, m.got.Round(10*time.Microsecond), m.want)
			}
		}
		return
	}
	t.Fatalf("this machine pauses too often to measure %v", margin)
}

// ownAdvert selects the router's adverts as they leave it.
func (s *site) ownAdvert(f lab.Frame) bool {
	v, ok := lab.ParseVRRP(f.Data)
	return ok && f.Direction == lab.In && v.SourceIP == s.own
}

// ownWith selects those of a priority.
func (s *site) ownWith(priority uint8) func(lab.Frame) bool {
	return func(f lab.Frame) bool {
		v, ok := lab.ParseVRRP(f.Data)
		return ok && s.ownAdvert(f) && v.Priority() == priority
	}
}

// sendTimed sends a frame and tells when it came to the router's port.
func (s *site) sendTimed(frame []byte) time.Time {
	s.t.Helper()
	before := time.Now()
	s.send(frame)
	return s.firstAfter(before, carries(frame)).At
}

// carries selects a frame by its content, on its way to the router.
func carries(frame []byte) func(lab.Frame) bool {
	return func(f lab.Frame) bool { return f.Direction == lab.Out && string(f.Data) == string(frame) }
}

// firstAfter waits for the first frame after that time that matches.
func (s *site) firstAfter(at time.Time, match func(lab.Frame) bool) lab.Frame {
	s.t.Helper()
	f, err := s.wire.Await(patience, func(f lab.Frame) bool { return f.At.After(at) && match(f) })
	must(s.t, err)
	return f
}

// catchUp waits until the capture holds all that has passed: until it holds a
// frame that is sent now, of a type for experiments (IEEE 802).
func (s *site) catchUp() {
	s.t.Helper()
	marker := append(append(append([]byte{}, broadcast[:]...), s.host.MAC[:]...), 0x88, 0xb5)
	marker = append(marker, time.Now().Format(time.RFC3339Nano)...)
	must(s.t, s.host.Send(marker))
	_, err := s.wire.Await(patience, carries(marker))
	must(s.t, err)
}

// between lists the frames of a time that match.
func (s *site) between(from, to time.Time, match func(lab.Frame) bool) (list []lab.Frame) {
	s.t.Helper()
	s.catchUp()
	for _, f := range s.wire.Frames() {
		if f.At.After(from) && f.At.Before(to) && match(f) {
			list = append(list, f)
		}
	}
	return list
}
