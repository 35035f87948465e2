package notify

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestClosingWaitsForAllThatWasTold(t *testing.T) {
	dir := t.TempDir()
	n, book := newNotifier(t)
	slow := program(t, filepath.Join(dir, "slow"), `sleep 0.2; echo "$*" >>`+dir+`/told`)
	must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": {Any: slow}}}))
	n.Tell(Event{Name: "VI_1", State: Backup, Priority: 1})
	n.Tell(Event{Name: "VI_1", State: Stop, Priority: 1})
	closes(t, n)
	if got := read(t, dir+"/told"); got != "INSTANCE VI_1 BACKUP 1\nINSTANCE VI_1 STOP 1\n" {
		t.Errorf("told is\n%s", got)
	}
	book.wants(t, 0, "level=")
}

func TestWhenTheTimeToCloseIsOverAllIsKilledAndThatIsSaid(t *testing.T) {
	dir := t.TempDir()
	n, book := newNotifier(t)
	hang := program(t, filepath.Join(dir, "hang"), `sleep 100 & echo $! >>`+dir+`/pids; echo $$ >>`+dir+`/pids; wait`)
	reader := program(t, filepath.Join(dir, "reader"), `echo $$ >>`+dir+`/pids; exec sleep 100`)
	c := fifoWith(dir, reader)
	c.Instances = map[string]Scripts{"VI_1": {Any: hang}}
	must(t, n.Apply(c))
	n.Tell(Event{Name: "VI_1", State: Master})
	n.Tell(Event{Name: "VI_1", State: Stop})
	eventually(t, "the scripts run", func() bool { return len(numbers(t, dir+"/pids")) == 3 })
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	start := time.Now()
	if err := n.Close(ctx); !errors.Is(err, enough) {
		t.Errorf("error is %v", err)
	}
	if took := time.Since(start); took > linger {
		t.Errorf("it took %s", took)
	}
	if pids := numbers(t, dir+"/pids"); slices.ContainsFunc(pids, alive) {
		t.Errorf("of the processes %v some live on", pids)
	}
	if got := entries(t, dir); !slices.Equal(got, []string{"hang", "pids", "reader"}) {
		t.Errorf("left are %v", got)
	}
	book.wants(t, 1, `msg="notify script failed" instance=VI_1 state=MASTER`)
	book.wants(t, 1, `msg="notify script is not run: the time to stop is over" instance=VI_1 state=STOP`)
	book.wants(t, 1, `msg="notify scripts were killed`)
}

func TestAfterTheEndNobodyIsTold(t *testing.T) {
	dir := t.TempDir()
	n, book := newNotifier(t)
	c := fifoWith(dir, nil)
	must(t, n.Apply(c))
	closes(t, n)
	closes(t, n)
	n.Tell(Event{Name: "VI_1", State: Master})
	book.wants(t, 1, `msg="an event after the end is told to nobody" instance=VI_1 state=MASTER`)
	if err := n.Apply(c); !errors.Is(err, errClosed) {
		t.Errorf("error is %v", err)
	}
	if got := entries(t, dir); len(got) > 0 {
		t.Errorf("left are %v", got)
	}
}

func TestNobodyWorksWhileThereIsNothingToTell(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t) // which holds that no goroutine is left
	tell := program(t, filepath.Join(dir, "tell"), `echo >>`+dir+`/told`)
	must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": {Any: tell}}}))
	n.Tell(Event{Name: "VI_1", State: Master})
	eventually(t, "the script has run, and its worker gone", func() bool {
		n.backlog.mu.Lock()
		defer n.backlog.mu.Unlock()
		return read(t, dir+"/told") != "" && n.backlog.working == 0 && len(n.backlog.lines) == 0
	})
}
