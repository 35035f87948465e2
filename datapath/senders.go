package datapath

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Who may speak, how much, and with which signatures.

const wordsOfAuth = int(unsafe.Sizeof(vrrpAuth{}) / 8)

// admit enters who may speak according to spec, before the programs ask for it.
func (r *Router) admit(spec RouterSpec) error {
	for _, s := range spec.Senders {
		entry := vrrpSender{}
		if s.Owner {
			entry.Flags = vrrpSenderFlagSENDER_OWNER
		}
		if err := r.datapath.objects.Senders.Put(r.senderKey(s.Source), entry); err != nil {
			return fmt.Errorf("admit %s as a sender: %w", s.Source, explainSenders(err))
		}
	}
	return r.admitPeers(spec)
}

func (r *Router) admitPeers(spec RouterSpec) error {
	for _, a := range spec.Peers {
		entry := vrrpPeer{Pace: uint32(spec.Pace), Slot: r.slot, MinTtl: spec.MinTTL, MaxTtl: cmp.Or(spec.MaxTTL, math.MaxUint8)}
		if err := r.datapath.peers.enter(r, r.peerKey(a), entry); err != nil {
			return fmt.Errorf("admit %s as a peer: %w", a, explainSenders(err))
		}
	}
	return nil
}

// peerBook keeps who has which peer: routers on two interfaces may have one of the
// same address and VRID. Its lock is held during syscalls.
type peerBook struct {
	mu    sync.Mutex
	users map[vrrpPeerKey]map[*Router]vrrpPeer
}

func (b *peerBook) enter(r *Router, key vrrpPeerKey, entry vrrpPeer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users == nil {
		b.users = make(map[vrrpPeerKey]map[*Router]vrrpPeer)
	}
	if b.users[key] == nil {
		b.users[key] = make(map[*Router]vrrpPeer)
	}
	b.users[key][r] = entry
	return b.put(r, key, entry)
}

// put enters it with bounds within which all that have the peer may accept a packet.
func (b *peerBook) put(r *Router, key vrrpPeerKey, entry vrrpPeer) error {
	for _, other := range b.users[key] {
		entry.MinTtl, entry.MaxTtl = min(entry.MinTtl, other.MinTtl), max(entry.MaxTtl, other.MaxTtl)
	}
	return r.datapath.objects.Peers.Put(key, entry)
}

// leave takes the entry out, or makes it that of another router that has the peer.
func (b *peerBook) leave(r *Router, key vrrpPeerKey) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.users[key][r]; !there {
		return nil
	}
	delete(b.users[key], r)
	for _, entry := range b.users[key] {
		return b.put(r, key, entry)
	}
	delete(b.users, key)
	return ignoreMissing(r.datapath.objects.Peers.Delete(key))
}

// dismiss takes out who is in one specification and not in the other.
func (r *Router) dismiss(from, to RouterSpec) error {
	var errs []error
	for _, a := range without(from.sources(), to.sources()) {
		errs = append(errs, ignoreMissing(r.datapath.objects.Senders.Delete(r.senderKey(a))))
	}
	for _, a := range without(from.Peers, to.Peers) {
		errs = append(errs, r.datapath.peers.leave(r, r.peerKey(a)))
	}
	return errors.Join(errs...)
}

func (s RouterSpec) sources() []netip.Addr {
	list := make([]netip.Addr, len(s.Senders))
	for i, sender := range s.Senders {
		list[i] = sender.Source
	}
	return list
}

func ignoreMissing(err error) error {
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return err
}

func explainSenders(err error) error {
	if errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("there is no room: more than %d on all lists", maxSenders)
	}
	return err
}

func (r *Router) senderKey(a netip.Addr) vrrpSenderKey {
	key := vrrpSenderKey{Slot: r.slot, Kind: vrrpSenderKindSENDS_ADVERTS}
	copy(key.Source[:], a.WithZone("").AsSlice())
	return key
}

func (r *Router) peerKey(a netip.Addr) vrrpPeerKey {
	key := vrrpPeerKey{Vrid: r.key.Vrid, Family: r.key.Family}
	copy(key.Source[:], a.WithZone("").AsSlice())
	return key
}

// writeAuth tells which signatures are worth a look. While keys are exchanged one
// may be known a moment later than another of them.
func (r *Router) writeAuth(a *Auth) {
	var entry vrrpAuth
	if a != nil {
		entry.Window = uint64(a.Window)
		for _, id := range a.KeyIDs {
			entry.Keys[id/64] |= 1 << (id % 64)
		}
	}
	for i, word := range *(*[wordsOfAuth]uint64)(unsafe.Pointer(&entry)) {
		r.datapath.auths.store(int(r.slot)*wordsOfAuth+i, word)
	}
}

// SetWallClock tells the programs what the wall clock shows: CLOCK_BOOTTIME and
// this. Until they are told no signature is too old for them. For any goroutine.
func (d *Datapath) SetWallClock(offset time.Duration) { d.wall.store(0, uint64(offset)) }

// FilterUnicast has a raw socket of protocol 112 receive only what peers send, no
// more than their pace allows, and now and then what strangers send.
func (d *Datapath) FilterUnicast(socket int) error {
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, d.objects.VrrpUnicast.FD()); err != nil {
		return fmt.Errorf("attach the filter for unicast adverts to the socket: %w", err)
	}
	return nil
}
