package lab

import (
	"net/netip"
	"testing"
	"time"
)

// machinePause is how late the sender may be before a timing test is about the machine and not about the lab.
const machinePause = 5 * time.Millisecond

func probe(t *testing.T, h *Host, options ProbeOptions) *Prober {
	t.Helper()
	p, err := h.Probe(options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func answers(t *testing.T, p *Prober, n int) {
	t.Helper()
	if err := p.AwaitAnswers(n, 10*time.Second); err != nil {
		t.Fatal(err)
	}
}

func mustRun(t *testing.T, h *Host, command ...string) {
	t.Helper()
	if _, err := h.Run(command[0], command[1:]...); err != nil {
		t.Fatal(err)
	}
}

func TestTwoThousandEchoesWithoutFaultsLoseNothing(t *testing.T) {
	for _, target := range []string{"192.168.1.3", "2001:db8::3"} {
		t.Run(target, func(t *testing.T) {
			p := newPair(t)
			prober := probe(t, p.alice, ProbeOptions{Target: netip.MustParseAddr(target)})
			answers(t, prober, 2000)
			r := prober.Stop()
			if r.Sent < 2000 || r.Lost != 0 || r.Received != r.Sent || r.Duplicates != 0 || len(r.Outages) != 0 {
				t.Errorf("sent %d, received %d, lost %d, duplicates %d, outages %v", r.Sent, r.Received, r.Lost, r.Duplicates, r.Outages)
			}
			if r.Answers[p.bobN.MAC] != r.Sent {
				t.Errorf("answers by %v, want all %d by bob, %s", r.Answers, r.Sent, p.bobN.MAC)
			}
			if r.LongestGap != r.WorstPause || r.LongestGap < DefaultProbeInterval {
				t.Errorf("longest gap %v, longest time between two echoes %v: want the same when nothing is lost", r.LongestGap, r.WorstPause)
			}
			if replies := r.Replies(); replies[0].TTL != 64 || replies[0].Sequence != 0 {
				t.Errorf("first reply %+v, want sequence 0 and TTL 64", replies[0])
			}
			t.Logf("sent %d, sender late by at most %v, worst RTT %v", r.Sent, r.SendLate, r.WorstRTT)
		})
	}
}

func TestTheProberMeasuresAKnownOutage(t *testing.T) {
	p := newPair(t)
	prober := probe(t, p.alice, ProbeOptions{Target: bobIP})
	answers(t, prober, 100)
	down := prober.Mark("silence")
	p.bobN.Silence()
	<-time.After(50 * time.Millisecond)
	p.bobN.Unsilence()
	truth := time.Since(down)
	answers(t, prober, 100)
	r := prober.Stop()
	if r.WorstPause > machinePause {
		t.Logf("this machine paused for %v", r.WorstPause)
	}
	if len(r.Outages) != 1 {
		t.Fatalf("outages %+v, want one", r.Outages)
	}
	o := r.Outages[0]
	if off := (o.Duration - truth).Abs(); off > 5*time.Millisecond+r.WorstPause {
		t.Errorf("outage of %v, want %v", o.Duration, truth)
	}
	if want := int(o.Duration/DefaultProbeInterval) - 1; r.Lost != o.Lost || r.Lost > want+1 || r.Lost < want-int(r.WorstPause/DefaultProbeInterval)*2-10 {
		t.Errorf("lost %d, in the outage %d, want about %d", r.Lost, o.Lost, want)
	}
	if early := down.Sub(o.Start); early < -5*time.Millisecond || early > DefaultProbeInterval+r.WorstPause {
		t.Errorf("the outage starts %v before the mark", early)
	}
	if r.LongestGap != o.Duration || !r.GapStart.Equal(o.Start) || o.LastAnswerBy != p.bobN.MAC || o.FirstAnswerBy != p.bobN.MAC {
		t.Errorf("longest gap %v at %v, outage %+v, want both the same, between answers of bob", r.LongestGap, r.GapStart, o)
	}
}

func TestACutCableIsAnOutageThatTheProberSurvives(t *testing.T) {
	p := newPair(t)
	// Carrier loss makes bob forget alice; asking for her again could fail once, and is repeated only a second later.
	mustRun(t, p.bob, "ip", "neigh", "replace", aliceIP.String(), "lladdr", p.aliceN.MAC.String(), "dev", "eth0")
	prober := probe(t, p.alice, ProbeOptions{Target: bobIP})
	answers(t, prober, 100)
	began := prober.Mark("cut")
	p.bobN.Cut()
	<-time.After(50 * time.Millisecond)
	p.bobN.Restore()
	truth := time.Since(began)
	answers(t, prober, 100)
	r := prober.Stop().Phase("cut")
	if off := (r.LongestGap - truth).Abs(); off > 5*time.Millisecond+r.WorstPause {
		t.Errorf("gap of %v, want %v", r.LongestGap, truth)
	}
}

func TestTwoAnswersToOneEchoAreDuplicates(t *testing.T) {
	p := newPair(t)
	eve := p.lab.Host("eve").Connect(p.lan, "eth0", "192.168.1.3/24")
	mac := VirtualMAC4(10).String()
	// Both hosts take frames to the virtual MAC, as two masters would; the bridge must flood, not learn, for both to get them.
	for _, nic := range []*NIC{p.bobN, eve} {
		if err := command("bridge", "-n", p.lan.Namespace(), "link", "set", "dev", nic.SwitchPort, "learning", "off"); err != nil {
			t.Fatal(err)
		}
		mustRun(t, nic.Host, "ip", "link", "set", "eth0", "address", mac)
		mustRun(t, nic.Host, "ip", "neigh", "add", "192.168.1.2", "lladdr", p.aliceN.MAC.String(), "dev", "eth0")
	}
	mustRun(t, p.alice, "ip", "neigh", "add", "192.168.1.3", "lladdr", mac, "dev", "eth0")
	prober := probe(t, p.alice, ProbeOptions{Target: bobIP, Interval: time.Millisecond})
	answers(t, prober, 50)
	r := prober.Stop()
	if r.Duplicates < 50 || r.Lost != 0 || r.Answers[VirtualMAC4(10)] != r.Received+r.Duplicates {
		t.Errorf("duplicates %d of %d received, lost %d, answers %v: want two answers to each echo", r.Duplicates, r.Received, r.Lost, r.Answers)
	}
}

func TestAProbeThroughANextHopGoesThereAndForgetsTheRoute(t *testing.T) {
	p := newPair(t)
	router := p.lab.Host("router")
	routerNIC := router.Connect(p.lan, "eth0", "192.168.1.1/24")
	router.Connect(p.lan, "eth1", "10.0.0.1/24")
	prober := probe(t, p.alice, ProbeOptions{Target: netip.MustParseAddr("10.0.0.1"), NextHop: netip.MustParseAddr("192.168.1.1")})
	answers(t, prober, 10)
	if r := prober.Stop(); r.Answers[routerNIC.MAC] == 0 {
		t.Errorf("answers %v, want %s", r.Answers, routerNIC.MAC)
	}
	if _, err := p.alice.Run("ip", "route", "get", "10.0.0.1"); err == nil {
		t.Error("the route is still there")
	}
}

func TestAnEchoThatTheKernelRefusesIsLost(t *testing.T) {
	p := newPair(t)
	prober := probe(t, p.alice, ProbeOptions{Target: netip.MustParseAddr("203.0.113.1"), Linger: time.Millisecond})
	if err := prober.AwaitAnswers(1, 20*time.Millisecond); err == nil {
		t.Fatal("an answer without a route")
	}
	r := prober.Stop()
	if r.Sent == 0 || r.Lost != r.Sent || r.SendErrors != r.Sent || r.SendError == nil {
		t.Errorf("sent %d, lost %d, refused %d (%v), want all lost and refused", r.Sent, r.Lost, r.SendErrors, r.SendError)
	}
}
