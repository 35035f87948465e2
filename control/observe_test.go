package control

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wire is what the fast path heard of other virtual routers.
type wire struct {
	mu     sync.Mutex
	others []Other
	last   []time.Time
	err    error
}

func (w *wire) set(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// advert is one of VRID 10.
func (w *wire) advert(master string, priority uint8) {
	w.set(func() {
		for i := range w.others {
			if w.others[i].Master == master {
				w.others[i].Priority, w.last[i] = priority, time.Now()
				return
			}
		}
		w.others = append(w.others, Other{Interface: "lan0", VRID: 10, Family: "ipv4", Version: 3, Master: master,
			Priority: priority, AdvertIntervalMS: 1000, Addresses: 1, FirstAddress: "192.0.2.1"})
		w.last = append(w.last, time.Now())
	})
}

func (w *wire) list() ([]Other, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := append([]Other(nil), w.others...)
	for i := range list {
		list[i].SilentMS = milliseconds(time.Since(w.last[i]))
	}
	return list, w.err
}

// observing runs an observer, which looks out of step with what the test does.
func observing(t *testing.T, test func(t *testing.T, w *wire, log *host)) {
	synctest.Test(t, func(t *testing.T) {
		w, log := &wire{}, (&lan{}).newHost(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		observer := Observer{List: w.list, Log: log.log}
		var running sync.WaitGroup
		running.Go(func() { observer.Run(ctx) })
		elapse(123 * time.Millisecond)
		test(t, w, log)
		cancel()
		running.Wait()
	})
}

type speaks struct {
	master   string
	priority uint8
}

// speak has masters send adverts in turn, each once in a second.
func (w *wire) speak(seconds int, masters ...speaks) {
	for range seconds {
		for _, m := range masters {
			w.advert(m.master, m.priority)
			elapse(time.Second / time.Duration(len(masters)))
		}
	}
}

var (
	red  = speaks{"198.51.100.1", 100}
	blue = speaks{"198.51.100.2", 150}
)

func TestAnObserverTellsOnceWhoSpeaks(t *testing.T) {
	observing(t, func(t *testing.T, w *wire, log *host) {
		w.speak(20, red)
		lines := log.journal()
		mustSay(t, lines, 1, "")
		mustSay(t, lines, 1, `level=INFO msg="heard a virtual router" interface=lan0 vrid=10 family=ipv4 version=3 master=198.51.100.1 priority=100 advert_int=1s address=192.0.2.1 addresses=1`)
	})
}

func TestAnObserverTellsWhatChanges(t *testing.T) {
	observing(t, func(t *testing.T, w *wire, log *host) {
		w.speak(3, red)
		w.speak(3, speaks{red.master, 90})
		mustSay(t, log.journal(), 1, "a virtual router changed.*master=198.51.100.1 priority=90")
	})
}

func TestAnObserverTellsOfSilence(t *testing.T) {
	observing(t, func(t *testing.T, w *wire, log *host) {
		w.speak(3, red)
		elapse(3 * time.Second)
		mustSay(t, log.journal(), 0, "silent")
		elapse(5 * time.Second)
		mustSay(t, log.journal(), 1, "fell silent.*master=198.51.100.1")
	})
}

func TestAFarewellIsSilence(t *testing.T) {
	observing(t, func(t *testing.T, w *wire, log *host) {
		w.speak(3, red)
		w.advert(red.master, 0)
		elapse(time.Second)
		mustSay(t, log.journal(), 1, "fell silent.*master=198.51.100.1 priority=100")
	})
}

func TestAnObserverWarnsOfTwoMasters(t *testing.T) {
	tests := map[string]struct{ first, second speaks }{
		"the second is the better one": {red, blue},
		"the second is the lesser one": {blue, red},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			observing(t, func(t *testing.T, w *wire, log *host) {
				w.speak(3, test.first)
				w.speak(10, test.first, test.second)
				lines := log.journal()
				mustSay(t, lines, 1, "level=WARN")
				mustSay(t, lines, 1, `level=WARN msg="a virtual router has more than one master".*master=198.51.100.1`)
			})
		})
	}
}

func TestAnObserverWarnsOfTwoMastersThatWereThereBefore(t *testing.T) {
	observing(t, func(t *testing.T, w *wire, log *host) {
		w.advert(blue.master, blue.priority)
		w.speak(10, red, blue)
		mustSay(t, log.journal(), 1, "level=WARN.*more than one master.*master=198.51.100.1")
	})
}

func TestATakeoverIsNotTwoMasters(t *testing.T) {
	tests := map[string]func(*wire){
		"after silence":    func(w *wire) { elapse(2600 * time.Millisecond) },
		"after a farewell": func(w *wire) { w.advert(red.master, 0) },
		"by preemption":    func(w *wire) {},
	}
	for name, leaves := range tests {
		t.Run(name, func(t *testing.T) {
			observing(t, func(t *testing.T, w *wire, log *host) {
				w.speak(3, red)
				leaves(w)
				w.speak(10, blue)
				mustSay(t, log.journal(), 0, "level=WARN")
			})
		})
	}
}

func TestAnObserverThatCannotSeeSaysSoOnce(t *testing.T) {
	observing(t, func(t *testing.T, w *wire, log *host) {
		w.set(func() { w.err = errors.New("no such map") })
		elapse(10 * time.Second)
		mustSay(t, log.journal(), 1, `level=ERROR.*error="no such map"`)
	})
}
