package parsers

import (
	"encoding/hex"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

var (
	inputs = flag.Int("parsers.n", 200_000, "how many random frames both sides get: of 20, 17 adverts and 3 of Neighbor Discovery")
	seed   = flag.Uint64("parsers.seed", 1, "where the random frames begin")
)

// batchSize is how many frames share one reading of the counters. Their longest
// events fit into the ring buffer together.
const batchSize = 256

func TestBothParsersAgreeOnRandomAndDamagedAdverts(t *testing.T) {
	n := *inputs / 20 * 17
	seen := agreeOnMany(t, n, newSource(*seed, 1).advertFrame)
	mustHaveSeen(t, seen, n, "received", "unchanged", "priority zero", "pseudo-header", "message-only",
		"odd interval", "odd address_list", "odd source_mac", "odd owner",
		"dropped ip_header", "dropped fragment", "dropped ttl", "dropped version", "dropped type", "dropped length",
		"dropped checksum", "dropped vrid", "dropped peer", "dropped count", "dropped first_address", "dropped interval",
		"dropped source_mac", "nothing")
}

func TestTheFastPathAgreesWithRFC4861OnRandomAndDamagedNeighborDiscovery(t *testing.T) {
	n := *inputs / 20 * 3
	seen := agreeOnMany(t, n, newSource(*seed, 2).neighborFrame)
	mustHaveSeen(t, seen, n, "ND answered", "ND refused", "ND passed_on", "ND invalid", "ND conflict",
		"virtual MAC accepted", "virtual MAC refused", "spoofed", "nothing")
}

// agreeOnMany ends the test at the first disagreement on n frames, and says how
// often what was counted.
func agreeOnMany(t *testing.T, n int, next func() []byte) map[string]int {
	t.Helper()
	h := newHost(t)
	batches := make(map[kind][][]byte)
	seen := make(map[string]int)
	for range n {
		frame := next()
		o := expect(frame)
		k := o.kind()
		note(seen, o)
		batches[k] = append(batches[k], frame)
		if len(batches[k]) == batchSize {
			agree(t, h, batches[k], k)
			delete(batches, k)
		}
	}
	for k, frames := range batches {
		agree(t, h, frames, k)
	}
	t.Logf("%d frames of seed %d: %v", n, *seed, seen)
	return seen
}

func note(seen map[string]int, o *opinion) {
	for _, name := range o.counted {
		_, what, _ := strings.Cut(name, ": ")
		seen[what]++
	}
	if len(o.counted) == 0 {
		seen["nothing"]++
	}
	if o.sameSum {
		seen["other addresses of the same sum"]++
	}
}

// mustHaveSeen holds that the frames were such that the test could fail.
func mustHaveSeen(t *testing.T, seen map[string]int, n int, all ...string) {
	t.Helper()
	for _, what := range all {
		if seen[what] < max(1, n/1000) {
			t.Errorf("of %d frames only %d came to %q", n, seen[what], what)
		}
	}
}

// agree ends the test when the fast path disagrees with Go on one of the frames.
func agree(t *testing.T, h *host, frames [][]byte, want kind) {
	t.Helper()
	for _, hook := range hooks {
		var report string
		err := h.do(func() error {
			fault, err := h.check(hook, frames, want)
			if err == nil && fault != "" {
				report = fmt.Sprintf("hook %s: %s", hook, h.explain(hook, frames, fault))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if report != "" {
			t.Fatalf("seed %d: %s", *seed, report)
		}
	}
}

// explain finds the frame at fault among many, and makes it small.
func (h *host) explain(hook datapath.Hook, frames [][]byte, fault string) string {
	for _, f := range frames {
		if one, err := h.checkOne(hook, f); err == nil && one == "" {
			continue
		}
		small := h.shrink(hook, f)
		if one, err := h.checkOne(hook, small); err == nil {
			fault = one
		}
		return fmt.Sprintf("%s\nthe smallest frame:\n%s\nfound as:\n%s", fault, hex.Dump(small), hex.Dump(f))
	}
	return fault + ", but with none of the frames alone"
}
