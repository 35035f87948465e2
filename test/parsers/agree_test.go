package parsers

import (
	"encoding/hex"
	"flag"
	"fmt"
	"testing"

	"github.com/vrrp-xdp/vrrp-xdp/datapath"
)

var (
	inputs = flag.Int("parsers.n", 200_000, "how many random packets both parsers get")
	seed   = flag.Uint64("parsers.seed", 1, "where the random packets begin")
)

// batchSize is how many packets share one reading of the counters. Their
// longest events fit into the ring buffer together.
const batchSize = 64

func TestBothParsersAgreeOnRandomAndDamagedAdverts(t *testing.T) {
	h := newHost(t)
	s := newSource(*seed)
	batches := make(map[opinion][]packet)
	seen := make(map[string]int)
	for range *inputs {
		p := s.packet()
		want := expect(p)
		seen[want.counted]++
		batches[want] = append(batches[want], p)
		if len(batches[want]) == batchSize {
			agree(t, h, batches[want], want)
			delete(batches, want)
		}
	}
	for want, packets := range batches {
		agree(t, h, packets, want)
	}
	t.Logf("%d packets of seed %d: %v", *inputs, *seed, seen)
	everyOutcome(t, seen)
}

// everyOutcome holds that the packets were such that the test could fail.
func everyOutcome(t *testing.T, seen map[string]int) {
	t.Helper()
	for _, what := range []string{
		"received", "ip_header", "ttl", "version", "type", "length", "checksum", "vrid", "count", "interval",
	} {
		if seen[what] < *inputs/1000 {
			t.Errorf("of %d packets only %d came to %q", *inputs, seen[what], what)
		}
	}
}

// agree ends the test when the fast path disagrees with Go on one of the packets.
func agree(t *testing.T, h *host, packets []packet, want opinion) {
	t.Helper()
	for _, hook := range hooks {
		var report string
		err := h.do(func() error {
			fault, err := h.check(hook, packets, want)
			if err == nil && fault != "" {
				report = fmt.Sprintf("hook %s: %s", hook, h.explain(hook, packets, fault))
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

// explain finds the packet at fault among many, and makes it small.
func (h *host) explain(hook datapath.Hook, packets []packet, fault string) string {
	for _, p := range packets {
		if one, err := h.checkOne(hook, p); err == nil && one == "" {
			continue
		}
		small := h.shrink(hook, p)
		if one, err := h.checkOne(hook, small); err == nil {
			fault = one
		}
		return fmt.Sprintf("%s\nthe smallest frame:\n%s\nfound as:\n%s", fault, hex.Dump(small.frame()), hex.Dump(p.frame()))
	}
	return fault + ", but with none of the packets alone"
}
