package lab

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"
)

// echoPayload is a run id and a sequence number of 64 bits each: ICMP's own 16 bits wrap after half a minute.
const (
	echoHeader  = 8
	echoPayload = 16
)

// echoCodec writes the echo requests of one prober and recognises the replies to them.
type echoCodec struct {
	v6    bool
	runID uint64
}

func newEchoCodec(target netip.Addr) echoCodec {
	return echoCodec{v6: target.Is6(), runID: rand.Uint64()}
}

func (c echoCodec) request(sequence int) []byte {
	m := make([]byte, echoHeader+echoPayload)
	m[0] = c.kind(8, 128)
	binary.BigEndian.PutUint16(m[4:], uint16(c.runID))
	binary.BigEndian.PutUint16(m[6:], uint16(sequence))
	binary.BigEndian.PutUint64(m[8:], c.runID)
	binary.BigEndian.PutUint64(m[16:], uint64(sequence))
	if !c.v6 { // the kernel fills in the checksum of ICMPv6, which covers addresses
		binary.BigEndian.PutUint16(m[2:], Checksum(m))
	}
	return m
}

// reply reads a frame; ok is false unless it answers a request of this prober.
func (c echoCodec) reply(frame []byte) (sequence int, ttl uint8, ok bool) {
	if len(frame) < 14+20 {
		return 0, 0, false
	}
	ip := frame[14:]
	ttl, message := ip[8], ip[min(len(ip), int(ip[0]&0x0f)*4):]
	if c.v6 {
		ttl, message = ip[7], ip[min(len(ip), 40):]
	}
	if len(message) < echoHeader+echoPayload || message[0] != c.kind(0, 129) ||
		binary.BigEndian.Uint64(message[8:]) != c.runID {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint64(message[16:])), ttl, true
}

func (c echoCodec) kind(v4, v6 byte) byte {
	if c.v6 {
		return v6
	}
	return v4
}

// capture selects ICMP among what the host receives.
func (c echoCodec) capture() packetOptions {
	if c.v6 {
		return packetOptions{protocol: unix.ETH_P_IPV6, filter: acceptIf(14+6, 1, unix.IPPROTO_ICMPV6)}
	}
	return packetOptions{protocol: unix.ETH_P_IP, filter: acceptIf(14+9, 1, unix.IPPROTO_ICMP)}
}

// acceptIf is a socket filter: whole frames whose field (size 1 or 2 bytes, at offset) has this value.
func acceptIf(offset uint32, size int, value uint32) []unix.SockFilter {
	load := uint16(unix.BPF_LD | unix.BPF_ABS | unix.BPF_B)
	if size == 2 {
		load = unix.BPF_LD | unix.BPF_ABS | unix.BPF_H
	}
	return []unix.SockFilter{
		{Code: load, K: offset},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

// openEchoSocket makes a raw ICMP socket that only sends: its own copies of the replies are filtered out. It goes through
// the host's routes and neighbour table, like any program's packets.
func openEchoSocket(ns *namespace, target netip.Addr) (fd int, err error) {
	err = ns.do(func() error {
		if target.Is6() {
			fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
			if err != nil {
				return err
			}
			block := unix.ICMPv6Filter{}
			for i := range block.Data {
				block.Data[i] = ^uint32(0)
			}
			return unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &block)
		}
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			return err
		}
		const icmpFilter = 1 // ICMP_FILTER of linux/icmp.h: a bit per type to drop
		return unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, -1)
	})
	if err != nil {
		return -1, fmt.Errorf("raw ICMP socket in %s: %w", ns.name, err)
	}
	return fd, nil
}

// socketAddress finds the number of the interface that the zone of a link-local address names.
func (h *Host) socketAddress(ip netip.Addr) (unix.Sockaddr, error) {
	if ip.Is4() {
		return &unix.SockaddrInet4{Addr: ip.As4()}, nil
	}
	to := &unix.SockaddrInet6{Addr: ip.As16()}
	if ip.Zone() != "" {
		link, err := h.ns.nl.LinkByName(ip.Zone())
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", ip.Zone(), err)
		}
		to.ZoneId = uint32(link.Attrs().Index)
	}
	return to, nil
}

// Checksum is the Internet checksum (RFC 1071).
func Checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
