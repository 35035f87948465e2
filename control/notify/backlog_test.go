package notify

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// diary is what was done, and how much of it at the same time.
type diary struct {
	mu         sync.Mutex
	done       map[string][]int
	busy       map[string]bool
	now, most  int
	overlapped []string
}

type entry struct {
	who    string
	number int
	takes  time.Duration
}

func newDiary() *diary { return &diary{done: map[string][]int{}, busy: map[string]bool{}} }

func (d *diary) do(e entry) {
	d.begin(e)
	time.Sleep(e.takes) // of synctest: no time passes
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now--
	d.busy[e.who] = false
	d.done[e.who] = append(d.done[e.who], e.number)
}

func (d *diary) begin(e entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[e.who] {
		d.overlapped = append(d.overlapped, e.who)
	}
	d.busy[e.who] = true
	d.now++
	d.most = max(d.most, d.now)
}

func TestJobsOfOneKeyAreDoneInOrderAndThoseOfOthersBesideThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, each, workers = 20, 50, 10
		d := newDiary()
		b := newBacklog[string](each, workers, d.do)
		start := time.Now()
		want := map[string][]int{}
		for number := range each {
			for key := range keys {
				who := fmt.Sprint(key)
				b.add(who, entry{who, number, time.Second})
				want[who] = append(want[who], number)
			}
		}
		b.wait()
		if diff := cmp.Diff(want, d.done); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(d.overlapped) > 0 || d.most != workers {
			t.Errorf("%d at the same time, twice of %v", d.most, d.overlapped)
		}
		if took, best := time.Since(start), keys*each*time.Second/workers; took != best {
			t.Errorf("it took %s, not %s", took, best)
		}
	})
}

func TestWhoHasManyJobsLetsOthersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		b := newBacklog[string](100, 1, func(e entry) {
			time.Sleep(time.Second)
			order = append(order, e.who)
		})
		for range 3 {
			b.add("busy", entry{who: "busy"})
		}
		b.add("calm", entry{who: "calm"})
		b.wait()
		if want := []string{"busy", "calm", "busy", "busy"}; !slices.Equal(order, want) {
			t.Errorf("the order is %v", order)
		}
	})
}

func TestTheOldestThatWaitAreDroppedAndThatIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		b := newBacklog[string](3, 2, d.do)
		var said []string
		b.overflows = func(key string) { said = append(said, key+" overflows") }
		b.caughtUp = func(key string, dropped int) { said = append(said, fmt.Sprint(key, " dropped ", dropped)) }
		for range 2 { // and anew after it has caught up
			b.add("a", entry{"a", 0, time.Minute})
			b.add("b", entry{"b", 0, time.Minute})
			synctest.Wait() // the first is at work, and waits no more
			for number := 1; number <= 10; number++ {
				b.add("a", entry{"a", number, 0})
			}
			b.wait()
		}
		want := map[string][]int{"a": {0, 8, 9, 10, 0, 8, 9, 10}, "b": {0, 0}}
		if diff := cmp.Diff(want, d.done); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if want := []string{"a overflows", "a dropped 7", "a overflows", "a dropped 7"}; !slices.Equal(said, want) {
			t.Errorf("it says %q", said)
		}
		if len(b.lines) > 0 || len(b.ready) > 0 || b.working > 0 {
			t.Errorf("idle, it keeps %d lines and %d workers", len(b.lines), b.working)
		}
	})
}
