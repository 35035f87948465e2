package notify

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// opened is a FIFO that is read without waiting for more.
func opened(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// waiting is what is in the FIFO now.
func waiting(t *testing.T, fd int) (text string) {
	t.Helper()
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(fd, buffer)
		if err != nil || n <= 0 {
			return text
		}
		text += string(buffer[:n])
	}
}

// keepalived 2.2.7 writes these lines, and of priorities only where it is asked to.
func TestEventsWaitInTheFIFOUntilTheyAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n, book := newNotifier(t)
	must(t, n.Apply(Config{
		Instances: map[string]Scripts{"loud": {PriorityChanges: true}},
		FIFOs:     []FIFO{{Path: path, User: me()}},
	}))
	for _, e := range []Event{
		{Name: "VI_1", State: Backup, Priority: 150},
		{Group: true, Name: "G1", State: Master},
		{Name: "VI 1", State: LowerPriority, Priority: 255},
		{Name: "VI_1", State: MasterPriority, Priority: 1},
		{Name: "loud", State: MasterPriority, Priority: 155},
		{Name: "loud", State: BackupPriority, Priority: 156},
		{Name: "a\nb", State: Fault},
		{Name: "VI_1", State: Stop, Priority: 150},
	} {
		n.Tell(e)
	}
	want := `INSTANCE "VI_1" BACKUP 150
GROUP "G1" MASTER 0
INSTANCE "VI 1" MASTER_RX_LOWER_PRI 255
INSTANCE "loud" MASTER_PRIORITY 155
INSTANCE "loud" BACKUP_PRIORITY 156
INSTANCE "a?b" FAULT 0
INSTANCE "VI_1" STOP 150
`
	if diff := cmp.Diff(want, waiting(t, opened(t, path))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	book.wants(t, 0, "level=")
}

func TestEveryFIFOHasTheEventsOfAllInTheOrderTheyHappened(t *testing.T) {
	const instances, each = 20, 50
	dir := t.TempDir()
	n, _ := newNotifier(t)
	paths := []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}
	must(t, n.Apply(Config{FIFOs: []FIFO{{Path: paths[0], User: me()}, {Path: paths[1], User: me()}}}))
	var want []string
	for number := range each {
		for i := range instances {
			n.Tell(Event{Name: fmt.Sprint(i), State: Master, Priority: uint8(number)})
			want = append(want, fmt.Sprintf("INSTANCE \"%d\" MASTER %d", i, number))
		}
	}
	for _, path := range paths {
		got := strings.Split(strings.TrimSpace(waiting(t, opened(t, path))), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestAFullFIFODoesNotBlockAndIsSaidOnceUntilItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n, book := newNotifier(t)
	must(t, n.Apply(Config{FIFOs: []FIFO{{Path: path, User: me()}}}))
	fd := opened(t, path)
	const told = 20000 // 27 bytes each, into 64 KiB
	for round := 1; round <= 2; round++ {
		for range told {
			n.Tell(Event{Name: "VI_1", State: Master, Priority: 100})
		}
		book.wants(t, round, `msg="FIFO is full, nobody reads it: events are lost" fifo=`+path)
		text := waiting(t, fd)
		if kept := strings.Count(text, "INSTANCE \"VI_1\" MASTER 100\n"); kept*len("INSTANCE \"VI_1\" MASTER 100\n") != len(text) || kept == 0 {
			t.Errorf("%d bytes hold %d whole lines", len(text), kept)
		}
		n.Tell(Event{Name: "VI_1", State: Stop, Priority: 100})
		if got := waiting(t, fd); got != "INSTANCE \"VI_1\" STOP 100\n" {
			t.Errorf("then there is %q", got)
		}
		book.wants(t, round, `msg="FIFO is read again" fifo=`+path)
		book.wants(t, round, fmt.Sprintf("lost=%d\n", told-strings.Count(text, "\n")))
	}
}

func TestAFIFOIsItsUsersAlone(t *testing.T) {
	requireRoot(t)
	path := filepath.Join(t.TempDir(), "fifo")
	n, _ := newNotifier(t)
	old := unix.Umask(0)
	must(t, n.Apply(Config{FIFOs: []FIFO{{Path: path, User: script.User{UID: 65534, GID: 65533}}}}))
	unix.Umask(old)
	info, err := os.Lstat(path)
	must(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	if info.Mode() != os.ModeNamedPipe|0o600 || stat.Uid != 65534 || stat.Gid != 65533 {
		t.Errorf("it is %s of %d:%d", info.Mode(), stat.Uid, stat.Gid)
	}
	must(t, n.Apply(Config{FIFOs: []FIFO{{Path: path, User: script.User{UID: 65532, GID: 65531}}}}))
	info, err = os.Lstat(path)
	must(t, err)
	if stat = info.Sys().(*syscall.Stat_t); stat.Uid != 65532 || stat.Gid != 65531 {
		t.Errorf("after a reload it is of %d:%d", stat.Uid, stat.Gid)
	}
}

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("VRRP_XDP_REQUIRE_ROOT") == "1" {
		t.Fatal("needs root")
	}
	t.Skip("needs root")
}

func TestAFIFOThatWasMadeHereIsRemovedAndAnotherStays(t *testing.T) {
	dir := t.TempDir()
	n, _ := newNotifier(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	must(t, unix.Mkfifo(path("theirs"), 0o640))
	fifos := func(names ...string) (c Config) {
		for _, name := range names {
			c.FIFOs = append(c.FIFOs, FIFO{Path: path(name), User: me()})
		}
		return c
	}
	must(t, n.Apply(fifos("theirs", "ours", "dropped", "replaced")))
	must(t, n.Apply(fifos("theirs", "ours", "replaced")))
	must(t, os.Remove(path("replaced")))
	must(t, os.WriteFile(path("replaced"), nil, 0o600))
	closes(t, n)
	if got := entries(t, dir); !slices.Equal(got, []string{"replaced", "theirs"}) {
		t.Errorf("there are %v", got)
	}
	if info, err := os.Stat(path("theirs")); err != nil || info.Mode() != os.ModeNamedPipe|0o640 {
		t.Errorf("theirs is %v, error %v", info, err)
	}
}

func TestAReloadKeepsAFIFOAndWhatIsInIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n, _ := newNotifier(t)
	c := Config{FIFOs: []FIFO{{Path: path, User: me()}}}
	must(t, n.Apply(c))
	n.Tell(Event{Name: "VI_1", State: Backup, Priority: 1})
	must(t, n.Apply(c))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 2})
	want := "INSTANCE \"VI_1\" BACKUP 1\nINSTANCE \"VI_1\" MASTER 2\n"
	if got := waiting(t, opened(t, path)); got != want {
		t.Errorf("there is %q", got)
	}
}

func TestAFIFOThatSomebodyRemovedIsThereAgainAfterAReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n, _ := newNotifier(t)
	c := Config{FIFOs: []FIFO{{Path: path, User: me()}}}
	must(t, n.Apply(c))
	must(t, os.Remove(path))
	must(t, n.Apply(c))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 2})
	if got := waiting(t, opened(t, path)); got != "INSTANCE \"VI_1\" MASTER 2\n" {
		t.Errorf("there is %q", got)
	}
}

func TestAFIFOThatCannotBeMadeChangesNothing(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"a file", func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) }, "something else is there"},
		{"a directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, "is a directory"},
		{"a link", func(t *testing.T, path string) { must(t, os.Symlink("good", path)) }, "symbolic link"},
		{"the same twice", func(t *testing.T, path string) { must(t, os.Symlink("good", path)) }, "twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			n, _ := newNotifier(t)
			good, fresh, bad := filepath.Join(dir, "good"), filepath.Join(dir, "fresh"), filepath.Join(dir, "bad")
			must(t, n.Apply(Config{Instances: map[string]Scripts{"VI_1": {PriorityChanges: true}}, FIFOs: []FIFO{{Path: good, User: me()}}}))
			tt.make(t, bad)
			before := entries(t, dir)
			next := Config{FIFOs: []FIFO{{Path: fresh, User: me()}, {Path: bad, User: me()}}}
			if tt.want == "twice" {
				next.FIFOs[1].Path = fresh
			}
			if err := n.Apply(next); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v", err)
			}
			if got := entries(t, dir); !slices.Equal(got, before) {
				t.Errorf("there are %v, were %v", got, before)
			}
			n.Tell(Event{Name: "VI_1", State: MasterPriority, Priority: 3})
			if got := waiting(t, opened(t, good)); got != "INSTANCE \"VI_1\" MASTER_PRIORITY 3\n" {
				t.Errorf("the FIFO from before has %q", got)
			}
		})
	}
}

func TestAReaderThatWaitsHasTheLineAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	n, _ := newNotifier(t)
	must(t, n.Apply(Config{FIFOs: []FIFO{{Path: path, User: me()}}}))
	file, err := os.OpenFile(path, os.O_RDONLY, 0)
	must(t, err)
	defer file.Close()
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 2})
	if got, err := bufio.NewReader(file).ReadString('\n'); got != "INSTANCE \"VI_1\" MASTER 2\n" {
		t.Errorf("it reads %q, error %v", got, err)
	}
}
