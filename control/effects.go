package control

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
	"github.com/vrrp-xdp/vrrp-xdp/control/netio"
)

// effect is what stands in the kernel's tables while an instance is master: an
// address, a route or a rule.
type effect interface {
	// key tells it from all others, String names it for people.
	key() string
	String() string
	add(World) (added bool, err error)
	remove(World) error
	// kept reports whether it comes back when others remove it.
	kept() bool
}

// effectWorker puts effects into the kernel and takes them out, beside the loop:
// netlink may be slow, and an address without a lease is inert. What somebody
// else removes meanwhile it puts back.
type effectWorker struct {
	world   World
	log     *slog.Logger
	mu      sync.Mutex
	jobs    []effectJob
	suspect map[int]bool // interfaces whose addresses may have been removed
	wake    chan struct{}
	ended   sync.WaitGroup

	// Only for the worker:
	wanted  map[*instance][]effect
	ours    map[string]bool // only what we put there is taken out again
	failing map[string]bool // that was said
}

type effectJob struct {
	owner   *instance
	effects []effect
	// left is what may be there already, and is ours: a process before this one
	// has put it there.
	left []effect
	// mayBeOwn: of an owner, whose addresses may be the host's own.
	mayBeOwn bool
}

func startEffectWorker(world World, log *slog.Logger) *effectWorker {
	w := &effectWorker{
		world: world, log: log, wake: make(chan struct{}, 1),
		suspect: make(map[int]bool), wanted: make(map[*instance][]effect),
		ours: make(map[string]bool), failing: make(map[string]bool),
	}
	w.ended.Go(w.run)
	return w
}

// want makes these the effects of the instance, in place of those before. It
// never blocks: the loop waits for nobody.
func (w *effectWorker) want(owner *instance, effects []effect) {
	w.wantAll([]effectJob{{owner: owner, effects: effects}})
}

// wantAll is want for several at once, which may hand effects to each other.
func (w *effectWorker) wantAll(jobs []effectJob) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, jobs...)
	w.awake()
}

// verify has looked after what the event may have removed.
func (w *effectWorker) verify(ev netio.LinkEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ev.Resync {
		ev.Index = anyInterface
	}
	w.suspect[ev.Index] = true
	w.awake()
}

const anyInterface = -1

func (w *effectWorker) awake() {
	select {
	case w.wake <- struct{}{}:
	default: // awake already
	}
}

// finish does what is left to do and ends the worker. Nothing may be asked for after.
func (w *effectWorker) finish() {
	close(w.wake)
	w.ended.Wait()
}

// lookAfter is how often routes and rules are looked after. Of addresses the
// kernel tells; of routes it would tell about a million that are not ours.
const lookAfter = 500 * time.Millisecond

func (w *effectWorker) run() {
	ticker := time.NewTicker(lookAfter)
	ticker.Stop()
	defer ticker.Stop()
	looking := false
	for open := true; open; {
		select {
		case _, open = <-w.wake:
		case <-ticker.C:
			w.restoreRouting()
		}
		w.drain()
		if needed := w.hasRouting(); needed != looking {
			if looking = needed; looking {
				ticker.Reset(lookAfter)
			} else {
				ticker.Stop()
			}
		}
	}
}

func (w *effectWorker) drain() {
	w.mu.Lock()
	jobs, suspect := w.jobs, w.suspect
	w.jobs, w.suspect = nil, make(map[int]bool)
	w.mu.Unlock()
	w.do(jobs)
	w.restoreAddresses(suspect)
}

// do goes from what the instances had to what they are to have: first out, in
// the opposite order, then in. What one hands to another stays where it is.
func (w *effectWorker) do(jobs []effectJob) {
	var owners []*instance
	before := make(map[*instance][]effect)
	for _, j := range jobs {
		if _, seen := before[j.owner]; !seen {
			before[j.owner] = w.wanted[j.owner]
			owners = append(owners, j.owner)
		}
		for _, f := range j.left {
			w.ours[f.key()] = !j.mayBeOwn || w.isMarked(f)
		}
		if len(j.effects) == 0 {
			delete(w.wanted, j.owner)
		} else {
			w.wanted[j.owner] = j.effects
		}
	}
	for _, owner := range owners {
		w.removeUnwanted(before[owner])
	}
	for _, j := range jobs {
		w.removeUnwanted(j.left)
	}
	for _, owner := range owners {
		for _, f := range w.wanted[owner] {
			if !slices.ContainsFunc(before[owner], sameAs(f)) {
				w.add(f)
			}
		}
	}
}

// isMarked is false for an address that the host has of its own. Kernels before
// 5.18 keep no mark: there it stays, whoever has put it there.
func (w *effectWorker) isMarked(f effect) bool {
	a, ok := f.(placedAddress)
	if !ok {
		return true
	}
	list, err := w.world.Addresses.List(a.ifindex)
	return err == nil && slices.ContainsFunc(list, func(there netio.Address) bool { return there.Prefix == a.Prefix && there.Marked })
}

func (w *effectWorker) removeUnwanted(list []effect) {
	for _, f := range slices.Backward(list) {
		if !w.isWanted(f) {
			w.remove(f)
		}
	}
}

func sameAs(f effect) func(effect) bool {
	return func(other effect) bool { return other.key() == f.key() }
}

// isWanted reports whether some instance has it.
func (w *effectWorker) isWanted(f effect) bool {
	for _, list := range w.wanted {
		if slices.ContainsFunc(list, sameAs(f)) {
			return true
		}
	}
	return false
}

// add puts it there, and reports whether it was not.
func (w *effectWorker) add(f effect) bool {
	added, err := f.add(w.world)
	key := f.key()
	if err != nil && !w.failing[key] {
		w.log.Error("cannot be put in place; trying again", "what", f.String(), "error", err)
	}
	w.failing[key] = err != nil
	w.ours[key] = w.ours[key] || added
	return added
}

func (w *effectWorker) remove(f effect) {
	key := f.key()
	delete(w.failing, key)
	if !w.ours[key] {
		return
	}
	if err := f.remove(w.world); err != nil {
		w.log.Error("stays, though this router is not master; without a lease nothing answers for its addresses", "what", f.String(), "error", err)
		return
	}
	delete(w.ours, key)
}

// restoreAddresses puts back the addresses that somebody removed from one of the
// interfaces.
func (w *effectWorker) restoreAddresses(suspect map[int]bool) {
	present := make(map[int][]netip.Prefix)
	for _, list := range w.wanted {
		for _, f := range list {
			a, ok := f.(placedAddress)
			if !ok || !a.kept() || !suspect[a.ifindex] && !suspect[anyInterface] {
				continue
			}
			if _, read := present[a.ifindex]; !read {
				present[a.ifindex] = w.addressesOn(a.ifindex)
			}
			if there := present[a.ifindex]; there != nil && !slices.Contains(there, a.Prefix) {
				w.putBack(f)
			}
		}
	}
}

// addressesOn is nil if that cannot be known, as of an interface that is gone.
func (w *effectWorker) addressesOn(ifindex int) []netip.Prefix {
	list, err := w.world.Addresses.List(ifindex)
	if err != nil {
		return nil
	}
	prefixes := make([]netip.Prefix, 0, len(list))
	for _, a := range list {
		prefixes = append(prefixes, a.Prefix)
	}
	return prefixes
}

func (w *effectWorker) putBack(f effect) {
	if w.add(f) {
		w.log.Warn("somebody removed what this router needs as master: it is back", "what", f.String())
	}
}

func isRouting(f effect) bool {
	_, address := f.(placedAddress)
	return !address && f.kept()
}

func (w *effectWorker) hasRouting() bool {
	for _, list := range w.wanted {
		if slices.ContainsFunc(list, isRouting) {
			return true
		}
	}
	return false
}

func (w *effectWorker) restoreRouting() {
	for _, list := range w.wanted {
		for _, f := range list {
			if isRouting(f) {
				w.putBack(f)
			}
		}
	}
}

// effects lists what the instance has while it is master, in the order in which
// one needs the other.
func (in *instance) effects() []effect {
	var list []effect
	if in.config.accepts() {
		for _, a := range slices.Concat(in.config.Addresses, in.config.Excluded) {
			if p := in.placeOf(a); p != nil && p.plugged() {
				list = append(list, placedAddress{a, p.ifindex, p.iface})
			}
		}
	}
	for _, r := range in.config.Routes {
		list = append(list, placedRoute{r})
	}
	for _, r := range in.config.Rules {
		list = append(list, placedRule{r})
	}
	return list
}

type placedAddress struct {
	iproute.Address
	ifindex int
	iface   string
}

func (a placedAddress) String() string {
	return "address " + a.Address.String() + " on " + a.iface
}
func (a placedAddress) key() string               { return fmt.Sprintf("%v %d", a, a.ifindex) }
func (a placedAddress) add(w World) (bool, error) { return w.Addresses.Add(a.ifindex, a.Address) }
func (a placedAddress) remove(w World) error      { return w.Addresses.Remove(a.ifindex, a.Prefix) }
func (a placedAddress) kept() bool                { return !a.NoTrack }

type placedRoute struct{ iproute.Route }

func (r placedRoute) String() string            { return "route " + r.Route.String() }
func (r placedRoute) key() string               { return r.String() }
func (r placedRoute) add(w World) (bool, error) { return w.Routes.AddRoute(r.Route) }
func (r placedRoute) remove(w World) error      { return w.Routes.RemoveRoute(r.Route) }
func (r placedRoute) kept() bool                { return !r.NoTrack }

type placedRule struct{ iproute.Rule }

func (r placedRule) String() string            { return "rule " + r.Rule.String() }
func (r placedRule) key() string               { return r.String() }
func (r placedRule) add(w World) (bool, error) { return w.Routes.AddRule(r.Rule) }
func (r placedRule) remove(w World) error      { return w.Routes.RemoveRule(r.Rule) }
func (r placedRule) kept() bool                { return !r.NoTrack }
