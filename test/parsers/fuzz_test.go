package parsers

import "testing"

// longestFrame is what one page of the kernel holds beside what it needs for itself.
const longestFrame = 3400

// FuzzBothAgree lets the fuzzer look for a frame on which the fast path and Go disagree.
func FuzzBothAgree(f *testing.F) {
	s := newSource(*seed, 3)
	for range 50 {
		f.Add(s.advertFrame(), false)
		f.Add(s.neighborFrame(), true)
	}
	h := newHost(f)
	f.Fuzz(func(t *testing.T, frame []byte, mend bool) {
		if len(frame) < ethernetLength || len(frame) < shortest(frame) || len(frame) > longestFrame ||
			see(frame).protocol == etherARP {
			t.Skip()
		}
		if mend {
			p := split(frame)
			p.mend()
			frame = p.frame()
		}
		agree(t, h, [][]byte{frame}, expect(frame).kind())
	})
}
