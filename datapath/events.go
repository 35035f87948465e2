package datapath

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// EventKind says what an Event is about.
type EventKind uint8

// Kinds of events.
const (
	EventAdvert   = EventKind(vrrpEventKindEVENT_ADVERT)   // a valid advert other than the followed one
	EventConflict = EventKind(vrrpEventKindEVENT_CONFLICT) // another station claims a virtual address by ARP or ND
	// EventSolicitation is a Neighbor Solicitation for a virtual address that is
	// owned, and that the fast path cannot answer in place. The frame was dropped.
	EventSolicitation = EventKind(vrrpEventKindEVENT_SOLICITATION)
)

// Event is something that the fast path saw and the control plane must know.
type Event struct {
	Kind     EventKind
	At       time.Duration // arrival, before any queue
	Slot     uint32        // Router.Slot
	Source   netip.Addr    // IP source, of a solicitation perhaps ::; conflict: the address that is claimed
	Target   netip.Addr    // solicitation: the address that is asked for
	Hardware [6]byte       // Ethernet source; conflict: who claims
	TTL      uint8
	PDU      []byte // advert: all of it; valid until the next event
}

// Events reads the ring buffer of the fast path. One goroutine may use it.
type Events struct {
	reader *ringbuf.Reader
	poll   [2]unix.PollFd // the ring, and a wake-up for Close
	ready  chan struct{}
	resume chan struct{}
	done   chan struct{}
}

// Events opens the ring buffer. The caller must Close the result before the Datapath.
func (d *Datapath) Events() (*Events, error) {
	reader, err := ringbuf.NewReader(d.objects.Events)
	if err != nil {
		return nil, fmt.Errorf("open the ring buffer of events: %w", err)
	}
	reader.SetDeadline(time.Unix(1, 0)) // long past: Read never blocks
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a wake-up for the ring buffer: %w", err), reader.Close())
	}
	e := &Events{
		reader: reader,
		ready:  make(chan struct{}),
		resume: make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	e.poll[0] = unix.PollFd{Fd: int32(d.objects.Events.FD()), Events: unix.POLLIN}
	e.poll[1] = unix.PollFd{Fd: int32(wake), Events: unix.POLLIN}
	go e.watch()
	return e, nil
}

// Ready receives when there is something to drain: once, until it was drained.
func (e *Events) Ready() <-chan struct{} { return e.ready }

// watch waits for the ring, for nothing but the ring: what it holds is read by
// the goroutine that Ready wakes.
func (e *Events) watch() {
	defer close(e.done)
	for e.wait() {
		select {
		case e.ready <- struct{}{}:
			<-e.resume
		case <-e.resume: // drained before anybody asked
		}
	}
}

// wait blocks until the ring has something or Close was called, and tells which.
func (e *Events) wait() bool {
	for {
		_, err := unix.Poll(e.poll[:], -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err == nil && e.poll[1].Revents == 0
	}
}

func (e *Events) wakeWatch() {
	select {
	case e.resume <- struct{}{}:
	default: // it has not slept since
	}
}

// Close frees the reader.
func (e *Events) Close() error {
	one := [8]byte{7: 1}
	_, _ = unix.Write(int(e.poll[1].Fd), one[:]) // a full eventfd wakes as well
	for running := true; running; {
		e.wakeWatch()
		select {
		case <-e.ready:
		case <-e.done:
			running = false
		}
	}
	return errors.Join(e.reader.Close(), unix.Close(int(e.poll[1].Fd)))
}

// Drain calls do for every event that there was when it was called, in order,
// and does not block. Those that come meanwhile are for the next call: a flood
// of events must not keep the caller from everything else.
func (e *Events) Drain(do func(Event)) error {
	defer e.wakeWatch()
	var record ringbuf.Record
	for there := e.reader.AvailableBytes(); there > 0; there -= recordSize(record) {
		err := e.reader.ReadInto(&record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read an event of the fast path: %w", err)
		}
		if event, ok := decodeEvent(record.RawSample); ok {
			do(event)
		}
	}
	return nil
}

// recordSize is what a record takes up in the ring: a header, and whole words.
func recordSize(r ringbuf.Record) int { return 8 + (len(r.RawSample)+7)/8*8 }

func decodeEvent(sample []byte) (Event, bool) {
	const head = int(unsafe.Sizeof(vrrpEvent{}))
	if len(sample) < head {
		return Event{}, false
	}
	raw := *(*vrrpEvent)(unsafe.Pointer(unsafe.SliceData(sample)))
	if len(sample) < head+int(raw.Length) {
		return Event{}, false
	}
	event := Event{
		Kind:     EventKind(raw.Kind),
		At:       time.Duration(raw.At),
		Slot:     raw.Slot,
		Source:   address(raw.Family, raw.Source),
		Hardware: raw.Hardware,
		TTL:      raw.Ttl,
		PDU:      sample[head : head+int(raw.Length)],
	}
	if event.Kind == EventSolicitation {
		event.Target = address(raw.Family, raw.Target)
	}
	return event, true
}

func address(family uint8, b [16]byte) netip.Addr {
	if family == 4 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return netip.AddrFrom16(b)
}
