package datapath

import (
	"testing"
	"unsafe"
)

// What the fast path hands up is decoded within its bounds, whatever it is.
func FuzzEvent(f *testing.F) {
	const head = int(unsafe.Sizeof(vrrpEvent{}))
	whole := vrrpEvent{Kind: vrrpEventKind(EventAdvert), Family: 4, Length: 8}
	f.Add(append(unsafe.Slice((*byte)(unsafe.Pointer(&whole)), head), make([]byte, 8)...))
	f.Add(make([]byte, head))
	f.Add(make([]byte, head-1))
	f.Fuzz(func(t *testing.T, sample []byte) {
		event, ok := decodeEvent(sample)
		if ok && len(event.PDU) > len(sample)-head {
			t.Errorf("%d bytes give a PDU of %d", len(sample), len(event.PDU))
		}
	})
}
