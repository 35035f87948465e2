package datapath

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

// The folder that a daemon was given outlives the execution of its successor, and
// is open to a child that asks its parent; a script does not have it.
func TestTheFolderForPinsIsKept(t *testing.T) {
	lab.NeedRoot(t)
	root, err := openBPFFS()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	fd, err := unix.Open(filepath.Join("/proc/self/fd", fmt.Sprint(root.Fd())), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	t.Setenv(homeEnv, strconv.Itoa(fd))
	pins, err := openPins()
	if err != nil {
		t.Fatal(err)
	}
	defer pins.fs.Close()
	if !isBPFFS(pins.path) {
		t.Errorf("%s is no folder for pins", pins.path)
	}
	flags := func() int {
		f, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if flags() != unix.FD_CLOEXEC {
		t.Error("a script would have it")
	}
	if err := KeepHome(true); err != nil || flags() != 0 {
		t.Errorf("a successor would not have it: %v", err)
	}
	if err := KeepHome(false); err != nil || flags() != unix.FD_CLOEXEC {
		t.Errorf("it is not taken back: %v", err)
	}
	out, err := exec.Command("stat", "-f", "-c", "%t", "/proc/"+strconv.Itoa(os.Getpid())+"/fd/"+strconv.Itoa(fd)+"/.").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "cafe4a11" {
		t.Errorf("a child sees %s: %v", out, err)
	}
	t.Setenv(homeEnv, "0")
	if _, err := openPins(); err == nil {
		t.Error("what is no folder for pins is taken for one")
	}
}
