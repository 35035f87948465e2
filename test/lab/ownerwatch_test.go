package lab

import (
	"net/netip"
	"testing"
	"time"
)

var vip, vip6 = netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("fe80::100")

// watch runs an OwnerWatch from alice until bob's or eve's answers to n requests had time to arrive.
func watch(t *testing.T, p *pair, during func(w *OwnerWatch)) *OwnerReport {
	t.Helper()
	w, err := p.lan.WatchARP(p.aliceN, vip, 0)
	if err != nil {
		t.Fatal(err)
	}
	during(w)
	r := w.Stop()
	if r.SendErrors != 0 || r.CaptureDrops != 0 {
		t.Errorf("%d requests not sent, %d frames dropped", r.SendErrors, r.CaptureDrops)
	}
	return r
}

func (w *OwnerWatch) awaitAnswers(t *testing.T, n int) {
	t.Helper()
	if err := w.AwaitAnswers(n-w.answered(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
}

func addVIP(t *testing.T, h *Host) {
	t.Helper()
	if _, err := h.Run("ip", "addr", "add", vip.String()+"/24", "dev", "eth0"); err != nil {
		t.Fatal(err)
	}
}

func TestOwnerAnswersAreAttributedToThePortTheyCameFrom(t *testing.T) {
	p := newPair(t)
	addVIP(t, p.bob)
	r := watch(t, p, func(w *OwnerWatch) { w.awaitAnswers(t, 200) })
	if r.Unanswered() != 0 || len(r.Answers) != r.Requests {
		t.Errorf("%d requests, %d answers, %d unanswered, want one answer each", r.Requests, len(r.Answers), r.Unanswered())
	}
	for i, a := range r.Answers {
		if a.RequestSeq != i || a.Host != "bob" || a.Port != "bob-eth0" || a.SenderMAC != p.bobN.MAC || a.SourceMAC != p.bobN.MAC {
			t.Fatalf("answer %d is %+v, want bob's to request %d", i, a, i)
		}
	}
	if owners := r.Owners(); len(owners) != 1 || owners[0].Host != "bob" || owners[0].Answers != len(r.Answers) {
		t.Errorf("owners %+v, want bob", owners)
	}
	if double := r.DoubleAnswers(); len(double) != 0 {
		t.Errorf("double answers %+v, want none", double)
	}
}

func TestTwoHostsWithOneAddressAreDoubleAnswers(t *testing.T) {
	p := newPair(t)
	eve := p.lab.Host("eve")
	eve.Connect(p.lan, "eth0", "192.168.1.4/24")
	addVIP(t, p.bob)
	addVIP(t, eve)
	r := watch(t, p, func(w *OwnerWatch) { w.awaitAnswers(t, 400) })
	double := r.DoubleAnswers()
	if len(double) != r.Requests {
		t.Errorf("%d double answers to %d requests, want all", len(double), r.Requests)
	}
	for i, d := range double {
		if d.RequestSeq != i || len(d.Hosts) != 2 || len(d.Answers) != 2 {
			t.Fatalf("double answer %d is %+v, want two hosts", i, d)
		}
	}
	if by := r.ByHost(); by["bob"] != r.Requests || by["eve"] != r.Requests {
		t.Errorf("answers by host %v, want %d each", by, r.Requests)
	}
}

func TestAHandoverWithoutOverlapIsTwoOwnersAndNoDoubleAnswer(t *testing.T) {
	p := newPair(t)
	eve := p.lab.Host("eve")
	eve.Connect(p.lan, "eth0", "192.168.1.4/24")
	addVIP(t, p.bob)
	r := watch(t, p, func(w *OwnerWatch) {
		w.awaitAnswers(t, 50)
		if _, err := p.bob.Run("ip", "addr", "del", vip.String()+"/24", "dev", "eth0"); err != nil {
			t.Fatal(err)
		}
		addVIP(t, eve)
		w.awaitAnswers(t, w.answered()+50)
	})
	owners := r.Owners()
	if len(owners) != 2 || owners[0].Host != "bob" || owners[1].Host != "eve" || !owners[0].To.Before(owners[1].From) {
		t.Errorf("owners %+v, want bob, then eve", owners)
	}
	if double := r.DoubleAnswers(); len(double) != 0 {
		t.Errorf("double answers %+v, want none", double)
	}
	if len(r.AnswersBetween(owners[1].From, owners[1].To.Add(1))) != owners[1].Answers {
		t.Error("the answers in eve's time are not eve's")
	}
}

func TestWatchingDoesNotSpoilTheClientsOwnTraffic(t *testing.T) {
	p := newPair(t)
	addVIP(t, p.bob)
	prober := probe(t, p.alice, ProbeOptions{Target: vip})
	watch(t, p, func(w *OwnerWatch) { w.awaitAnswers(t, 100) })
	answers(t, prober, 10)
	if r := prober.Stop(); r.Lost != 0 {
		t.Errorf("%d of %d echoes lost", r.Lost, r.Sent)
	}
	if mac, _, ok := p.bob.Neighbour("eth0", aliceIP); !ok || mac != p.aliceN.MAC {
		t.Errorf("bob takes alice for %s, want %s", mac, p.aliceN.MAC)
	}
}

func TestTheAskingAddressIsNobodys(t *testing.T) {
	tests := map[string]struct{ alice, bob, want string }{
		"14 below broadcast":    {"192.168.1.2/24", "192.168.1.3/24", "192.168.1.241"},
		"taken by another":      {"192.168.1.2/24", "192.168.1.241/24", "192.168.1.240"},
		"small subnet":          {"192.168.1.2/29", "192.168.1.6/29", "192.168.1.5"},
		"not the watched one":   {"192.168.1.2/30", "192.168.2.3/24", "0.0.0.0"},
		"no address to go by":   {"2001:db8::1/64", "192.168.2.3/24", "0.0.0.0"},
		"point to point subnet": {"192.168.1.2/31", "192.168.2.3/24", "0.0.0.0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := &Lab{}
			alice, bob := &Host{lab: l}, &Host{lab: l}
			l.hosts = []*Host{alice, bob}
			a := &NIC{Host: alice, addresses: []netip.Prefix{netip.MustParsePrefix(test.alice)}}
			alice.nics = []*NIC{a}
			bob.nics = []*NIC{{Host: bob, addresses: []netip.Prefix{netip.MustParsePrefix(test.bob)}}}
			if got := a.spareAddress(vip); got.String() != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAnswersBelongToTheLatestRequestOfTheirMAC(t *testing.T) {
	r := &OwnerReport{}
	for i := range askerPool + 10 {
		r.SentAt = append(r.SentAt, ms(i))
	}
	tests := map[string]struct{ index, at, want int }{
		"first round":               {7, 8, 7},
		"late, in the first round":  {7, askerPool, 7},
		"second round":              {7, askerPool + 8, askerPool + 7},
		"before it was ever asked":  {7, 6, -1},
		"a MAC that was never used": {askerPool - 1, 5, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := r.request(OwnerAnswer{RequestSeq: test.index, At: ms(test.at)}); got != test.want {
				t.Errorf("request %d, want %d", got, test.want)
			}
		})
	}
}
