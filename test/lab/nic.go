package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// NIC is a host's end of a cable to a switch.
type NIC struct {
	Host       *Host
	Name       string // in the host, for example eth0
	MAC        MAC
	Switch     *Switch
	SwitchPort string // in the switch's namespace, for example r1-eth0

	index, portIndex int
	addresses        []netip.Prefix

	sendMu sync.Mutex
	sender *packetSocket

	lossMu sync.Mutex
	loss   *loss // nil before Lose
}

// Connect runs a cable from a new NIC of the host to the switch, gives the NIC its addresses ("192.168.1.2/24") and
// brings it up. HOST-NIC must fit into 15 bytes, the longest name the kernel takes. The host's end carries no XDP
// program: it is free for the daemon under test.
func (h *Host) Connect(sw *Switch, name string, addresses ...string) *NIC {
	nic := &NIC{Host: h, Name: name, MAC: h.lab.nextMAC(), Switch: sw, SwitchPort: h.Name + "-" + name}
	if err := nic.plugIn(addresses); err != nil {
		h.lab.fail("host %s: connecting %s to %s: %w", h.Name, name, sw.Name, err)
	}
	return nic
}

func (n *NIC) plugIn(addresses []string) error {
	if len(n.SwitchPort) >= unix.IFNAMSIZ {
		return fmt.Errorf("port name %s is longer than 15 bytes", n.SwitchPort)
	}
	for _, text := range addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		n.addresses = append(n.addresses, p)
	}
	if err := n.makeCable(); err != nil {
		return err
	}
	if err := n.register(); err != nil {
		return err
	}
	if err := n.setUpPort(); err != nil {
		return err
	}
	for _, p := range n.addresses {
		addr := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := n.Host.ns.nl.AddrAdd(byIndex(n.index), addr); err != nil {
			return fmt.Errorf("address %s: %w", p, err)
		}
	}
	if err := n.Host.ns.nl.LinkSetUp(byIndex(n.index)); err != nil {
		return err
	}
	if err := n.awaitRunning(); err != nil {
		return err
	}
	return n.awaitAddresses()
}

// hostIndexBase keeps the interface indexes of hosts away from those of switch ports, which count up from 3. When both
// ends of a veth have the same index, the kernel's link watch takes it for a plain device and delays its carrier events,
// so that the host would learn of a cut up to a second late.
const hostIndexBase = 1000

func (n *NIC) makeCable() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = n.Name, n.MAC[:]
	attrs.Index = hostIndexBase + int(binary.BigEndian.Uint16(n.MAC[4:]))
	return n.Host.ns.nl.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: n.SwitchPort, PeerNamespace: netlink.NsFd(n.Switch.ns.handle),
	})
}

// register looks up both ends and makes the NIC known to its host, its switch and Lab.Who.
func (n *NIC) register() error {
	end, err := n.Host.ns.nl.LinkByName(n.Name)
	if err != nil {
		return fmt.Errorf("finding %s: %w", n.Name, err)
	}
	port, err := n.Switch.ns.nl.LinkByName(n.SwitchPort)
	if err != nil {
		return fmt.Errorf("finding port %s: %w", n.SwitchPort, err)
	}
	n.index, n.portIndex = end.Attrs().Index, port.Attrs().Index
	n.Host.lab.mu.Lock()
	defer n.Host.lab.mu.Unlock()
	n.Host.nics = append(n.Host.nics, n)
	n.Switch.ports[n.portIndex] = n
	return nil
}

func (n *NIC) setUpPort() error {
	if err := n.Switch.attachPass(n.portIndex); err != nil {
		return err
	}
	if err := n.Switch.ns.nl.LinkSetMasterByIndex(byIndex(n.portIndex), n.Switch.bridge); err != nil {
		return fmt.Errorf("port into the bridge: %w", err)
	}
	return n.Switch.ns.nl.LinkSetUp(byIndex(n.portIndex))
}

// Cut pulls the cable: the switch port goes down and the host loses carrier, both before Cut returns. Netlink listeners
// in the host hear of it well within a millisecond.
func (n *NIC) Cut() {
	n.must("cutting", n.Switch.ns.nl.LinkSetDown(byIndex(n.portIndex)))
}

// Restore plugs the cable in again and returns when both ends pass frames, unless the host has its NIC down. A host has
// forgotten its neighbours on a NIC that lost carrier.
func (n *NIC) Restore() {
	n.must("restoring", n.Switch.ns.nl.LinkSetUp(byIndex(n.portIndex)))
	n.must("restoring", n.awaitRunning())
}

// awaitRunning waits for the kernel's link watch, which runs some time after the carrier came: until then the NIC's queue
// throws frames away and the bridge does not use the port. A first ARP request lost that way is repeated a second later.
func (n *NIC) awaitRunning() error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		end, err := n.Host.ns.nl.LinkByIndex(n.index)
		if err != nil {
			return err
		}
		port, err := n.Switch.ns.nl.LinkByIndex(n.portIndex)
		if err != nil {
			return err
		}
		flags := end.Attrs().RawFlags
		if flags&unix.IFF_UP == 0 || flags&port.Attrs().RawFlags&unix.IFF_RUNNING != 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the link does not come up")
		}
	}
}

// awaitAddresses waits until the IPv6 addresses, the link-local one among them, have left the state "tentative": a kernel
// worker does it after the link came up, even without duplicate address detection. Until then nobody answers for them.
func (n *NIC) awaitAddresses() error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		addresses, err := n.Host.ns.nl.AddrList(byIndex(n.index), unix.AF_INET6)
		if err != nil {
			return err
		}
		ready := func(a netlink.Addr) bool { return a.Flags&unix.IFA_F_TENTATIVE == 0 }
		linkLocal := func(a netlink.Addr) bool { return a.IP.IsLinkLocalUnicast() && ready(a) }
		if slices.ContainsFunc(addresses, linkLocal) && !slices.ContainsFunc(addresses, func(a netlink.Addr) bool { return !ready(a) }) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the IPv6 addresses do not become usable: %v", addresses)
		}
	}
}

// LinkLocal is the IPv6 link-local address that the kernel derived from the NIC's MAC, without a zone. Others that the
// interface may have, such as a virtual router's, are not it.
func (n *NIC) LinkLocal() netip.Addr {
	m := n.MAC
	own := netip.AddrFrom16([16]byte{
		0: 0xfe, 1: 0x80, 8: m[0] ^ 0x02, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5], // RFC 4291 App. A
	})
	for _, p := range n.Host.Addresses(n.Name) {
		if p.Addr() == own {
			return own
		}
	}
	n.Host.lab.fail("host %s: %s does not have its link-local address %s", n.Host.Name, n.Name, own)
	return netip.Addr{}
}

// OnlyOwnARP keeps the host from answering or asking on this NIC with addresses of its other interfaces (arp_ignore=1,
// arp_announce=2): those of macvlans, whose virtual address would become known with the NIC's own MAC.
func (n *NIC) OnlyOwnARP() {
	n.must("narrowing the ARP of", n.Host.ns.sysctl(
		[2]string{"ipv4/conf/" + n.Name + "/arp_ignore", "1"}, [2]string{"ipv4/conf/" + n.Name + "/arp_announce", "2"}))
}

// Silence makes the switch drop every frame from and to this NIC, at once and while carrier stays up: the port goes to
// the state "disabled". The switch does not forget what it learned at the port, as it does on Cut.
func (n *NIC) Silence() {
	n.must("silencing", n.setPortState(portDisabled))
}

// Unsilence undoes Silence. Between Cut and Restore it fails: a port without carrier cannot forward.
func (n *NIC) Unsilence() {
	n.must("unsilencing", n.setPortState(portForwarding))
}

// States of a bridge port: BR_STATE_DISABLED and BR_STATE_FORWARDING of linux/if_bridge.h.
const (
	portDisabled   = 0
	portForwarding = 3
)

func (n *NIC) setPortState(state uint8) error {
	return n.Switch.ns.do(func() error {
		request := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
		message := nl.NewIfInfomsg(unix.AF_BRIDGE)
		message.Index = int32(n.portIndex)
		request.AddData(message)
		port := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
		port.AddRtAttr(nl.IFLA_BRPORT_STATE, nl.Uint8Attr(state))
		request.AddData(port)
		_, err := request.Execute(unix.NETLINK_ROUTE, 0)
		return err
	})
}

// Carrier reports whether the host's end has carrier.
func (n *NIC) Carrier() bool {
	link, err := n.Host.ns.nl.LinkByIndex(n.index)
	n.must("reading the carrier of", err)
	return link.Attrs().RawFlags&unix.IFF_LOWER_UP != 0
}

// Repeat sends a frame now and at each interval, until end is called. What went wrong meanwhile is the error of end.
func (n *NIC) Repeat(frame []byte, each time.Duration) (end func() error, err error) {
	if err := n.Send(frame); err != nil {
		return nil, err
	}
	quit, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ticker := time.NewTicker(each)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				ended <- nil
				return
			case <-ticker.C:
			}
			if err := n.Send(frame); err != nil {
				ended <- err
				return
			}
		}
	}()
	return func() error {
		close(quit)
		return <-ended
	}, nil
}

// Send puts a whole Ethernet frame on the wire as the host would: it passes the host's tc egress, not its stack.
func (n *NIC) Send(frame []byte) error {
	n.sendMu.Lock()
	defer n.sendMu.Unlock()
	if n.sender == nil {
		s, err := openPacketSocket(n.Host.ns, packetOptions{})
		if err != nil {
			return err
		}
		n.sender = s
	}
	if err := n.sender.send(n.index, frame); err != nil {
		return fmt.Errorf("sending a frame on %s of %s: %w", n.Name, n.Host.Name, err)
	}
	return nil
}

func (n *NIC) closeSender() {
	n.sendMu.Lock()
	defer n.sendMu.Unlock()
	if n.sender != nil {
		n.sender.close()
	}
}

func (n *NIC) closeLoss() error {
	n.lossMu.Lock()
	defer n.lossMu.Unlock()
	if n.loss == nil {
		return nil
	}
	return n.loss.close()
}

func (n *NIC) must(doing string, err error) {
	if err != nil {
		n.Host.lab.fail("%s %s: %w", doing, n.SwitchPort, err)
	}
}

func byIndex(index int) netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index}}
}
