package chaos

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// setup is how the routers of an episode run.
type setup struct {
	interval   time.Duration
	priorities [routers]int
	mode       string // of attach
	grouped    bool   // both families are one group
}

const (
	vrid = 10
	nic  = "eth0"
)

var vips = [families]netip.Addr{netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("2001:db8:1::1")}

var familyNumbers = [families]uint8{4, 6}

func newSetup(seed uint64) setup {
	rng := rand.New(rand.NewPCG(seed, 6))
	return setup{
		interval: 100 * ms, priorities: [routers]int{200, 150, 100},
		mode: []string{"native", "tc"}[rng.IntN(2)], grouped: rng.IntN(3) == 0,
	}
}

// activeDown is a router's Active_Down_Interval (RFC 9568 §6.1).
func (s setup) activeDown(router int) time.Duration {
	return 3*s.interval + time.Duration(256-s.priority(router, 0))*s.interval/256
}

// priority is what the file says in one of its variants: a little more in every
// other, so that a reload moves it and nobody's place changes.
func (s setup) priority(router, variant int) int { return s.priorities[router] + 5*(variant%2) }

// file is a router's configuration in one of its variants.
func (s setup) file(router, variant int) string {
	var b strings.Builder
	b.WriteString("global_defs {\n  vrrp_rt_priority 50\n  vrrp_no_swap\n}\n")
	first := [families][]string{nil, {"fe80::10/64"}}
	bits := [families]int{24, 64}
	more := [families]string{"192.168.1.%d/24", "2001:db8:1::%d/64"}
	for family, name := range []string{"V4", "V6"} {
		fmt.Fprintf(&b, "vrrp_instance %s {\n  interface %s\n  virtual_router_id %d\n  version 3\n  priority %d\n  advert_int %v\n",
			name, nic, vrid, s.priority(router, variant), s.interval.Seconds())
		fmt.Fprintf(&b, "  garp_master_repeat %d\n  virtual_ipaddress {\n", 1+variant%5)
		for _, address := range first[family] {
			fmt.Fprintf(&b, "    %s\n", address)
		}
		fmt.Fprintf(&b, "    %v/%d\n", vips[family], bits[family])
		for i := range variant % 3 {
			fmt.Fprintf(&b, "    "+more[family]+"\n", 20+i)
		}
		b.WriteString("  }\n}\n")
	}
	if s.grouped {
		b.WriteString("vrrp_sync_group G {\n  group {\n    V4\n    V6\n  }\n}\n")
	}
	return b.String()
}

func (s setup) String() string {
	words := fmt.Sprintf("priorities %v, adverts every %v, attached by %s", s.priorities, s.interval, s.mode)
	if s.grouped {
		words += ", both families in one group"
	}
	return words
}
