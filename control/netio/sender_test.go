package netio

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func newSender(t *testing.T) *Sender {
	t.Helper()
	s, err := NewSender()
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func sent(t *testing.T, errs []error) {
	t.Helper()
	must(t, errors.Join(errs...))
}

func TestAdvertsAndAnnouncementsArriveUnchangedAndInOrder(t *testing.T) {
	w := newWire(t)
	heard := w.capture(t)
	sent(t, newSender(t).Send([]Frame{{w.index(), advertFrame}, {w.index(), gratuitousFrame}}))
	for _, want := range [][]byte{advertFrame, gratuitousFrame} {
		if diff := cmp.Diff(hex.Dump(want), hex.Dump(heard.next(t))); diff != "" {
			t.Errorf("frame differs (-want +got):\n%s", diff)
		}
	}
}

func TestAFrameForAMissingInterfaceFailsAndTheOthersArrive(t *testing.T) {
	w := newWire(t)
	heard := w.capture(t)
	const missing = 4711
	errs := newSender(t).Send([]Frame{{w.index(), advertFrame}, {missing, advertFrame}, {w.index(), gratuitousFrame}})
	if errs[0] != nil || !errors.Is(errs[1], unix.ENXIO) || errs[2] != nil {
		t.Errorf("errors are %v, want ENXIO for the second frame only", errs)
	}
	for _, want := range [][]byte{advertFrame, gratuitousFrame} {
		if got := heard.next(t); !cmp.Equal(want, got) {
			t.Errorf("heard\n%swant\n%s", hex.Dump(got), hex.Dump(want))
		}
	}
}

func TestAFrameForAnInterfaceThatIsDownFails(t *testing.T) {
	w := newWire(t)
	must(t, netlink.LinkSetDown(w.lan))
	errs := newSender(t).Send([]Frame{{w.index(), advertFrame}})
	if !errors.Is(errs[0], unix.ENETDOWN) {
		t.Errorf("error is %v, want ENETDOWN", errs[0])
	}
}

func TestAFrameThatAnEgressProgramDropsFails(t *testing.T) {
	w := newWire(t)
	s := newSender(t)
	sent(t, s.Send([]Frame{{w.index(), advertFrame}}))
	dropARP(t, w.lan)
	errs := s.Send([]Frame{{w.index(), gratuitousFrame}, {w.index(), advertFrame}})
	if !errors.Is(errs[0], unix.ENOBUFS) || errs[1] != nil {
		t.Errorf("errors are %v, want ENOBUFS for the ARP frame only", errs)
	}
}

// dropARP puts a program on the egress hook of link that drops what the socket address calls ARP.
func dropARP(t *testing.T, link netlink.Link) {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.SchedCLS,
		License:      "Apache-2.0",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2 /* TC_ACT_SHOT */), asm.Return()},
	})
	must(t, err)
	defer program.Close()
	index := link.Attrs().Index
	must(t, netlink.QdiscAdd(&netlink.Clsact{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT},
	}))
	must(t, netlink.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: netlink.HANDLE_MIN_EGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ARP,
		},
		Fd: program.FD(), Name: "drop", DirectAction: true,
	}))
}

// kernelStub answers for the kernel and remembers how many messages it was offered in each call.
type kernelStub struct {
	offered []int
	answer  func(call, offered int) (int, unix.Errno)
}

func (k *kernelStub) transmit(_ int, messages []unix.Mmsghdr) (int, unix.Errno) {
	k.offered = append(k.offered, len(messages))
	return k.answer(len(k.offered), len(messages))
}

func TestHowATickIsHandedToTheKernel(t *testing.T) {
	tests := []struct {
		name    string
		frames  int
		answer  func(call, offered int) (int, unix.Errno)
		offered []int
		failed  map[int]unix.Errno
	}{
		{
			name: "all frames of a tick leave in one call", frames: 300,
			answer:  func(_, offered int) (int, unix.Errno) { return offered, 0 },
			offered: []int{300},
		},
		{
			name: "what one call does not take goes with the next", frames: 1030,
			answer:  func(_, offered int) (int, unix.Errno) { return min(offered, 1024), 0 },
			offered: []int{1030, 6},
		},
		{
			name: "a full send buffer fails the frame that met it", frames: 3,
			answer: func(call, offered int) (int, unix.Errno) {
				if call == 2 {
					return -1, unix.EAGAIN
				}
				return 1, 0
			},
			offered: []int{3, 2, 1},
			failed:  map[int]unix.Errno{1: unix.EAGAIN},
		},
		{
			name: "no frames need no call", frames: 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kernel := &kernelStub{answer: tt.answer}
			s := &Sender{transmit: kernel.transmit}
			errs := s.Send(make([]Frame, tt.frames))
			if diff := cmp.Diff(tt.offered, kernel.offered); diff != "" {
				t.Errorf("messages offered per call (-want +got):\n%s", diff)
			}
			if len(errs) != tt.frames {
				t.Fatalf("%d errors for %d frames", len(errs), tt.frames)
			}
			for i, err := range errs {
				want, failed := tt.failed[i]
				if failed != (err != nil) || failed && !errors.Is(err, want) {
					t.Errorf("frame %d: error %v, want %v", i, err, want)
				}
			}
		})
	}
}

func TestAnErrorIsForgottenInTheNextTick(t *testing.T) {
	w := newWire(t)
	s := newSender(t)
	if errs := s.Send([]Frame{{4711, advertFrame}}); errs[0] == nil {
		t.Fatal("a frame for a missing interface did not fail")
	}
	sent(t, s.Send([]Frame{{w.index(), advertFrame}}))
}

func TestASmallerTickSendsNothingOfALargerOneBefore(t *testing.T) {
	w := newWire(t)
	s := newSender(t)
	sent(t, s.Send([]Frame{{w.index(), advertFrame}, {w.index(), advertFrame}}))
	heard := w.capture(t)
	for range 2 {
		sent(t, s.Send([]Frame{{w.index(), gratuitousFrame}}))
	}
	for range 2 {
		if got := heard.next(t); !cmp.Equal(gratuitousFrame, got) {
			t.Errorf("heard\n%swant\n%s", hex.Dump(got), hex.Dump(gratuitousFrame))
		}
	}
}

func TestSendingAllocatesNothingOnceTheLargestTickWasSeen(t *testing.T) {
	w := newWire(t)
	s := newSender(t)
	frames := []Frame{{w.index(), advertFrame}, {w.index(), advertFrame}, {w.index(), gratuitousFrame}}
	if n := testing.AllocsPerRun(100, func() { s.Send(frames) }); n != 0 {
		t.Errorf("%v allocations per tick, want 0", n)
	}
}

func TestASenderStaysInTheNamespaceThatItWasOpenedIn(t *testing.T) {
	w := newWire(t)
	heard := w.capture(t)
	s := newSender(t)
	w.atPeer(t, func() { sent(t, s.Send([]Frame{{w.index(), advertFrame}})) })
	heard.next(t)
}
