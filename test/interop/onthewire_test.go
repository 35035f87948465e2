package interop

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// sentBy lists the adverts of this host since then, as the switch has received them.
func (p *pair) sentBy(nic *lab.NIC, since time.Time) (sent []lab.Frame) {
	for _, f := range p.wire.Frames() {
		if f.Host == nic.Host.Name && f.At.After(since) {
			sent = append(sent, f)
		}
	}
	return sent
}

// speaks waits for an advert of this host with this priority, since p.began.
func (p *pair) speaks(nic *lab.NIC, priority uint8) lab.Frame {
	p.t.Helper()
	return p.hears(nic, func(a lab.VRRP) bool { return a.Priority() == priority })
}

func (p *pair) hears(nic *lab.NIC, match func(lab.VRRP) bool) lab.Frame {
	p.t.Helper()
	frame, err := p.wire.Await(patience, func(f lab.Frame) bool {
		advert, ok := lab.ParseVRRP(f.Data)
		return ok && f.Host == nic.Host.Name && f.At.After(p.began) && match(advert)
	})
	if err != nil {
		p.must(fmt.Errorf("an advert of %s: %w", nic.Host.Name, err))
	}
	return frame
}

// takeover is one host after the other, because of what happened at p.began.
type takeover struct {
	what     string
	from, to *lab.NIC
	farewell bool // the last advert of from said so
	// The time from that advert to the first one of to is in [least, most].
	least, most time.Duration
}

func (p *pair) check(o takeover) {
	p.t.Helper()
	first := p.hears(o.to, func(lab.VRRP) bool { return true })
	var last lab.Frame
	for _, f := range p.sentBy(o.from, time.Time{}) {
		if f.At.Before(first.At) {
			last = f
		}
	}
	advert, _ := lab.ParseVRRP(last.Data)
	if said := advert.Priority() == 0; said != o.farewell {
		p.errorf("%s: the last advert of %s has priority %d", o.what, o.from.Host.Name, advert.Priority())
	}
	took := first.At.Sub(last.At)
	p.t.Logf("%s: %s: %s took over after %v, want %v to %v", p, o.what, o.to.Host.Name, took, o.least, o.most)
	if took < o.least || took > o.most {
		p.errorf("%s: %s took over %v after the last advert of %s, want %v to %v", o.what, o.to.Host.Name, took, o.from.Host.Name, o.least, o.most)
	}
}

// skew is Skew_Time and down Active_Down_Interval of a router of this priority. In version 2 the one is in parts of a
// second; our interval is one, too.
func (p *pair) skew(priority uint8) time.Duration {
	return time.Duration(256-int(priority)) * p.advert.Interval / 256
}

func (p *pair) down(priority uint8) time.Duration { return 3*p.advert.Interval + p.skew(priority) }

// keepsSpeaking wants no advert of this host to be missing since then.
func (p *pair) keepsSpeaking(nic *lab.NIC, since time.Time) {
	p.t.Helper()
	last := since
	for _, f := range p.sentBy(nic, since) {
		if silence := f.At.Sub(last); silence > p.advert.Interval*3/2 {
			p.errorf("%s was silent for %v: it has not been master all the time", nic.Host.Name, silence)
		}
		last = f.At
	}
}

// checkSent has a third party look at every advert that ours have sent, all at once.
func (ps pairs) checkSent(form lab.V3Checksum) {
	var all []lab.Frame
	var of []*pair // each of them
	for _, p := range ps {
		p.wire.Stop()
		sent := p.sentBy(p.ours, time.Time{})
		if len(sent) == 0 {
			p.errorf("ours has sent no advert")
		}
		all, of = append(all, sent...), append(of, slices.Repeat([]*pair{p}, len(sent))...)
	}
	dissected, err := lab.Dissect(all, form)
	ps[0].must(err)
	for i, got := range dissected {
		if d := cmp.Diff(of[i].wantSent(i, got.Priority), got, compareAddresses); d != "" {
			of[i].t.Fatalf("%s: tshark on an advert of ours (-want +got):\n%s", of[i], d)
		}
	}
}

// wantSent is what tshark has to make of an advert of ours, frame number i: without a remark. Any may be a farewell.
func (p *pair) wantSent(i, priority int) lab.Dissection {
	want := lab.Dissection{
		Number: i, Protocol: "vrrp", Source: p.virtualMAC(), SourceIP: p.ourSource, TTL: vrrp.TTL,
		Version: int(p.advert.Version), VRID: int(p.advert.VRID), Priority: int(p.priority),
		AuthType: int(p.advert.AuthType), AuthString: authString(p.advert), Interval: p.advert.Interval,
		ChecksumGood: true, Addresses: p.advert.Addresses,
	}
	if p.unicast { // an ordinary packet of the host, by its routing table
		want.Source = p.ours.MAC
	}
	if priority == 0 {
		want.Priority = 0
	}
	return want
}
