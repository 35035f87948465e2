package lab

import (
	"net"
)

// MAC is an Ethernet address that can be compared and used as a map key. The zero MAC means "none".
type MAC [6]byte

// String writes the address as 02:00:00:00:01:00.
func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// IsZero reports whether m is the zero MAC, which stands for "nobody".
func (m MAC) IsZero() bool { return m == MAC{} }

// VirtualMAC4 returns the IPv4 virtual router MAC of a VRID in 1..255 (RFC 9568 §7.3).
func VirtualMAC4(vrid uint8) MAC { return MAC{0x00, 0x00, 0x5e, 0x00, 0x01, vrid} }

// VirtualMAC6 returns the IPv6 virtual router MAC of a VRID in 1..255 (RFC 9568 §7.3).
func VirtualMAC6(vrid uint8) MAC { return MAC{0x00, 0x00, 0x5e, 0x00, 0x02, vrid} }
