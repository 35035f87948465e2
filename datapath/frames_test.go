package datapath

import (
	"encoding/binary"
	"net/netip"
)

// Frames for the tests, built byte by byte; no two fields have the same value by chance.

var (
	vip        = netip.MustParseAddr("192.168.1.1")
	client     = netip.MustParseAddr("192.168.1.77")
	peer       = netip.MustParseAddr("192.168.1.3")
	virtualMAC = [6]byte{0x00, 0x00, 0x5e, 0x00, 0x01, 0x0a}
	deviceMAC  = [6]byte{0x02, 0x00, 0x00, 0x00, 0x00, 0x02}
	clientMAC  = [6]byte{0x02, 0x00, 0x00, 0x00, 0x00, 0x77}
	strangeMAC = [6]byte{0x02, 0x00, 0x00, 0x00, 0x00, 0x99}
	broadcast  = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	groupMAC   = [6]byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}
	group4     = netip.MustParseAddr("224.0.0.18")
)

func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func ethernetHeader(to, from [6]byte, protocol uint16) []byte {
	return binary.BigEndian.AppendUint16(join(to[:], from[:]), protocol)
}

func vlanTag(id, protocol uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, 3<<13|id), protocol)
}

// tagged puts a VLAN tag into a frame.
func tagged(frame []byte, id uint16) []byte {
	return join(frame[:12], []byte{0x81, 0x00}, vlanTag(id, binary.BigEndian.Uint16(frame[12:]))[:2], frame[12:])
}

type arpPacket struct {
	operation            uint16
	senderMAC, targetMAC [6]byte
	sender, target       netip.Addr
}

func (a arpPacket) bytes() []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, byte(a.operation)}
	return join(b, a.senderMAC[:], a.sender.AsSlice(), a.targetMAC[:], a.target.AsSlice())
}

func arpFrame(to, from [6]byte, a arpPacket) []byte {
	return join(ethernetHeader(to, from, 0x0806), a.bytes(), make([]byte, 18)) // padded to 60
}

func request(sender, target netip.Addr) arpPacket {
	return arpPacket{operation: 1, senderMAC: clientMAC, sender: sender, target: target}
}

func internetSum(parts ...[]byte) uint16 {
	b := join(parts...)
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

type advertPacket struct {
	versionType, vrid, priority byte
	interval                    uint16
	addresses                   []netip.Addr
	trailer                     []byte // v2: authentication data
	pseudo                      bool   // checksum with a pseudo-header
	source                      netip.Addr
	ttl                         byte
}

func v3() advertPacket {
	return advertPacket{versionType: 0x31, vrid: 10, priority: 120, interval: 100,
		addresses: []netip.Addr{vip}, source: peer, ttl: 255, pseudo: true}
}

func v2() advertPacket {
	return advertPacket{versionType: 0x21, vrid: 10, priority: 120, interval: 1,
		addresses: []netip.Addr{vip}, trailer: make([]byte, 8), source: peer, ttl: 255}
}

func (a advertPacket) pdu() []byte {
	b := binary.BigEndian.AppendUint16([]byte{a.versionType, a.vrid, a.priority, byte(len(a.addresses))}, a.interval)
	b = append(b, 0, 0)
	for _, v := range a.addresses {
		b = append(b, v.AsSlice()...)
	}
	b = append(b, a.trailer...)
	var pseudo []byte
	if a.pseudo {
		pseudo = join(a.source.AsSlice(), group4.AsSlice(), []byte{0, 112, byte(len(b) >> 8), byte(len(b))})
	}
	binary.BigEndian.PutUint16(b[6:], internetSum(pseudo, b))
	return b
}

func (a advertPacket) frame() []byte { return frameAround(a.pdu(), a.source, a.ttl) }

func ipHeader(length int, source netip.Addr, ttl byte) []byte {
	h := join([]byte{0x45, 0xc0, byte(length >> 8), byte(length), 0x12, 0x34, 0x40, 0, ttl, 112, 0, 0}, source.AsSlice(), group4.AsSlice())
	binary.BigEndian.PutUint16(h[10:], internetSum(h))
	return h
}

// frameAround puts a PDU into a multicast frame, padded to 60 bytes.
func frameAround(pdu []byte, source netip.Addr, ttl byte) []byte {
	f := join(ethernetHeader(groupMAC, [6]byte{0, 0, 0x5e, 0, 1, 10}, 0x0800), ipHeader(20+len(pdu), source, ttl), pdu)
	return join(f, make([]byte, max(0, 60-len(f))))
}

// withIP changes the IP header of a frame and puts its checksum right.
func withIP(frame []byte, change func(header []byte)) []byte {
	f := append([]byte(nil), frame...)
	h := f[14:34]
	change(h)
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], internetSum(h))
	return f
}
