package track

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// connectorMessage is what the kernel sends: netlink header, cn_msg, proc_event.
func connectorMessage(what uint32, words ...uint32) []byte {
	const length = unix.SizeofNlMsghdr + connectorLen + procHeaderLen + 24
	b := make([]byte, length)
	n := binary.NativeEndian
	n.PutUint32(b, length)
	n.PutUint16(b[4:], unix.NLMSG_DONE)
	event := b[unix.SizeofNlMsghdr+connectorLen:]
	n.PutUint32(event, what)
	for i, word := range words {
		n.PutUint32(event[procHeaderLen+4*i:], word)
	}
	return b
}

// connector is a process connector whose other end is the test.
func connector(t *testing.T) (*processEvents, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	here, there := os.NewFile(uintptr(fds[0]), "here"), os.NewFile(uintptr(fds[1]), "there")
	t.Cleanup(func() { here.Close(); there.Close() })
	return &processEvents{socket: here}, there
}

func TestTheKernelsAnswerSaysWhetherItTellsOfProcesses(t *testing.T) {
	tests := []struct {
		name    string
		answers [][]byte
		want    error
	}{
		{"yes", [][]byte{connectorMessage(procAck, 0)}, nil},
		{"yes, after an event", [][]byte{connectorMessage(procExec, 7, 7), connectorMessage(procAck, 0)}, nil},
		{"no", [][]byte{connectorMessage(procAck, uint32(unix.EPERM))}, unix.EPERM},
		{"nothing", nil, os.ErrDeadlineExceeded},
		{"nothing but an event", [][]byte{connectorMessage(procExec, 7, 7)}, os.ErrDeadlineExceeded},
	}
	for _, tt := range tests {
		events, kernel := connector(t)
		for _, answer := range tt.answers {
			_, err := kernel.Write(answer)
			must(t, err)
		}
		if err := events.awaitAck(); !errors.Is(err, tt.want) {
			t.Errorf("%s: error is %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestOfEventsThoseOfProcessesCount(t *testing.T) {
	tests := []struct {
		name  string
		what  uint32
		words []uint32
		want  processEvent
		ok    bool
	}{
		{"a fork", procFork, []uint32{11, 10, 20, 20}, processEvent{what: processForked, parent: 10, pid: 20}, true},
		{"a new thread", procFork, []uint32{11, 10, 21, 10}, processEvent{}, false},
		{"an exec", procExec, []uint32{10, 10}, processEvent{what: processRenamed, pid: 10}, true},
		{"a new name", procComm, []uint32{10, 10}, processEvent{what: processRenamed, pid: 10}, true},
		{"a new name of a thread", procComm, []uint32{11, 10}, processEvent{}, false},
		{"an end", procExit, []uint32{10, 10}, processEvent{what: processEnded, pid: 10}, true},
		{"an end of a thread", procExit, []uint32{11, 10}, processEvent{}, false},
		{"another user", 4, []uint32{10, 10}, processEvent{}, false},
	}
	for _, tt := range tests {
		events, kernel := connector(t)
		_, err := kernel.Write(connectorMessage(tt.what, tt.words...))
		must(t, err)
		got, err := events.read()
		must(t, err)
		if tt.ok != (len(got) == 1) || tt.ok && got[0] != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	for _, short := range [][]byte{{}, {1, 2, 3}, connectorMessage(procFork)[:40]} {
		events, kernel := connector(t)
		_, err := kernel.Write(short)
		must(t, err)
		if got, err := events.read(); len(got) != 0 {
			t.Errorf("of %d bytes: %+v, %v", len(short), got, err)
		}
	}
}
