package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultARPInterval is the time between two requests of an ARPWatch.
const DefaultARPInterval = time.Millisecond

// arpLinger is how long ARPWatch.Stop waits for answers under way.
const arpLinger = 50 * time.Millisecond

// ARPWatch asks for a virtual address again and again, and records at the switch ports which host answers.
//
// Each request comes from a MAC of its own (Ethernet source and ARP sender alike), so an answer names the request that it
// belongs to. The sender's IP address stays the same: it must be nobody's, because responders store it with the false MAC.
// Only one address is used, since 128 of them already make the kernel's neighbour table collect garbage.
type ARPWatch struct {
	sw      *Switch
	client  *NIC
	vip     netip.Addr
	sender  netip.Addr
	pacer   *pacer
	capture *capture

	mu      sync.Mutex
	sent    []time.Duration // on the pacer's clock
	errs    int
	answers []ARPAnswer // RequestSeq still modulo arpPool

	once   sync.Once
	report *ARPReport
}

// arpPool is the number of source MACs: at one request per millisecond each is used again after 4 s. The bridge learns
// as many entries.
const arpPool = 4096

// poolMAC is the source of request seq.
func poolMAC(seq int) MAC {
	m := MAC{0x02, 'A', 'R', 'P'}
	binary.BigEndian.PutUint16(m[4:], uint16(seq%arpPool))
	return m
}

func poolIndex(m MAC) (int, bool) {
	i := int(binary.BigEndian.Uint16(m[4:]))
	return i, i < arpPool && m == poolMAC(i)
}

// WatchARP asks for the IPv4 address vip from the client's NIC at each interval (0 means DefaultARPInterval). The asking
// address is one of the client's subnet that no NIC of the lab has, counted down from 14 below the broadcast address, for
// example 192.168.1.241; where there is none the requests are probes (RFC 5227). The caller must Stop the watch; Lab.Close
// does, too.
func (sw *Switch) WatchARP(client *NIC, vip netip.Addr, interval time.Duration) (*ARPWatch, error) {
	if !vip.Is4() {
		return nil, fmt.Errorf("watching ARP for %s: not an IPv4 address", vip)
	}
	if interval == 0 {
		interval = DefaultARPInterval
	}
	w := &ARPWatch{sw: sw, client: client, vip: vip, sender: client.spareAddress(vip)}
	var err error
	w.capture, err = sw.captureFrames(packetOptions{protocol: unix.ETH_P_ALL, filter: acceptIf(12, 2, unix.ETH_P_ARP)}, w.receive)
	if err != nil {
		return nil, err
	}
	if w.pacer, err = startPacer(interval, w.ask); err != nil {
		w.capture.stop()
		return nil, fmt.Errorf("watching ARP for %s: %w", vip, err)
	}
	sw.lab.onClose(func() { w.Stop() })
	return w, nil
}

func (w *ARPWatch) ask(at time.Duration) {
	w.mu.Lock()
	seq := len(w.sent)
	w.sent = append(w.sent, at)
	w.mu.Unlock()
	mac := poolMAC(seq)
	err := w.client.Send(ARP{
		Destination: MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, Source: mac, Operation: ARPRequest,
		SenderMAC: mac, SenderIP: w.sender, TargetIP: w.vip,
	}.Frame())
	if err != nil {
		w.mu.Lock()
		w.errs++
		w.mu.Unlock()
	}
}

// receive takes each answer where it enters the switch: there the port says who sent it, whatever its MACs say.
func (w *ARPWatch) receive(f Frame) {
	a, ok := ParseARP(f.Data)
	if !ok || f.Direction != In || a.Operation != ARPReply || a.SenderIP != w.vip {
		return
	}
	index, ok := poolIndex(a.TargetMAC)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, ARPAnswer{
		At: f.At, RequestSeq: index, Port: f.Port, Host: f.Host, SenderMAC: a.SenderMAC, SourceMAC: a.Source,
	})
}

// Stop ends the asking, waits 50 ms for answers under way, and reports. It may be called more than once.
func (w *ARPWatch) Stop() *ARPReport {
	w.once.Do(func() {
		w.pacer.stop()
		<-time.After(arpLinger)
		w.capture.stop()
		w.report = w.newReport()
	})
	return w.report
}

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
