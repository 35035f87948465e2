package notify

import "sync"

// backlog does jobs side by side, but those of one key in order and one at a
// time. It has goroutines only while there is something to do, and no more than
// workers. Who has many jobs waits after each of them for the others' turn.
type backlog[K comparable, J any] struct {
	most    int // that wait for one key; the oldest make room
	workers int
	do      func(J)
	// overflows is called at the first job of a key that is dropped, caughtUp
	// when all that were not are done.
	overflows func(K)
	caughtUp  func(key K, dropped int)

	mu      sync.Mutex
	lines   map[K]*line[K, J] // of those that wait or are at work
	ready   []*line[K, J]     // that have jobs, and nobody at work
	working int
	running sync.WaitGroup
}

type line[K comparable, J any] struct {
	key     K
	jobs    []J
	dropped int
}

func newBacklog[K comparable, J any](most, workers int, do func(J)) *backlog[K, J] {
	return &backlog[K, J]{
		most: most, workers: workers, do: do,
		overflows: func(K) {}, caughtUp: func(K, int) {},
		lines: map[K]*line[K, J]{},
	}
}

// add never waits for a job.
func (b *backlog[K, J]) add(key K, j J) {
	if b.queue(key, j) {
		b.overflows(key)
	}
}

// queue says whether this is where the line begins to overflow.
func (b *backlog[K, J]) queue(key K, j J) (overflows bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lines[key]
	if l == nil {
		l = &line[K, J]{key: key}
		b.lines[key] = l
		b.ready = append(b.ready, l)
		if b.working < b.workers {
			b.working++
			b.running.Go(b.work)
		}
	}
	l.jobs = append(l.jobs, j)
	if len(l.jobs) <= b.most {
		return false
	}
	l.jobs = l.jobs[1:]
	l.dropped++
	return l.dropped == 1
}

func (b *backlog[K, J]) work() {
	for {
		l, j := b.take()
		if l == nil {
			return
		}
		b.do(j)
		if dropped := b.done(l); dropped > 0 {
			b.caughtUp(l.key, dropped)
		}
	}
}

// take takes the next job; nil: there is none, and the worker goes.
func (b *backlog[K, J]) take() (l *line[K, J], j J) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ready) == 0 {
		b.working--
		return nil, j
	}
	l = b.ready[0]
	b.ready = b.ready[1:]
	j = l.jobs[0]
	l.jobs = l.jobs[1:]
	return l, j
}

// done says how many jobs were dropped, if the last that was not is done.
func (b *backlog[K, J]) done(l *line[K, J]) (dropped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(l.jobs) > 0 {
		b.ready = append(b.ready, l)
		return 0
	}
	delete(b.lines, l.key)
	return l.dropped
}

// wait waits until all is done. Nobody may add any more, but the jobs of another
// backlog that is waited for first.
func (b *backlog[K, J]) wait() { b.running.Wait() }
