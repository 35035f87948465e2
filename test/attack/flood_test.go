package attack

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control"
	"github.com/vrrp-xdp/vrrp-xdp/control/vrrp"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

const (
	floodRate = 110_000 // packets a second: one that is late is left out
	floodTime = 10 * time.Second
	// floodSenders is one for each of the CPUs that a gateway has at least.
	floodSenders = 2
	floodPace    = 100 * time.Millisecond // of the router's adverts
)

// flooder sends frames as fast as that, and faster than through the host's stack.
type flooder struct {
	sent  atomic.Uint64
	quit  chan struct{}
	ended chan error
}

// startFlood begins to send the frames in turn.
func (s *site) startFlood(from *lab.Host, frames [][]byte) *flooder {
	s.t.Helper()
	f := &flooder{quit: make(chan struct{}), ended: make(chan error, floodSenders)}
	for i := range floodSenders {
		fd, err := openBypass(from)
		must(s.t, err)
		go f.run(fd, frames[i*len(frames)/floodSenders:])
	}
	return f
}

// openBypass opens a socket for frames that no queue holds up.
func openBypass(from *lab.Host) (fd int, err error) {
	err = from.Do(func() error {
		device, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: device.Index})
	})
	return fd, err
}

// run keeps to its share of the rate, and makes up for at most a hundredth of a second.
func (f *flooder) run(fd int, frames [][]byte) {
	const rate = floodRate / floodSenders
	defer unix.Close(fd)
	for began, sent, skipped := time.Now(), uint64(0), uint64(0); ; {
		due := uint64(time.Since(began).Seconds()*rate) - skipped
		if late := due - sent; late > rate/100 {
			skipped += late - rate/100
			due = sent + rate/100
		}
		for ; sent < due; sent++ {
			if _, err := unix.Write(fd, frames[sent%uint64(len(frames))]); err != nil && err != unix.ENOBUFS {
				f.ended <- err
				return
			}
			f.sent.Add(1)
		}
		select {
		case <-f.quit:
			f.ended <- nil
			return
		case <-time.After(100 * time.Microsecond):
		}
	}
}

func (f *flooder) stop(t testing.TB) {
	t.Helper()
	close(f.quit)
	for range floodSenders {
		must(t, <-f.ended)
	}
}

// junk is all kinds of it: damaged, of nobody, and good ones that change nothing,
// from as many senders as there are.
func (s *site) junk() [][]byte {
	s.t.Helper()
	var list [][]byte
	for i := range 4096 {
		source := netip.AddrFrom4([4]byte{192, 168, byte(16 + i>>8), byte(i)})
		if s.family == vrrp.IPv6 {
			b := s.attacker.As16()
			binary.BigEndian.PutUint16(b[12:], uint16(i))
			source = netip.AddrFrom16(b)
		}
		a := s.advert(uint8(1 + i%(ours-10)))
		if i%4 == 1 {
			a.VRID = uint8(vrid + 1 + i%200)
		}
		p := s.pack(source, a)
		switch i % 4 {
		case 2:
			p.PDU[7] ^= 0x40
		case 3:
			p.TTL = 64
		}
		list = append(list, p.Frame())
	}
	return list
}

// The router goes on, its own adverts leave in time, and a better router is heard.
func TestAFloodOfJunkChangesNothing(t *testing.T) { // A5, A13
	for mode, n := range map[string]network{"native": ipv4, "tc": ipv6} {
		t.Run(mode+"/"+n.family.String(), func(t *testing.T) {
			lab.Undisturbed(t, unfit, func(t testing.TB) {
				s := newSite(t, mode, n)
				attacker := s.lab.Host("attacker")
				attacker.Connect(s.lan, "eth0", "192.168.1.4/24")
				s.pace = floodPace
				s.start("")
				s.await("MASTER")
				s.endure(attacker)
			})
		})
	}
}

// unfit is a pause of this machine that an advert may be missing for.
const unfit = floodPace * 3 / 4

// endure floods the master for a while, and then has a better router speak.
func (s *site) endure(attacker *lab.Host) {
	s.t.Helper()
	sniffer, err := s.nic.SniffSent(func(f lab.Frame) bool { return lab.IsVRRP(f) && s.isOurs(f) })
	must(s.t, err)
	before, err := s.report()
	must(s.t, err)
	began, watch := time.Now(), lab.WatchPauses()
	f := s.startFlood(attacker, s.junk())
	time.Sleep(floodTime)
	after, err := s.report()
	must(s.t, err)
	took, sent, frames, pauses := time.Since(began), f.sent.Load(), sniffer.Stop(), watch.Stop()
	end := s.talk(s.pack(s.peer, s.advert(200)).Frame(), floodPace)
	said := time.Now()
	s.eventually("a better router is heard", func(r control.Report) bool { return r.Instances[0].State == "BACKUP" })
	s.t.Logf("%d junk adverts in %v, %.0f a second; a better router is heard among them within %v",
		sent, took.Round(time.Millisecond), float64(sent)/took.Seconds(), time.Since(said).Round(time.Millisecond))
	end()
	f.stop(s.t)
	s.checkEndured(before, after, took)
	s.checkGaps(frames, int(took/floodPace)-1-len(pauses))
}

func (s *site) checkEndured(before, after control.Report, took time.Duration) {
	s.t.Helper()
	moved := counts(after)
	for what, n := range counts(before) {
		if moved[what] -= n; moved[what] == 0 {
			delete(moved, what)
		}
	}
	s.t.Logf("counted: %v", moved)
	was, is := before.Instances[0].Counters, after.Instances[0].Counters
	if n := is.Transitions["BACKUP"] - was.Transitions["BACKUP"]; n != 0 || after.Instances[0].State != "MASTER" || is.LeasesLost != was.LeasesLost {
		s.t.Errorf("%d transitions, %d leases lost; the router is %s", n, is.LeasesLost-was.LeasesLost, after.Instances[0].State)
	}
	if most := uint64(100*took.Seconds()) + 200; moved["received"] > most || moved["lost"] != 0 {
		s.t.Errorf("%d adverts were let through to the daemon, want at most %d; %d were lost", moved["received"], most, moved["lost"])
	}
}

// isOurs tells the router's adverts from those in its name.
func (s *site) isOurs(f lab.Frame) bool {
	v, ok := lab.ParseVRRP(f.Data)
	return ok && v.Priority() == ours && v.VRID() == vrid
}

// checkGaps wants no advert to be missing, and so many at least.
func (s *site) checkGaps(frames []lab.Frame, least int) {
	s.t.Helper()
	if len(frames) < least {
		s.t.Errorf("the router has sent %d adverts, want %d at least: one each %v", len(frames), least, floodPace)
	}
	var worst time.Duration
	for i := 1; i < len(frames); i++ {
		worst = max(worst, frames[i].At.Sub(frames[i-1].At))
	}
	s.t.Logf("%d adverts of the router, the longest time between two: %v", len(frames), worst.Round(time.Millisecond))
	if worst >= 2*floodPace {
		s.t.Errorf("%v passed between two adverts, want less than two intervals", worst)
	}
}
