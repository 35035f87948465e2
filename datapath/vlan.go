package datapath

import (
	"fmt"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hiddenVLANs says why XDP, native or generic, may not see the VLAN of a frame on this
// interface, or "". Unseen, a question of VLAN 20 would be answered with the
// address of VLAN 10.
func (p *Port) hiddenVLANs() string {
	vlan := p.vlanDevice()
	if vlan == "" {
		return ""
	}
	if p.kind == "veth" {
		return fmt.Sprintf("%s has the VLAN device %s, and on a veth the sender may hide the tag from XDP: use --mode tc, or attach to %s", p.Name, vlan, vlan)
	}
	if offloadsVLAN(p.Name) {
		return fmt.Sprintf("%s has the VLAN device %s, and the NIC takes the tags off before XDP sees them: ethtool -K %s rxvlan off, or --mode tc, or attach to %s", p.Name, vlan, p.Name, vlan)
	}
	return ""
}

// tagWarning says what to be careful about where XDP may not see tags though no
// VLAN device is there: a frame of any VLAN that gets as far as here is taken for
// untagged. NICs keep foreign VLANs out, unless they are promiscuous.
func (p *Port) tagWarning() string {
	switch {
	case p.kind == "veth":
		return "; VLAN tags that the sender hides are not seen: no trunk may end here"
	case offloadsVLAN(p.Name):
		return "; the NIC hides VLAN tags: no trunk may end here (or ethtool -K " + p.Name + " rxvlan off)"
	}
	return ""
}

// vlanDevice names a VLAN device on top of the interface, or "".
func (p *Port) vlanDevice() string {
	links, err := again(netlink.LinkList)
	if err != nil {
		return "that nobody can list (" + err.Error() + ")"
	}
	for _, l := range links {
		if l.Type() == "vlan" && l.Attrs().ParentIndex == p.Index {
			return l.Attrs().Name
		}
	}
	return ""
}

// offloadsVLAN tells whether the NIC strips VLAN tags on receive. When it
// cannot be found out, the answer is the dangerous one.
func offloadsVLAN(name string) bool {
	const (
		getFlags = 0x25   // ETHTOOL_GFLAGS
		rxVLAN   = 1 << 8 // ETH_FLAG_RXVLAN
	)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	value := struct{ command, data uint32 }{command: getFlags}
	request := struct {
		name  [unix.IFNAMSIZ]byte
		value unsafe.Pointer
		_     [16]byte
	}{value: unsafe.Pointer(&value)}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return true
	}
	return value.data&rxVLAN != 0
}
