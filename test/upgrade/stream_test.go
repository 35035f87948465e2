package upgrade

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/gateway"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// pace of the stream, in bytes a second: as much as it could get would fill the
// queues of this machine, which then lose packets without our help.
const pace = 25_000_000

// stream is bulk data on one connection from the client through the gateway.
type stream struct {
	from, to net.Conn
	ended    chan error
	bytes    int64
	stall    time.Duration // between two reads
}

// startStream connects the client to the server behind the gateway, and begins.
func startStream(t testing.TB, p *gateway.Pair) *stream {
	t.Helper()
	var listener net.Listener
	s := &stream{ended: make(chan error, 2)}
	must(t, p.Server.Do(func() (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(p.ServerIP.String(), "5001"))
		return err
	}))
	defer listener.Close()
	must(t, p.Client.Do(func() (err error) {
		dialer := net.Dialer{Timeout: 5 * time.Second, FallbackDelay: -1, Control: setPace}
		s.from, err = dialer.DialContext(context.Background(), "tcp", listener.Addr().String())
		return err
	}))
	var err error
	s.to, err = listener.Accept()
	must(t, err)
	t.Cleanup(func() { s.from.Close(); s.to.Close() })
	go s.send()
	go s.receive()
	return s
}

func setPace(_, _ string, c syscall.RawConn) (err error) {
	failure := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, pace) })
	return errors.Join(err, failure)
}

func (s *stream) send() {
	chunk := make([]byte, 256<<10)
	for {
		if _, err := s.from.Write(chunk); err != nil {
			if errors.Is(err, net.ErrClosed) {
				err = nil
			}
			s.ended <- err
			return
		}
	}
}

func (s *stream) receive() {
	chunk := make([]byte, 256<<10)
	for last := time.Now(); ; {
		n, err := s.to.Read(chunk)
		now := time.Now()
		s.stall, last = max(s.stall, now.Sub(last)), now
		s.bytes += int64(n)
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			s.ended <- err
			return
		}
	}
}

// end ends the stream, which has to have gone on until then: whoever waits as long
// as for a failover has noticed.
func (s *stream) end(t testing.TB, longest time.Duration) {
	t.Helper()
	resent := retransmissions(t, s.from.(*net.TCPConn))
	must(t, s.from.Close())
	for range 2 {
		if err := <-s.ended; err != nil {
			t.Errorf("the stream: %v", err)
		}
	}
	t.Logf("%d MB, the longest stall %v, %d segments sent again", s.bytes>>20, s.stall, resent)
	if s.stall > longest || s.bytes == 0 {
		t.Errorf("%d bytes, it stood still for %v, want at most %v", s.bytes, s.stall, longest)
	}
}

func retransmissions(t testing.TB, c *net.TCPConn) (n uint32) {
	t.Helper()
	raw, err := c.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Total_retrans
		}
	}))
	return n
}

func TestAnUpgradeUnderABulkStreamIsNotNoticed(t *testing.T) {
	for _, s := range []setting{{"native", false, time.Second}, {"tc", false, 100 * time.Millisecond}, {"native", true, 100 * time.Millisecond}} {
		t.Run(s.String(), func(t *testing.T) {
			lab.Undisturbed(t, s.advert, func(t testing.TB) {
				p := upgradeable(t, s)
				unnoticed(t, p, func() {
					bulk := startStream(t, p)
					for range 2 {
						upgrade(t, p)
					}
					time.Sleep(500 * time.Millisecond)
					bulk.end(t, p.ActiveDown(gateway.Priority2))
				})
			})
		})
	}
}
