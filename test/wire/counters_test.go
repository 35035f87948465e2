package wire

import (
	"maps"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control"
)

// counts are all the counters that say why an advert was refused or is odd, in
// our words ("dropped ttl", "odd interval", "on the interface vrid") and in
// those of RFC 8347.
type counts map[string]uint64

func countsOf(r control.Report) counts {
	c, i := make(counts), r.Instances[0]
	add := func(what string, m map[string]uint64) {
		for reason, n := range m {
			c[what+" "+reason] = n
		}
	}
	add("dropped", i.Counters.AdvertsDropped)
	add("odd", i.Counters.AdvertsOdd)
	add("on the interface", r.Interfaces[0].AdvertsDropped)
	of, global := i.RFC.Statistics, r.RFC.Statistics
	maps.Copy(c, counts{
		"interval-errors":         of.IntervalErrors,
		"invalid-type-pkts-rcvd":  of.InvalidTypePktsRcvd,
		"address-list-errors":     of.AddressListErrors,
		"packet-length-errors":    of.PacketLengthErrors,
		"priority-zero-pkts-rcvd": of.PriorityZeroPktsRcvd,
		"checksum-errors":         global.ChecksumErrors,
		"version-errors":          global.VersionErrors,
		"vrid-errors":             global.VRIDErrors,
		"ip-ttl-errors":           global.IPTTLErrors,
	})
	return c
}

// since is what has moved, and by how much.
func (c counts) since(before counts) counts {
	moved := make(counts)
	for what, n := range c {
		if n != before[what] {
			moved[what] = n - before[what]
		}
	}
	return moved
}

// once is each of these counters having moved by one.
func once(names ...string) counts {
	c := make(counts)
	for _, name := range names {
		if name != "" {
			c[name] = 1
		}
	}
	return c
}

// settling is how long it takes at least until all that a frame moves has moved.
const settling = 20 * time.Millisecond

// checkMoved wants the action to move these counters and no other.
func (s *site) checkMoved(want counts, action func()) {
	s.t.Helper()
	before := countsOf(s.report())
	action()
	time.Sleep(settling)
	look := func() counts { return countsOf(s.report()).since(before) }
	for deadline := time.Now().Add(time.Second); !maps.Equal(look(), want) && time.Now().Before(deadline); {
		time.Sleep(settling)
	}
	if moved := look(); !maps.Equal(moved, want) {
		s.t.Errorf("these counters moved: %v, want %v", moved, want)
	}
}
