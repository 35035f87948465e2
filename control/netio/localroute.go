package netio

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// addLocalRoute makes the kernel deliver what is for an IPv6 address from now on. It does so by itself, but in a work
// queue: on a busy host later than a handover takes, and echoes are lost meanwhile.
func (r route) addLocalRoute(ifindex int, address netip.Addr) error {
	err := r.change(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, localRoute(ifindex, address)...)
	if err != nil && !errors.Is(err, unix.ENETDOWN) { // nothing is delivered there anyway
		return fmt.Errorf("add a local route for %s on interface %d: %w", address, ifindex, err)
	}
	return nil
}

// removeLocalRoute takes back addLocalRoute. The kernel has its own route besides, which goes with the address; it takes
// ours away itself when the interface is set down.
func (r route) removeLocalRoute(ifindex int, address netip.Addr) error {
	err := r.change(unix.RTM_DELROUTE, 0, localRoute(ifindex, address)...)
	if err == nil || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return fmt.Errorf("remove the local route for %s from interface %d: %w", address, ifindex, err)
}

func localRoute(ifindex int, address netip.Addr) []nl.NetlinkRequestData {
	header := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family:   unix.AF_INET6,
		Dst_len:  uint8(address.BitLen()),
		Table:    unix.RT_TABLE_LOCAL,
		Protocol: protocolVRRP,
		Scope:    unix.RT_SCOPE_UNIVERSE,
		Type:     unix.RTN_LOCAL,
	}}
	return []nl.NetlinkRequestData{header, nl.NewRtAttr(unix.RTA_DST, address.AsSlice()), nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(ifindex)))}
}
