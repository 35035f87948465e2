package datapath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"
)

// RouterSpec is a virtual router, as the fast path has to know it.
type RouterSpec struct {
	Interface  int    // ifindex
	VLAN       uint16 // 0: untagged
	VRID       uint8
	Family     uint8 // 4 or 6
	Version    uint8 // 2 or 3
	VirtualMAC [6]byte
	DeviceMAC  [6]byte
	Addresses  []netip.Addr // what its adverts list
	// Excluded are addresses that are served like Addresses and that no advert lists.
	Excluded []netip.Addr
	// Owner says that the addresses are the host's own, with or without VRRP.
	Owner bool
	// Interval is Advertisement_Interval, in whole units of the version (10 ms;
	// version 2: 1 s). An advert with another is counted, in version 2 refused.
	// 0: any will do.
	Interval time.Duration
	// NoAccept drops what is sent to the virtual addresses themselves, Neighbor
	// Discovery excepted: Accept_Mode False, RFC 9568 §6.1.
	NoAccept bool
	// StrictMAC refuses adverts whose Ethernet source is not the virtual MAC.
	StrictMAC bool
	// Unicast says that its adverts come by unicast: those by multicast are refused.
	Unicast bool
	// Group names the routers that share one lease; "": a lease of its own.
	Group string
	// AnyFirstAddress accepts IPv6 adverts whose first address is not link-local.
	AnyFirstAddress bool
	// Companion says that it has no VRRP of its own on this interface: it serves
	// its addresses and its virtual MAC while the lease of its Group, which it
	// must have, is valid. An advert for its VRID is that of an unknown virtual
	// router: no event, and one of Others.
	Companion bool
	// Senders are who may send its adverts; nil: anybody.
	Senders []Sender
	// Auth says which signatures are worth a look; nil: adverts are not signed.
	Auth *Auth
	// Pace is the time between two adverts of one sender that the control plane can
	// afford to hear of for ever; a few more are admitted in a row. What is followed,
	// and moves only Heard, has no such limit. 0: no limit for anything, not even for
	// claims and questions.
	Pace time.Duration
	// Peers are the unicast senders that FilterUnicast lets through.
	Peers []netip.Addr
	// MinTTL and MaxTTL bound what their packets arrive with, both inclusive. MaxTTL 0: 255.
	MinTTL, MaxTTL uint8
}

// Sender is one who may speak for a virtual router.
type Sender struct {
	Source netip.Addr
	Owner  bool // it may say priority 255
}

// Auth is what the fast path knows of signed adverts: enough to refuse what cannot
// be good. Where a router has it no advert is taken for the followed one: anyone
// could have copied that.
type Auth struct {
	Required bool          // adverts without a signature are refused
	KeyIDs   []uint8       // with another number they are refused
	Window   time.Duration // older or newer by more they are refused; 0: any age. See SetWallClock
}

// key is what adverts and virtual MACs are looked up by.
func (s RouterSpec) key() vrrpRouterKey {
	return vrrpRouterKey{Ifindex: uint32(s.Interface), Vlan: s.VLAN, Vrid: s.VRID, Family: s.Family}
}

// served are all addresses, advertised or not.
func (s RouterSpec) served() []netip.Addr {
	return slices.Concat(s.Addresses, s.Excluded)
}

// unit is what the version counts intervals in, and most the longest that a packet can say.
func (s RouterSpec) unit() (unit, most time.Duration) {
	if s.Version == 2 {
		return time.Second, 255 * time.Second
	}
	return 10 * time.Millisecond, 40950 * time.Millisecond
}

// check says what the fast path cannot express.
func (s RouterSpec) check() error {
	unit, most := s.unit()
	switch {
	case s.Family != 4 && s.Family != 6:
		return fmt.Errorf("family %d is not 4 or 6", s.Family)
	case s.Version != 3 && (s.Version != 2 || s.Family == 6):
		return fmt.Errorf("version %d does not exist for IPv%d", s.Version, s.Family)
	case s.Interval < 0 || s.Interval > most || s.Interval%unit != 0:
		return fmt.Errorf("interval %v is not within 0..%v in steps of %v", s.Interval, most, unit)
	case s.Pace < 0 || s.Pace > math.MaxUint32:
		return fmt.Errorf("pace %v is not within 0..%v", s.Pace, time.Duration(math.MaxUint32))
	case s.Companion && s.Group == "":
		return errors.New("a companion shares the lease of a group, and none is named")
	}
	return errors.Join(s.checkSenders(), s.checkAddresses())
}

func (s RouterSpec) checkSenders() error {
	for _, a := range slices.Concat(s.Peers, s.sources()) {
		if a.Is4() != (s.Family == 4) {
			return fmt.Errorf("sender %s is not an IPv%d address", a, s.Family)
		}
	}
	return nil
}

func (s RouterSpec) checkAddresses() error {
	seen := make(map[netip.Addr]bool)
	for _, a := range s.served() {
		if a.Is4() != (s.Family == 4) || a.Zone() != "" {
			return fmt.Errorf("virtual address %s is not an IPv%d address without zone", a, s.Family)
		}
		if seen[a] {
			return fmt.Errorf("virtual address %s is listed twice", a)
		}
		seen[a] = true
	}
	return nil
}

// checkUpdate says why an installed router cannot become the other: what it is
// found by is what it is.
func (s RouterSpec) checkUpdate(to RouterSpec) error {
	if s.key() != to.key() || s.VirtualMAC != to.VirtualMAC {
		return errors.New("interface, VLAN, VRID, family and virtual MAC must stay: remove it and install another")
	}
	return to.check()
}

// wireInterval is the interval as adverts carry it, in network order.
func (s RouterSpec) wireInterval() uint16 {
	unit, _ := s.unit()
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], uint16(s.Interval/unit))
	return binary.NativeEndian.Uint16(b[:])
}

func (s RouterSpec) addressSum() uint64 {
	var sum uint64
	for _, a := range s.Addresses {
		for _, word := range words32(a) {
			sum += uint64(word)
		}
	}
	return sum
}

func (s RouterSpec) flags() vrrpRouterFlag {
	var flags vrrpRouterFlag
	for flag, set := range map[vrrpRouterFlag]bool{
		vrrpRouterFlagROUTER_OWNER:      s.Owner,
		vrrpRouterFlagROUTER_NO_ACCEPT:  s.NoAccept,
		vrrpRouterFlagROUTER_STRICT_MAC: s.StrictMAC,
		vrrpRouterFlagROUTER_UNICAST:    s.Unicast,
		vrrpRouterFlagROUTER_COMPANION:  s.Companion,
		vrrpRouterFlagROUTER_ANY_FIRST:  s.AnyFirstAddress,
		vrrpRouterFlagROUTER_LISTED:     s.Senders != nil,
		vrrpRouterFlagROUTER_AUTH:       s.Auth != nil,
		vrrpRouterFlagROUTER_SIGNED:     s.Auth != nil && s.Auth.Required,
	} {
		if set {
			flags |= flag
		}
	}
	return flags
}

// words32 is an address as the programs read it, 4 bytes at a time.
func words32(a netip.Addr) []uint32 {
	var words []uint32
	for b := a.AsSlice(); len(b) > 0; b = b[4:] {
		words = append(words, binary.NativeEndian.Uint32(b))
	}
	return words
}
