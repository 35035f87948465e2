package track

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// scanAlone is how often /proc is read where the kernel tells nothing.
	scanAlone = time.Second
	// scanBeside is how often it is read, to be sure, where the kernel does.
	scanBeside = 30 * time.Second
)

// processTable knows which processes match what is watched for, for all
// trackers together. It works as long as there is somebody who watches.
type processTable struct {
	log *slog.Logger

	using   sync.Mutex // the first to watch starts it, the last ends it
	stop    func()
	mu      sync.Mutex
	watches map[*processWatch]struct{}
}

// processWatch is guarded by the table.
type processWatch struct {
	match   ProcessMatch
	pids    map[int]struct{}
	changed chan struct{} // the number of pids
}

func (p *processTable) watch(m ProcessMatch) *processWatch {
	p.using.Lock()
	defer p.using.Unlock()
	w := &processWatch{match: m, pids: map[int]struct{}{}, changed: make(chan struct{}, 1)}
	p.mu.Lock()
	if p.watches == nil {
		p.watches = map[*processWatch]struct{}{}
	}
	p.watches[w] = struct{}{}
	p.mu.Unlock()
	if p.stop == nil {
		p.start()
	}
	p.scan() // after the kernel was asked for events, so that nothing falls between
	return w
}

func (p *processTable) unwatch(w *processWatch) {
	p.using.Lock()
	defer p.using.Unlock()
	p.mu.Lock()
	delete(p.watches, w)
	last := len(p.watches) == 0
	p.mu.Unlock()
	if last {
		p.stop()
		p.stop = nil
	}
}

func (p *processTable) count(w *processWatch) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(w.pids)
}

func (p *processTable) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	every := scanBeside
	events, err := openProcessEvents()
	if err != nil {
		p.log.Debug("the kernel does not tell of processes: /proc is read every second", "error", err)
		every = scanAlone
	} else {
		working.Go(func() { p.listen(events) })
	}
	working.Go(func() { p.scanEvery(ctx, every) })
	p.stop = func() {
		cancel()
		if events != nil {
			events.close()
		}
		working.Wait()
	}
}

func (p *processTable) scanEvery(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.scan()
		}
	}
}

func (p *processTable) listen(events *processEvents) {
	for {
		all, err := events.read()
		switch {
		case errors.Is(err, unix.ENOBUFS): // events were lost
			p.scan()
		case err != nil:
			return
		}
		for _, e := range all {
			p.apply(e)
		}
	}
}

func (p *processTable) apply(e processEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.what {
	case processForked: // it is what its parent is
		p.each(e.pid, func(w *processWatch) bool { _, parent := w.pids[e.parent]; return parent })
	case processEnded:
		p.each(e.pid, func(*processWatch) bool { return false })
	case processRenamed:
		p.look(e.pid)
	}
}

// scan looks at all processes.
func (p *processTable) scan() {
	p.mu.Lock()
	defer p.mu.Unlock()
	pids, err := listProcesses("/proc")
	if err != nil {
		p.log.Error("processes cannot be listed: what is known of them stays", "error", err)
		return
	}
	there := make(map[int]struct{}, len(pids))
	for _, pid := range pids {
		there[pid] = struct{}{}
		p.look(pid)
	}
	for w := range p.watches {
		for pid := range w.pids {
			if _, ok := there[pid]; !ok {
				w.set(pid, false)
			}
		}
	}
}

func (p *processTable) look(pid int) {
	withArgs := false
	for w := range p.watches {
		withArgs = withArgs || w.match.wantsArgs()
	}
	found, alive := readProcess("/proc", pid, withArgs)
	p.each(pid, func(w *processWatch) bool { return alive && w.match.matches(found) })
}

func (p *processTable) each(pid int, matches func(*processWatch) bool) {
	for w := range p.watches {
		w.set(pid, matches(w))
	}
}

func (w *processWatch) set(pid int, matches bool) {
	if _, did := w.pids[pid]; did == matches {
		return
	}
	if matches {
		w.pids[pid] = struct{}{}
	} else {
		delete(w.pids, pid)
	}
	select {
	case w.changed <- struct{}{}:
	default: // it will count anyway
	}
}
