package control

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/track"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// simShape is what a seed is about.
type simShape struct {
	interval time.Duration // the longest of all
	moves    bool          // priorities and configurations change
	calm     bool          // but for that nothing goes wrong
	lossy    bool          // adverts get lost
	signed   bool          // some are signed
}

// simLatency is that of a healthy wire.
const simLatency = time.Millisecond

func newSimLAN(seed uint64, k simKnobs, trace func(string, ...any)) *simLAN {
	l := &simLAN{simKnobs: k, seed: seed, rng: rand.New(rand.NewPCG(seed, 112)), trace: trace}
	l.check = simChecker{lan: l, start: simNow(), counts: make(map[string]int)}
	intervals := []time.Duration{time.Second, time.Second, time.Second / 10, time.Second / 100}
	l.interval = intervals[l.rng.IntN(len(intervals))]
	l.moves = l.rng.IntN(2) == 0
	l.calm = l.rng.IntN(8) == 0
	l.lossy = !l.calm && l.rng.IntN(2) == 0
	segments := 1 + l.rng.IntN(2)
	l.makeRouters(segments)
	hosts := 2 + l.rng.IntN(2)
	for id := range hosts {
		l.makeHost(id, hosts, segments)
	}
	l.signed = slices.ContainsFunc(l.routers, func(r *simRouter) bool { return r.config.Router.Auth != nil })
	l.say("interval %v, %d segments, moves %v, calm %v, lossy %v", l.interval, segments, l.moves, l.calm, l.lossy)
	return l
}

// makeRouters draws what the hosts have in common.
func (l *simLAN) makeRouters(segments int) {
	number := 1 + l.rng.IntN(4)
	grouped := 0 // so many of the first
	if number > 1 && l.rng.IntN(2) == 0 {
		grouped = 2 + l.rng.IntN(number-1)
	}
	versions := []vrrp.Version{vrrp.V3, vrrp.V3, vrrp.V2}
	for i := range number {
		version := versions[l.rng.IntN(len(versions))]
		if l.interval < time.Second {
			version = vrrp.V3
		}
		c := simRouterConfig(i, version, l.interval, version == vrrp.V3 && l.rng.IntN(2) == 0)
		segment := l.rng.IntN(segments)
		c.Interface = simName(segment)
		if i < grouped {
			c.Group = "g"
		}
		if version == vrrp.V3 && l.rng.IntN(4) == 0 {
			c.Router.Auth = simAuth(l.rng.IntN(4) == 0)
		}
		if l.moves {
			c.Tracks = []track.Use{{Key: simFatal(i, c.Group)}, {Key: simWeighty, Weight: -40}}
		}
		l.routers = append(l.routers, &simRouter{id: i, segment: segment, group: c.Group, config: c})
	}
}

// What is tracked: one thing without which an instance, or its group, is at fault,
// and one that counts.
var simWeighty = track.Key{Kind: track.KindFile, Name: "weighty"}

func simFatal(i int, group string) track.Key {
	if group != "" {
		return track.Key{Kind: track.KindScript, Name: group}
	}
	return track.Key{Kind: track.KindScript, Name: fmt.Sprint("fatal", i)}
}

// simWindow is how far apart clocks may be where adverts are signed.
const simWindow = 4 * time.Second

func simAuth(monotonic bool) *vrrp.Auth {
	key, err := vrrp.NewKey([]byte("thirty-two bytes that are secret"))
	if err != nil {
		panic(err)
	}
	return &vrrp.Auth{Keys: map[uint8]vrrp.Key{7: key}, Active: 7, Monotonic: monotonic, Window: simWindow}
}

func simRouterConfig(i int, version vrrp.Version, interval time.Duration, ipv6 bool) InstanceConfig {
	list := []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)})}
	family := vrrp.IPv4
	if ipv6 {
		family = vrrp.IPv6
		list = []netip.Addr{
			netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: byte(200 + i)}),
			netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: byte(1 + i)}),
		}
	}
	c := InstanceConfig{
		Name:   fmt.Sprintf("gw%d", i),
		Router: vrrp.Config{VRID: uint8(10 + i), Family: family, Version: version, Interval: interval, Addresses: list},
	}
	for _, a := range list {
		c.Addresses = append(c.Addresses, iproute.Address{Prefix: netip.PrefixFrom(a, a.BitLen()-8)})
	}
	return c
}

// makeHost draws what a host has for itself. Members of a group have one priority.
func (l *simLAN) makeHost(id, hosts, segments int) {
	h := &simHost{lan: l, id: id, rng: rand.New(rand.NewPCG(l.seed, uint64(1000+id))), tracks: make(map[track.Key]track.State), ledger: make(simLedger)}
	h.room = []int{1, 8, 1000}[l.rng.IntN(3)]
	h.links = make([]simLink, segments)
	for s := range h.links {
		h.links[s].up = true
	}
	for to := range hosts {
		var wires []*simWire
		for s := range segments {
			w := &simWire{rng: rand.New(rand.NewPCG(l.seed, uint64(10000+1000*id+100*to+s)))}
			w.state = simCondition{check: &l.check, since: l.check.start}
			wires = append(wires, w)
		}
		h.wires = append(h.wires, wires)
	}
	l.hosts = append(l.hosts, h)
	var group vrrp.Config
	for _, r := range l.routers {
		c := r.config
		c.Router = l.choices(c.Router)
		if c.Group != "" && group.Priority != 0 {
			group.VRID, group.Family, group.Version, group.Addresses, group.Auth = c.Router.VRID, c.Router.Family, c.Router.Version, c.Router.Addresses, c.Router.Auth
			c.Router = group
		} else if c.Group != "" {
			group = c.Router
		}
		h.files = append(h.files, c)
		g := &simLeg{host: h, router: r, said: c.Router.Priority, reign: 1}
		g.health = simCondition{check: &l.check, spoilt: 1}
		g.reach = simCondition{check: &l.check, since: l.check.start}
		r.legs = append(r.legs, g)
		h.legs = append(h.legs, g)
		for _, use := range c.Tracks {
			h.tracks[use.Key] = track.Up
		}
		l.say("host %d %s: vrid %d %v v%d on %s, group %q, priority %d, no preempt %v, delays %v %v", id, c.Name, c.Router.VRID, c.Router.Family,
			c.Router.Version, c.Interface, c.Group, c.Router.Priority, c.Router.NoPreempt, c.Router.PreemptDelay, c.Router.StartDelay)
	}
}

var simPriorities = []uint8{1, 50, 100, 100, 150, 200, 254, 255}

func (l *simLAN) choices(c vrrp.Config) vrrp.Config {
	c.Priority = simPriorities[l.rng.IntN(len(simPriorities))]
	c.NoPreempt = l.rng.IntN(4) == 0
	if l.rng.IntN(8) == 0 {
		c.PreemptDelay = upTo(l.rng, 2*l.interval)
	}
	if l.rng.IntN(8) == 0 {
		c.StartDelay = upTo(l.rng, 2*l.interval)
	}
	return c
}

// downInterval is the longest Active_Down_Interval that the leg may have. One
// that spares lesser masters waits as if it had the lowest priority.
func (l *simLAN) downInterval(g *simLeg) time.Duration {
	lowest := 0
	if !l.moves && !g.wasHeld {
		lowest = int(g.host.files[g.router.id].Router.Priority)
	}
	d := 3*l.interval + time.Duration(256-lowest)*l.interval/256
	if g.router.group != "" {
		d += l.interval // what a member that stepped down waits more
	}
	return d
}

func (l *simLAN) longestDown(r *simRouter) time.Duration {
	return slices.Max(simMap(r.legs, l.downInterval))
}

func simMap[T, U any](list []T, do func(T) U) []U {
	var all []U
	for _, x := range list {
		all = append(all, do(x))
	}
	return all
}
