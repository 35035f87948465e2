package lab

import (
	"slices"
	"time"
)

// OwnerAnswer is one answer to a request of an OwnerWatch.
type OwnerAnswer struct {
	At         time.Time // when it entered the switch, stamped by the kernel
	RequestSeq int       // the request that it answers, from 0
	Port       string    // of the switch
	Host       string    // at the far end of the port: who answered
	SenderMAC  MAC       // in the ARP packet, or in the target link-layer option (zero without one): what the client learns
	SourceMAC  MAC       // of the Ethernet header
}

// OwnerReport is what an OwnerWatch saw.
type OwnerReport struct {
	Requests     int
	SendErrors   int           // requests that the client could not send
	Answers      []OwnerAnswer // in order of arrival
	SentAt       []time.Time   // by request
	SendLate     time.Duration
	WorstPause   time.Duration // longest time between two requests, this machine's fault
	CaptureDrops int           // answers that the capture may have lost
}

// DoubleAnswer is a request that more than one host answered.
type DoubleAnswer struct {
	RequestSeq int
	SentAt     time.Time
	Hosts      []string // in order of their first answer
	Answers    []OwnerAnswer
}

func (w *OwnerWatch) newReport() *OwnerReport {
	r := &OwnerReport{
		Requests: len(w.sent), SendErrors: w.errs, SendLate: w.pacer.late, WorstPause: w.pacer.pause,
		CaptureDrops: int(w.capture.drops),
	}
	for _, at := range w.sent {
		r.SentAt = append(r.SentAt, w.pacer.time(at))
	}
	for _, a := range w.answers {
		if a.RequestSeq = r.request(a); a.RequestSeq >= 0 {
			r.Answers = append(r.Answers, a)
		}
	}
	slices.SortStableFunc(r.Answers, func(a, b OwnerAnswer) int { return a.At.Compare(b.At) })
	return r
}

// request finds the latest request with the MAC of this answer that was sent before it; -1 when there is none.
func (r *OwnerReport) request(a OwnerAnswer) int {
	seq := -1
	for i := a.RequestSeq; i < len(r.SentAt) && !r.SentAt[i].After(a.At); i += askerPool {
		seq = i
	}
	return seq
}

// Owners tells which host answered when, in order of arrival; a new segment begins when the host or the MAC that it
// claims changes. Segment.MAC is SenderMAC of the answers.
func (r *OwnerReport) Owners() []Segment {
	var s segments
	for _, a := range r.Answers {
		s.add(Segment{Host: a.Host, MAC: a.SenderMAC, From: a.At, To: a.At, Answers: 1})
	}
	return s
}

// DoubleAnswers lists the requests that more than one host answered. With one owner at any time there is none.
func (r *OwnerReport) DoubleAnswers() (double []DoubleAnswer) {
	byRequest := make([]DoubleAnswer, r.Requests)
	for _, a := range r.Answers {
		d := &byRequest[a.RequestSeq]
		if !slices.Contains(d.Hosts, a.Host) {
			d.Hosts = append(d.Hosts, a.Host)
		}
		d.Answers = append(d.Answers, a)
	}
	for seq, d := range byRequest {
		if len(d.Hosts) > 1 {
			d.RequestSeq, d.SentAt = seq, r.SentAt[seq]
			double = append(double, d)
		}
	}
	return double
}

// Unanswered counts the requests that nobody answered.
func (r *OwnerReport) Unanswered() int {
	answered := map[int]bool{}
	for _, a := range r.Answers {
		answered[a.RequestSeq] = true
	}
	return r.Requests - len(answered)
}

// ByHost counts the answers of each host.
func (r *OwnerReport) ByHost() map[string]int {
	count := map[string]int{}
	for _, a := range r.Answers {
		count[a.Host]++
	}
	return count
}

// AnswersBetween lists the answers that arrived in [from, to).
func (r *OwnerReport) AnswersBetween(from, to time.Time) (part []OwnerAnswer) {
	for _, a := range r.Answers {
		if !a.At.Before(from) && a.At.Before(to) {
			part = append(part, a)
		}
	}
	return part
}
