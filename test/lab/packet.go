package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// captureBuffer holds what arrives while the lab's process is not scheduled: several seconds of probe traffic.
const captureBuffer = 8 << 20

// packetOptions configure a packet socket. The zero value receives nothing.
type packetOptions struct {
	protocol uint16            // ETH_P_ALL also sees frames that leave; 0 receives nothing
	index    int               // interface to capture on; 0 means all
	filter   []unix.SockFilter // nil lets everything through
	inOnly   bool              // what leaves is not even looked at
}

// packetSocket is an AF_PACKET socket that carries whole frames.
type packetSocket struct {
	file *os.File
	conn syscall.RawConn
}

// packet is a captured frame as it was on the wire (a VLAN tag taken off by the kernel is back in its place).
type packet struct {
	at       time.Time
	index    int // interface
	outgoing bool
	data     []byte
}

func openPacketSocket(ns *namespace, o packetOptions) (s *packetSocket, err error) {
	err = ns.do(func() error {
		// Protocol 0 keeps the queue empty until the filter is in place.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if err := setUpPacketSocket(fd, o); err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		s = &packetSocket{file: os.NewFile(uintptr(fd), "packet socket in "+ns.name)}
		s.conn, err = s.file.SyscallConn()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("packet socket in %s: %w", ns.name, err)
	}
	return s, nil
}

func setUpPacketSocket(fd int, o packetOptions) error {
	if o.protocol == 0 {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBuffer); err != nil {
		return fmt.Errorf("receive buffer: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("timestamps: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("auxiliary data: %w", err)
	}
	if o.inOnly {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return fmt.Errorf("ignoring what leaves: %w", err)
		}
	}
	if len(o.filter) > 0 {
		prog := unix.SockFprog{Len: uint16(len(o.filter)), Filter: &o.filter[0]}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
			return fmt.Errorf("filter: %w", err)
		}
	}
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(o.protocol), Ifindex: o.index})
}

func (s *packetSocket) send(index int, frame []byte) (err error) {
	errControl := s.conn.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), frame, 0, &unix.SockaddrLinklayer{Ifindex: index})
		return err != unix.EAGAIN
	})
	return errors.Join(errControl, err)
}

// close may be called more than once.
func (s *packetSocket) close() { _ = s.file.Close() }

// capture is a packet socket with the goroutine that reads it.
type capture struct {
	socket *packetSocket
	done   chan struct{}
	once   sync.Once
	drops  uint32 // frames that the kernel dropped because the buffer was full; read after stop
}

// startCapture calls handle for each frame, from one goroutine.
func startCapture(ns *namespace, o packetOptions, handle func(packet)) (*capture, error) {
	s, err := openPacketSocket(ns, o)
	if err != nil {
		return nil, err
	}
	c := &capture{socket: s, done: make(chan struct{})}
	go c.read(handle)
	return c, nil
}

func (c *capture) read(handle func(packet)) {
	defer close(c.done)
	r := receiver{data: make([]byte, 1<<16), oob: make([]byte, 256)}
	next := func(fd uintptr) bool {
		for r.receive(int(fd)) {
			handle(r.packet)
		}
		return false // the queue is empty: wait for more, or for the deadline that stop sets
	}
	_ = c.socket.conn.Read(next)
	_ = c.socket.conn.Control(func(fd uintptr) { next(fd) }) // what arrived before stop
}

// stop hands over every frame that arrived before the call, then ends the capture. It may be called more than once.
func (c *capture) stop() {
	c.once.Do(func() {
		_ = c.socket.file.SetReadDeadline(time.Unix(1, 0))
		<-c.done
		_ = c.socket.conn.Control(func(fd uintptr) {
			if st, err := unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
				c.drops = st.Drops
			}
		})
		c.socket.close()
	})
}

// receiver reads one frame after another into the same buffer.
type receiver struct {
	data, oob []byte
	packet    packet
}

// receive is false when the queue is empty or the socket is broken; ENETDOWN only says that a port went down.
func (r *receiver) receive(fd int) bool {
	for {
		n, oobn, _, from, err := unix.Recvmsg(fd, r.data, r.oob, 0)
		if err == unix.EINTR || err == unix.ENETDOWN {
			continue
		}
		if err != nil {
			return false
		}
		ll, ok := from.(*unix.SockaddrLinklayer)
		if !ok {
			continue
		}
		r.packet = packet{index: ll.Ifindex, outgoing: ll.Pkttype == unix.PACKET_OUTGOING, data: append([]byte(nil), r.data[:n]...)}
		r.readControl(r.oob[:oobn])
		return true
	}
}

func (r *receiver) readControl(oob []byte) {
	now := time.Now()
	r.packet.at = now
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})):
			r.packet.at = arrival(now, *(*unix.Timespec)(unsafe.Pointer(&m.Data[0])))
		case m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= int(unsafe.Sizeof(unix.TpacketAuxdata{})):
			r.packet.data = restoreTag(r.packet.data, *(*unix.TpacketAuxdata)(unsafe.Pointer(&m.Data[0])))
		}
	}
}

// arrival moves a kernel timestamp to the clock of now, by its age: only an age survives a step of the wall clock, and
// only times with a monotonic reading can be compared with the prober's. An age that no packet has is that of a clock that
// was stepped while the packet waited: it has just arrived.
func arrival(now time.Time, stamp unix.Timespec) time.Time {
	age := time.Duration(now.UnixNano() - stamp.Nano())
	if age < 0 || age > oldestPacket {
		age = 0
	}
	return now.Add(-age)
}

const oldestPacket = 5 * time.Second

func restoreTag(frame []byte, aux unix.TpacketAuxdata) []byte {
	if aux.Status&unix.TP_STATUS_VLAN_VALID == 0 || len(frame) < 12 {
		return frame
	}
	tpid := uint16(unix.ETH_P_8021Q)
	if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = aux.Vlan_tpid
	}
	tagged := make([]byte, 0, len(frame)+4)
	tagged = append(tagged, frame[:12]...)
	tagged = append(tagged, byte(tpid>>8), byte(tpid), byte(aux.Vlan_tci>>8), byte(aux.Vlan_tci))
	return append(tagged, frame[12:]...)
}

func htons(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}
