package datapath

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
)

// Counters are the sums over all CPUs since the router was installed, or the
// interface attached.
type Counters struct {
	AdvertsReceived     uint64            // valid ones
	AdvertsUnchanged    uint64            // of those, the ones that woke nobody
	AdvertsPriorityZero uint64            // of those, farewells
	AdvertsByChecksum   map[string]uint64 // valid ones of version 3 over IPv4: "pseudo-header", "message-only"
	AdvertsOdd          map[string]uint64 // accepted all the same: "interval", "address_list", "source_mac", "owner" (erratum 8298)
	AdvertsDropped      map[string]uint64 // by reason, in the words of vrrp.Reason
	EventsLost          uint64            // the ring buffer was full, or there were too many claims and questions
	ARPRequests         map[string]uint64 // by verdict: answered, refused (no lease), invalid
	ARPConflicts        uint64            // claims of a virtual address by another station
	NDSolicitations     map[string]uint64 // by verdict: answered, refused (no lease), passed_on (to Go), invalid
	NDConflicts         uint64            // claims of a virtual address by another station
	VirtualMACFrames    map[string]uint64 // by verdict: accepted, refused (no lease), not_accepted (Accept_Mode False)
	VirtualMACSpoofed   uint64            // frames from it while it was this host's, other than adverts
	ClaimsGuarded       map[string]uint64 // the host's own ARP and ND for a VIP: rewritten, refused (no lease)
}

var dropReasons = map[string]vrrpCounter{
	"ip_header":      vrrpCounterCOUNTER_ADVERT_IP_HEADER,
	"fragment":       vrrpCounterCOUNTER_ADVERT_FRAGMENT,
	"ttl":            vrrpCounterCOUNTER_ADVERT_TTL,
	"version":        vrrpCounterCOUNTER_ADVERT_VERSION,
	"type":           vrrpCounterCOUNTER_ADVERT_TYPE,
	"length":         vrrpCounterCOUNTER_ADVERT_LENGTH,
	"checksum":       vrrpCounterCOUNTER_ADVERT_CHECKSUM,
	"vrid":           vrrpCounterCOUNTER_ADVERT_VRID,
	"peer":           vrrpCounterCOUNTER_ADVERT_PEER,
	"sender":         vrrpCounterCOUNTER_ADVERT_SENDER,
	"owner":          vrrpCounterCOUNTER_ADVERT_OWNER,
	"count":          vrrpCounterCOUNTER_ADVERT_COUNT,
	"first_address":  vrrpCounterCOUNTER_ADVERT_FIRST_ADDRESS,
	"interval":       vrrpCounterCOUNTER_ADVERT_INTERVAL,
	"source_mac":     vrrpCounterCOUNTER_ADVERT_SOURCE_MAC,
	"auth_missing":   vrrpCounterCOUNTER_ADVERT_AUTH_MISSING,
	"auth_malformed": vrrpCounterCOUNTER_ADVERT_AUTH_MALFORMED,
	"auth_key":       vrrpCounterCOUNTER_ADVERT_AUTH_KEY,
	"auth_stale":     vrrpCounterCOUNTER_ADVERT_AUTH_STALE,
	"rate":           vrrpCounterCOUNTER_ADVERT_RATE,
}

var checksumForms = map[string]vrrpCounter{
	pseudoHeader: vrrpCounterCOUNTER_ADVERT_PSEUDO_HEADER,
	messageOnly:  vrrpCounterCOUNTER_ADVERT_MESSAGE_ONLY,
}

var oddities = map[string]vrrpCounter{
	"interval":     vrrpCounterCOUNTER_ADVERT_ODD_INTERVAL,
	"address_list": vrrpCounterCOUNTER_ADVERT_ODD_ADDRESSES,
	"source_mac":   vrrpCounterCOUNTER_ADVERT_ODD_MAC,
	"owner":        vrrpCounterCOUNTER_ADVERT_ODD_OWNER,
}

var arpVerdicts = map[string]vrrpCounter{
	"answered": vrrpCounterCOUNTER_ARP_ANSWERED,
	"refused":  vrrpCounterCOUNTER_ARP_REFUSED,
	"invalid":  vrrpCounterCOUNTER_ARP_INVALID,
}

var ndVerdicts = map[string]vrrpCounter{
	"answered":  vrrpCounterCOUNTER_ND_ANSWERED,
	"refused":   vrrpCounterCOUNTER_ND_REFUSED,
	"passed_on": vrrpCounterCOUNTER_ND_PASSED_ON,
	"invalid":   vrrpCounterCOUNTER_ND_INVALID,
}

var virtualMACVerdicts = map[string]vrrpCounter{
	"accepted":     vrrpCounterCOUNTER_VMAC_ACCEPTED,
	"refused":      vrrpCounterCOUNTER_VMAC_REFUSED,
	"not_accepted": vrrpCounterCOUNTER_VMAC_NOT_ACCEPTED,
}

var guardVerdicts = map[string]vrrpCounter{
	"rewritten": vrrpCounterCOUNTER_GUARD_REWRITTEN,
	"refused":   vrrpCounterCOUNTER_GUARD_REFUSED,
}

// Counters reads the router's counters: one syscall. For any goroutine.
func (r *Router) Counters() (Counters, error) {
	c, err := sumCounters(r.datapath.objects.RouterCounters, r.slot)
	if err != nil {
		return Counters{}, fmt.Errorf("read the counters of virtual router %d: %w", r.key.Vrid, err)
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
		return Arrivals{}, fmt.Errorf("read the arrivals of virtual router %d: %w", r.key.Vrid, err)
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
// ours; where the programs are not, or not any more, nothing is. For any goroutine.
func (p *Port) Counters() (Counters, error) {
	c, err := sumCounters(p.datapath.objects.PortCounters, uint32(p.Index))
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nameCounters(vrrpCounters{}), nil
	}
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
	named := func(names map[string]vrrpCounter) map[string]uint64 {
		m := make(map[string]uint64, len(names))
		for name, c := range names {
			m[name] = of(c)
		}
		return m
	}
	return Counters{
		AdvertsReceived:     of(vrrpCounterCOUNTER_ADVERT_VALID),
		AdvertsUnchanged:    of(vrrpCounterCOUNTER_ADVERT_UNCHANGED),
		AdvertsPriorityZero: of(vrrpCounterCOUNTER_ADVERT_PRIORITY_ZERO),
		AdvertsByChecksum:   named(checksumForms),
		AdvertsOdd:          named(oddities),
		AdvertsDropped:      named(dropReasons),
		EventsLost:          of(vrrpCounterCOUNTER_EVENT_LOST),
		ARPRequests:         named(arpVerdicts),
		ARPConflicts:        of(vrrpCounterCOUNTER_ARP_CONFLICT),
		NDSolicitations:     named(ndVerdicts),
		NDConflicts:         of(vrrpCounterCOUNTER_ND_CONFLICT),
		VirtualMACFrames:    named(virtualMACVerdicts),
		VirtualMACSpoofed:   of(vrrpCounterCOUNTER_VMAC_SPOOFED),
		ClaimsGuarded:       named(guardVerdicts),
	}
}

func (r *Router) zeroCounters() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count the CPUs: %w", err)
	}
	if err := r.datapath.objects.Arrivals.Put(r.slot, vrrpArrivalTimes{}); err != nil {
		return err
	}
	if err := r.datapath.objects.StrangersBounds.Put(r.slot, vrrpStrangersBound{}); err != nil {
		return err
	}
	return r.datapath.objects.RouterCounters.Put(r.slot, make([]vrrpCounters, cpus))
}
