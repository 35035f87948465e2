package control

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Conflicts: others do what only the master of a virtual router may do, or what
// only this host may. Each is one thing with a beginning and an end, however many
// packets it is made of.

// The kinds of conflicts.
const (
	// AddressClaim: a station says by ARP or Neighbor Discovery that a virtual
	// address is its own, while this router is master.
	AddressClaim = "address_claim"
	// SecondMaster: another router sends adverts of a lower rank, while this
	// router is master.
	SecondMaster = "second_master"
	// Reflection: our own adverts come back to us.
	Reflection = "reflection"
	// OwnAddress: adverts that are not ours come from our own address.
	OwnAddress = "own_address"
)

var conflictKinds = []string{AddressClaim, OwnAddress, Reflection, SecondMaster}

// Conflict is one, with its evidence; its JSON is stable.
type Conflict struct {
	Kind      string    `json:"kind"`
	Interface string    `json:"interface"`
	Address   string    `json:"address"`       // that is claimed, or that adverts come from
	MAC       string    `json:"mac,omitempty"` // of who does so
	Priority  uint8     `json:"priority,omitempty"`
	Packets   uint64    `json:"packets"`
	Since     time.Time `json:"since"`
	Last      time.Time `json:"last"`
}

// conflictKey is what makes it one conflict.
type conflictKey struct {
	kind    string
	address netip.Addr
	mac     [6]byte // of claims and strangers; masters have the virtual one in common
}

type conflict struct {
	Conflict
	began, heard vrrp.Instant
	untold       bool // the log has nothing of it
}

// conflicts are those of an instance. They belong to the engine's loop.
type conflicts struct {
	list  map[conflictKey]*conflict
	begun map[string]uint64 // by kind
	full  bool              // more were there than are told
	told  vrrp.Instant      // what the log has taken of them, as time

	// Claims that are to be answered by an announcement, and when that may be.
	claimed  []claimedAddress
	answerAt vrrp.Instant
}

type claimedAddress struct {
	place   *place
	address netip.Addr
}

// What senders that are made up can put into memory and into the log.
const mostConflicts = 16

// tellPause is what a line about a beginning costs: each second one, and
// mostConflicts at once. A second master may be over, and another one there, every
// few milliseconds.
const tellPause = time.Second

// quietFor is how long nothing must be heard of a conflict until it is over. Hosts
// announce themselves, and ask for others, about once a minute.
const quietFor = 2 * time.Minute

// answerPause is between two announcements because of claims: they may be forged.
const answerPause = time.Second

func (in *instance) beginConflict(key conflictKey, now vrrp.Instant) *conflict {
	c := &in.conflicts
	if c.list == nil {
		c.list, c.begun = make(map[conflictKey]*conflict), make(map[string]uint64)
	}
	if len(c.list) == mostConflicts {
		if !c.full {
			in.log.Warn("there are more conflicts than are told one by one; further ones are only counted")
		}
		c.full = true
		return nil
	}
	c.begun[key.kind]++
	one := &conflict{began: now, Conflict: Conflict{
		Kind: key.kind, Interface: in.iface, Address: key.address.String(), Since: time.Now().UTC(),
	}}
	c.list[key] = one
	return one
}

// sawConflict counts a packet that is part of a conflict. It tells when that begins.
func (in *instance) sawConflict(key conflictKey, from *place, mac [6]byte, now vrrp.Instant) {
	one, known := in.conflicts.list[key]
	if !known {
		if one = in.beginConflict(key, now); one == nil {
			return
		}
		one.Interface = from.iface
	}
	if mac != ([6]byte{}) {
		one.MAC = FormatMAC(mac)
	}
	one.Packets++
	one.heard, one.Last = now, time.Now().UTC()
	if known {
		return
	}
	if one.untold = in.conflicts.told.Sub(now) >= mostConflicts*tellPause; one.untold {
		return
	}
	in.conflicts.told = max(in.conflicts.told, now).Add(tellPause)
	in.log.Warn(conflictBegins[key.kind], one.attrs()...)
}

var conflictBegins = map[string]string{
	AddressClaim: "another station claims a virtual address: two hosts answer for it",
	SecondMaster: "another router is master beside this one: it does not hear this one, or does not give way",
	Reflection:   "our own adverts come back: there is a loop in this network, or a port that reflects",
	OwnAddress:   "another host sends adverts from our own address",
}

func (c *conflict) attrs() []any {
	attrs := []any{"kind", c.Kind, "address", c.Address}
	if c.MAC != "" {
		attrs = append(attrs, "station", c.MAC)
	}
	if c.Priority != 0 {
		attrs = append(attrs, "priority", c.Priority)
	}
	return attrs
}

// endConflict tells that it is over.
func (in *instance) endConflict(key conflictKey, why string) {
	one, known := in.conflicts.list[key]
	if !known {
		return
	}
	delete(in.conflicts.list, key)
	if len(in.conflicts.list) == 0 {
		in.conflicts.full = false
	}
	if one.untold {
		return
	}
	in.log.Info("conflict over: "+why, append(one.attrs(), "packets", one.Packets, "lasted", one.heard.Sub(one.began))...)
}

// endMasterConflicts ends those that only a master has.
func (in *instance) endMasterConflicts() {
	in.conflicts.claimed = nil
	for _, key := range in.conflictKeys() {
		if key.kind == AddressClaim || key.kind == SecondMaster {
			in.endConflict(key, "this router is not master any more")
		}
	}
}

// conflictKeys lists them in the order in which they began.
func (in *instance) conflictKeys() []conflictKey {
	keys := make([]conflictKey, 0, len(in.conflicts.list))
	for key := range in.conflicts.list {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b conflictKey) int {
		x, y := in.conflicts.list[a], in.conflicts.list[b]
		return cmp.Or(cmp.Compare(x.began, y.began), cmp.Compare(x.Kind, y.Kind), a.address.Compare(b.address), slices.Compare(a.mac[:], b.mac[:]))
	})
	return keys
}

// conflictDeadline is when one of them is over, or a claim is answered; 0: never.
func (in *instance) conflictDeadline() vrrp.Instant {
	var next vrrp.Instant
	if len(in.conflicts.claimed) > 0 {
		next = max(in.conflicts.answerAt, 1)
	}
	for key, one := range in.conflicts.list {
		if at := one.heard.Add(quietFor); key.kind != SecondMaster && (next == 0 || at.Before(next)) {
			next = at
		}
	}
	return next
}

// lookAtConflicts ends those of which nothing is heard any more, and answers claims.
func (e *Engine) lookAtConflicts(in *instance) {
	due := in.conflictDeadline()
	now := e.now()
	if due == 0 || now.Before(due) {
		return
	}
	for _, key := range in.conflictKeys() {
		if key.kind != SecondMaster && now.Sub(in.conflicts.list[key].heard) >= quietFor {
			in.endConflict(key, "nothing more was heard of it")
		}
	}
	if len(in.conflicts.claimed) > 0 && !now.Before(in.conflicts.answerAt) {
		for _, c := range in.conflicts.claimed {
			e.announceAt(c.place, []netip.Addr{c.address})
		}
		in.conflicts.claimed, in.conflicts.answerAt = nil, now.Add(answerPause)
	}
}

// serves reports whether the instance is the master that others should believe.
func (in *instance) serves() bool {
	return in.router.State() == vrrp.Master && in.group.leased && !in.router.Leaving()
}

// claimedBy takes a claim of one of our addresses. The neighbours are put right,
// about that address, at most once a second.
func (e *Engine) claimedBy(p *place, ev FastEvent) {
	in := p.instance
	if !in.serves() {
		in.expectedClaim(ev)
		return
	}
	in.sawConflict(conflictKey{AddressClaim, ev.Source, ev.Hardware}, p, ev.Hardware, e.now())
	if c := (claimedAddress{p, ev.Source}); !slices.Contains(in.conflicts.claimed, c) {
		in.conflicts.claimed = append(in.conflicts.claimed, c)
	}
}

// rival takes what the state machine says of another master.
func (e *Engine) rival(in *instance, r vrrp.Rival) {
	key := conflictKey{kind: SecondMaster, address: r.Source}
	if !r.Gone {
		in.sawConflict(key, in.place, in.hardware, e.now())
		return
	}
	in.endConflict(key, "the other master is gone")
	if in.router.Rivals() > 0 {
		return
	}
	for _, member := range in.group.order { // it may have drawn the traffic of all of them
		if member != in && member.serves() {
			e.announce(member, member.router.Config().Announcing().Repeat)
		}
	}
}

// rivalHeard counts the adverts of a second master that is known of.
func (e *Engine) rivalHeard(in *instance, source netip.Addr, priority uint8) {
	key := conflictKey{kind: SecondMaster, address: source}
	if one := in.conflicts.list[key]; one != nil && priority != 0 {
		one.Priority = priority
		in.sawConflict(key, in.place, in.hardware, e.now())
	}
}

// reflectionWindow is how long after an advert of ours its reflection may come.
const reflectionWindow = time.Second

// ownAdvert tells what came from our own address: our last advert, from the virtual
// MAC and shortly after it had left, is a reflection. Everything else is another
// host's.
func (e *Engine) ownAdvert(in *instance, source netip.Addr) {
	now := e.now()
	key := conflictKey{kind: Reflection, address: source}
	left := in.sending.left
	if in.hardware != in.mac || in.header != in.said || left == 0 || now.Sub(left) > reflectionWindow {
		key = conflictKey{OwnAddress, source, in.hardware}
	}
	in.sawConflict(key, in.place, in.hardware, now)
}

// conflictStatus lists what goes on, and the numbers of all that have begun.
func (in *instance) conflictStatus() (list []Conflict, begun map[string]uint64) {
	list = []Conflict{}
	for _, key := range in.conflictKeys() {
		list = append(list, in.conflicts.list[key].Conflict)
	}
	begun = make(map[string]uint64, len(conflictKinds))
	for _, kind := range conflictKinds {
		begun[kind] = in.conflicts.begun[kind]
	}
	return list, begun
}
