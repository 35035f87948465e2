package conf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// pair runs instances on both routers; the first one is master of all.
func (s *site) pair(first, second string) {
	s.t.Helper()
	s.r1.starts(first)
	s.r2.starts(second)
	s.r1.await(all("MASTER", first))
	s.r2.await(all("BACKUP", second))
}

// all is that state for every instance of the configuration.
func all(state, config string) string {
	return strings.TrimSpace(strings.Repeat(state+" ", strings.Count(config, "vrrp_instance ")))
}

func with(s stanza, change func(*stanza)) stanza {
	s.addresses = slices.Clone(s.addresses)
	change(&s)
	return s
}

func TestAMasterGetsAndLosesAddressesWithoutATransition(t *testing.T) {
	for _, c := range []struct {
		instance stanza
		more     string
	}{{gateway4(120), "192.168.1.50/24"}, {gateway6(120), "2001:db8:1::50/64"}} {
		t.Run(c.instance.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			first := file(c.instance)
			s.pair(first, file(with(c.instance, func(i *stanza) { i.priority = 100 })))
			old, more := netip.MustParsePrefix(c.instance.addresses[len(c.instance.addresses)-1]).Addr(), netip.MustParsePrefix(c.more).Addr()
			sniffer := s.sniff(s.r1.lan)
			untouched := s.probe(old)
			s.r2.keepsState(func() {
				s.r1.keepsState(func() {
					s.r1.reload(file(with(c.instance, func(i *stanza) { i.addresses = append(i.addresses, c.more) })))
					s.wait(sniffer, announces(more))
					losesNothing(t, s.probe(more))
					s.r1.reload(first)
					s.eventually(func() error { return gone(s.r1, more) })
				}, c.instance.name)
			}, c.instance.name)
			losesNothing(t, untouched)
			s.client.FlushNeighbours()
			if out, err := s.client.Run("ping", "-c", "1", "-W", "1", more.String()); err == nil {
				t.Errorf("the address that was taken away still answers:\n%s", out)
			}
		})
	}
}

func gone(r *router, a netip.Addr) error {
	if r.has(a) {
		return fmt.Errorf("%s still has %v", r.Name, a)
	}
	return nil
}

// announces selects gratuitous ARPs, or unsolicited NAs, for an address.
func announces(a netip.Addr) func(lab.Frame) bool {
	return func(f lab.Frame) bool {
		if p, ok := lab.ParseARP(f.Data); ok {
			return f.Direction == lab.In && p.SenderIP == a && p.TargetIP == a && p.SenderMAC == lab.VirtualMAC4(10)
		}
		n, ok := lab.ParseND(f.Data)
		return ok && f.Direction == lab.In && n.Type == lab.NeighborAdvertisement && !n.Solicited && n.Target == a && n.LinkLayer == lab.VirtualMAC6(10)
	}
}

func TestAPriorityChangesWithTheNextRegularAdvert(t *testing.T) {
	s := newSite(t)
	s.pair(file(realTime, gateway4(120)), file(realTime, gateway4(100)))
	sniffer, ping := s.sniff(s.r1.lan), s.probe(vip4)
	s.wait(sniffer, sentAdvert(10))
	s.r2.keepsState(func() {
		s.r1.keepsState(func() {
			s.r1.reload(file(realTime, gateway4(140)))
			must(t, ping.AwaitAnswers(600, patience))
			s.r1.reload(file(realTime, gateway4(110)))
		}, "gw4")
	}, "gw4")
	must(t, ping.AwaitAnswers(400, patience))
	report := losesNothing(t, ping)
	adverts := advertsOf(sniffer.Stop(), 10, false)
	regular(t, adverts, steady, report.WorstPause)
	if got := slices.Compact(priorities(adverts)); !slices.Equal(got, []int{120, 140, 110}) {
		t.Errorf("the priorities on the wire are %v", got)
	}
}

func TestAnIntervalChangesWithoutATransition(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	slow := with(gateway4(120), func(i *stanza) { i.interval = 4 * steady })
	s.pair(file(gateway4(120)), file(gateway4(100)))
	sniffer, ping := s.sniff(s.r1.lan), s.probe(vip4)
	s.r2.keepsState(func() {
		s.r1.keepsState(func() {
			for _, step := range []stanza{slow, gateway4(120)} {
				changed := time.Now()
				s.r1.reload(file(step))
				says := func(f lab.Frame) bool { return sentAdvert(10)(f) && intervalOf(f) == step.interval }
				for range 5 { // a backup with the wrong idea would have lost its patience by then
					changed = s.waitAfter(sniffer, changed, says).At
				}
			}
		}, "gw4")
	}, "gw4")
	losesNothing(t, ping)
}

// intervalOf is Max Advertise Interval, RFC 9568 §5.2.7.
func intervalOf(f lab.Frame) time.Duration {
	v, _ := lab.ParseVRRP(f.Data)
	return time.Duration(int(v.PDU[4]&0x0f)<<8|int(v.PDU[5])) * 10 * time.Millisecond
}

func TestARemovedMasterHandsOverWithoutALoss(t *testing.T) {
	for _, i := range []stanza{gateway4(120), gateway6(120)} {
		t.Run(i.name, func(t *testing.T) {
			s := newSite(t)
			s.pair(file(realTime, i, uplink(120)), file(realTime, with(i, func(i *stanza) { i.priority = 100 })))
			vip := netip.MustParsePrefix(i.addresses[len(i.addresses)-1]).Addr()
			sniffer, ping := s.sniff(s.r1.lan), s.probe(vip)
			s.r1.keepsState(func() {
				s.r1.reload(file(realTime, uplink(120)))
				s.r2.await("MASTER")
			}, "uplink")
			r := losesNothing(t, ping)
			if r.Answers[s.r1.lan.MAC] == 0 || r.Answers[s.r2.lan.MAC] == 0 {
				t.Errorf("nothing was handed over: answers are from %v", r.Answers)
			}
			said := priorities(advertsOf(sniffer.Stop(), 10, vip.Is6()))
			if last := len(said) - 1; said[last] != 0 || slices.Contains(said[:last], 0) {
				t.Errorf("it does not say farewell once, at the end: %v", said)
			}
			s.r1.await("MASTER") // the other one only
			s.eventually(func() error { return gone(s.r1, vip) })
		})
	}
}

func TestAnotherVRIDIsAnotherInstance(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.starts(file(gateway4(120)))
	s.r1.await("MASTER")
	sniffer := s.sniff(s.r1.lan)
	moved := with(gateway4(120), func(i *stanza) { i.vrid = 11 })
	s.r1.reload(file(moved))
	s.wait(sniffer, func(f lab.Frame) bool {
		v, ok := lab.ParseVRRP(f.Data)
		return ok && v.VRID() == 10 && v.Priority() == 0
	})
	s.r1.await("MASTER")
	if i := s.r1.instance("gw4"); i.VRID != 11 || i.Counters.Transitions["BACKUP"] != 1 {
		t.Errorf("it is VRID %d, with transitions %v", i.VRID, i.Counters.Transitions)
	}
	losesNothing(t, s.probe(vip4))
	if mac, _, _ := s.client.Neighbour("eth0", vip4); mac != lab.VirtualMAC4(11) {
		t.Errorf("the address is at %v", mac)
	}
}

func TestInstancesSwapTheirAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other := with(gateway4(120), func(i *stanza) { i.name, i.vrid, i.addresses = "other", 20, []string{"192.168.1.20/24"} })
	s.r1.starts(file(gateway4(120), other))
	s.r1.await("MASTER MASTER")
	sniffer := s.sniff(s.r1.lan)
	a, b := s.probe(vip4), s.probe(parse("192.168.1.20"))
	swapped := file(
		with(gateway4(120), func(i *stanza) { i.addresses = other.addresses }),
		with(other, func(i *stanza) { i.addresses = gateway4(120).addresses }))
	s.r1.keepsState(func() { s.r1.reload(swapped) }, "gw4", "other")
	s.wait(sniffer, announces(parse("192.168.1.20"))) // with the MAC of VRID 10
	losesNothing(t, a)
	losesNothing(t, b)
	for address, mac := range map[string]lab.MAC{"192.168.1.1": lab.VirtualMAC4(20), "192.168.1.20": lab.VirtualMAC4(10)} {
		if got, _, _ := s.client.Neighbour("eth0", parse(address)); got != mac {
			t.Errorf("%s is at %v, want %v", address, got, mac)
		}
	}
}

func TestAnInstanceIsRenamedWithoutATransition(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pair(file(gateway4(120)), file(gateway4(100)))
	ping := s.probe(vip4)
	before := history(s.r1.instance("gw4"))
	s.r2.keepsState(func() {
		s.r1.reload(file(with(gateway4(120), func(i *stanza) { i.name = "gateway" })))
		losesNothing(t, ping)
	}, "gw4")
	if now := history(s.r1.instance("gateway")); now != before {
		t.Errorf("it was %s, and is %s", before, now)
	}
}
