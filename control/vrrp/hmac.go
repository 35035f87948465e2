package vrrp

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// How adverts are authenticated: what draft-cassen-vrrp-auth-hmac describes and
// keepalived does since 2.4.2, where it is called auth_hmac. A signed advert has
// a trailer behind its message, in version 2 and 3, for both families.

// Auth says how the adverts of a virtual router are authenticated. It is not
// changed once it is in use.
type Auth struct {
	// Keys are all that are accepted, by id, 1..255; Active is the one to sign
	// with. Both sides know the same ones by the same ids.
	Keys   map[uint8]Key
	Active uint8
	Mode   AuthMode
	// Monotonic does without a common clock: all that is asked is that the
	// sequence of a sender grows. Otherwise an advert is refused that was signed
	// more than Window from now, 1..300 whole seconds.
	Monotonic bool
	Window    time.Duration
}

// AuthMode says what is sent, and what is accepted. In all modes an advert that
// is signed must be signed rightly.
type AuthMode uint8

// The modes, the strictest first. The other two are for the way there.
const (
	AuthEnforce     AuthMode = iota // all that is sent is signed, and all that is accepted
	AuthPermissive                  // all that is sent is signed; unsigned adverts are accepted
	AuthReceiveOnly                 // nothing that is sent is signed; unsigned adverts are accepted
)

// String returns "enforce", "permissive" or "receive-only".
func (m AuthMode) String() string {
	return nameOf([]string{"enforce", "permissive", "receive-only"}, m)
}

// Signs reports whether adverts are sent signed; nil does not.
func (a *Auth) Signs() bool { return a != nil && a.Mode != AuthReceiveOnly }

// The length of a key in bytes.
const (
	minKey = 32
	maxKey = 64 // the block of SHA-256: a longer one would be hashed first
)

// Key is a secret. However it is printed, it is not shown.
type Key struct{ secret string }

// NewKey makes a key of 32 to 64 bytes.
func NewKey(secret []byte) (Key, error) {
	if len(secret) < minKey || len(secret) > maxKey {
		return Key{}, fmt.Errorf("a key of %d bytes: it must have %d to %d", len(secret), minKey, maxKey)
	}
	return Key{string(secret)}, nil
}

// String keeps the secret out of logs and reports.
func (k Key) String() string { return "***" }

// Format is String, for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText is String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// maxWindow is keepalived's.
const maxWindow = 300 * time.Second

// validate returns everything that is wrong with a, joined; nil is right.
func (a *Auth) validate() error {
	if a == nil {
		return nil
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(a.Keys)) {
		if _, err := NewKey([]byte(a.Keys[id].secret)); err != nil || id == 0 {
			errs = append(errs, fmt.Errorf("hmac key %d: an id is 1..255, and a key has %d to %d bytes", id, minKey, maxKey))
		}
	}
	if _, there := a.Keys[a.Active]; !there {
		errs = append(errs, fmt.Errorf("hmac: there is no key %d, which is to be the active one", a.Active))
	}
	if a.Mode > AuthReceiveOnly {
		errs = append(errs, fmt.Errorf("hmac: there is no mode %d", a.Mode))
	}
	if !a.Monotonic && (a.Window < time.Second || a.Window > maxWindow || a.Window%time.Second != 0) {
		errs = append(errs, fmt.Errorf("hmac: a window of %v is not 1..%d whole seconds", a.Window, maxWindow/time.Second))
	}
	return errors.Join(errs...)
}

// Equal reports whether the two mean the same.
func (a *Auth) Equal(b *Auth) bool {
	if a == nil || b == nil {
		return a == b
	}
	return maps.Equal(a.Keys, b.Keys) && a.Active == b.Active && a.Mode == b.Mode &&
		a.Monotonic == b.Monotonic && (a.Monotonic || a.Window == b.Window)
}

// own returns a copy.
func (a *Auth) own() *Auth {
	if a == nil {
		return nil
	}
	c := *a
	c.Keys = maps.Clone(a.Keys)
	return &c
}

// Sequence orders the adverts of one sender: from the highest bits the time of
// day in seconds since 1970, in 1/65536 of a second, and a counter. It wraps
// around in 2106, and is compared as RFC 1982 has it.
type Sequence uint64

// SequenceAt is the first sequence of that time of day, since 1970.
func SequenceAt(wall time.Duration) Sequence {
	seconds, rest := wall/time.Second, wall%time.Second
	return Sequence(uint32(seconds))<<32 | Sequence(rest<<16/time.Second)<<16
}

// After reports whether s is later than t.
func (s Sequence) After(t Sequence) bool { return int64(s-t) > 0 }

// secondsAfter is by how many whole seconds s is later than t, as each says it.
func (s Sequence) secondsAfter(t Sequence) time.Duration {
	return time.Duration(int32(uint32(s>>32)-uint32(t>>32))) * time.Second
}

// sub is the time from t to s, but for the counter.
func (s Sequence) sub(t Sequence) time.Duration {
	fraction := time.Duration(uint16(s>>16)) - time.Duration(uint16(t>>16))
	return s.secondsAfter(t) + fraction*time.Second>>16
}

// isZero reports whether b is nothing but zeros.
func isZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
