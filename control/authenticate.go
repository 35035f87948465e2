package control

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
)

// Signed adverts: what becomes of vrrp.Auth in a router that runs, is reloaded,
// and is started again.

// Ledger remembers the sequences of signed adverts beyond the end of this
// process: without it the last one could be sent again by anyone who heard it.
type Ledger interface {
	// Recall lists the last sequence of each sender that was noted of a virtual
	// router.
	Recall(router string) map[netip.Addr]uint64
	// Note remembers one, without waiting for anything.
	Note(router string, sender netip.Addr, sequence uint64) error
	Close() error
}

// ErrLedgerDamaged is what World.Ledger fails with where there is one of which
// nothing can be read.
var ErrLedgerDamaged = errors.New("the record of signed adverts is damaged")

// openLedger opens it once somebody has to remember something; nil: nobody has,
// or it is open. A common clock makes a new one good enough: what it has forgotten
// is too old within vrrp.Auth.Window. Without one it would let everything in again.
func (e *Engine) openLedger(configs []InstanceConfig) (Ledger, error) {
	if e.world.Ledger == nil || e.ledger != nil || !slices.ContainsFunc(configs, func(c InstanceConfig) bool { return c.Router.Auth != nil }) {
		return nil, nil
	}
	l, err := e.world.Ledger(false)
	if !errors.Is(err, ErrLedgerDamaged) {
		return l, err
	}
	for _, c := range configs {
		if c.Router.Auth != nil && c.Router.Auth.Monotonic {
			return nil, fmt.Errorf("instance %q has anti_replay monotonic, and %w: remove it, and from then on adverts that were heard before can be sent again by others", c.Name, err)
		}
	}
	e.log.Warn("a new record of signed adverts is begun; those of the last moments could be sent again by others", "error", err)
	return e.world.Ledger(true)
}

// authentication is what an instance remembers of signed adverts.
type authentication struct {
	guard    vrrp.Guard
	recalled bool
	senders  map[netip.Addr]vrrp.Proof // that were accepted last
	skewed   map[netip.Addr]bool       // of those, whose clock is too far from ours
	told     map[authFault]vrrp.Instant
	lost     uint64 // events, as far as heard has looked
}

// authFault is something that is not said again for each advert.
type authFault struct {
	source netip.Addr
	reason vrrp.Reason // 0: accepted unsigned
}

const (
	mostAuthFaults = 64 // that are remembered: who sends from anywhere is counted only
	mostSenders    = 32
	// authFaultAgain is after how long the same fault is worth a word again.
	authFaultAgain = time.Minute
)

// ledgerKey names the virtual router of an instance, whatever its configuration.
func (in *instance) ledgerKey() string {
	k := in.config.key()
	return fmt.Sprintf("%s %d %v", k.iface, k.vrid, k.family)
}

// thisHost is where the ledger keeps what this host has sent.
var thisHost = netip.IPv4Unspecified()

// guard is what keeps an advert from being accepted twice. What was known before
// this instance comes first.
func (e *Engine) guard(in *instance) *vrrp.Guard {
	if !in.auth.recalled && e.ledger != nil {
		for sender, s := range e.ledger.Recall(in.ledgerKey()) {
			if sender == thisHost {
				in.auth.guard.RememberSent(vrrp.Sequence(s))
			} else {
				in.auth.guard.Remember(sender, vrrp.Sequence(s))
			}
		}
	}
	in.auth.recalled = e.ledger != nil || e.world.Ledger == nil // a reload may have yet to bring one
	return &in.auth.guard
}

// note remembers a sequence for whoever comes after this process.
func (e *Engine) note(in *instance, sender netip.Addr, s vrrp.Sequence) {
	if e.ledger == nil {
		return
	}
	err := e.ledger.Note(in.ledgerKey(), sender, uint64(s))
	if err != nil && !e.forgetful {
		in.log.Error("after a restart, adverts that were heard before could be sent again by others", "error", err)
	}
	e.forgetful = err != nil
}

// sealer makes the PDUs of one advert, for any number of destinations: all of them
// have the same signature.
func (e *Engine) sealer(in *instance, priority uint8) func(destination netip.Addr) ([]byte, error) {
	advert, source, auth := in.router.Advert(priority), in.router.Config().Source, in.config.Router.Auth
	if !auth.Signs() {
		return func(destination netip.Addr) ([]byte, error) { return advert.AppendBinary(nil, source, destination) }
	}
	s := e.guard(in).Next(auth, e.wallAt(e.now()))
	e.note(in, thisHost, s)
	return func(destination netip.Addr) ([]byte, error) { return auth.Sign(nil, advert, source, destination, s) }
}

// authenticate finds out whether an advert may be believed. What the state machine
// refuses anyway, because of who sent it, is left to that.
func (e *Engine) authenticate(in *instance, at vrrp.Instant, p vrrp.Packet) (vrrp.Proof, error) {
	auth, c := in.config.Router.Auth, in.router.Config()
	if auth == nil || p.Source == c.Source || p.Unicast && !slices.Contains(c.Peers, p.Source) {
		return vrrp.Proof{}, nil
	}
	proof, err := e.guard(in).Check(auth, p, e.wallAt(at))
	switch {
	case err != nil:
		in.stats.refused++
		in.discarded(err, p.Source)
		in.tellUnauthentic(p.Source, err, proof, e.now())
	case proof.Signed:
		e.note(in, p.Source, proof.Sequence)
	}
	return proof, err
}

// accepted remembers what is known of the sender of an advert that was accepted.
func (e *Engine) accepted(in *instance, source netip.Addr, proof vrrp.Proof) {
	auth := in.config.Router.Auth
	if auth == nil {
		return
	}
	a := &in.auth
	if len(a.senders) >= mostSenders || a.senders == nil {
		a.senders, a.skewed = make(map[netip.Addr]vrrp.Proof), make(map[netip.Addr]bool)
	}
	a.senders[source] = proof
	if !proof.Signed {
		in.tellUnauthentic(source, nil, proof, e.now())
		return
	}
	skewed := !auth.Monotonic && proof.Behind.Abs() > auth.Window/2
	if skewed == a.skewed[source] {
		return
	}
	a.skewed[source] = skewed
	if skewed {
		in.log.Warn("the clocks are more than half of the time window apart: from all of it on, adverts are refused, and there are two masters", "source", source, "behind", proof.Behind, "window", auth.Window)
	} else {
		in.log.Info("the clocks agree again", "source", source, "behind", proof.Behind)
	}
}

// tellUnauthentic says what is wrong with a sender's adverts, now and then.
func (in *instance) tellUnauthentic(source netip.Addr, err error, proof vrrp.Proof, now vrrp.Instant) {
	reason, _ := err.(vrrp.Reason)
	if !in.auth.isWorthAWord(authFault{source, reason}, now) {
		return
	}
	switch reason {
	case 0:
		in.log.Warn("adverts that are not signed are accepted; mode enforce would refuse them", "source", source)
	case vrrp.ReasonAuthReplay:
		in.log.Warn("an advert was refused: it was heard before, so somebody sends it again, or it is older than the last", "source", source, "reason", err, "key", proof.Key)
	case vrrp.ReasonAuthStale:
		in.log.Warn("adverts are refused: they were signed too long ago, or the clocks are apart", "source", source, "reason", err, "behind", proof.Behind)
	default:
		in.log.Warn("adverts are refused: they are not signed as they must be; if this is a router of ours, its keys are other ones", "source", source, "reason", err, "key", proof.Key)
	}
}

// isWorthAWord reports whether a fault was not told of lately.
func (a *authentication) isWorthAWord(f authFault, now vrrp.Instant) bool {
	maps.DeleteFunc(a.told, func(_ authFault, at vrrp.Instant) bool { return now.Sub(at) >= authFaultAgain })
	if _, told := a.told[f]; told || len(a.told) >= mostAuthFaults {
		return false
	}
	if a.told == nil {
		a.told = make(map[authFault]vrrp.Instant)
	}
	a.told[f] = now
	return true
}

// fastAuth is what the fast path can see of whether an advert is signed rightly.
func fastAuth(a *vrrp.Auth) *FastAuth {
	if a == nil {
		return nil
	}
	f := &FastAuth{Required: a.Mode == vrrp.AuthEnforce, KeyIDs: slices.Sorted(maps.Keys(a.Keys))}
	if !a.Monotonic {
		f.Window = a.Window
	}
	return f
}

// heard is when the master was last heard that the fast path follows. Signed adverts
// have no stamp, only a queue: what had no room there while the loop was not run may
// have been the master's, and is taken for one that comes now.
func (e *Engine) heard(in *instance) vrrp.Instant {
	at, now := vrrp.Instant(in.path.Heard()), e.now()
	if in.config.Router.Auth == nil || e.rounds.owed == 0 || now.Sub(e.rounds.owed) < lateEnough {
		return at
	}
	c, err := in.path.Counters()
	if err != nil || c.EventsLost == in.auth.lost {
		return at
	}
	in.auth.lost = c.EventsLost
	return now
}
