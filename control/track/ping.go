package track

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// icmp is what differs between RFC 792 and RFC 4443.
type icmp struct {
	network        string
	request, reply byte
	filter         func(fd int) error // lets replies in alone
}

// icmpFilter is ICMP_FILTER of linux/icmp.h: a bit keeps a type out.
const icmpFilter = 1

var (
	icmp4 = icmp{"ip4:1", 8, 0, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, ^(1 << 0))
	}}
	icmp6 = icmp{"ip6:58", 128, 129, func(fd int) error {
		filter := unix.ICMPv6Filter{Data: [8]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(1 << (129 % 32)), ^uint32(0), ^uint32(0), ^uint32(0)}}
		return unix.SetsockoptICMPv6Filter(fd, unix.SOL_ICMPV6, unix.ICMPV6_FILTER, &filter)
	}}
)

const (
	icmpHeader = 8  // type, code, checksum, identifier, sequence number
	echoLen    = 32 // with the data that the answer must bring back
)

func pingProbe(p Ping) probe {
	return bounded(func(ctx context.Context) error {
		address, err := netip.ParseAddr(p.Address)
		if err != nil {
			return err
		}
		return ping(ctx, address.Unmap(), p.Interface)
	})
}

// ping sends one echo request and waits for its answer. Datagram sockets for
// ICMP depend on net.ipv4.ping_group_range, raw ones do not.
func ping(ctx context.Context, address netip.Addr, device string) error {
	kind := icmp4
	if address.Is6() {
		kind = icmp6
	}
	dialer := net.Dialer{Control: through(device, kind.filter)}
	dialed, err := dialer.DialContext(ctx, kind.network, address.String())
	if err != nil {
		return fmt.Errorf("ping %s: %w", address, err)
	}
	defer dialed.Close()
	conn := dialed.(*net.IPConn)
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	request := echoRequest(kind)
	if _, err := conn.Write(request); err != nil {
		return fmt.Errorf("ping %s: %w", address, err)
	}
	var buffer [512]byte
	for {
		n, _, err := conn.ReadFromIP(buffer[:]) // Read would leave the IPv4 header in place
		if err != nil {
			return fmt.Errorf("ping %s: %w", address, err)
		}
		if isAnswer(kind, request, buffer[:n]) {
			return nil
		}
	}
}

// echoRequest has a random identifier, sequence number and data, so that no
// answer to another program's request, or to an earlier one, is taken for its own.
func echoRequest(kind icmp) []byte {
	b := make([]byte, echoLen)
	_, _ = rand.Read(b) // never fails
	b[0], b[1], b[2], b[3] = kind.request, 0, 0, 0
	binary.BigEndian.PutUint16(b[2:], checksum(b)) // of ICMPv6 the kernel makes it
	return b
}

func isAnswer(kind icmp, request, reply []byte) bool {
	return len(reply) >= icmpHeader && reply[0] == kind.reply && reply[1] == 0 && bytes.Equal(reply[4:], request[4:])
}

// checksum is that of RFC 1071; b has an even length.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum + sum>>16)
}
