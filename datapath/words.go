package datapath

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// words is an mmap'ed BPF array, seen as 64-bit words: a store is an atomic
// store into what the programs read, with no syscall in between.
type words struct {
	memory []byte
	words  []uint64
}

// mapWords maps the whole of m. The kernel refuses any size but the exact one,
// rounded up to pages.
func mapWords(m *ebpf.Map) (*words, error) {
	size := int(m.ValueSize()) * int(m.MaxEntries())
	page := os.Getpagesize()
	memory, err := unix.Mmap(m.FD(), 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s into memory: %w", m, err)
	}
	return &words{memory, unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(memory))), size/8)}, nil
}

func (w *words) load(i int) uint64     { return atomic.LoadUint64(&w.words[i]) }
func (w *words) store(i int, v uint64) { atomic.StoreUint64(&w.words[i], v) }

func (w *words) compareAndSwap(i int, old, new uint64) {
	atomic.CompareAndSwapUint64(&w.words[i], old, new)
}

func (w *words) clear() {
	for i := range w.words {
		w.store(i, 0)
	}
}

func (w *words) unmap() error {
	if w == nil {
		return nil
	}
	return unix.Munmap(w.memory)
}
