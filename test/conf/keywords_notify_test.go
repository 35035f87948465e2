package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var _ = covers(inInstance, "notify_master", "notify_backup", "notify_fault", "notify_stop", "notify",
	"notify_priority_changes", "notify_master_rx_lower_pri")

var _ = covers(inGlobal, "notify_fifo", "notify_fifo_script", "vrrp_notify_fifo", "vrrp_notify_fifo_script")

// note is a script that writes down its arguments.
func (s *site) note() { s.r1.script("note", `echo "$@" >>DIR/notes`) }

const notifies = `
    notify_master "DIR/note master"
    notify_backup "DIR/note backup"
    notify_fault "DIR/note fault"
    notify_stop "DIR/note stop"
    notify "DIR/note any"
`

// lifetime takes instances that become these through all states.
func (s *site) lifetime(states string) {
	s.t.Helper()
	s.r1.await(states)
	s.r1.lan.Cut()
	s.eventually(func() error { return contains(s.r1.states(), "FAULT") })
	s.r1.lan.Restore()
	s.r1.await(states)
	must(s.t, s.r1.daemon.Stop())
	_, err := s.r1.daemon.Wait(patience)
	must(s.t, err)
}

// One after the other, and of one transition notify after the others.
func TestNotifyScriptsTellOfEveryTransitionInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.note()
	s.r1.run(instance("VI_1", calm+notifies))
	s.lifetime("MASTER")
	s.r1.awaitLines("notes",
		"backup", "any INSTANCE VI_1 BACKUP 100",
		"master", "any INSTANCE VI_1 MASTER 100",
		"fault", "any INSTANCE VI_1 FAULT 100",
		"backup", "any INSTANCE VI_1 BACKUP 100",
		"master", "any INSTANCE VI_1 MASTER 100",
		"stop", "any INSTANCE VI_1 STOP 100")
}

var _ = covers(inGroup, "notify_master", "notify_backup", "notify_fault", "notify_stop", "notify")

func TestGroupsTellOfEveryTransitionInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.note()
	s.r1.run(together(notifies))
	s.lifetime("MASTER MASTER")
	s.r1.awaitLines("notes",
		"backup", "any GROUP G BACKUP 0",
		"master", "any GROUP G MASTER 0",
		"fault", "any GROUP G FAULT 0",
		"backup", "any GROUP G BACKUP 0",
		"master", "any GROUP G MASTER 0",
		"stop", "any GROUP G STOP 0")
}

func TestPipesTellOfEveryTransitionInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.r1.script("reader", `echo "reads $2" >>DIR/$1; while read -r line; do echo "$line" >>DIR/$1; done <"$2"`)
	s.r1.put("up", "")
	s.r1.run(global(`
    notify_fifo DIR/pipe
    notify_fifo_script "DIR/reader first"
    vrrp_notify_fifo DIR/other
    vrrp_notify_fifo_script "DIR/reader second"`) +
		definitionOf("plain", testsUp+"weight -20") +
		numbered(1, calm) + numbered(2, calm+"priority 150\nnotify_priority_changes\ntrack_script {\nplain\n}") +
		numbered(3, calm+"priority 160\ntrack_script {\nplain\n}"))
	s.r1.await("MASTER MASTER MASTER")
	must(t, os.Remove(filepath.Join(s.r1.dir, "up")))
	s.r1.awaitPriority("VI_2", 130)
	s.r1.awaitPriority("VI_3", 140)
	must(t, s.r1.daemon.Stop())
	_, err := s.r1.daemon.Wait(patience)
	must(t, err)
	for name, pipe := range map[string]string{"first": "pipe", "second": "other"} {
		lines := s.r1.lines(name)
		if len(lines) == 0 || lines[0] != "reads "+filepath.Join(s.r1.dir, pipe) {
			t.Fatalf("the script of %s wrote %q, want it to be given the path", pipe, lines)
		}
		for instance, want := range map[string][]string{
			"VI_1": {`INSTANCE "VI_1" BACKUP 100`, `INSTANCE "VI_1" MASTER 100`, `INSTANCE "VI_1" STOP 100`},
			"VI_2": {`INSTANCE "VI_2" BACKUP 150`, `INSTANCE "VI_2" MASTER 150`, `INSTANCE "VI_2" MASTER_PRIORITY 130`, `INSTANCE "VI_2" STOP 130`},
			"VI_3": {`INSTANCE "VI_3" BACKUP 160`, `INSTANCE "VI_3" MASTER 160`, `INSTANCE "VI_3" STOP 140`},
		} {
			if got := about(lines, instance); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s was told of %s: %q, want %q", pipe, instance, got, want)
			}
		}
	}
}

// about are the lines with that name in them.
func about(lines []string, name string) []string {
	var list []string
	for _, line := range lines {
		if contains(line, `"`+name+`"`) == nil {
			list = append(list, line)
		}
	}
	return list
}

func TestAScriptIsToldOfALesserMaster(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.note()
	s.r1.run(instance("VI_1", calm+`notify_master_rx_lower_pri "DIR/note lesser"`))
	s.r1.await("MASTER")
	s.say(s.advertOf(50))
	s.r1.awaitLines("notes", "lesser")
}
