package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

const (
	typeAdvertisement = 1
	headerLength      = 8    // both versions, without addresses
	authLength        = 8    // behind the addresses of version 2
	maxPDULength      = 1480 // what one Ethernet frame carries behind an IPv4 header

	centisecond = 10 * time.Millisecond
	// maxIntervalV3 is a 12-bit number of centiseconds, RFC 9568 §5.2.7.
	maxIntervalV3 = 4095 * centisecond
	// maxIntervalV2 is an 8-bit number of seconds, RFC 3768 §5.3.7.
	maxIntervalV2 = 255 * time.Second
)

// Advert is a VRRP ADVERTISEMENT.
type Advert struct {
	Version  Version
	VRID     uint8         // 1..255
	Priority uint8         // 0: the master leaves; 255: the address owner
	Interval time.Duration // version 3: 10 ms..40.95 s in steps of 10 ms; version 2: 1..255 s
	AuthType uint8         // version 2 only
	AuthData [authLength]byte
	// Addresses are the virtual addresses, 1..255 of one family, in the
	// order of the wire.
	Addresses []netip.Addr
	// Checksum is the form that Parse found, or that AppendBinary is to use
	// where there is a choice.
	Checksum ChecksumForm
}

// Equal reports whether a and b are the same advert, in every field.
func (a Advert) Equal(b Advert) bool {
	return a.Version == b.Version && a.VRID == b.VRID && a.Priority == b.Priority &&
		a.Interval == b.Interval && a.AuthType == b.AuthType && a.AuthData == b.AuthData &&
		a.Checksum == b.Checksum && slices.Equal(a.Addresses, b.Addresses)
}

// AppendBinary appends the VRRP PDU of a, without IP header, to b. The checksum
// may cover source and destination; they are the addresses of the IP header.
// It fails, and returns b as it was, if a cannot be put into a packet.
func (a Advert) AppendBinary(b []byte, source, destination netip.Addr) ([]byte, error) {
	family, interval, err := a.wireForm()
	if err != nil {
		return b, fmt.Errorf("encode advert of VRID %d: %w", a.VRID, err)
	}
	start := len(b)
	b = append(b, byte(a.Version)<<4|typeAdvertisement, a.VRID, a.Priority, byte(len(a.Addresses)))
	b = binary.BigEndian.AppendUint16(b, interval)
	b = append(b, 0, 0)
	for _, address := range a.Addresses {
		b = append(b, address.AsSlice()...)
	}
	if a.Version == V2 {
		b = append(b, a.AuthData[:]...)
	}
	if err := putChecksum(b[start:], a.Version, family, a.Checksum, source, destination); err != nil {
		return b[:start], fmt.Errorf("encode advert of VRID %d: %w", a.VRID, err)
	}
	return b, nil
}

// putChecksum puts the checksum of that form, where there is a choice, into a PDU.
func putChecksum(pdu []byte, v Version, f Family, form ChecksumForm, source, destination netip.Addr) error {
	binary.BigEndian.PutUint16(pdu[6:], 0)
	covered := sum(pdu)
	if formFor(v, f, form) == PseudoHeader {
		pseudo, ok := pseudoHeaderSum(f, source, destination, len(pdu))
		if !ok {
			return fmt.Errorf("source %v or destination %v is not an %v address", source, destination, f)
		}
		covered += pseudo
	}
	binary.BigEndian.PutUint16(pdu[6:], ^fold(covered))
	return nil
}

// wireForm checks that a can be encoded. It returns the family, and bytes 4 and
// 5: the interval in centiseconds, or for version 2 authentication type and seconds.
func (a Advert) wireForm() (Family, uint16, error) {
	if len(a.Addresses) == 0 || len(a.Addresses) > 255 {
		return 0, 0, fmt.Errorf("%d addresses are not 1..255", len(a.Addresses))
	}
	family := FamilyOf(a.Addresses[0])
	for _, address := range a.Addresses {
		if FamilyOf(address) != family || family == 0 {
			return 0, 0, fmt.Errorf("address %v is not of the family of %v", address, a.Addresses[0])
		}
	}
	if !a.Version.speaks(family) {
		return 0, 0, fmt.Errorf("version %d does not exist for %v", a.Version, family)
	}
	if length := pduLength(a.Version, family, len(a.Addresses)); length > maxPDULength {
		return 0, 0, fmt.Errorf("%d addresses make %d bytes, more than %d", len(a.Addresses), length, maxPDULength)
	}
	if a.VRID == 0 {
		return 0, 0, errors.New("VRID 0 does not exist")
	}
	if err := checkInterval(a.Version, a.Interval); err != nil {
		return 0, 0, err
	}
	if a.Version == V2 {
		return family, uint16(a.AuthType)<<8 | uint16(a.Interval/time.Second), nil
	}
	return family, uint16(a.Interval / centisecond), nil
}

// checkInterval says why version v cannot carry the interval d, or nil.
func checkInterval(v Version, d time.Duration) error {
	unit, most := centisecond, maxIntervalV3
	if v == V2 {
		unit, most = time.Second, maxIntervalV2
	}
	if d < unit || d > most || d%unit != 0 {
		return fmt.Errorf("interval %v is not within %v..%v in steps of %v", d, unit, most, unit)
	}
	return nil
}

// pduLength is the only length that an advert with count addresses may have.
func pduLength(v Version, f Family, count int) int {
	addressLength := 4
	if f == IPv6 {
		addressLength = 16
	}
	length := headerLength + count*addressLength
	if v == V2 {
		length += authLength
	}
	return length
}

// Packet is a received IP packet of protocol 112, as far as VRRP looks at it.
type Packet struct {
	Family              Family
	Source, Destination netip.Addr // not IPv4-mapped
	TTL                 uint8      // or hop limit
	// Unicast packets may have any TTL here: the router knows its bounds.
	Unicast bool
	// AnyFirstAddress accepts an IPv6 advert whose first address is not
	// link-local: so does a router with Config.AnyFirstAddress. Deviates from
	// erratum 8300, as keepalived does.
	AnyFirstAddress bool
	// MayBeSigned lets a trailer follow the message: so does a router with
	// Config.Auth. Parse does not look into it; see Guard.
	MayBeSigned bool
	PDU         []byte // the IP payload, without padding of the frame
}

// split cuts the PDU into message and trailer, which may be empty. It reports
// false if the length is not that of version, family and count.
func (p Packet) split(v Version) (message, trailer []byte, ok bool) {
	if len(p.PDU) < headerLength || len(p.PDU) > maxPDULength {
		return nil, nil, false
	}
	length := pduLength(v, p.Family, int(p.PDU[3]))
	switch {
	case len(p.PDU) == length:
	case p.MayBeSigned && len(p.PDU) == length+TrailerLength:
	default:
		return nil, nil, false
	}
	return p.PDU[:length], p.PDU[length:], true
}

// Parse checks p in the order of RFC 9568 §7.1, as far as that needs no
// knowledge of the virtual router, and returns the advert. Nothing of p is
// kept. The error is a Reason.
func Parse(p Packet) (Advert, error) {
	if p.TTL != TTL && !p.Unicast {
		return Advert{}, ReasonTTL
	}
	if len(p.PDU) == 0 {
		return Advert{}, ReasonLength
	}
	version := Version(p.PDU[0] >> 4)
	if !version.speaks(p.Family) {
		return Advert{}, ReasonVersion
	}
	if p.PDU[0]&0x0f != typeAdvertisement {
		return Advert{}, ReasonType
	}
	message, _, ok := p.split(version)
	if !ok {
		return Advert{}, ReasonLength
	}
	if p.Family == IPv4 {
		p.PDU = message // its checksum does not cover the trailer, that of IPv6 does
	}
	form, ok := verify(version, p)
	if !ok {
		return Advert{}, ReasonChecksum
	}
	p.PDU = message
	return decode(version, p, form)
}

// decode reads an advert whose length and checksum are right.
func decode(version Version, p Packet, form ChecksumForm) (Advert, error) {
	a := Advert{Version: version, VRID: p.PDU[1], Priority: p.PDU[2], Checksum: form}
	rest := p.PDU[headerLength:]
	if version == V2 {
		a.AuthType = p.PDU[4]
		a.Interval = time.Duration(p.PDU[5]) * time.Second
		a.AuthData = [authLength]byte(rest[len(rest)-authLength:])
		rest = rest[:len(rest)-authLength]
	} else {
		// The reserved bits above are ignored, RFC 9568 §5.2.6.
		a.Interval = time.Duration(binary.BigEndian.Uint16(p.PDU[4:])&0x0fff) * centisecond
	}
	a.Addresses = decodeAddresses(p.Family, rest)
	switch {
	case a.VRID == 0:
		return Advert{}, ReasonVRID
	case len(a.Addresses) == 0:
		return Advert{}, ReasonCount
	case p.Family == IPv6 && !p.AnyFirstAddress && !a.Addresses[0].IsLinkLocalUnicast():
		return Advert{}, ReasonFirstAddress
	case a.Interval == 0:
		return Advert{}, ReasonInterval
	}
	return a, nil
}

// decodeAddresses reads b, a whole number of addresses of family f.
func decodeAddresses(f Family, b []byte) []netip.Addr {
	var addresses []netip.Addr
	if f == IPv6 {
		for ; len(b) > 0; b = b[16:] {
			addresses = append(addresses, netip.AddrFrom16([16]byte(b)))
		}
		return addresses
	}
	for ; len(b) > 0; b = b[4:] {
		addresses = append(addresses, netip.AddrFrom4([4]byte(b)))
	}
	return addresses
}
