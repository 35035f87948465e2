package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// ChecksumForm says what a version 3 checksum over IPv4 covers; RFC 5798 was
// read in both ways and routers of both kinds are in use. Version 2 always
// covers the message only, IPv6 always the pseudo-header too.
type ChecksumForm uint8

// The two forms. The zero value is what keepalived and FRR send, and so what is
// sent before anything was heard; both are accepted.
const (
	PseudoHeader ChecksumForm = iota // RFC 5798 as keepalived and FRR read it
	MessageOnly                      // RFC 9568 §5.2.8
)

// String returns "pseudo-header" or "message-only".
func (c ChecksumForm) String() string {
	return nameOf([]string{"pseudo-header", "message-only"}, c)
}

// ChecksumPolicy says which form to send in version 3 over IPv4.
type ChecksumPolicy uint8

// The policies. Where there is no choice (version 2, IPv6) only ChecksumAuto is
// valid.
const (
	ChecksumAuto         ChecksumPolicy = iota // the form last heard from another router of the VRID, at first PseudoHeader
	ChecksumPseudoHeader                       // always PseudoHeader
	ChecksumMessageOnly                        // always MessageOnly
)

// String returns "auto", "pseudo-header" or "message-only".
func (c ChecksumPolicy) String() string {
	return nameOf([]string{"auto", "pseudo-header", "message-only"}, c)
}

// form is what c sends where there is a choice and heard was heard last.
func (c ChecksumPolicy) form(heard ChecksumForm) ChecksumForm {
	switch c {
	case ChecksumPseudoHeader:
		return PseudoHeader
	case ChecksumMessageOnly:
		return MessageOnly
	}
	return heard
}

// formFor returns the form that applies: wanted where there is a choice.
func formFor(v Version, f Family, wanted ChecksumForm) ChecksumForm {
	switch {
	case v == V2:
		return MessageOnly
	case f == IPv6:
		return PseudoHeader
	}
	return wanted
}

// verify reports whether the checksum of p is right, and in which form. Where
// both forms are right the bytes are the same in both, and it says PseudoHeader.
func verify(v Version, p Packet) (ChecksumForm, bool) {
	message := sum(p.PDU)
	if v == V3 {
		pseudo, ok := pseudoHeaderSum(p.Family, p.Source, p.Destination, len(p.PDU))
		if ok && fold(message+pseudo) == 0xffff {
			return PseudoHeader, true
		}
	}
	return MessageOnly, p.Family == IPv4 && fold(message) == 0xffff
}

// sum adds up b as big-endian 16-bit words. The length of b is even, and small
// enough (below 128 KiB) not to overflow.
func sum(b []byte) uint32 {
	var s uint32
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	return s
}

// fold brings a sum down to 16 bits in one's complement arithmetic, RFC 1071.
func fold(s uint32) uint16 {
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}

// pseudoHeaderSum is the part of the sum that RFC 9568 §5.2.8 takes from the IP
// header. It reports false if the addresses are not of family f.
func pseudoHeaderSum(f Family, source, destination netip.Addr, length int) (uint32, bool) {
	if FamilyOf(source) != f || FamilyOf(destination) != f {
		return 0, false
	}
	return sum(source.AsSlice()) + sum(destination.AsSlice()) + Protocol + uint32(length), true
}
