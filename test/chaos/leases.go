package chaos

import (
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// leaseWatch looks at the leases of all routers, every millisecond, in the maps
// that their programs read. It sees what happens whatever the daemons do.
type leaseWatch struct {
	boot     time.Duration // CLOCK_BOOTTIME at the record's beginning
	routers  [routers]*eye
	stopping atomic.Bool
	done     chan struct{}

	owned   map[owner][]span
	tooLong []violation // leases
	longest time.Duration
	blind   []pause
}

// eye looks at one router. A new daemon pins maps of its own while its
// predecessor's may still be those that the programs read: both are looked at,
// for a while.
type eye struct {
	host      *lab.Host
	now       *datapath.Onlooker
	was       []*datapath.Onlooker
	retired   []time.Duration // when those were
	places    [families]datapath.Place
	found     [families]bool
	nextCheck time.Duration

	open [families]bool
	last [families]time.Duration // when it was last seen as the owner
	ends [families]time.Duration // the end of the lease that was seen then
}

const (
	lookEvery = time.Millisecond
	// blindAfter is a time without a look that is worth to be known.
	blindAfter = 4 * time.Millisecond
	// keepOld is how long the maps of a predecessor are looked at.
	keepOld = 2 * time.Second
	// findEvery is how often the places of the routers are looked up: a reload may move them.
	findEvery = 8 * time.Millisecond
)

func watchLeases(epoch time.Time, hosts [routers]*lab.Host, longest time.Duration) *leaseWatch {
	w := &leaseWatch{boot: datapath.Now() - time.Since(epoch), done: make(chan struct{}), owned: map[owner][]span{}, longest: longest}
	for i, h := range hosts {
		w.routers[i] = &eye{host: h}
	}
	go w.run()
	return w
}

func (w *leaseWatch) now() time.Duration { return datapath.Now() - w.boot }

func (w *leaseWatch) run() {
	defer close(w.done)
	runtime.LockOSThread() // never unlocked: the thread, with its priority, ends here
	favourThread(90)
	tick := unix.NsecToTimespec(lookEvery.Nanoseconds())
	last := w.now()
	for !w.stopping.Load() {
		_ = unix.Nanosleep(&tick, nil) // a signal shortens it, which does no harm
		now := w.now()
		if now-last > blindAfter {
			w.blind = append(w.blind, pause{span{last, now}, "the looking"})
		}
		last = now
		for i, e := range w.routers {
			w.look(i, e, now)
		}
	}
	for i, e := range w.routers {
		for family := range families {
			w.close(i, family, e, w.now())
		}
		e.closeAll()
	}
}

func (w *leaseWatch) look(router int, e *eye, now time.Duration) {
	e.refresh(now)
	for family := range families {
		until, owns := e.lease(family, w.boot, w.now())
		if !owns {
			w.close(router, family, e, now)
			continue
		}
		at := w.now()
		if until-at > w.longest {
			w.tooLong = append(w.tooLong, violation{span: span{at, until}, what: "a lease is longer than three intervals"})
		}
		key := owner{router, family}
		if !e.open[family] {
			e.open[family] = true
			w.owned[key] = append(w.owned[key], span{now, now})
		}
		e.last[family], e.ends[family] = now, until
	}
}

// close ends the span at the lease's own end, if that has passed, or else when
// it was last seen.
func (w *leaseWatch) close(router, family int, e *eye, now time.Duration) {
	if !e.open[family] {
		return
	}
	e.open[family] = false
	end := e.last[family]
	if e.ends[family] < now {
		end = max(end, e.ends[family])
	}
	list := w.owned[owner{router, family}]
	list[len(list)-1].to = end
}

// lease is that of any of the maps, and whether the router is an owner by it now.
func (e *eye) lease(family int, boot, now time.Duration) (until time.Duration, owns bool) {
	read := func(o *datapath.Onlooker, p datapath.Place) {
		u, yielded := o.Lease(p)
		if u -= boot; yielded == 0 && now < u {
			until, owns = max(until, u), true
		}
	}
	if e.now != nil && e.found[family] {
		read(e.now, e.places[family])
	}
	for _, o := range e.was {
		if p, ok := o.Find(vrid, familyNumbers[family]); ok {
			read(o, p)
		}
	}
	return until, owns
}

// refresh opens the maps when others are pinned, and finds the routers in them.
func (e *eye) refresh(now time.Duration) {
	if e.now == nil || e.now.Replaced() {
		e.reopen(now)
	}
	for len(e.was) > 0 && now-e.retired[0] > keepOld {
		_ = e.was[0].Close() // it was read only
		e.was, e.retired = e.was[1:], e.retired[1:]
	}
	if e.now == nil || now < e.nextCheck && e.found[ipv4] && e.found[ipv6] {
		return
	}
	e.nextCheck = now + findEvery
	for family := range families {
		e.places[family], e.found[family] = e.now.Find(vrid, familyNumbers[family])
	}
}

func (e *eye) reopen(now time.Duration) {
	if now < e.nextCheck && e.now == nil {
		return
	}
	var next *datapath.Onlooker
	err := e.host.Do(func() (err error) {
		next, err = datapath.OpenOnlooker(nic)
		return err
	})
	if err != nil {
		// There is none, or it is being pinned just now.
		e.nextCheck = now + findEvery/4
		return
	}
	if e.now != nil {
		e.was, e.retired = append(e.was, e.now), append(e.retired, now)
	}
	e.now, e.nextCheck = next, 0
}

func (e *eye) closeAll() {
	for _, o := range append(e.was, e.now) {
		if o != nil {
			_ = o.Close() // it was read only
		}
	}
}

// stop ends the looking. What was seen may be read then.
func (w *leaseWatch) stop() {
	w.stopping.Store(true)
	<-w.done
}
