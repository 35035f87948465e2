package datapath

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Other is a virtual router on the wire, as its adverts tell, that is not ours; or
// that is ours, and is refused for its version or its interval (version 2).
type Other struct {
	Interface         int // ifindex
	VLAN              uint16
	VRID              uint8
	Family            uint8
	Source            netip.Addr
	Hardware          [6]byte // Ethernet source of its last advert
	Version           uint8
	Priority          uint8
	Interval          time.Duration
	Checksum          string     // "pseudo-header" or "message-only"; "" where there is no choice
	Addresses         int        // how many its last advert lists
	Address           netip.Addr // the first of them
	First, Last       time.Duration
	Adverts           uint64
	Shortest, Longest time.Duration // between two adverts; 0 before the second
}

// Others lists the virtual routers heard that are not ours, and who speaks for
// ours in another version or (version 2) interval, in no order. For any goroutine.
// With an error comes what was listed until then.
func (d *Datapath) Others() ([]Other, error) {
	var (
		list []Other
		key  vrrpOtherKey
		val  vrrpOther
	)
	it := d.objects.Others.Iterate()
	for it.Next(&key, &val) {
		list = append(list, describeOther(key, val))
	}
	if err := it.Err(); err != nil {
		return list, fmt.Errorf("list the virtual routers on the wire: %w", err)
	}
	return list, nil
}

// forgetOthers forgets what was heard on an interface that carries no programs
// any more. What is missed, because others are heard meanwhile, ages by itself.
func (d *Datapath) forgetOthers(ifindex int) {
	list, _ := d.Others()
	for _, o := range list {
		if o.Interface == ifindex {
			_ = d.objects.Others.Delete(o.key())
		}
	}
}

func (o Other) key() vrrpOtherKey {
	key := vrrpOtherKey{Ifindex: uint32(o.Interface), Vlan: o.VLAN, Vrid: o.VRID, Family: o.Family}
	copy(key.Source[:], o.Source.AsSlice())
	return key
}

func describeOther(key vrrpOtherKey, v vrrpOther) Other {
	o := Other{
		Interface: int(key.Ifindex), VLAN: key.Vlan, VRID: key.Vrid, Family: key.Family,
		Source:   address(key.Family, key.Source),
		Hardware: v.Hardware,
		Version:  v.Header[0] >> 4,
		Priority: v.Header[2],
		Checksum: formName(v.Form),

		Addresses: int(v.Header[3]),
		First:     time.Duration(v.First), Last: time.Duration(v.Last),
		Adverts:  v.Adverts,
		Shortest: time.Duration(v.Shortest), Longest: time.Duration(v.Longest),
	}
	if o.Addresses > 0 {
		o.Address = address(key.Family, v.Address)
	}
	if o.Version == 2 {
		o.Interval = time.Duration(v.Header[5]) * time.Second
	} else {
		o.Interval = time.Duration(binary.BigEndian.Uint16(v.Header[4:])&0xfff) * 10 * time.Millisecond
	}
	return o
}

// The forms of a checksum of version 3 over IPv4.
const (
	pseudoHeader = "pseudo-header"
	messageOnly  = "message-only"
)

func formName(form uint8) string {
	switch vrrpChecksumForm(form) {
	case vrrpChecksumFormCHECKSUM_PSEUDO_HEADER:
		return pseudoHeader
	case vrrpChecksumFormCHECKSUM_MESSAGE_ONLY:
		return messageOnly
	}
	return ""
}

// Leftover is a virtual address that a previous daemon served on an interface.
type Leftover struct {
	Interface int // ifindex
	Address   netip.Addr
}
