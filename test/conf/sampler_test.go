package conf

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// member is one of those that a sampler asks: the address of an instance, which
// it asks for from one side of the routers.
type member struct {
	name string
	nic  *lab.NIC // who asks
	vips []netip.Addr
}

// sampler asks for one address of each member, back to back, again and again,
// and records which host answers. Each set of questions comes from a MAC of its
// own, which names the set in the answers.
type sampler struct {
	members  []member
	sniffers []*lab.Sniffer
	stopping atomic.Bool
	stopped  sync.WaitGroup

	mu   sync.Mutex
	sets []sampleSet
}

// sampleSet is one question to each member.
type sampleSet struct {
	from, to time.Time         // when the first was asked, and when the last was
	by       map[string]uint32 // by host: a bit for each member that answered
}

const sampleEvery = 2 * time.Millisecond

func startSampler(t *testing.T, switches []*lab.Switch, members []member) *sampler {
	t.Helper()
	s := &sampler{members: members}
	for _, sw := range switches {
		sniffer, err := sw.Sniff(s.heard)
		must(t, err)
		s.sniffers = append(s.sniffers, sniffer)
	}
	s.stopped.Go(func() { s.ask(t) })
	t.Cleanup(func() { s.stop() })
	return s
}

// ask runs on a thread of its own, which goes before the routers': a set that is
// interrupted says nothing.
func (s *sampler) ask(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the thread ends here
	// A sandbox may refuse; then more sets say nothing.
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 20}, 0)
	pause := unix.NsecToTimespec(sampleEvery.Nanoseconds())
	for seq := 0; !s.stopping.Load(); seq++ {
		_ = unix.Nanosleep(&pause, nil) // a signal shortens it, which does no harm
		frames := s.questions(seq)
		s.mu.Lock()
		s.sets = append(s.sets, sampleSet{from: time.Now(), by: make(map[string]uint32)})
		s.mu.Unlock()
		for i, m := range s.members {
			if err := m.nic.Send(frames[i]); err != nil {
				t.Errorf("asking for %s: %v", m.name, err)
				return
			}
		}
		s.mu.Lock()
		s.sets[seq].to = time.Now()
		s.mu.Unlock()
	}
}

// goOn waits until n more sets have been asked.
func (s *sampler) goOn(n int) {
	asked := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.sets)
	}
	for until := asked() + n; asked() < until; {
		time.Sleep(sampleEvery)
	}
}

// questions are those of a set, for another address of each member every time.
func (s *sampler) questions(seq int) [][]byte {
	var frames [][]byte
	for i, m := range s.members {
		from, vip := s.asker(seq, i), m.vips[seq%len(m.vips)]
		if vip.Is6() {
			frames = append(frames, lab.Solicit(from, netip.MustParseAddr("fe80::4153:4b"), vip).Frame())
			continue
		}
		frames = append(frames, lab.ARP{
			Destination: lab.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, Source: from, Operation: lab.ARPRequest,
			SenderMAC: from, SenderIP: netip.MustParseAddr("192.0.2.1"), TargetIP: vip,
		}.Frame())
	}
	return frames
}

func (s *sampler) asker(seq, member int) lab.MAC {
	return lab.MAC{0x02, 'S', byte(member), byte(seq >> 16), byte(seq >> 8), byte(seq)}
}

// heard takes an answer where it enters a switch.
func (s *sampler) heard(f lab.Frame) bool {
	to := f.Destination()
	if f.Direction != lab.In || to[0] != 0x02 || to[1] != 'S' {
		return false
	}
	if a, ok := lab.ParseARP(f.Data); ok && a.Operation != lab.ARPReply {
		return false
	}
	seq := int(to[3])<<16 | int(to[4])<<8 | int(to[5])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets[seq].by[f.Host] |= 1 << to[2]
	return false // all is recorded
}

// stop ends the asking, waits for answers under way, and returns the sets.
func (s *sampler) stop() []sampleSet {
	s.stopping.Store(true)
	s.stopped.Wait()
	<-time.After(100 * time.Millisecond)
	for _, sniffer := range s.sniffers {
		sniffer.Stop()
	}
	return s.sets
}

// whole is what a host says of itself in sets in which it is not divided.
type whole int

const (
	none whole = iota
	every
	divided
)

func (s sampleSet) of(host string, members uint32) whole {
	switch s.by[host] & members {
	case 0:
		return none
	case members:
		return every
	}
	return divided
}

// flight is how long the questions of a set may be under way.
const flight = 5 * time.Millisecond

// undivided wants a host to answer for all of these members (a bit for each) or
// for none. A flip may fall between the questions of one set: then the sets
// before and after it differ. It returns the number of flips. Sets that this
// machine took too long to ask say nothing.
func undivided(host string, sets []sampleSet, members uint32) (flips int, err error) {
	var quick []sampleSet
	for _, s := range sets {
		if s.to.Sub(s.from) <= flight {
			quick = append(quick, s)
		}
	}
	if tooSlow := len(sets) - len(quick); tooSlow > len(sets)/10 {
		return 0, fmt.Errorf("%d of %d sets took longer than %v to ask", tooSlow, len(sets), flight)
	}
	before := none
	for i, s := range quick {
		now := s.of(host, members)
		if now == divided {
			if i == 0 || i == len(quick)-1 {
				continue
			}
			if after := quick[i+1].of(host, members); after == before || after == divided {
				return flips, fmt.Errorf("%s answers for %04b of %04b at %v, after %04b and before %04b %v later",
					host, s.by[host], members, s.from, quick[i-1].by[host], quick[i+1].by[host], quick[i+1].to.Sub(s.from))
			}
			continue
		}
		if now != before {
			flips++
		}
		before = now
	}
	return flips, nil
}

func TestTheSamplerFindsADividedGroup(t *testing.T) {
	const all, half, nobody = 0b1111, 0b0011, 0
	for name, c := range map[string]struct {
		answers []uint32 // of each set
		flips   int
		divided bool
	}{
		"quiet":                       {[]uint32{all, all, all}, 1, false},
		"it falls between two sets":   {[]uint32{all, nobody, nobody}, 2, false},
		"it falls during a set":       {[]uint32{all, half, nobody, nobody}, 2, false},
		"it rises during a set":       {[]uint32{nobody, half, all, all}, 1, false},
		"a part falls, and rises":     {[]uint32{all, half, all}, 1, true},
		"a part rises, and falls":     {[]uint32{nobody, half, nobody}, 0, true},
		"one part after the other":    {[]uint32{all, half, half, nobody}, 1, true},
		"other parts, one after each": {[]uint32{nobody, half, all &^ half, all}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			var sets []sampleSet
			for i, bits := range c.answers {
				at := time.Time{}.Add(time.Duration(i) * sampleEvery)
				sets = append(sets, sampleSet{from: at, to: at, by: map[string]uint32{"r1": bits}})
			}
			if flips, err := undivided("r1", sets, all); flips != c.flips || (err != nil) != c.divided {
				t.Errorf("%d flips, %v; want %d, divided: %v", flips, err, c.flips, c.divided)
			}
		})
	}
}
