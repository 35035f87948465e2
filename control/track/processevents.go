package track

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What the kernel tells of processes: linux/connector.h and linux/cn_proc.h.
const (
	connectorProc = 1  // CN_IDX_PROC, CN_VAL_PROC, and the multicast group
	connectorLen  = 20 // struct cn_msg: idx, val, seq, ack, len (2), flags (2)
	procListen    = 1  // PROC_CN_MCAST_LISTEN
	procHeaderLen = 16 // struct proc_event up to event_data: what, cpu, timestamp (8)

	procAck  = 0 // PROC_EVENT_NONE: the answer to procListen
	procFork = 0x00000001
	procExec = 0x00000002
	procComm = 0x00000200
	procExit = 0x80000000

	// eventBuffer holds a storm of forks until it is read.
	eventBuffer = 1 << 20
	// ackPatience: from another PID namespace the kernel takes the request without a word.
	ackPatience = 200 * time.Millisecond
)

type processChange uint8

const (
	processAsked processChange = iota // the answer to our request
	processForked
	processRenamed // exec, or another name
	processEnded
)

type processEvent struct {
	what        processChange
	pid, parent int
	refused     unix.Errno // of processAsked
}

// processEvents is the process connector. It exists in the host's first network
// and PID namespaces only.
type processEvents struct {
	socket *os.File
	buffer [64 << 10]byte
}

func openProcessEvents() (*processEvents, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("open the process connector: %w", err)
	}
	e := &processEvents{socket: os.NewFile(uintptr(fd), "process connector")}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, eventBuffer) // what is lost is found by a scan
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: connectorProc})
	if err == nil {
		_, err = e.socket.Write(listenRequest())
	}
	if err == nil {
		err = e.awaitAck()
	}
	if err != nil {
		e.socket.Close()
		return nil, fmt.Errorf("ask the process connector for events: %w", err)
	}
	return e, nil
}

func (e *processEvents) close() { e.socket.Close() }

func listenRequest() []byte {
	const length = unix.SizeofNlMsghdr + connectorLen + 4
	b := make([]byte, length)
	n := binary.NativeEndian
	n.PutUint32(b, length)
	n.PutUint16(b[4:], unix.NLMSG_DONE)
	c := b[unix.SizeofNlMsghdr:]
	n.PutUint32(c, connectorProc)
	n.PutUint32(c[4:], connectorProc)
	n.PutUint16(c[16:], 4)
	n.PutUint32(c[connectorLen:], procListen)
	return b
}

func (e *processEvents) awaitAck() error {
	if err := e.socket.SetReadDeadline(time.Now().Add(ackPatience)); err != nil {
		return err
	}
	for {
		events, err := e.read()
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		for _, event := range events {
			if event.what == processAsked && event.refused != 0 {
				return event.refused
			}
			if event.what == processAsked {
				return e.socket.SetReadDeadline(time.Time{})
			}
		}
	}
}

// read waits for a datagram. An error that wraps ENOBUFS says that events were
// lost; after another one none come.
func (e *processEvents) read() ([]processEvent, error) {
	n, err := e.socket.Read(e.buffer[:])
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseNetlinkMessage(e.buffer[:n])
	if err != nil {
		return nil, nil
	}
	var events []processEvent
	for _, message := range messages {
		if event, ok := parseProcessEvent(message.Data); ok {
			events = append(events, event)
		}
	}
	return events, nil
}

// parseProcessEvent takes the events of processes; of a thread other than the
// first one there is nothing to know.
func parseProcessEvent(b []byte) (processEvent, bool) {
	if len(b) < connectorLen+procHeaderLen+16 {
		return processEvent{}, false
	}
	b = b[connectorLen:]
	n := binary.NativeEndian
	word := func(i int) int { return int(n.Uint32(b[procHeaderLen+4*i:])) }
	pid, group := word(0), word(1)
	switch n.Uint32(b) {
	case procAck:
		return processEvent{what: processAsked, refused: unix.Errno(word(0))}, true
	case procFork: // parent, its group, child, its group
		return processEvent{what: processForked, parent: group, pid: word(2)}, word(2) == word(3)
	case procExec, procComm:
		return processEvent{what: processRenamed, pid: group}, pid == group
	case procExit:
		return processEvent{what: processEnded, pid: pid}, pid == group
	}
	return processEvent{}, false
}
