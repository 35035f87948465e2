package notify

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// reading starts for each run a new line with its process id, and copies the
// FIFO, its last argument, to the file "read".
func reading(t *testing.T, dir, name, more string) *script.Command {
	t.Helper()
	c := program(t, filepath.Join(dir, name), `echo $$ >>`+dir+`/pids
`+more+`
while read line; do echo "`+name+` $1 $line" >>`+dir+`/read; done <"$2"
echo "`+name+` end" >>`+dir+`/read`)
	return command(c.Args[0], "option")
}

func fifoWith(dir string, c *script.Command) Config {
	return Config{FIFOs: []FIFO{{Path: filepath.Join(dir, "fifo"), Script: c, User: me()}}}
}

func TestTheScriptOfAFIFOReadsAllEventsAndEndsByItself(t *testing.T) {
	dir := t.TempDir()
	n, book := newNotifier(t)
	must(t, n.Apply(fifoWith(dir, reading(t, dir, "reader", ""))))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 1})
	n.Tell(Event{Name: "VI_1", State: Stop, Priority: 1})
	closes(t, n)
	want := "reader option INSTANCE \"VI_1\" MASTER 1\nreader option INSTANCE \"VI_1\" STOP 1\nreader end\n"
	if got := read(t, dir+"/read"); got != want {
		t.Errorf("it has read\n%s\nwant\n%s", got, want)
	}
	if got := entries(t, dir); !slices.Equal(got, []string{"pids", "read", "reader"}) {
		t.Errorf("left are %v", got)
	}
	book.wants(t, 0, "level=")
}

func TestTheScriptOfAFIFOThatDoesNotEndIsKilled(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t)
	stubborn := reading(t, dir, "stubborn", `sleep 100 & echo $! >>`+dir+`/pids; exec 3<>"$2"; while :; do read line <&3; done`)
	must(t, n.Apply(fifoWith(dir, stubborn)))
	eventually(t, "it runs", func() bool { return len(numbers(t, dir+"/pids")) == 2 })
	closes(t, n)
	if pids := numbers(t, dir+"/pids"); slices.ContainsFunc(pids, alive) {
		t.Errorf("of the processes %v some live on", pids)
	}
}

func TestAReloadKeepsTheScriptOfAFIFOThatStays(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t)
	reader := reading(t, dir, "reader", "")
	must(t, n.Apply(fifoWith(dir, reader)))
	eventually(t, "it runs", func() bool { return len(numbers(t, dir+"/pids")) == 1 })
	for priority := range 3 {
		n.Tell(Event{Name: "VI_1", State: Master, Priority: uint8(priority)})
		again := *reader
		must(t, n.Apply(fifoWith(dir, &again)))
	}
	closes(t, n)
	if pids := numbers(t, dir+"/pids"); len(pids) != 1 {
		t.Errorf("it was started as %v", pids)
	}
	if got := linesOf(t, dir+"/read"); len(got) != 4 || got[2] != `reader option INSTANCE "VI_1" MASTER 2` {
		t.Errorf("it has read %q", got)
	}
}

func TestAnotherScriptOfAFIFOStartsWhenTheOneBeforeHasEnded(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t)
	first := reading(t, dir, "first", `trap 'echo first ends >>`+dir+`/order; exit 0' TERM; echo first >>`+dir+`/order`)
	second := reading(t, dir, "second", `echo second >>`+dir+`/order`)
	third := reading(t, dir, "third", "")
	must(t, n.Apply(fifoWith(dir, first)))
	eventually(t, "the first runs", func() bool { return read(t, dir+"/order") != "" })
	must(t, n.Apply(fifoWith(dir, second)))
	eventually(t, "the second runs", func() bool { return len(linesOf(t, dir+"/order")) == 3 })
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 1})
	eventually(t, "the second reads", func() bool { return read(t, dir+"/read") == "second option INSTANCE \"VI_1\" MASTER 1\n" })
	if got := read(t, dir+"/order"); got != "first\nfirst ends\nsecond\n" {
		t.Errorf("the order was\n%s", got)
	}
	must(t, n.Apply(fifoWith(dir, nil)))
	eventually(t, "none runs", func() bool { return !slices.ContainsFunc(numbers(t, dir+"/pids"), alive) })
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 2})
	must(t, n.Apply(fifoWith(dir, third)))
	eventually(t, "the third reads what was told before it came", func() bool {
		got := linesOf(t, dir+"/read")
		return slices.Contains(got, `third option INSTANCE "VI_1" MASTER 2`)
	})
	closes(t, n)
	if pids := numbers(t, dir+"/pids"); len(pids) != 3 || slices.ContainsFunc(pids, alive) {
		t.Errorf("of the processes %v some live on", pids)
	}
}

func TestAFIFOThatComesBackHasOneScriptAndIsThere(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t)
	reader := reading(t, dir, "reader", "")
	for range 3 {
		must(t, n.Apply(fifoWith(dir, reader)))
		n.Tell(Event{Name: "VI_1", State: Master})
		must(t, n.Apply(Config{}))
		n.Tell(Event{Name: "VI_1", State: Backup})
	}
	must(t, n.Apply(fifoWith(dir, reader)))
	n.Tell(Event{Name: "VI_1", State: Stop})
	closes(t, n)
	master, stop := `reader option INSTANCE "VI_1" MASTER 0`, `reader option INSTANCE "VI_1" STOP 0`
	want := []string{master, "reader end", master, "reader end", master, "reader end", stop, "reader end"}
	if got := linesOf(t, dir+"/read"); !slices.Equal(got, want) {
		t.Errorf("it has read %q", got)
	}
	if got := entries(t, dir); !slices.Equal(got, []string{"pids", "read", "reader"}) {
		t.Errorf("left are %v", got)
	}
}

func TestOfAFIFOThatSomebodyRemovedTheNextScriptStartsWhenTheOneBeforeHasEnded(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t)
	// It stays for some time after the end of the file, which its removal is not.
	reader := reading(t, dir, "reader", `trap 'echo ends >>`+dir+`/order; exit 0' TERM
echo begins >>`+dir+`/order; while read line; do echo "$line" >>`+dir+`/read; done <"$2"; sleep 0.1; echo ends >>`+dir+`/order; exit 0`)
	must(t, n.Apply(fifoWith(dir, reader)))
	eventually(t, "it runs", func() bool { return read(t, dir+"/order") != "" })
	must(t, os.Remove(filepath.Join(dir, "fifo")))
	must(t, n.Apply(fifoWith(dir, reader)))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 1})
	closes(t, n)
	if got := read(t, dir+"/order"); got != "begins\nends\nbegins\nends\n" {
		t.Errorf("the order was\n%s", got)
	}
	if got := read(t, dir+"/read"); got != "INSTANCE \"VI_1\" MASTER 1\n" {
		t.Errorf("read is %q", got)
	}
}

func TestAReaderThatHasEndedIsStartedAgainAtAReload(t *testing.T) {
	dir := t.TempDir()
	n, book := newNotifier(t)
	once := reading(t, dir, "once", "exit 0")
	must(t, n.Apply(fifoWith(dir, once)))
	for starts := 1; starts <= 3; starts++ {
		eventually(t, "it was started, and has ended", func() bool {
			return book.count(`msg="FIFO script has ended: it is started again at the next reload"`) == starts && n.pipes[0].reader.hasEnded()
		})
		if pids := numbers(t, dir+"/pids"); len(pids) != starts {
			t.Errorf("after %d reloads it was started as %v", starts-1, pids)
		}
		if starts < 3 {
			must(t, n.Apply(fifoWith(dir, once)))
		}
	}
}

// runs are the starts of a pretended script, which ends as it is told to.
type runs struct {
	mu     sync.Mutex
	at     []time.Duration
	begin  time.Time
	takes  time.Duration
	result script.Result
}

func (r *runs) run(ctx context.Context, _ script.Command, timeout time.Duration, _ ...string) script.Result {
	r.mu.Lock()
	r.at = append(r.at, time.Since(r.begin))
	r.mu.Unlock()
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return script.Result{Exit: -1, Err: ctx.Err()}
	}
	result := r.result
	result.Took = r.takes
	if timeout != 0 {
		result.Err = errors.New("it has a timeout")
	}
	return result
}

func TestAReaderThatFailsIsStartedAgainLaterAndLater(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name   string
		takes  time.Duration
		result script.Result
		during time.Duration
		want   []time.Duration
	}{
		{"at once", 0, script.Result{Exit: 1}, 200 * s, []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 123 * s, 183 * s}},
		{"by a signal", 0, script.Result{Exit: -1, Err: errors.New("SIGSEGV")}, 5 * s, []time.Duration{0, 1 * s, 3 * s}},
		{"after hours", time.Hour, script.Result{Exit: 1}, 3 * time.Hour, []time.Duration{0, time.Hour + s, 2*time.Hour + 2*s}},
		{"not at all", 0, script.Result{}, time.Hour, []time.Duration{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &runs{begin: time.Now(), takes: tt.takes, result: tt.result}
				r := startReader(t.Context(), script.Command{Line: "reader"}, fake.run, slog.New(slog.DiscardHandler), nil)
				time.Sleep(tt.during)
				synctest.Wait()
				r.last()
				r.end()
				if !slices.Equal(fake.at, tt.want) {
					t.Errorf("it was started after %v, want %v", fake.at, tt.want)
				}
			})
		})
	}
}

func TestAReaderWaitsForTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &runs{begin: time.Now(), takes: time.Hour}
		before := make(chan struct{})
		r := startReader(t.Context(), script.Command{}, fake.run, slog.New(slog.DiscardHandler), before)
		time.Sleep(time.Minute)
		close(before)
		synctest.Wait()
		r.end()
		if !slices.Equal(fake.at, []time.Duration{time.Minute}) {
			t.Errorf("it was started after %v", fake.at)
		}
	})
}
