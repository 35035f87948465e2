package lab

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Unix(1_000_000, 0)

func ms(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }

// script makes a run of one echo per millisecond, each answered by the station that its letter names, at once; '.' is a
// lost echo, and a capital letter is answered a second time, by station z.
func script(text string) *Report {
	run := &probeRun{who: func(m MAC) string { return string(rune(m[5])) }}
	for i, c := range []byte(text) {
		run.sent = append(run.sent, ms(i))
		run.first = append(run.first, nil)
		if c == '.' {
			continue
		}
		first := Reply{Sequence: i, At: ms(i), MAC: station(c | 0x20)}
		run.first[i] = &first
		run.replies = append(run.replies, first)
		if c&0x20 == 0 {
			run.replies = append(run.replies, Reply{Sequence: i, At: ms(i), MAC: station('z'), Duplicate: true})
		}
	}
	return &Report{run: run}
}

func station(c byte) MAC { return MAC{5: c} }

func TestAGapRunsFromOneAnsweredEchoToTheNext(t *testing.T) {
	a, b := station('a'), station('b')
	tests := map[string]struct {
		script  string
		longest time.Duration
		start   int // ms
		outages []Outage
	}{
		"no loss":            {"aaaa", 1 * time.Millisecond, 0, nil},
		"takeover":           {"aa...bb", 4 * time.Millisecond, 1, []Outage{{ms(1), 4 * time.Millisecond, 3, a, b}}},
		"two outages":        {"a.a...a", 4 * time.Millisecond, 2, []Outage{{ms(0), 2 * time.Millisecond, 1, a, a}, {ms(2), 4 * time.Millisecond, 3, a, a}}},
		"late start":         {"..a", 2 * time.Millisecond, 0, []Outage{{ms(0), 2 * time.Millisecond, 2, MAC{}, a}}},
		"never again":        {"a...", 3 * time.Millisecond, 0, []Outage{{ms(0), 3 * time.Millisecond, 3, a, MAC{}}}},
		"nobody at all":      {"....", 3 * time.Millisecond, 0, []Outage{{ms(0), 3 * time.Millisecond, 4, MAC{}, MAC{}}}},
		"one answer in all":  {"a", 0, -1, nil},
		"nothing was sent":   {"", 0, -1, nil},
		"takeover, no loss":  {"aabb", 1 * time.Millisecond, 0, nil},
		"gap after an early": {"a..ab", 3 * time.Millisecond, 0, []Outage{{ms(0), 3 * time.Millisecond, 2, a, a}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := script(test.script).Between(ms(0), ms(100))
			start := time.Time{}
			if test.start >= 0 {
				start = ms(test.start)
			}
			if r.LongestGap != test.longest || !r.GapStart.Equal(start) {
				t.Errorf("longest gap %v from %v, want %v from %v", r.LongestGap, r.GapStart, test.longest, start)
			}
			if d := cmp.Diff(test.outages, r.Outages); d != "" {
				t.Errorf("outages (-want +got):\n%s", d)
			}
		})
	}
}

func TestAPhaseCountsItsOwnEchoesButKeepsItsGapsWhole(t *testing.T) {
	whole := script("aaa....Bbb.b")
	whole.Marks = []Mark{{"kill", ms(4)}, {"stop", ms(10)}}
	r := whole.Phase("kill")
	if r.Sent != 6 || r.Lost != 3 || r.Received != 3 || r.Duplicates != 1 {
		t.Errorf("sent %d, lost %d, received %d, duplicates %d, want 6, 3, 3, 1", r.Sent, r.Lost, r.Received, r.Duplicates)
	}
	// The echo before the mark was lost too: the outage began with the answer before it. The gap that ends the phase
	// begins inside it.
	want := []Outage{
		{ms(2), 5 * time.Millisecond, 4, station('a'), station('b')},
		{ms(9), 2 * time.Millisecond, 1, station('b'), station('b')},
	}
	if d := cmp.Diff(want, r.Outages); d != "" {
		t.Errorf("outages (-want +got):\n%s", d)
	}
	if last := whole.Phase("stop"); last.Sent != 2 || last.Lost != 1 {
		t.Errorf("last phase: sent %d, lost %d, want 2 and 1", last.Sent, last.Lost)
	}
	if whole.Phase("no such mark") != nil {
		t.Error("a phase without a mark is not nil")
	}
}

func TestSegmentsTellWhoAnsweredWhen(t *testing.T) {
	r := script("aa.Bb").Between(ms(1), ms(100))
	want := []Segment{
		{"a", station('a'), ms(1), ms(1), 1},
		{"b", station('b'), ms(3), ms(3), 1},
		{"z", station('z'), ms(3), ms(3), 1},
		{"b", station('b'), ms(4), ms(4), 1},
	}
	if d := cmp.Diff(want, r.Segments()); d != "" {
		t.Errorf("segments (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[MAC]int{station('b'): 1, station('z'): 1}, r.Who(ms(2), ms(4))); d != "" {
		t.Errorf("who answered between 2 and 4 ms (-want +got):\n%s", d)
	}
}

func TestThePacerSkipsInstantsThatHavePassed(t *testing.T) {
	p := &pacer{zero: monotonic() - int64(25*time.Millisecond), interval: 10 * time.Millisecond}
	if next := p.after(0); next <= p.now()-10*time.Millisecond || next%p.interval != 0 || next < 30*time.Millisecond {
		t.Errorf("25 ms after instant 0 the next one is %v, want 30 ms", next)
	}
}
