package lab

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Direction tells which way a frame passed a switch port.
type Direction bool

// A frame goes In from a host to the switch, and Out from the switch to a host.
const (
	In  Direction = false
	Out Direction = true
)

// String is "in" or "out".
func (d Direction) String() string {
	if d == Out {
		return "out"
	}
	return "in"
}

// Frame is a captured frame. A frame that crosses the switch is captured at each port that it passes.
type Frame struct {
	At        time.Time // stamped by the kernel
	Port      string    // of the switch, for example r1-eth0
	Host      string    // at the far end of the port
	Direction Direction
	Data      []byte // from the Ethernet destination on, VLAN tag included; not to be changed
}

// Destination is the Ethernet destination.
func (f Frame) Destination() MAC { return MAC(f.Data[0:6]) }

// Source is the Ethernet source.
func (f Frame) Source() MAC { return MAC(f.Data[6:12]) }

// Sniffer captures frames at switch ports.
type Sniffer struct {
	capture *capture

	mu      sync.Mutex
	frames  []Frame
	changed chan struct{} // closed and replaced with every frame
}

// Sniff captures at every port of the switch the frames that filter wants; a nil filter wants all. filter is called from
// one goroutine and must be quick. The caller should Stop the Sniffer; Lab.Close does, too.
func (sw *Switch) Sniff(filter func(Frame) bool) (*Sniffer, error) {
	return sw.sniff(packetOptions{protocol: unix.ETH_P_ALL}, filter)
}

// SniffVRRP is Sniff for untagged adverts, and for a busy switch: what is none is not even copied.
func (sw *Switch) SniffVRRP(filter func(Frame) bool) (*Sniffer, error) {
	return sw.sniff(packetOptions{protocol: unix.ETH_P_ALL, filter: acceptVRRP}, filter)
}

// acceptVRRP accepts untagged IPv4 and IPv6 packets of protocol 112.
var acceptVRRP = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_ABS | unix.BPF_H, K: 12},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IP, Jf: 2},
	{Code: unix.BPF_LD | unix.BPF_ABS | unix.BPF_B, K: 14 + 9},
	{Code: unix.BPF_JMP | unix.BPF_JA, K: 2},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IPV6, Jf: 3},
	{Code: unix.BPF_LD | unix.BPF_ABS | unix.BPF_B, K: 14 + 6},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: vrrpProtocol, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

// Sniff captures at the switch port of this NIC; see Switch.Sniff.
func (n *NIC) Sniff(filter func(Frame) bool) (*Sniffer, error) {
	return n.Switch.sniff(packetOptions{protocol: unix.ETH_P_ALL, index: n.portIndex}, filter)
}

// SniffSent captures what this NIC's host sends. It is for a busy switch: what is sent to the host costs nothing.
func (n *NIC) SniffSent(filter func(Frame) bool) (*Sniffer, error) {
	return n.Switch.sniff(packetOptions{protocol: unix.ETH_P_ALL, index: n.portIndex, inOnly: true}, filter)
}

func (sw *Switch) sniff(o packetOptions, filter func(Frame) bool) (*Sniffer, error) {
	s := &Sniffer{changed: make(chan struct{})}
	capture, err := sw.captureFrames(o, func(f Frame) {
		if filter == nil || filter(f) {
			s.add(f)
		}
	})
	if err != nil {
		return nil, err
	}
	s.capture = capture
	sw.lab.onClose(func() { s.Stop() })
	return s, nil
}

// captureFrames skips what the bridge device itself sees: the same frames a second time.
func (sw *Switch) captureFrames(o packetOptions, handle func(Frame)) (*capture, error) {
	c, err := startCapture(sw.ns, o, func(p packet) {
		nic := sw.portOf(p.index)
		if nic == nil || len(p.data) < 14 {
			return
		}
		handle(Frame{
			At: p.at, Port: nic.SwitchPort, Host: nic.Host.Name, Direction: Direction(p.outgoing), Data: p.data,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("capturing on switch %s: %w", sw.Name, err)
	}
	return c, nil
}

func (s *Sniffer) add(f Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = append(s.frames, f)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Sniffer) snapshot() ([]Frame, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames[:len(s.frames):len(s.frames)], s.changed
}

// Frames returns what was captured so far.
func (s *Sniffer) Frames() []Frame {
	frames, _ := s.snapshot()
	return frames
}

// Await waits for a frame, captured already or to come, that match accepts, and returns the first one.
func (s *Sniffer) Await(timeout time.Duration, match func(Frame) bool) (Frame, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for seen := 0; ; {
		frames, changed := s.snapshot()
		for _, f := range frames[seen:] {
			if match(f) {
				return f, nil
			}
		}
		seen = len(frames)
		select {
		case <-changed:
		case <-timer.C:
			return Frame{}, fmt.Errorf("no such frame among the %d captured within %v", seen, timeout)
		}
	}
}

// Stop ends the capture and returns every frame that passed before the call. It may be called more than once.
func (s *Sniffer) Stop() []Frame {
	s.capture.stop()
	return s.Frames()
}
