package lab

import (
	"slices"
	"time"
)

// Report is what a Prober saw, over the whole run or over a part of it (Between, Phase).
//
// A gap runs from the send time of an echo that was answered to the send time of the next echo that was answered; with
// nothing lost it is the interval, 500 µs. Where no echo was answered before or after, it runs from the first or to the
// last echo of the run.
type Report struct {
	Sent       int // echoes
	Received   int // echoes with at least one answer
	Lost       int // echoes without an answer
	Duplicates int // answers beyond the first for an echo: more than one host felt responsible

	LongestGap time.Duration
	GapStart   time.Time   // when the longest gap began
	Outages    []Outage    // gaps in which echoes were lost, in order
	Answers    map[MAC]int // by Ethernet source, duplicates included
	WorstRTT   time.Duration

	// Self-check, over the whole run: how far this machine, not the router, spoilt the measurement.
	SendLate     time.Duration // worst delay of an echo after its time
	WorstPause   time.Duration // longest time between two echoes
	SendErrors   int           // echoes that the kernel refused to send; they count as sent and lost
	SendError    error         // the last such refusal
	CaptureDrops int           // frames that the capture lost; not 0 means Lost is not to be trusted

	From, To time.Time // the part of the run that this report is about
	Marks    []Mark    // of the whole run

	run *probeRun
}

// Reply is one answer to an echo.
type Reply struct {
	Sequence  int       // of the echo, from 0
	At        time.Time // arrival at the client's NIC, stamped by the kernel
	MAC       MAC       // Ethernet source: who answered
	TTL       uint8     // or hop limit, as received
	Duplicate bool      // the echo had been answered before
}

// Outage is a gap in which echoes were lost.
type Outage struct {
	Start         time.Time     // send time of the last answered echo
	Duration      time.Duration // until the send time of the next answered echo
	Lost          int
	LastAnswerBy  MAC // zero when nobody had answered before
	FirstAnswerBy MAC // zero when nobody answered any more
}

// Segment is a time in which only one station answered. From and To are its first and last answer.
type Segment struct {
	Host     string // empty when the MAC is no NIC's
	MAC      MAC
	From, To time.Time
	Answers  int
}

// probeRun is the record that reports are made from.
type probeRun struct {
	sent    []time.Time
	first   []*Reply // the first answer to each echo, or nil
	replies []Reply  // in order of arrival
	who     func(MAC) string
}

// newReport is called after the capture and the pacer have ended.
func newReport(p *Prober) *Report {
	run := &probeRun{sent: make([]time.Time, len(p.sent)), first: make([]*Reply, len(p.sent)), who: p.host.lab.Who}
	for i, at := range p.sent {
		run.sent[i] = p.pacer.time(at)
	}
	for _, r := range p.replies {
		if r.Sequence < 0 || r.Sequence >= len(run.sent) {
			continue // not an echo of ours, whatever it says
		}
		r.Duplicate = run.first[r.Sequence] != nil
		if !r.Duplicate {
			run.first[r.Sequence] = &r
		}
		run.replies = append(run.replies, r)
	}
	slices.SortStableFunc(run.replies, func(a, b Reply) int { return a.At.Compare(b.At) })
	whole := Report{
		SendLate: p.pacer.late, WorstPause: p.pacer.pause, SendErrors: p.sendErrors, SendError: p.lastError,
		CaptureDrops: int(p.capture.drops), Marks: p.marks, run: run,
	}
	return whole.Between(p.pacer.origin, time.Now())
}

// Between reports on the echoes sent in [from, to). Gaps that began earlier or end later are included whole, duplicates
// and answers belong to the echo that they answer; the self-check fields remain those of the run.
func (r *Report) Between(from, to time.Time) *Report {
	part := *r
	part.From, part.To, part.Answers = from, to, map[MAC]int{}
	part.Sent, part.Received, part.Duplicates, part.WorstRTT = 0, 0, 0, 0
	within := func(i int) bool { return !r.run.sent[i].Before(from) && r.run.sent[i].Before(to) }
	for i := range r.run.sent {
		if within(i) {
			part.Sent++
			if r.run.first[i] != nil {
				part.Received++
			}
		}
	}
	for _, a := range r.run.replies {
		if !within(a.Sequence) {
			continue
		}
		part.Answers[a.MAC]++
		if a.Duplicate {
			part.Duplicates++
		}
		part.WorstRTT = max(part.WorstRTT, a.At.Sub(r.run.sent[a.Sequence]))
	}
	part.Lost = part.Sent - part.Received
	part.findGaps()
	return &part
}

// Phase reports on the time from a mark to the next mark, or to the end; nil when there is no such mark.
func (r *Report) Phase(label string) *Report {
	for i, m := range r.Marks {
		if m.Label != label {
			continue
		}
		to := r.run.end()
		if i+1 < len(r.Marks) {
			to = r.Marks[i+1].At
		}
		return r.Between(m.At, to)
	}
	return nil
}

// findGaps sets LongestGap, GapStart and Outages from the gaps that overlap the report's time.
func (r *Report) findGaps() {
	r.LongestGap, r.GapStart, r.Outages = 0, time.Time{}, nil
	for _, g := range r.run.gaps() {
		end := g.Start.Add(g.Duration)
		if !end.After(r.From) || !g.Start.Before(r.To) {
			continue
		}
		if g.Duration > r.LongestGap {
			r.LongestGap, r.GapStart = g.Duration, g.Start
		}
		if g.Lost > 0 {
			r.Outages = append(r.Outages, g)
		}
	}
}

// gaps lists every gap of the run, those without loss too.
func (run *probeRun) gaps() (gaps []Outage) {
	if len(run.sent) == 0 {
		return nil
	}
	open := Outage{Start: run.sent[0]}
	seen := false
	for i, answer := range run.first {
		if answer == nil {
			open.Lost++
			continue
		}
		if seen || open.Lost > 0 {
			open.Duration, open.FirstAnswerBy = run.sent[i].Sub(open.Start), answer.MAC
			gaps = append(gaps, open)
		}
		open, seen = Outage{Start: run.sent[i], LastAnswerBy: answer.MAC}, true
	}
	if open.Lost > 0 {
		open.Duration = run.sent[len(run.sent)-1].Sub(open.Start)
		gaps = append(gaps, open)
	}
	return gaps
}

func (run *probeRun) end() time.Time {
	if len(run.sent) == 0 {
		return time.Time{}
	}
	return run.sent[len(run.sent)-1].Add(1)
}

// Replies lists the answers to the echoes of the report's time, in order of arrival.
func (r *Report) Replies() (replies []Reply) {
	for _, a := range r.run.replies {
		if at := r.run.sent[a.Sequence]; !at.Before(r.From) && at.Before(r.To) {
			replies = append(replies, a)
		}
	}
	return replies
}

// Who counts the answers that arrived in [from, to), by Ethernet source.
func (r *Report) Who(from, to time.Time) map[MAC]int {
	count := map[MAC]int{}
	for _, a := range r.run.replies {
		if !a.At.Before(from) && a.At.Before(to) {
			count[a.MAC]++
		}
	}
	return count
}

// Segments tells who answered when, in order of arrival, within the report's time.
func (r *Report) Segments() []Segment {
	var s segments
	for _, a := range r.Replies() {
		s.add(Segment{Host: r.run.who(a.MAC), MAC: a.MAC, From: a.At, To: a.At, Answers: 1})
	}
	return s
}

type segments []Segment

// add joins an answer to the last segment, or begins a new one when the station is another.
func (s *segments) add(a Segment) {
	if n := len(*s); n > 0 && (*s)[n-1].Host == a.Host && (*s)[n-1].MAC == a.MAC {
		last := &(*s)[n-1]
		last.To, last.Answers = a.To, last.Answers+a.Answers
		return
	}
	*s = append(*s, a)
}
