package datapath

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// left is what a daemon was when it crashed.
type left struct {
	spec     RouterSpec
	until    time.Duration // from then on
	priority uint8
}

// crash leaves such a router behind on va, and returns the datapath's maps as
// far as a test may want to change them.
func crash(t *testing.T, l left) (leases *words, counters *ebpf.Map) {
	t.Helper()
	d, err := Open(Options{Interfaces: []string{"va"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Attach("va", TC); err != nil {
		t.Fatal(err)
	}
	r, err := d.AddRouter(l.spec)
	if err != nil {
		t.Fatal(err)
	}
	r.Remember(l.priority)
	r.SetLease(Now() + l.until)
	leases, err = mapWords(d.objects.Leases)
	if err != nil {
		t.Fatal(err)
	}
	if counters, err = d.objects.RouterCounters.Clone(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = leases.unmap(), counters.Close() })
	if err := d.Leave(); err != nil {
		t.Fatal(err)
	}
	return leases, counters
}

func heir(t *testing.T, spec RouterSpec) (*Datapath, *Router) {
	t.Helper()
	d := openOn(t, "va")
	r, err := d.AddRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

func TestAValidLeaseIsInherited(t *testing.T) {
	newNetwork(t)
	spec := masterOn(newVeth(t, "va", "vb").Attrs().Index, false)
	spec.Interval = time.Second
	leases, counters := crash(t, left{spec, time.Hour, 120})
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	counted := make([]vrrpCounters, cpus)
	counted[0].Of[vrrpCounterCOUNTER_ARP_ANSWERED] = 7
	if err := counters.Put(uint32(0), counted); err != nil {
		t.Fatal(err)
	}

	spec.Group = "another name"
	d, r := heir(t, spec)
	until, priority := r.Inherited()
	if until != time.Duration(leases.load(0)) || until == 0 || priority != 120 {
		t.Errorf("inherited %v, priority %d", until, priority)
	}
	if r.Lease() != 0 {
		t.Error("it went on with the lease though nobody wanted that")
	}
	if c, err := r.Counters(); err != nil || c.ARPRequests["answered"] != 7 {
		t.Errorf("counters %v, %v", c.ARPRequests, err)
	}
	r.SetLease(until)
	if _, err := d.Attach("va", TC); err != nil {
		t.Fatal(err)
	}
	leases.store(atYielded, 5) // by the old programs, before they were replaced
	if err := d.EndPredecessors(); err != nil {
		t.Fatal(err)
	}
	if leases.load(0) != 0 {
		t.Error("the former lease goes on")
	}
	if r.Lease() != until {
		t.Error("the lease did not outlive the former one")
	}
	if !r.Yielded() {
		t.Error("what was yielded is forgotten: there are two masters")
	}
}

func TestALeaseThatIsNotAsBeforeIsNotInherited(t *testing.T) {
	newNetwork(t)
	spec := masterOn(newVeth(t, "va", "vb").Attrs().Index, false)
	spec.Interval = time.Second
	leases, _ := crash(t, left{spec, time.Hour, 120})
	d := openOn(t, "va")
	valid := leases.load(0)
	for name, c := range map[string]struct {
		until, yielded uint64
		change         func(*RouterSpec)
	}{
		"it has run out":            {uint64(Now()), 0, func(*RouterSpec) {}},
		"it has ended":              {0, 0, func(*RouterSpec) {}},
		"it was yielded":            {valid, 1, func(*RouterSpec) {}},
		"the interval is another":   {valid, 0, func(s *RouterSpec) { s.Interval = 2 * time.Second }},
		"the version is another":    {valid, 0, func(s *RouterSpec) { s.Version = 2 }},
		"the VRID is another":       {valid, 0, func(s *RouterSpec) { s.VRID = 11 }},
		"the family is another":     {valid, 0, func(s *RouterSpec) { *s = masterOf6(s.Interface, false); s.Interval = time.Second }},
		"the MAC is another":        {valid, 0, func(s *RouterSpec) { s.VirtualMAC[5]++ }},
		"it became a companion":     {valid, 0, func(s *RouterSpec) { s.Companion, s.Group = true, "g" }},
		"the interface is another":  {valid, 0, func(s *RouterSpec) { s.Interface++ }},
		"another VLAN is on it now": {valid, 0, func(s *RouterSpec) { s.VLAN = 20 }},
	} {
		leases.store(0, c.until)
		leases.store(atYielded, c.yielded)
		changed := spec
		c.change(&changed)
		checkInherits(t, d, name, changed, false)
	}
	leases.store(0, valid)
	leases.store(atYielded, 0)
	checkInherits(t, d, "all is as before", spec, true)
}

func checkInherits(t *testing.T, d *Datapath, name string, spec RouterSpec, want bool) {
	t.Helper()
	r, err := d.AddRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	if until, priority := r.Inherited(); until != 0 != want || priority != 0 != want {
		t.Errorf("%s: inherited a lease of %v, priority %d", name, until, priority)
	}
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
}

func TestALeaseOfAMasterThatWasLeavingIsNotInherited(t *testing.T) {
	newNetwork(t)
	spec := masterOn(newVeth(t, "va", "vb").Attrs().Index, false)
	crash(t, left{spec, time.Hour, 0})
	checkInherits(t, openOn(t, "va"), "priority 0", spec, false)
}

// Maps of another shape are those of another version of this program.
func TestMapsOfAnotherShapeAreACleanStart(t *testing.T) {
	for _, name := range []string{vrrpMapLeases, vrrpMapRouters, vrrpMapRouterIds} {
		t.Run(name, func(t *testing.T) {
			newNetwork(t)
			spec := masterOn(newVeth(t, "va", "vb").Attrs().Index, false)
			leases, _ := crash(t, left{spec, time.Hour, 120})
			reshape(t, name)
			d, r := heir(t, spec)
			if r.before != (inheritance{}) {
				t.Errorf("inherited %+v of a map that is not understood", r.before)
			}
			if _, err := d.Attach("va", TC); err != nil {
				t.Fatal(err)
			}
			if err := d.EndPredecessors(); err != nil {
				t.Fatal(err)
			}
			if name != vrrpMapLeases && leases.load(0) != 0 {
				t.Error("the lease goes on of programs that may still be there")
			}
		})
	}
}

// reshape pins a larger map in the place of the one of that name.
func reshape(t *testing.T, name string) {
	t.Helper()
	pins, err := openPins()
	if err != nil {
		t.Fatal(err)
	}
	defer pins.close()
	path := mapPin(pins.folder("va"), name)
	old, err := ebpf.LoadPinnedMap(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: old.Type(), KeySize: old.KeySize(), ValueSize: old.ValueSize() + 8,
		MaxEntries: old.MaxEntries(), Flags: old.Flags(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := pinMap(m, path); err != nil {
		t.Fatal(err)
	}
}
