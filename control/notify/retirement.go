package notify

import (
	"context"
	"errors"
	"sync"
)

// retirement is where FIFOs and readers go that are not wanted any more.
type retirement struct {
	running sync.WaitGroup
	mu      sync.Mutex
	going   map[string]chan struct{} // by path; closed when it is gone
	failed  []error
}

// add retires the FIFO, beside whoever calls it.
func (r *retirement) add(ctx context.Context, p *pipe) {
	path, gone := p.config.Path, make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.going == nil {
		r.going = map[string]chan struct{}{}
	}
	r.going[path] = gone
	r.running.Go(func() {
		defer close(gone)
		err := p.retire(ctx)
		if err != nil {
			p.log.Error("FIFO cannot be closed", "error", err)
		}
		r.has(path, gone, err)
	})
}

func (r *retirement) has(path string, gone chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.going[path] == gone {
		delete(r.going, path)
	}
	if err != nil {
		r.failed = append(r.failed, err)
	}
}

// awaits lets wait wait for a reader, too.
func (r *retirement) awaits(reader *reader) {
	r.running.Go(func() { <-reader.done })
}

// of is closed when what was at the path is gone; nil: nothing is going.
func (r *retirement) of(path string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.going[path]
}

func (r *retirement) wait() { r.running.Wait() }

func (r *retirement) errors() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.failed...)
}
