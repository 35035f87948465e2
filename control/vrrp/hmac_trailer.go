package vrrp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// The trailer behind the message: type, key id, two bytes of zero, sequence, HMAC.
const (
	TrailerLength = 28

	trailerType  = 1  // HMAC-SHA256/128
	trailerFixed = 12 // without the HMAC
	hmacLength   = 16
)

// Sign appends the advert to b as AppendBinary does, with a trailer behind it.
// The same sequence makes the same signature, whatever the destination.
func (a *Auth) Sign(b []byte, advert Advert, source, destination netip.Addr, s Sequence) ([]byte, error) {
	start := len(b)
	signed, err := advert.AppendBinary(b, source, destination)
	if err != nil {
		return b, err
	}
	if length := len(signed) - start + TrailerLength; length > maxPDULength {
		return b, fmt.Errorf("sign advert of VRID %d: with the trailer it has %d bytes, more than %d", advert.VRID, length, maxPDULength)
	}
	signed = append(signed, trailerType, a.Active, 0, 0)
	signed = binary.BigEndian.AppendUint64(signed, uint64(s))
	pdu := signed[start:]
	mac := a.Keys[a.Active].sum(pdu, source)
	signed = append(signed, mac[:]...)
	if FamilyOf(source) == IPv6 {
		// As the kernel has it: over all that follows the IP header.
		err = putChecksum(signed[start:], advert.Version, IPv6, PseudoHeader, source, destination)
	}
	return signed, err
}

// sum is the HMAC of a message that the first part of a trailer follows: over
// family, version, VRID and source, the message without its checksum, and the
// trailer without its HMAC.
func (k Key) sum(signed []byte, source netip.Addr) (mac [hmacLength]byte) {
	h := hmac.New(sha256.New, []byte(k.secret))
	var about [20]byte
	about[0], about[1], about[2] = byte(FamilyOf(source)), signed[0]>>4, signed[1]
	copy(about[4:], source.AsSlice())
	h.Write(about[:])
	h.Write(signed[:6])
	h.Write([]byte{0, 0})
	h.Write(signed[8:])
	h.Write(mac[:])
	copy(mac[:], h.Sum(nil))
	return mac
}

// Proof is what the trailer of an advert has shown.
type Proof struct {
	Signed   bool // the rest is of a trailer
	Key      uint8
	Sequence Sequence
	// Behind is how far the sender's time of day is behind this host's; negative: it
	// is ahead. It has no meaning where the clocks need not agree.
	Behind time.Duration
}

// verify checks the trailer of an advert that Parse has accepted, but for its
// sequence. What is cheap comes first, so that a flood of old or foreign adverts
// costs no hash. The error is a Reason; what the trailer said is not proven then.
func (a *Auth) verify(p Packet, wall time.Duration) (Proof, error) {
	message, trailer, _ := p.split(Version(p.PDU[0] >> 4))
	if len(trailer) == 0 {
		if a.Mode == AuthEnforce {
			return Proof{}, ReasonAuthMissing
		}
		return Proof{}, nil
	}
	if trailer[0] != trailerType || !isZero(trailer[2:4]) {
		return Proof{}, ReasonAuthMalformed
	}
	proof := Proof{Signed: true, Key: trailer[1], Sequence: Sequence(binary.BigEndian.Uint64(trailer[4:]))}
	now := SequenceAt(wall)
	proof.Behind = now.sub(proof.Sequence)
	key, known := a.Keys[proof.Key]
	switch {
	case !known:
		return proof, ReasonAuthKey
	case !a.Monotonic && now.secondsAfter(proof.Sequence).Abs() > a.Window:
		return proof, ReasonAuthStale
	}
	want := key.sum(p.PDU[:len(message)+trailerFixed], p.Source)
	if !hmac.Equal(trailer[trailerFixed:], want[:]) {
		return proof, ReasonAuthHMAC
	}
	return proof, nil
}
