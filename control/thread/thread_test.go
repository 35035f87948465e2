package thread

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// With one thread at work at a time the main one has its turn often.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}

func TestApartIsNeverInTheMainThread(t *testing.T) {
	before := threads(t)
	for range 500 {
		Apart(func() {
			if unix.Gettid() == unix.Getpid() {
				t.Error("it is the main thread")
			}
		})
	}
	if grown := threads(t) - before; grown > 20 {
		t.Errorf("%d threads are left over", grown)
	}
}

func TestAGoroutineGetsTheMainThreadAtTimes(t *testing.T) {
	for range 100_000 {
		main := make(chan bool)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			main <- unix.Gettid() == unix.Getpid()
		}()
		if <-main {
			return
		}
	}
	t.Error("it never does: the other test shows nothing")
}

func TestWhatIsDoneToTheThreadEndsWithIt(t *testing.T) {
	for range 100 {
		Apart(func() {
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				t.Error(err)
			}
			unix.Umask(0o777)
		})
	}
	umask := unix.Umask(0o022)
	unix.Umask(umask)
	if umask == 0o777 {
		t.Error("the umask is that of a thread that has ended")
	}
}

func threads(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob("/proc/" + strconv.Itoa(os.Getpid()) + "/task/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
