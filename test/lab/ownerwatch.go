package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultAskInterval is the time between two requests of an OwnerWatch.
const DefaultAskInterval = time.Millisecond

// ownerLinger is how long OwnerWatch.Stop waits for answers under way.
const ownerLinger = 50 * time.Millisecond

// OwnerWatch asks for a virtual address again and again, by ARP or Neighbor Discovery, and records at the switch ports
// which host answers.
//
// Each request comes from a MAC of its own (Ethernet source and the packet's sender alike), so an answer names the
// request that it belongs to. The sender's IP address stays the same: it must be nobody's, because responders store it
// with the false MAC. Only one address is used, since 128 of them already make the kernel's neighbour table collect garbage.
type OwnerWatch struct {
	client   *NIC
	question question
	pacer    *pacer
	capture  *capture

	mu      sync.Mutex
	sent    []time.Duration // on the pacer's clock
	errs    int
	answers []OwnerAnswer // RequestSeq still modulo askerPool

	once   sync.Once
	report *OwnerReport
}

// question is what an OwnerWatch asks.
type question struct {
	etherType uint16
	frame     func(from MAC) []byte
	// answer reads a frame; ok is false unless it answers this question. to is who had asked, claimed is what the asker learns.
	answer func(frame []byte) (to, claimed MAC, ok bool)
}

// askerPool is the number of source MACs: at one request per millisecond each is used again after 4 s. The bridge learns
// as many entries.
const askerPool = 4096

// poolMAC is the source of request seq.
func poolMAC(seq int) MAC {
	m := MAC{0x02, 'A', 'S', 'K'}
	binary.BigEndian.PutUint16(m[4:], uint16(seq%askerPool))
	return m
}

func poolIndex(m MAC) (int, bool) {
	i := int(binary.BigEndian.Uint16(m[4:]))
	return i, i < askerPool && m == poolMAC(i)
}

func (sw *Switch) watchOwner(client *NIC, interval time.Duration, q question) (*OwnerWatch, error) {
	if interval == 0 {
		interval = DefaultAskInterval
	}
	w := &OwnerWatch{client: client, question: q}
	var err error
	w.capture, err = sw.captureFrames(packetOptions{protocol: unix.ETH_P_ALL, filter: acceptIf(12, 2, uint32(q.etherType))}, w.receive)
	if err != nil {
		return nil, err
	}
	if w.pacer, err = startPacer(interval, w.ask); err != nil {
		w.capture.stop()
		return nil, err
	}
	sw.lab.onClose(func() { w.Stop() })
	return w, nil
}

func (w *OwnerWatch) ask(at time.Duration) {
	w.mu.Lock()
	seq := len(w.sent)
	w.sent = append(w.sent, at)
	w.mu.Unlock()
	if err := w.client.Send(w.question.frame(poolMAC(seq))); err != nil {
		w.mu.Lock()
		w.errs++
		w.mu.Unlock()
	}
}

// receive takes each answer where it enters the switch: there the port says who sent it, whatever its MACs say.
func (w *OwnerWatch) receive(f Frame) {
	to, claimed, ok := w.question.answer(f.Data)
	if !ok || f.Direction != In {
		return
	}
	index, ok := poolIndex(to)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, OwnerAnswer{
		At: f.At, RequestSeq: index, Port: f.Port, Host: f.Host, SenderMAC: claimed, SourceMAC: f.Source(),
	})
}

// AwaitAnswers waits until n answers more than now have come.
func (w *OwnerWatch) AwaitAnswers(n int, timeout time.Duration) error {
	target := w.answered() + n
	for deadline := time.Now().Add(timeout); w.answered() < target; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("asking from %s: %d answers are missing of %d within %v", w.client.Host.Name, target-w.answered(), n, timeout)
		}
	}
	return nil
}

func (w *OwnerWatch) answered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.answers)
}

// Stop ends the asking, waits 50 ms for answers under way, and reports. It may be called more than once.
func (w *OwnerWatch) Stop() *OwnerReport {
	w.once.Do(func() {
		w.pacer.stop()
		<-time.After(ownerLinger)
		w.capture.stop()
		w.report = w.newReport()
	})
	return w.report
}

// WatchARP asks for the IPv4 address vip from the client's NIC at each interval (0 means DefaultAskInterval). The asking
// address is one of the client's subnet that no NIC of the lab has, counted down from 14 below the broadcast address, for
// example 192.168.1.241; where there is none the requests are probes (RFC 5227). The caller must Stop the watch; Lab.Close
// does, too.
func (sw *Switch) WatchARP(client *NIC, vip netip.Addr, interval time.Duration) (*OwnerWatch, error) {
	if !vip.Is4() {
		return nil, fmt.Errorf("watching ARP for %s: not an IPv4 address", vip)
	}
	w, err := sw.watchOwner(client, interval, arpQuestion(vip, client.spareAddress(vip)))
	if err != nil {
		return nil, fmt.Errorf("watching ARP for %s: %w", vip, err)
	}
	return w, nil
}

// WatchND is WatchARP for the IPv6 address vip: it sends Neighbor Solicitations to the solicited-node group from
// fe80::4153:4b, which must be nobody's, and takes the Neighbor Advertisements that are valid by RFC 4861 §7.1.2.
func (sw *Switch) WatchND(client *NIC, vip netip.Addr, interval time.Duration) (*OwnerWatch, error) {
	if !vip.Is6() {
		return nil, fmt.Errorf("watching Neighbor Discovery for %s: not an IPv6 address", vip)
	}
	w, err := sw.watchOwner(client, interval, ndQuestion(vip.WithZone("")))
	if err != nil {
		return nil, fmt.Errorf("watching Neighbor Discovery for %s: %w", vip, err)
	}
	return w, nil
}

func arpQuestion(vip, asker netip.Addr) question {
	return question{
		etherType: unix.ETH_P_ARP,
		frame: func(from MAC) []byte {
			return ARP{
				Destination: MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, Source: from, Operation: ARPRequest,
				SenderMAC: from, SenderIP: asker, TargetIP: vip,
			}.Frame()
		},
		answer: func(frame []byte) (to, claimed MAC, ok bool) {
			a, ok := ParseARP(frame)
			return a.TargetMAC, a.SenderMAC, ok && a.Operation == ARPReply && a.SenderIP == vip
		},
	}
}

// ndAsker is link-local: any host can answer it.
var ndAsker = netip.MustParseAddr("fe80::4153:4b")

func ndQuestion(vip netip.Addr) question {
	return question{
		etherType: unix.ETH_P_IPV6,
		frame:     func(from MAC) []byte { return Solicit(from, ndAsker, vip).Frame() },
		answer: func(frame []byte) (to, claimed MAC, ok bool) {
			n, ok := ParseND(frame)
			return n.Destination, n.LinkLayer, ok && n.Type == NeighborAdvertisement && n.Solicited && n.Target == vip
		},
	}
}
