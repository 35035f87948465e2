package lab

import (
	"encoding/binary"
	"net/netip"
)

// spareAddress finds an IPv4 address for requests with false MACs; the unspecified address when there is none.
func (n *NIC) spareAddress(vip netip.Addr) netip.Addr {
	for _, p := range n.addresses {
		if !p.Addr().Is4() {
			continue
		}
		size := uint32(1) << (32 - p.Bits())
		network := binary.BigEndian.Uint32(p.Masked().Addr().AsSlice())
		start := size - 2
		if size > 16 {
			start = size - 15
		}
		for i := start; size > 2 && i > 0; i-- {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], network+i)
			if a := netip.AddrFrom4(b); a != vip && !n.Host.lab.hasAddress(a) {
				return a
			}
		}
	}
	return netip.IPv4Unspecified()
}
