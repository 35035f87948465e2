package iproute

import (
	"errors"
	"net/netip"
)

// Address is an address that is to stand on an interface.
type Address struct {
	// Prefix is the address itself with its prefix length.
	Prefix netip.Prefix
	// Interface is where it goes; "": the interface of whoever has it.
	Interface string
	Label     string       // IPv4 only, at most 15 bytes; "": none
	Scope     uint8        // RT_SCOPE_…; IPv4 only
	Broadcast netip.Addr   // IPv4 only; zero: none
	Peer      netip.Prefix // of a point-to-point address; zero: none
	// Preferred makes an IPv6 address one that connections of the host's own may
	// start from; without it the address is deprecated (RFC 4862 §5.5.4).
	Preferred bool
	// DAD asks for duplicate address detection; without it there is none.
	DAD bool
	// NoPrefixRoute adds no route to the subnet.
	NoPrefixRoute bool
	// NoTrack leaves an address that others remove where they put it: it does
	// not come back while master.
	NoTrack bool
}

// ParseAddress reads one line of virtual_ipaddress, without its comment. Errors
// name the word that is wrong.
func ParseAddress(words []string) (Address, error) {
	return Address{}, errors.New("not written yet")
}
