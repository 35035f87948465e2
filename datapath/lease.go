package datapath

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Sizes of the mapped structs, in words, and the places of their fields.
const (
	wordsOfLease = 2 // until, yielded
	atYielded    = 1

	wordsOfCurrent = 4 // header, source (2), yields_to
	atYieldsTo     = 3
)

// until and yielded are where the words of the group's lease are.
func (g *group) until() int   { return int(g.index) * wordsOfLease }
func (g *group) yielded() int { return int(g.index)*wordsOfLease + atYielded }

// SetLease makes this host the owner of the router and its group until the given
// time, or, with 0, not the owner any more: one atomic store.
func (r *Router) SetLease(until time.Duration) {
	r.datapath.leases.store(r.group.until(), uint64(until))
}

// Lease is the group's lease as the fast path sees it.
func (r *Router) Lease() time.Duration {
	return time.Duration(r.datapath.leases.load(r.group.until()))
}

// YieldTo tells the fast path the least priority that ends this host's
// ownership, 0 for none. Adverts of such a priority are events all the same;
// but from their arrival on nothing is answered, until Resume.
func (r *Router) YieldTo(priority uint8) {
	r.datapath.current.store(int(r.slot)*wordsOfCurrent+atYieldsTo, uint64(priority))
}

// Resume takes back what the fast path has yielded to the advert that arrived at
// that time, and not what it has yielded to another since; 0: to any.
func (r *Router) Resume(at time.Duration) {
	word := r.group.yielded()
	if at == 0 {
		r.datapath.leases.store(word, 0)
		return
	}
	r.datapath.leases.compareAndSwap(word, uint64(at), 0)
}

// Yielded reports whether the fast path has yielded since Resume.
func (r *Router) Yielded() bool {
	return r.datapath.leases.load(r.group.yielded()) != 0
}

// Follow tells the fast path which advert keeps this backup quiet: source and
// the first 8 bytes. While just that arrives, Heard moves and no event comes. With
// Auth events come all the same, and strangers take nothing of what source may send.
//
// Heard is not reset: a daemon that works through a queue may come to Follow
// long after newer adverts were stamped, and their time must not be lost.
func (r *Router) Follow(source netip.Addr, header [8]byte) {
	r.Unfollow()
	var from [16]byte
	copy(from[:], source.AsSlice())
	at := int(r.slot) * wordsOfCurrent
	r.datapath.current.store(at+1, binary.NativeEndian.Uint64(from[:8]))
	r.datapath.current.store(at+2, binary.NativeEndian.Uint64(from[8:]))
	r.datapath.current.store(at, binary.NativeEndian.Uint64(header[:]))
}

// Unfollow makes every valid advert an event again.
func (r *Router) Unfollow() {
	r.datapath.current.store(int(r.slot)*wordsOfCurrent, 0)
}

// Heard is the arrival of the last advert that was equal to the one followed at
// the time; 0 if there was none since the router was installed.
func (r *Router) Heard() time.Duration { return time.Duration(r.datapath.heard.load(int(r.slot))) }
