package parsers

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

// check runs frames on which Go has opinions of one kind, and says how the fast
// path disagrees, "" if it does not. Counters are read once for all of them: as
// the same ones, and no others, have to move once for each, no two faults make
// up for one another.
func (h *host) check(hook datapath.Hook, frames [][]byte, want kind) (string, error) {
	before, err := h.counts()
	if err != nil {
		return "", err
	}
	var opinions []*opinion
	for _, f := range frames {
		opinions = append(opinions, expect(f))
		got, err := h.datapath.Run(hook, f, 1)
		if err != nil {
			return "", err
		}
		if fault := opinions[len(opinions)-1].checkOutcome(got); fault != "" {
			return fault, h.drain()
		}
	}
	after, err := h.counts()
	if err != nil {
		return "", err
	}
	expected := make(counts)
	for _, name := range want.names() {
		expected[name] += uint64(len(frames))
	}
	if moved := after.since(before); !maps.Equal(moved, expected) {
		return fmt.Sprintf("the fast path counted %v, want %v", moved, expected), h.drain()
	}
	return h.checkEvents(opinions)
}

func (o *opinion) checkOutcome(got datapath.Outcome) string {
	switch {
	case got.Verdict != o.verdict:
		return fmt.Sprintf("the verdict is %s, want %s (%q)", got.Verdict, o.verdict, o.counted)
	case !bytes.Equal(got.Frame, o.frame):
		return fmt.Sprintf("the frame was left as\n% x, want\n% x", got.Frame, o.frame)
	}
	return ""
}

// drain throws away what events there are.
func (h *host) drain() error { return h.events.Drain(func(datapath.Event) {}) }

// checkEvents says how the events that there are differ from those of the opinions, in order.
func (h *host) checkEvents(opinions []*opinion) (string, error) {
	var want []datapath.Event
	for _, o := range opinions {
		for i, e := range o.events {
			e.Slot = h.routers[o.who[i]].Slot()
			want = append(want, e)
		}
	}
	var fault string
	events := 0
	err := h.events.Drain(func(got datapath.Event) {
		if events < len(want) && fault == "" && !sameEvent(got, want[events]) {
			fault = fmt.Sprintf("the event is %+v, want %+v", got, want[events])
		}
		events++
	})
	if fault == "" && events != len(want) {
		fault = fmt.Sprintf("%d events, want %d", events, len(want))
	}
	return fault, err
}

// sameEvent compares all but the time.
func sameEvent(a, b datapath.Event) bool {
	return a.Kind == b.Kind && a.Slot == b.Slot && a.Source == b.Source && a.Target == b.Target &&
		a.Hardware == b.Hardware && a.TTL == b.TTL && bytes.Equal(a.PDU, b.PDU)
}

// checkOne is check for one frame.
func (h *host) checkOne(hook datapath.Hook, frame []byte) (string, error) {
	return h.check(hook, [][]byte{frame}, expect(frame).kind())
}

// shortest is what the kernel lets a program run on: IP headers without a tag
// before them are whole, and no frame is without content.
func shortest(frame []byte) int {
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherIPv4:
		return ethernetLength + ipv4Length
	case etherIPv6:
		return ethernetLength + ipv6Length
	}
	return ethernetLength + 1
}

// shrink makes a frame on which the fast path and Go disagree shorter and its
// bytes 0, as long as they still do.
func (h *host) shrink(hook datapath.Hook, frame []byte) []byte {
	try := func(smaller []byte) {
		if fault, err := h.checkOne(hook, smaller); err == nil && fault != "" {
			frame = smaller
		}
	}
	for n := len(frame) - 1; n >= shortest(frame); n-- {
		try(frame[:n])
	}
	for i := range frame {
		zeroed := bytes.Clone(frame)
		zeroed[i] = 0
		try(zeroed)
	}
	return frame
}
