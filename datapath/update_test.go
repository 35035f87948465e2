package datapath

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

var (
	second  = netip.MustParseAddr("192.168.1.2")
	second6 = netip.MustParseAddr("2001:db8:1::2")
)

// update changes a running router by one thing.
func update(t testing.TB, r *Router, change func(*RouterSpec)) {
	t.Helper()
	spec := r.spec
	change(&spec)
	if err := r.Update(spec); err != nil {
		t.Fatal(err)
	}
}

// question asks for a virtual address of the family.
func question(a netip.Addr) []byte {
	if a.Is4() {
		return arpFrame(broadcast, clientMAC, request(client, a))
	}
	return solicitation(a).frame()
}

// checkAnswered checks, through both hooks, what becomes of questions.
func (b *bench) checkAnswered(t *testing.T, want Verdict, frames ...[]byte) {
	t.Helper()
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, frame := range frames {
			if o, err := b.Run(hook, frame, 1); err != nil || o.Verdict != want {
				t.Errorf("%s: the verdict on %x is %s, %v; want %s", hook, frame, o.Verdict, err, want)
			}
		}
	}
}

func TestAnAddressThatStaysIsAnsweredAtEveryMomentOfAThousandUpdates(t *testing.T) {
	for _, hook := range []Hook{HookXDP, HookIngress} {
		for _, stays := range []netip.Addr{vip, global6} {
			t.Run(fmt.Sprintf("%s %s", hook, stays), func(t *testing.T) {
				b := newBench(t)
				b.own()
				r, other := b.v3, second
				if stays.Is6() {
					r, other = b.six, second6
				}
				var asked atomic.Int64
				done := beside(t, func() error {
					return comeAndGo(r, other, func(times int) bool {
						return !t.Failed() && (times < 1000 || asked.Load() < 1000)
					})
				})
				for running := true; running; asked.Add(1) {
					select {
					case err := <-done:
						if err != nil {
							t.Fatal(err)
						}
						running = false
					default:
					}
					if o, err := b.Run(hook, question(stays), 1); err != nil || o.Verdict != Reply {
						t.Fatalf("question %d: %s, %v; want an answer", asked.Load(), o.Verdict, err)
					}
				}
				b.checkAnswered(t, Pass, question(other))
			})
		}
	}
}

// beside runs a function in another goroutine, which ends before what the test
// has opened so far is closed.
func beside(t *testing.T, run func() error) <-chan error {
	t.Helper()
	done, running := make(chan error, 1), new(sync.WaitGroup)
	running.Go(func() { done <- run() })
	t.Cleanup(running.Wait)
	return done
}

// comeAndGo adds and removes an address, before and behind those that stay.
func comeAndGo(r *Router, other netip.Addr, goOn func(times int) bool) error {
	without := r.spec
	for i := 0; goOn(i); i++ {
		with := without
		with.Addresses = append([]netip.Addr{other}, without.Addresses...)
		if i%2 == 0 {
			with.Addresses = append(without.Addresses[:len(without.Addresses):len(without.Addresses)], other)
		}
		for _, spec := range []RouterSpec{with, without} {
			if err := r.Update(spec); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestUpdatedAddressesAreServedAndTheOldOnesAreNot(t *testing.T) {
	b := newBench(t)
	b.own()
	b.checkAnswered(t, Pass, question(second), question(second6))
	update(t, b.v3, func(s *RouterSpec) { s.Addresses = []netip.Addr{second} })
	update(t, b.six, func(s *RouterSpec) { s.Addresses = []netip.Addr{vip6, second6} })
	b.checkAnswered(t, Reply, question(second), question(vip6), question(second6))
	b.checkAnswered(t, Pass, question(vip), question(global6))
	listed := with(v3(), func(a *advertPacket) { a.addresses = []netip.Addr{second} })
	b.check(t, HookXDP, programCase{frame: listed, verdict: Pass, counted: once("received", "checksum pseudo-header")})
	before := with(v3(), func(*advertPacket) {})
	b.check(t, HookXDP, programCase{frame: before, verdict: Pass, counted: once("received", "checksum pseudo-header", "odd address_list")})
}

func TestAnUpdateChangesWhatIsExpectedOfAdverts(t *testing.T) {
	b := newBench(t)
	slower := with(v3(), func(a *advertPacket) { a.interval = 250 })
	for _, c := range []struct {
		change  func(*RouterSpec)
		frame   []byte
		verdict Verdict
		counted map[string]uint64
	}{
		{func(s *RouterSpec) { s.Interval = 2500 * time.Millisecond }, slower, Pass, once("received", "checksum pseudo-header")},
		{func(s *RouterSpec) { s.Version, s.Interval = 2, time.Second }, v3().frame(), Drop, once("dropped version")},
		{func(s *RouterSpec) { s.Version, s.StrictMAC = 3, true }, fromMAC(v3().frame(), strangeMAC), Drop, once("dropped source_mac")},
		{func(s *RouterSpec) { s.Unicast = true }, v3().frame(), Drop, once("dropped peer")},
		{func(s *RouterSpec) { s.NoAccept = true }, withIP(frameTo(virtualMAC), func(h []byte) { h[9] = 6; copy(h[16:], vip.AsSlice()) }), Drop, once("vmac not_accepted")},
		{func(s *RouterSpec) { s.DeviceMAC = strangeMAC }, arpFrame(deviceMAC, clientMAC, request(client, vip)), Pass, nil},
	} {
		update(t, b.v3, c.change)
		for _, hook := range []Hook{HookXDP, HookIngress} {
			b.check(t, hook, programCase{frame: c.frame, verdict: c.verdict, counted: c.counted})
		}
	}
}

func TestAnUpdateKeepsTheCountersAndWhatWasHeard(t *testing.T) {
	b := newBench(t)
	b.own()
	b.v3.Follow(peer, [8]byte(v3().pdu()))
	b.mustRun(t, HookXDP, v3().frame())
	heard := b.v3.Heard()
	update(t, b.v3, func(s *RouterSpec) { s.Addresses, s.Group = []netip.Addr{vip, second}, "lan" })
	c, err := b.v3.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if heard == 0 || b.v3.Heard() != heard || c.AdvertsReceived != 1 || c.AdvertsUnchanged != 1 {
		t.Errorf("heard at %v, before at %v; %d adverts, %d unchanged", b.v3.Heard(), heard, c.AdvertsReceived, c.AdvertsUnchanged)
	}
	_, counted := b.run(t, HookXDP, v3().frame())
	if counted["unchanged"] != 1 {
		t.Errorf("what is counted: %v, want the followed advert unchanged", counted)
	}
}

func TestAnUpdateThatFailsChangesNothing(t *testing.T) {
	cases := map[string]struct {
		change func(*bench, *RouterSpec)
		says   string
	}{
		"an address of another router": {func(b *bench, s *RouterSpec) { s.Addresses = []netip.Addr{client, peer, second} }, "192.168.1.2: another virtual router has it"},
		"excluded, of another router":  {func(b *bench, s *RouterSpec) { s.Excluded = []netip.Addr{client, second} }, "192.168.1.2: another virtual router has it"},
		"an address twice":             {func(b *bench, s *RouterSpec) { s.Excluded = []netip.Addr{peer} }, "192.168.1.3 is listed twice"},
		"no room for another lease":    {func(b *bench, s *RouterSpec) { s.Group, b.groups.slots.limit = "", b.groups.slots.next }, "more than"},
		"another interface":            {func(b *bench, s *RouterSpec) { s.Interface = 2 }, "must stay"},
		"another VLAN":                 {func(b *bench, s *RouterSpec) { s.VLAN = 7 }, "must stay"},
		"another VRID":                 {func(b *bench, s *RouterSpec) { s.VRID = 9 }, "must stay"},
		"another family":               {func(b *bench, s *RouterSpec) { s.Family, s.Addresses = 6, nil }, "must stay"},
		"another virtual MAC":          {func(b *bench, s *RouterSpec) { s.VirtualMAC[5] = 11 }, "must stay"},
		"what cannot be expressed":     {func(b *bench, s *RouterSpec) { s.Interval = time.Microsecond }, "1µs"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			update(t, b.v3, func(s *RouterSpec) { s.Group = "lan" })
			mate := b.add(t, grouped("lan", 1, 4))
			b.own()
			other := benchSpec(4, 3, 0)
			other.VRID, other.Addresses = 11, []netip.Addr{second}
			b.add(t, other).SetLease(Now() + time.Hour)
			spec, group, lease, entry := b.v3.spec, b.v3.group, b.v3.Lease(), b.entry(t, b.v3)

			wanted := spec
			wanted.Addresses, wanted.Group, wanted.Owner = []netip.Addr{peer}, "", true
			c.change(b, &wanted)
			if err := b.v3.Update(wanted); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error is %v, want one that says %q", err, c.says)
			}
			if diff := cmp.Diff(spec, b.v3.spec, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("the router is another (-want +got):\n%s", diff)
			}
			if b.v3.group != group || group.members != 2 || mate.Lease() != lease || len(b.groups.byName) != 1 {
				t.Errorf("the group is another: %+v of %v", b.v3.group, b.groups.byName)
			}
			if got := b.entry(t, b.v3); got != entry {
				t.Errorf("the programs see %+v, want %+v", got, entry)
			}
			b.checkAnswered(t, Reply, question(vip), question(second))
			b.checkAnswered(t, Pass, question(peer), question(client))
		})
	}
}

// entry is what the programs see of a router.
func (b *bench) entry(t *testing.T, r *Router) vrrpRouter {
	t.Helper()
	var e vrrpRouter
	if err := b.objects.Routers.Lookup(r.slot, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// What is stored in parts must not have a field in two of them, or a program
// could read half of it.
func TestNoFieldOfARouterThatCanChangeLiesInTwoWords(t *testing.T) {
	b := newBench(t)
	var e vrrpRouter
	for name, field := range map[string]struct{ at, size uintptr }{
		"group":       {unsafe.Offsetof(e.Group), unsafe.Sizeof(e.Group)},
		"device_mac":  {unsafe.Offsetof(e.DeviceMac), unsafe.Sizeof(e.DeviceMac)},
		"version":     {unsafe.Offsetof(e.Version), unsafe.Sizeof(e.Version)},
		"interval":    {unsafe.Offsetof(e.Interval), unsafe.Sizeof(e.Interval)},
		"addresses":   {unsafe.Offsetof(e.Addresses), unsafe.Sizeof(e.Addresses)},
		"flags":       {unsafe.Offsetof(e.Flags), unsafe.Sizeof(e.Flags)},
		"address_sum": {unsafe.Offsetof(e.AddressSum), unsafe.Sizeof(e.AddressSum)},
	} {
		if first, last := field.at/8, (field.at+field.size-1)/8; first != last {
			t.Errorf("%s lies in words %d and %d", name, first, last)
		}
	}
	want := vrrpRouter{
		Group: b.v3.group.index, VirtualMac: virtualMAC, DeviceMac: deviceMAC, Version: 3, Interval: b.v3.spec.wireInterval(),
		Addresses: 1, AddressSum: b.v3.spec.addressSum(),
	}
	if got := b.entry(t, b.v3); got != want {
		t.Errorf("the programs see %+v, want %+v", got, want)
	}
}
