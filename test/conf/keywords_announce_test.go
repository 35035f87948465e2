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

var _ = covers(inInstance, "garp_master_delay", "garp_master_repeat", "garp_master_refresh", "garp_master_refresh_repeat",
	"garp_lower_prio_repeat", "garp_lower_prio_delay", "garp_extra_if")

var _ = covers(inGlobal, "vrrp_garp_master_delay", "vrrp_garp_master_repeat", "vrrp_garp_master_refresh", "vrrp_garp_master_refresh_repeat",
	"vrrp_garp_interval", "vrrp_gna_interval", "vrrp_min_garp")

// bursts are how many announcements of an address came in each second since the first.
func bursts(frames []lab.Frame, address netip.Addr, seconds int) []int {
	list := selected(frames, telling(address))
	counts := make([]int, seconds)
	for _, f := range list {
		// What is sent on the second may come a little later.
		if n := int(f.At.Sub(list[0].At).Round(time.Second) / time.Second); n < seconds {
			counts[n]++
		}
	}
	return counts
}

// announcing runs instances with these bodies, and wants the bursts of each,
// second by second. The last one must go on as long as is looked at.
func announcing(t *testing.T, globals string, want []struct {
	body   string
	counts []int
}) {
	t.Helper()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	var config strings.Builder
	config.WriteString(global(globals))
	for i, w := range want {
		// An owner begins at once: so do all.
		config.WriteString(numbered(i+1, "priority 255\nadvert_int 1\n"+w.body))
	}
	s.r1.run(config.String())
	clock := want[len(want)-1].counts
	total := 0
	for _, n := range clock {
		total += n
	}
	s.waitFor(sniffer, total, telling(addressOf(len(want))))
	frames := sniffer.Frames()
	for i, w := range want {
		if got := bursts(frames, addressOf(i+1), len(clock)); !slices.Equal(got, w.counts) {
			t.Errorf("%q beside %q: announcements by seconds are %v, want %v", w.body, globals, got, w.counts)
		}
	}
}

type announcements = []struct {
	body   string
	counts []int
}

func TestAnnouncementsOfAPromotion(t *testing.T) {
	t.Parallel()
	announcing(t, "", announcements{
		{"", []int{5, 0, 0, 0, 0, 5, 0}},
		{"garp_master_delay 0", []int{5, 0, 0, 0, 0, 0, 0}},
		{"garp_master_delay 2", []int{5, 0, 5, 0, 0, 0, 0}},
		{"garp_master_repeat 3\ngarp_master_delay 1", []int{3, 3, 0, 0, 0, 0, 0}},
		{"garp_master_repeat 0\ngarp_master_delay 1", []int{1, 1, 0, 0, 0, 0, 0}},
		{"garp_master_repeat 2\ngarp_master_delay 0\ngarp_master_refresh 3", []int{2, 0, 0, 1, 0, 0, 1}},
		{"garp_master_repeat 3\ngarp_master_delay 0\ngarp_master_refresh 1\ngarp_master_refresh_repeat 2", []int{3, 2, 2, 2, 2, 2, 2}},
	})
}

func TestAnnouncementsThatAreSaidForAll(t *testing.T) {
	t.Parallel()
	announcing(t, "vrrp_garp_master_delay 2\nvrrp_garp_master_repeat 3\nvrrp_garp_master_refresh 1\nvrrp_garp_master_refresh_repeat 2", announcements{
		{"garp_master_repeat 1\ngarp_master_delay 0\ngarp_master_refresh 0", []int{1, 0, 0, 0}},
		{"garp_master_refresh 0", []int{3, 0, 3, 0}},
		{"garp_master_delay 0", []int{3, 2, 2, 2}},
	})
}

func TestTheLeastAnnouncements(t *testing.T) {
	t.Parallel()
	announcing(t, "vrrp_min_garp", announcements{
		{"", []int{1, 0, 0, 0, 0, 0}},
		{"garp_master_refresh 1", []int{1, 1, 1, 1, 1, 1}},
	})
}

func TestAnnouncementsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	const v4, v6 = 60 * time.Millisecond, 90 * time.Millisecond
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.run(global(fmt.Sprintf("vrrp_garp_interval %v\nvrrp_gna_interval %v", v4.Seconds(), v6.Seconds())) +
		instance("V4", calm+"virtual_ipaddress {\n192.168.1.1/24\n192.168.1.4/24\n}") +
		instance("V6", calm+"virtual_ipaddress {\nfe80::10/64\n2001:db8:1::1/64\n}"))
	for least, of := range map[time.Duration][2]func(lab.Frame) bool{
		v4: {telling(vip4), telling(parse("192.168.1.4"))},
		v6: {telling(parse("fe80::10")), telling(parse("2001:db8:1::1"))},
	} {
		list := s.waitFor(sniffer, 10, func(f lab.Frame) bool { return of[0](f) || of[1](f) })
		for i := range list[1:] {
			// The clock of the capture is another one than that of the sender.
			if gap := list[i+1].At.Sub(list[i].At); gap < least-5*time.Millisecond {
				t.Errorf("announcement %d came %v after the one before, want %v", i+2, gap, least)
			}
		}
		if took := list[9].At.Sub(list[0].At); took > 20*least {
			t.Errorf("10 announcements took %v, want little more than 9 times %v", took, least)
		}
	}
}

// A master that has heard a lesser one tells the neighbours again who it is.
func TestAnnouncementsAfterALesserMaster(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.lan)
	s.r1.run(instance("VI_1", "priority 255\nadvert_int 1\ngarp_master_repeat 1\ngarp_master_delay 0\ngarp_lower_prio_repeat 3\ngarp_lower_prio_delay 1"))
	s.r1.await("MASTER")
	s.wait(sniffer, telling(vip4))
	lesser := s.advertOf(50)
	lesser.Interval = 10 * time.Second // what is announced when it has fallen silent comes after all this
	said := time.Now()
	s.say(lesser)
	list := s.waitFor(sniffer, 7, telling(vip4))[1:]
	for i, f := range list {
		after := f.At.Sub(said).Round(500 * time.Millisecond)
		if want := time.Duration(i/3) * time.Second; after != want {
			t.Errorf("announcement %d came %v after the lesser master, want %v", i+1, after, want)
		}
	}
}

// Switches on other interfaces hear of the virtual MAC through announcements only.
func TestAddressesOnOtherInterfacesAreAnnouncedFromTimeToTime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sniffer := s.sniff(s.r1.wan)
	s.r1.run(instance("VI_1", calm+"garp_master_repeat 1\ngarp_master_delay 0\ngarp_extra_if 1\nvirtual_ipaddress {\n192.168.1.1/24\n10.0.0.1/24 dev eth1\n}"))
	list := s.waitFor(sniffer, 3, telling(parse("10.0.0.1")))
	if took := list[2].At.Sub(list[1].At).Round(500 * time.Millisecond); took != time.Second {
		t.Errorf("between two announcements is %v, want 1s", took)
	}
}
