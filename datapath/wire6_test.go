package datapath

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// IPv6 over a real pair of interfaces, where the kernel has a say.

const (
	protocolIPv6 = 0xdd86 // ETH_P_IPV6 in network order
	typeSolicit  = 135
	typeAdvert   = 136
)

// listen opens a socket that sees all IPv6 frames that come in at an interface.
func listen(t *testing.T, name string) (fd int, to unix.SockaddrLinklayer) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocolIPv6)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	to = unix.SockaddrLinklayer{Ifindex: l.Attrs().Index, Protocol: protocolIPv6}
	if err := unix.Bind(fd, &to); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	return fd, to
}

// nextMessage is the next frame that comes in with ICMPv6 of that type from that source.
func nextMessage(t *testing.T, fd int, kind byte, source netip.Addr) []byte {
	t.Helper()
	b := make([]byte, 2048)
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			t.Fatalf("no message of type %d from %v: %v", kind, source, err)
		}
		incoming := from.(*unix.SockaddrLinklayer).Pkttype != unix.PACKET_OUTGOING
		if incoming && n > 54 && b[20] == 58 && b[54] == kind && bytes.Equal(b[22:38], source.AsSlice()) {
			return b[:n]
		}
	}
	t.Fatalf("no message of type %d from %v", kind, source)
	return nil
}

// masterOn6 attaches to va and owns the IPv6 addresses.
func masterOn6(t *testing.T, mode Mode) *Datapath {
	t.Helper()
	d := openOn(t, "va")
	p, err := d.Attach("va", mode)
	if err != nil {
		t.Fatal(err)
	}
	spec := benchSpec(6, 3, 0)
	spec.Interface = p.Index
	r, err := d.AddRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	r.SetLease(Now() + time.Hour)
	return d
}

func TestTheKernelsOwnQuestionFromAVirtualAddressLeavesWithTheVirtualMAC(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	masterOn6(t, TC)
	address := &netlink.Addr{IPNet: &net.IPNet{IP: vip6.AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}
	if err := netlink.AddrAdd(va, address); err != nil {
		t.Fatal(err)
	}
	fd, _ := listen(t, "vb")
	talk, err := net.DialUDP("udp6", &net.UDPAddr{IP: vip6.AsSlice(), Zone: "va"}, &net.UDPAddr{IP: client6.AsSlice(), Port: 9, Zone: "va"})
	if err != nil {
		t.Fatal(err)
	}
	defer talk.Close()
	if _, err := talk.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	got := nextMessage(t, fd, typeSolicit, vip6)
	want := solicitation(client6)
	want.from, want.source, want.payload = virtualMAC6, vip6, neighborMessage(typeSolicit, 0, client6, sourceOption(virtualMAC6))
	if !bytes.Equal(got, want.frame()) {
		t.Errorf("got  %x\nwant %x", got, want.frame())
	}
}

func TestAFrameOutOfTheLinearAreaIsHandledAllTheSame(t *testing.T) {
	newNetwork(t)
	va := newVeth(t, "va", "vb")
	d := masterOn6(t, TC)
	four := benchSpec(4, 3, 0)
	four.Interface = va.Attrs().Index
	router, err := d.AddRouter(four)
	if err != nil {
		t.Fatal(err)
	}
	fd, _ := listen(t, "vb")
	// By unicast: a multicast one is looked at in any case.
	sendInPages(t, "vb", with6(solicitation(vip6), func(p *packet6) { p.to, p.destination = deviceMAC, vip6 }))
	if got, want := nextMessage(t, fd, typeAdvert, vip6), advertised(vip6, targetOption(virtualMAC6)).frame(); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	sendInPages(t, "vb", v3().frame())
	c, err := router.Counters()
	if err != nil || c.AdvertsReceived != 1 {
		t.Errorf("%d adverts received, %v; want 1", c.AdvertsReceived, err)
	}
}

// sendInPages sends a frame of which only the Ethernet header is in the linear
// area of the skb: that is how a ring of packets is sent.
func sendInPages(t *testing.T, name string, frame []byte) {
	t.Helper()
	const page, header = 4096, 32 // tpacket_hdr
	fd, to := listen(t, name)
	ring := unix.TpacketReq{Block_size: page, Block_nr: 1, Frame_size: page, Frame_nr: 1}
	if _, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_PACKET, unix.PACKET_TX_RING,
		uintptr(unsafe.Pointer(&ring)), unsafe.Sizeof(ring), 0); errno != 0 {
		t.Fatal(errno)
	}
	memory, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	copy(memory[header:], frame)
	binary.NativeEndian.PutUint32(memory[8:], uint32(len(frame)))
	binary.NativeEndian.PutUint64(memory, unix.TP_STATUS_SEND_REQUEST)
	if err := unix.Sendto(fd, nil, 0, &to); err != nil {
		t.Fatal(err)
	}
}
