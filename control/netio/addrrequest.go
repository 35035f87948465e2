package netio

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/iproute"
)

// newAddress is the request for an address with all that belongs to it.
func newAddress(ifindex int, address iproute.Address) ([]nl.NetlinkRequestData, error) {
	far := address.Prefix.Addr()
	if address.Peer.IsValid() {
		far = address.Peer.Addr()
	}
	request, err := addressRequest(ifindex, address.Prefix, far)
	if err != nil {
		return nil, err
	}
	request = append(request,
		nl.NewRtAttr(ifaProto, []byte{protocolVRRP}),
		nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(addressFlags(address))))
	if address.Prefix.Addr().Is6() {
		if !address.Preferred {
			request = append(request, nl.NewRtAttr(unix.IFA_CACHEINFO, notPreferred()))
		}
		return request, nil
	}
	request[0].(*nl.IfAddrmsg).Scope = address.Scope
	if address.Label != "" {
		request = append(request, nl.NewRtAttr(unix.IFA_LABEL, nl.ZeroTerminated(address.Label)))
	}
	if address.Broadcast.IsValid() {
		request = append(request, nl.NewRtAttr(unix.IFA_BROADCAST, address.Broadcast.AsSlice()))
	}
	return request, nil
}

func addressFlags(address iproute.Address) uint32 {
	var flags uint32
	set := func(on bool, flag uint32) {
		if on {
			flags |= flag
		}
	}
	set(address.NoPrefixRoute, unix.IFA_F_NOPREFIXROUTE)
	if address.Prefix.Addr().Is6() {
		set(!address.DAD, unix.IFA_F_NODAD)
		set(address.Home, unix.IFA_F_HOMEADDRESS)
		set(address.ManageTemporary, unix.IFA_F_MANAGETEMPADDR)
	}
	return flags
}

// addressRequest names the address of prefix whose other end is far: the address itself unless it is one of a
// point-to-point link.
func addressRequest(ifindex int, prefix netip.Prefix, far netip.Addr) ([]nl.NetlinkRequestData, error) {
	if !prefix.IsValid() || prefix.Addr().Is4In6() || prefix.Addr().BitLen() != far.BitLen() {
		return nil, fmt.Errorf("address %s for interface %d: not an IPv4 or IPv6 address with a prefix length", prefix, ifindex)
	}
	header := nl.NewIfAddrmsg(unix.AF_INET)
	if prefix.Addr().Is6() {
		header = nl.NewIfAddrmsg(unix.AF_INET6)
	}
	header.Prefixlen = uint8(prefix.Bits())
	header.Scope = unix.RT_SCOPE_UNIVERSE
	header.Index = uint32(ifindex)
	return []nl.NetlinkRequestData{
		header,
		nl.NewRtAttr(unix.IFA_LOCAL, prefix.Addr().AsSlice()),
		nl.NewRtAttr(unix.IFA_ADDRESS, far.AsSlice()),
	}, nil
}

// notPreferred is the struct ifa_cacheinfo of an IPv6 address that stays but is deprecated (RFC 4862 §5.5.4): preferred
// for no time, valid for ever, and two time stamps that are the kernel's.
func notPreferred() []byte {
	b := make([]byte, unix.SizeofIfaCacheinfo)
	binary.NativeEndian.PutUint32(b[4:], infiniteLifetime)
	return b
}
