package netio

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// ifaProto is IFA_PROTO (Linux 5.18): who put an address there. Older kernels ignore it.
	ifaProto = 11
	// devconfPromoteSecondaries is IPV4_DEVCONF_PROMOTE_SECONDARIES.
	devconfPromoteSecondaries = 20
)

// addresses lists the IPv4 and IPv6 addresses of one interface.
func (r route) addresses(ifindex int) ([]Address, error) {
	messages, err := r.list(unix.RTM_GETADDR, unix.RTM_NEWADDR, nl.NewIfAddrmsg(unix.AF_UNSPEC))
	if err != nil {
		return nil, fmt.Errorf("list the addresses of interface %d: %w", ifindex, err)
	}
	var addresses []Address
	for _, message := range messages {
		header := nl.DeserializeIfAddrmsg(message)
		if int(header.Index) != ifindex || header.Family != unix.AF_INET && header.Family != unix.AF_INET6 {
			continue
		}
		address, err := parseAddress(header, message[header.Len():])
		if err != nil {
			return nil, fmt.Errorf("list the addresses of interface %d: %w", ifindex, err)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// parseAddress reads the attributes of an address. IFA_LOCAL is the address; the prefix length belongs to IFA_ADDRESS,
// which differs from it on a point-to-point link, where it names the other end. Without another end, IPv6 has only
// IFA_ADDRESS.
func parseAddress(header *nl.IfAddrmsg, attributes []byte) (Address, error) {
	parsed, err := nl.ParseRouteAttr(attributes)
	if err != nil {
		return Address{}, fmt.Errorf("parse an address: %w", err)
	}
	address := Address{scope: header.Scope, usable: header.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) == 0}
	var local, network netip.Addr
	for _, attribute := range parsed {
		switch attribute.Attr.Type {
		case unix.IFA_LOCAL:
			local, _ = netip.AddrFromSlice(attribute.Value)
		case unix.IFA_ADDRESS:
			network, _ = netip.AddrFromSlice(attribute.Value)
		case unix.IFA_LABEL:
			address.Label = unix.ByteSliceToString(attribute.Value)
		case ifaProto:
			address.Marked = len(attribute.Value) == 1 && attribute.Value[0] == protocolVRRP
		}
	}
	if header.Family == unix.AF_INET6 && !local.IsValid() {
		local = network
	}
	bits := int(header.Prefixlen)
	address.Prefix = netip.PrefixFrom(local, bits)
	address.subnet = netip.PrefixFrom(network, bits).Masked()
	if !address.Prefix.IsValid() || !address.subnet.IsValid() {
		return Address{}, fmt.Errorf("parse an address: no valid local address or subnet of %d bits", bits)
	}
	return address, nil
}

// promotion reads promote_secondaries of an interface. Netlink reaches it in the namespace of the socket, whichever
// the thread is in, and where /proc/sys is read-only.
func (r route) promotion(ifindex int) (bool, error) {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = int32(ifindex)
	message, err := r.get(unix.RTM_GETLINK, unix.RTM_NEWLINK, header)
	if err != nil {
		return false, fmt.Errorf("read promote_secondaries of interface %d: %w", ifindex, err)
	}
	values := message[header.Len():]
	for _, kind := range []uint16{unix.IFLA_AF_SPEC, unix.AF_INET, unix.IFLA_INET_CONF} {
		attributes, err := nl.ParseRouteAttrAsMap(values)
		if err != nil {
			return false, fmt.Errorf("read promote_secondaries of interface %d: %w", ifindex, err)
		}
		values = attributes[kind].Value
	}
	const offset = 4 * (devconfPromoteSecondaries - 1)
	if len(values) < offset+4 {
		return false, fmt.Errorf("interface %d has no IPv4 settings: %w", ifindex, unix.EAFNOSUPPORT)
	}
	return binary.NativeEndian.Uint32(values[offset:]) != 0, nil
}

func (r route) setPromotion(ifindex int, on bool) error {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = int32(ifindex)
	var value uint32
	if on {
		value = 1
	}
	families := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	settings := families.AddRtAttr(unix.AF_INET, nil).AddRtAttr(unix.IFLA_INET_CONF, nil)
	settings.AddRtAttr(devconfPromoteSecondaries, nl.Uint32Attr(value))
	if err := r.change(unix.RTM_SETLINK, 0, header, families); err != nil {
		return fmt.Errorf("set promote_secondaries of interface %d to %d: %w", ifindex, value, err)
	}
	return nil
}
