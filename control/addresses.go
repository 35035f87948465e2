package control

import (
	"log/slog"
	"net/netip"
	"sync"
)

// addressWorker puts virtual addresses on interfaces and takes them off, beside
// the loop: netlink may be slow, and an address without a lease is inert.
type addressWorker struct {
	book  AddressBook
	log   *slog.Logger
	mu    sync.Mutex
	jobs  []addressJob
	wake  chan struct{}
	ended sync.WaitGroup
	ours  map[addressKey]bool // only what we put there is taken off again
}

type addressJob struct {
	install  bool
	ifindex  int
	prefixes []netip.Prefix
}

type addressKey struct {
	ifindex int
	prefix  netip.Prefix
}

func startAddressWorker(book AddressBook, log *slog.Logger) *addressWorker {
	w := &addressWorker{book: book, log: log, wake: make(chan struct{}, 1), ours: make(map[addressKey]bool)}
	w.ended.Go(w.run)
	return w
}

func (w *addressWorker) install(ifindex int, prefixes []netip.Prefix) {
	w.push(addressJob{true, ifindex, prefixes})
}

func (w *addressWorker) remove(ifindex int, prefixes []netip.Prefix) {
	w.push(addressJob{false, ifindex, prefixes})
}

// push never blocks: the loop waits for nobody.
func (w *addressWorker) push(j addressJob) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, j)
	select {
	case w.wake <- struct{}{}:
	default: // awake already
	}
}

// finish does what is left to do and ends the worker. Nothing may be pushed after.
func (w *addressWorker) finish() {
	close(w.wake)
	w.ended.Wait()
}

func (w *addressWorker) run() {
	for range w.wake {
		w.drain()
	}
	w.drain()
}

func (w *addressWorker) drain() {
	w.mu.Lock()
	jobs := w.jobs
	w.jobs = nil
	w.mu.Unlock()
	for _, j := range jobs {
		for _, p := range j.prefixes {
			w.do(j.install, addressKey{j.ifindex, p})
		}
	}
}

func (w *addressWorker) do(install bool, k addressKey) {
	if install {
		added, err := w.book.Add(k.ifindex, k.prefix, "")
		if err != nil {
			w.log.Error("a virtual address is missing on its interface", "error", err)
		}
		w.ours[k] = w.ours[k] || added
		return
	}
	if !w.ours[k] {
		return
	}
	if err := w.book.Remove(k.ifindex, k.prefix); err != nil {
		w.log.Error("a virtual address stays on its interface; without a lease nothing answers for it", "error", err)
		return
	}
	delete(w.ours, k)
}
