package datapath

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
)

// Counters are the sums over all CPUs since the router was installed, or the
// interface attached.
type Counters struct {
	AdvertsReceived  uint64            // valid ones
	AdvertsUnchanged uint64            // of those, the ones that woke nobody
	AdvertsDropped   map[string]uint64 // by reason, in the words of vrrp.Reason
	EventsLost       uint64            // the ring buffer was full
	ARPRequests      map[string]uint64 // by verdict: answered, refused (no lease), passed (to the kernel)
	ARPConflicts     uint64            // claims of a virtual address by another station
	VirtualMACFrames map[string]uint64 // by verdict: accepted, refused (no lease)
	ClaimsGuarded    map[string]uint64 // the host's own ARP for a VIP: rewritten, refused (no lease)
}

var dropReasons = map[vrrpCounter]string{
	vrrpCounterCOUNTER_ADVERT_IP_HEADER: "ip_header",
	vrrpCounterCOUNTER_ADVERT_FRAGMENT:  "fragment",
	vrrpCounterCOUNTER_ADVERT_TTL:       "ttl",
	vrrpCounterCOUNTER_ADVERT_VERSION:   "version",
	vrrpCounterCOUNTER_ADVERT_TYPE:      "type",
	vrrpCounterCOUNTER_ADVERT_LENGTH:    "length",
	vrrpCounterCOUNTER_ADVERT_CHECKSUM:  "checksum",
	vrrpCounterCOUNTER_ADVERT_VRID:      "vrid",
	vrrpCounterCOUNTER_ADVERT_COUNT:     "count",
	vrrpCounterCOUNTER_ADVERT_INTERVAL:  "interval",
}

// Counters reads the router's counters: one syscall. For any goroutine.
func (r *Router) Counters() (Counters, error) {
	c, err := sumCounters(r.datapath.objects.RouterCounters, r.slot)
	if err != nil {
		return Counters{}, fmt.Errorf("read the counters of virtual router %d: %w", r.spec.VRID, err)
	}
	return c, nil
}

// arrivalShift is ARRIVAL_SHIFT of bpf/abi.h.
const arrivalShift = 20

// Arrivals is a histogram of the times between two arrivals of the followed
// advert, cumulative, by upper bound. All counts what is above every bound too.
type Arrivals struct {
	Below map[time.Duration]uint64
	All   uint64
	Sum   time.Duration
}

// Arrivals reads how regularly the master's adverts arrive. For any goroutine.
func (r *Router) Arrivals() (Arrivals, error) {
	var raw vrrpArrivalTimes
	if err := r.datapath.objects.Arrivals.Lookup(r.slot, &raw); err != nil {
		return Arrivals{}, fmt.Errorf("read the arrivals of virtual router %d: %w", r.spec.VRID, err)
	}
	a := Arrivals{Below: make(map[time.Duration]uint64), Sum: time.Duration(raw.Sum)}
	for i, n := range raw.Bucket {
		a.All += n
		if i < len(raw.Bucket)-1 {
			a.Below[1<<(arrivalShift+i)] = a.All
		}
	}
	return a, nil
}

// Counters reads what was counted on the interface for no virtual router of
// ours. For any goroutine.
func (p *Port) Counters() (Counters, error) {
	c, err := sumCounters(p.datapath.objects.PortCounters, uint32(p.Index))
	if err != nil {
		return Counters{}, fmt.Errorf("read the counters of %s: %w", p.Name, err)
	}
	return c, nil
}

func sumCounters(m *ebpf.Map, key uint32) (Counters, error) {
	var perCPU []vrrpCounters
	if err := m.Lookup(key, &perCPU); err != nil {
		return Counters{}, err
	}
	var sum vrrpCounters
	for _, c := range perCPU {
		for i, n := range c.Of {
			sum.Of[i] += n
		}
	}
	return nameCounters(sum), nil
}

func nameCounters(sum vrrpCounters) Counters {
	of := func(c vrrpCounter) uint64 { return sum.Of[c] }
	c := Counters{
		AdvertsReceived:  of(vrrpCounterCOUNTER_ADVERT_VALID),
		AdvertsUnchanged: of(vrrpCounterCOUNTER_ADVERT_UNCHANGED),
		AdvertsDropped:   make(map[string]uint64, len(dropReasons)),
		EventsLost:       of(vrrpCounterCOUNTER_EVENT_LOST),
		ARPRequests: map[string]uint64{
			"answered": of(vrrpCounterCOUNTER_ARP_ANSWERED),
			"refused":  of(vrrpCounterCOUNTER_ARP_REFUSED),
			"passed":   of(vrrpCounterCOUNTER_ARP_PASSED),
		},
		ARPConflicts: of(vrrpCounterCOUNTER_ARP_CONFLICT),
		VirtualMACFrames: map[string]uint64{
			"accepted": of(vrrpCounterCOUNTER_VMAC_ACCEPTED),
			"refused":  of(vrrpCounterCOUNTER_VMAC_REFUSED),
		},
		ClaimsGuarded: map[string]uint64{
			"rewritten": of(vrrpCounterCOUNTER_GUARD_REWRITTEN),
			"refused":   of(vrrpCounterCOUNTER_GUARD_REFUSED),
		},
	}
	for counter, reason := range dropReasons {
		c.AdvertsDropped[reason] = of(counter)
	}
	return c
}

func (r *Router) zeroCounters() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count the CPUs: %w", err)
	}
	if err := r.datapath.objects.Arrivals.Put(r.slot, vrrpArrivalTimes{}); err != nil {
		return err
	}
	return r.datapath.objects.RouterCounters.Put(r.slot, make([]vrrpCounters, cpus))
}
