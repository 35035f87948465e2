package conf

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// surroundings are the instances around the one that nobody touches.
type surroundings struct {
	lan, old, lan6, wan stanza
	grouped             bool // lan and wan
}

func newSurroundings() *surroundings {
	return &surroundings{
		lan:  stanza{name: "lan", nic: "eth0", vrid: 20, priority: 100, interval: steady, addresses: []string{"192.168.1.20/24"}},
		old:  stanza{name: "old", nic: "eth0", vrid: 30, priority: 100, interval: time.Second, addresses: []string{"192.168.1.30/24"}, more: "version 2"},
		lan6: stanza{name: "lan6", nic: "eth0", vrid: 50, priority: 100, interval: steady, addresses: []string{"fe80::50/64", "2001:db8:1::50/64"}},
		wan:  uplink(100),
	}
}

// realTime keeps the routers from waiting for whatever else this machine does.
const realTime = "global_defs {\nvrrp_rt_priority 10\n}\n"

// text is the configuration: the untouched ones, and those around them.
func (s *surroundings) text() string {
	parts := []any{realTime, untouched(120)}
	for _, i := range []stanza{s.lan, s.old, s.lan6, s.wan} {
		if !i.absent {
			parts = append(parts, i)
		}
	}
	if s.grouped {
		parts = append(parts, groupOf("G", s.lan.name, s.wan.name))
	}
	return file(parts...)
}

// untouched are the instances that must not notice. They announce themselves
// once, so that any other announcement is one too many.
func untouched(priority int) string {
	a, b := gateway4(priority), gateway6(priority)
	a.more, b.more = "garp_master_delay 0", "garp_master_delay 0"
	return a.String() + b.String()
}

func toggle[T comparable](value *T, one, other T) {
	if *value == one {
		*value = other
	} else {
		*value = one
	}
}

// changes are what a user may do to the others.
func changes() map[string]func(*surroundings) {
	return map[string]func(*surroundings){
		"nothing":              func(*surroundings) {},
		"an instance comes":    func(s *surroundings) { toggle(&s.lan.absent, true, false); s.grouped = false },
		"an interface comes":   func(s *surroundings) { toggle(&s.wan.absent, true, false); s.grouped = false },
		"one of IPv6 comes":    func(s *surroundings) { toggle(&s.lan6.absent, true, false) },
		"an address comes":     func(s *surroundings) { s.lan.addresses = otherAddresses(s.lan.addresses, "192.168.1.21/24") },
		"an IPv6 address":      func(s *surroundings) { s.lan6.addresses = otherAddresses(s.lan6.addresses, "2001:db8:1::51/64") },
		"a priority":           func(s *surroundings) { toggle(&s.lan.priority, 100, 150) },
		"an interval":          func(s *surroundings) { toggle(&s.lan.interval, steady, 3*steady) },
		"a VRID":               func(s *surroundings) { toggle(&s.lan.vrid, 20, 21) },
		"a name":               func(s *surroundings) { toggle(&s.lan.name, "lan", "renamed") },
		"nopreempt":            func(s *surroundings) { toggle(&s.lan.more, "", "nopreempt") },
		"a password":           func(s *surroundings) { toggle(&s.old.more, "version 2", password("a")) },
		"a group, and its end": func(s *surroundings) { toggle(&s.grouped, true, false); s.lan.absent, s.wan.absent = false, false },
	}
}

func password(p string) string {
	return "version 2\nauthentication {\nauth_type PASS\nauth_pass " + p + "\n}"
}

func otherAddresses(list []string, more string) []string {
	if list[len(list)-1] == more {
		return list[:len(list)-1]
	}
	return append(list[:len(list):len(list)], more)
}

// broken are files that a reload must refuse, by what it has to say.
func broken(good string) map[string]string {
	return map[string]string{
		"vrrp-xdp.conf:1: ":       "vrrp_instanze X {\n}\n" + good,
		"outside 1..255":          good + instance("bad", "virtual_router_id 60\npriority 300\nvirtual_ipaddress {\n192.168.1.60\n}"),
		"eth7":                    good + instance("bad", "interface eth7\nvirtual_router_id 60\nvirtual_ipaddress {\n192.168.1.60\n}"),
		"192.168.1.1 on eth0":     good + instance("bad", "virtual_router_id 60\nvirtual_ipaddress {\n192.168.1.1\n}"),
		"is an address of eth0":   good + instance("bad", "virtual_router_id 60\nvirtual_ipaddress {\n192.168.1.2\n}"),
		"there is no vrrp_instan": "global_defs {\n}\n",
	}
}

func TestAnUntouchedInstanceDoesNotNoticeReloads(t *testing.T) {
	for _, mode := range []string{"tc", "native"} {
		t.Run(mode, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			checkUntouched(t, mode, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func checkUntouched(t *testing.T, mode string, random *rand.Rand) {
	s := newSite(t)
	around := newSurroundings()
	s.r1.starts(around.text(), "--mode", mode)
	s.r2.starts(file(realTime, untouched(100)), "--mode", mode)
	s.r1.awaitState("gw4", "MASTER")
	s.r1.awaitState("gw6", "MASTER")
	s.r2.await("BACKUP BACKUP")
	sniffer := s.sniff(s.r1.lan)
	probes := []*lab.Prober{s.probe(vip4), s.probe(vip6)}
	reloads := 0
	s.r1.keepsState(func() {
		s.r2.keepsState(func() { reloads = reloadAtRandom(s, around, probes[0], random) }, "gw4", "gw6")
	}, "gw4", "gw6")
	pause := max(losesNothing(t, probes[0]).WorstPause, losesNothing(t, probes[1]).WorstPause)
	frames := sniffer.Stop()
	for _, ipv6 := range []bool{false, true} {
		regular(t, advertsOf(frames, 10, ipv6), steady, pause)
	}
	for _, f := range selected(frames, announcesUntouched) {
		t.Errorf("at %v it is announced again", f.At)
	}
	t.Logf("%d reloads, %d adverts, worst pause of this machine %v", reloads, len(advertsOf(frames, 10, false)), pause)
	if reloads < 20 {
		t.Errorf("only %d reloads", reloads)
	}
}

// reloadAtRandom makes every change twice, and loads every broken file, in
// random order.
func reloadAtRandom(s *site, around *surroundings, pace *lab.Prober, random *rand.Rand) (reloads int) {
	var steps []func()
	for name, change := range changes() {
		for range 2 {
			steps = append(steps, func() {
				change(around)
				s.t.Logf("reload: %s", name)
				if random.IntN(2) == 0 {
					s.r1.hangUp(around.text())
				} else {
					s.r1.reload(around.text())
				}
			})
		}
	}
	for reason := range broken("") {
		steps = append(steps, func() { refusesReload(s.r1, around.text(), reason) })
	}
	random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for _, step := range steps {
		step()
		must(s.t, pace.AwaitAnswers(1+random.IntN(200), patience))
	}
	return len(steps)
}

// refusesReload loads a broken file, and wants everything to stay as it is.
func refusesReload(r *router, good, reason string) {
	t := r.site.t
	t.Helper()
	r.site.eventually(func() error { // those that were removed have left
		if got, want := len(r.report().Instances), strings.Count(good, "vrrp_instance "); got != want {
			return fmt.Errorf("there are %d instances, want %d", got, want)
		}
		return nil
	})
	before := configured(r)
	status, said := r.tryReload(broken(good)[reason])
	if status != 2 || !strings.Contains(said, reason) {
		t.Errorf("reload ends with %d, want 2, and does not say %q:\n%s", status, reason, said)
	}
	if now := configured(r); now != before {
		t.Errorf("after a file that was refused (%s) there is\n%s\nand before was\n%s", reason, now, before)
	}
}

// configured is what the configuration says of all instances that stay.
func configured(r *router) string {
	r.site.t.Helper()
	var b strings.Builder
	for _, i := range r.report().Instances {
		fmt.Fprintln(&b, i.Name, i.Interface, i.VRID, i.Priority, i.AdvertIntervalMS, i.VirtualAddresses, i.Group)
	}
	return b.String()
}

// announcesUntouched selects gratuitous ARPs and unsolicited Neighbor
// Advertisements for the addresses of the untouched instances.
func announcesUntouched(f lab.Frame) bool {
	if f.Direction != lab.In {
		return false
	}
	if a, ok := lab.ParseARP(f.Data); ok {
		return a.SenderIP == vip4 && a.TargetIP == vip4
	}
	n, ok := lab.ParseND(f.Data)
	return ok && n.Type == lab.NeighborAdvertisement && !n.Solicited && n.Target == vip6
}
