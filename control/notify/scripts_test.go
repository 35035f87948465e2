package notify

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// all are scripts that write their name and arguments to a file, one of each kind.
func all(t *testing.T, dir string) Scripts {
	t.Helper()
	path := filepath.Join(dir, "script")
	program(t, path, `for word; do printf '<%s>' "$word"; done >>`+dir+`/told; echo >>`+dir+`/told`)
	of := func(name string) *script.Command { return command(path, name, "as configured") }
	return Scripts{
		Master: of("master"), Backup: of("backup"), Fault: of("fault"), Stop: of("stop"), Deleted: of("deleted"),
		LowerPriority: of("lower"), Any: of("any"),
	}
}

// keepalived 2.2.7 calls its scripts so.
func TestScriptsAreToldAsKeepalivedDoes(t *testing.T) {
	const configured = "<as configured>"
	tests := []struct {
		event Event
		want  []string
	}{
		{Event{Name: "VI_1", State: Master, Priority: 101}, []string{"<master>" + configured, "<any>" + configured + "<INSTANCE><VI_1><MASTER><101>"}},
		{Event{Name: "VI_1", State: Backup, Priority: 102}, []string{"<backup>" + configured, "<any>" + configured + "<INSTANCE><VI_1><BACKUP><102>"}},
		{Event{Name: "VI_1", State: Fault, Priority: 103}, []string{"<fault>" + configured, "<any>" + configured + "<INSTANCE><VI_1><FAULT><103>"}},
		{Event{Name: "VI_1", State: Stop, Priority: 104}, []string{"<stop>" + configured, "<any>" + configured + "<INSTANCE><VI_1><STOP><104>"}},
		{Event{Name: "VI_1", State: Deleted, Priority: 105}, []string{"<deleted>" + configured, "<any>" + configured + "<INSTANCE><VI_1><DELETED><105>"}},
		{Event{Name: "VI_1", State: LowerPriority, Priority: 106}, []string{"<lower>" + configured}},
		{Event{Name: "VI_1", State: MasterPriority, Priority: 107}, nil},
		{Event{Name: "VI_1", State: BackupPriority, Priority: 108}, nil},
		{Event{Group: true, Name: "G 1", State: Master}, []string{"<master>" + configured, "<any>" + configured + "<GROUP><G 1><MASTER><0>"}},
		{Event{Group: true, Name: "VI_1", State: Master}, nil},
		{Event{Name: "G 1", State: Master}, nil},
		{Event{Name: "stranger", State: Master}, nil},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		n, book := newNotifier(t)
		scripts := all(t, dir)
		scripts.PriorityChanges = true
		must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": scripts}, Groups: map[string]Scripts{"G 1": scripts}}))
		n.Tell(tt.event)
		closes(t, n)
		if diff := cmp.Diff(tt.want, linesOf(t, filepath.Join(dir, "told"))); diff != "" && len(tt.want) > 0 || len(tt.want) == 0 && read(t, filepath.Join(dir, "told")) != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.event, diff)
		}
		book.wants(t, 0, "level=")
	}
}

func TestScriptsOfManyInstancesRunInTheOrderOfTheEventsAndOneAtATime(t *testing.T) {
	const instances, each = 20, 50
	n, book := newNotifier(t)
	dir := t.TempDir()
	run := program(t, filepath.Join(dir, "script"), `echo "begin $*" >>`+dir+`/$2; echo "end $*" >>`+dir+`/$2`)
	c := Config{Instances: map[string]Scripts{}}
	want := map[string][]string{}
	for i := range instances {
		c.Instances[fmt.Sprint(i)] = Scripts{Any: run}
	}
	must(t, n.Apply(c))
	for number := range each {
		for i := range instances {
			state := []string{Master, Backup}[number%2]
			n.Tell(Event{Name: fmt.Sprint(i), State: state, Priority: uint8(number)})
			line := fmt.Sprintf("INSTANCE %d %s %d", i, state, number)
			want[fmt.Sprint(i)] = append(want[fmt.Sprint(i)], "begin "+line, "end "+line)
		}
	}
	closes(t, n)
	for name, lines := range want {
		if diff := cmp.Diff(lines, linesOf(t, filepath.Join(dir, name))); diff != "" {
			t.Errorf("instance %s (-want +got):\n%s", name, diff)
		}
	}
	book.wants(t, 0, "level=")
}

func TestAScriptThatHangsIsKilledWithAllItHasStartedAndTheNextEventIsTold(t *testing.T) {
	n, book := newNotifier(t)
	n.timeout = 200 * time.Millisecond
	dir := t.TempDir()
	hang := program(t, filepath.Join(dir, "hang"), `sleep 100 & (sleep 100 & echo $! >>`+dir+`/pids); echo $! >>`+dir+`/pids; echo $$ >>`+dir+`/pids; wait`)
	tell := program(t, filepath.Join(dir, "tell"), `echo "$*" >>`+dir+`/told`)
	must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": {Master: hang, Any: tell}}}))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 7})
	n.Tell(Event{Name: "VI_1", State: Stop, Priority: 8})
	closes(t, n)
	if got, want := read(t, dir+"/told"), "INSTANCE VI_1 MASTER 7\nINSTANCE VI_1 STOP 8\n"; got != want {
		t.Errorf("it was told\n%s\nwant\n%s", got, want)
	}
	pids := numbers(t, dir+"/pids")
	if len(pids) != 3 || slices.ContainsFunc(pids, alive) {
		t.Errorf("of the processes %v some live on", pids)
	}
	book.wants(t, 1, `msg="notify script hangs: killed" instance=VI_1 state=MASTER script=`+hang.String()+` after=`)
	book.wants(t, 1, "level=")
}

func TestAHangingScriptIsInNobodyElsesWay(t *testing.T) {
	n, _ := newNotifier(t)
	dir := t.TempDir()
	hang := program(t, filepath.Join(dir, "hang"), `while [ ! -e `+dir+`/go ]; do sleep 0.01; done`)
	tell := program(t, filepath.Join(dir, "tell"), `echo "$*" >>`+dir+`/told`)
	must(t, n.Apply(Config{Instances: map[string]Scripts{"slow": {Master: hang}, "quick": {Any: tell}}}))
	n.Tell(Event{Name: "slow", State: Master})
	n.Tell(Event{Name: "quick", State: Master})
	eventually(t, "the other instance's script has run", func() bool { return read(t, dir+"/told") != "" })
	program(t, dir+"/go", "")
	closes(t, n)
}

func TestOfEventsThatPileUpTheLatestAreTold(t *testing.T) {
	n, book := newNotifier(t)
	dir := t.TempDir()
	slow := program(t, filepath.Join(dir, "slow"), `while [ ! -e `+dir+`/go ]; do sleep 0.01; done; echo "$4" >>`+dir+`/told`)
	must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": {Any: slow}}}))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 1})
	eventually(t, "the first is at work", func() bool {
		n.backlog.mu.Lock()
		defer n.backlog.mu.Unlock()
		return len(n.backlog.ready) == 0
	})
	for priority := 2; priority <= 200; priority++ {
		n.Tell(Event{Name: "VI_1", State: Backup, Priority: uint8(priority)})
	}
	program(t, dir+"/go", "")
	closes(t, n)
	want := []int{1}
	for priority := 200 - mostWaiting + 1; priority <= 200; priority++ {
		want = append(want, priority)
	}
	if got := numbers(t, dir+"/told"); !slices.Equal(got, want) {
		t.Errorf("told are %v", got)
	}
	book.wants(t, 1, `msg="notify scripts do not keep up: the oldest events are dropped" instance=VI_1 waiting=64`)
	book.wants(t, 1, `msg="notify scripts have caught up" instance=VI_1 dropped=135`)
}

func TestAScriptThatFailsIsSaidWithWhatItWrote(t *testing.T) {
	n, book := newNotifier(t)
	dir := t.TempDir()
	fail := program(t, filepath.Join(dir, "fail"), `echo "no such route" >&2; exit 3`)
	must(t, n.Apply(Config{
		Instances: map[string]Scripts{"VI_1": {Master: fail}},
		Groups:    map[string]Scripts{"G1": {Master: command(dir + "/missing")}},
	}))
	n.Tell(Event{Name: "VI_1", State: Master})
	n.Tell(Event{Group: true, Name: "G1", State: Master})
	closes(t, n)
	book.wants(t, 1, `msg="notify script failed" instance=VI_1 state=MASTER script=`+fail.String())
	book.wants(t, 1, `output="no such route\n" exit=3`)
	book.wants(t, 1, `msg="notify script failed" group=G1 state=MASTER script=`+dir+"/missing")
}

func TestAnEventIsHandledAsConfiguredWhenItWasTold(t *testing.T) {
	n, _ := newNotifier(t)
	dir := t.TempDir()
	of := func(name string) Config {
		tell := program(t, filepath.Join(dir, name), `echo `+name+` "$*" >>`+dir+`/told`)
		return Config{Instances: map[string]Scripts{"VI_1": {Any: tell}}}
	}
	before, after := of("before"), of("after")
	must(t, n.Apply(before))
	n.Tell(Event{Name: "VI_1", State: Backup})
	must(t, n.Apply(after))
	n.Tell(Event{Name: "VI_1", State: Master})
	closes(t, n)
	want := "before INSTANCE VI_1 BACKUP 0\nafter INSTANCE VI_1 MASTER 0\n"
	if got := read(t, dir+"/told"); got != want {
		t.Errorf("it was told\n%s\nwant\n%s", got, want)
	}
}

func TestWhatIsRemovedIsToldOfItsEnd(t *testing.T) {
	n, _ := newNotifier(t)
	dir := t.TempDir()
	scripts := map[string]Scripts{"gone": {Any: program(t, filepath.Join(dir, "tell"), `echo "$*" >>`+dir+`/told`)}}
	must(t, n.Apply(Config{Instances: scripts, Groups: scripts}))
	must(t, n.Apply(Config{Groups: map[string]Scripts{"gone": {}}}))
	n.Tell(Event{Name: "gone", State: Fault, Priority: 1})
	n.Tell(Event{Group: true, Name: "gone", State: Fault}) // which is there, but has no script any more
	must(t, n.Apply(Config{}))
	n.Tell(Event{Name: "gone", State: Fault, Priority: 2})
	closes(t, n)
	if got := read(t, dir+"/told"); got != "INSTANCE gone FAULT 1\n" {
		t.Errorf("it was told\n%s", got)
	}
}

func TestACommandOfTheShellGetsItsArguments(t *testing.T) {
	n, _ := newNotifier(t)
	dir := t.TempDir()
	shell := &script.Command{Shell: true, Line: `echo "$1/$2/$3/$4" | tr / - >` + dir + `/told`, User: me()}
	must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": {Any: shell}}}))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 9})
	closes(t, n)
	if got := strings.TrimSpace(read(t, dir+"/told")); got != "INSTANCE-VI_1-MASTER-9" {
		t.Errorf("it was told %s", got)
	}
}
