package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrp-xdp/vrrp-xdp/control/thread"
	"github.com/vrrp-xdp/vrrp-xdp/test/lab"
)

func TestASocketIsPrivateFromTheFirstMoment(t *testing.T) {
	before := unix.Umask(0)
	defer unix.Umask(before)
	path := filepath.Join(t.TempDir(), "s")
	l, err := listenPrivately(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if now := unix.Umask(0); now != 0 {
		t.Errorf("the umask of the others has become %04o", now)
	}
}

// dialAs connects as a user.
func dialAs(t *testing.T, path string, uid uintptr) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	thread.Apart(func() {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
			err = errno
			return
		}
		c, err = net.Dial("unix", path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStrangersAreHungUpOn(t *testing.T) {
	lab.NeedRoot(t)
	dir, err := os.MkdirTemp("/run", "socket-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := listenPrivately(path)
	if err != nil {
		t.Fatal(err)
	}
	// As if somebody had opened the door.
	for _, name := range []string{dir, path} {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	own := ownListener{l, slog.New(slog.NewTextHandler(&log, nil))}
	stranger := dialAs(t, path, 65534)
	defer stranger.Close()
	friend := dialAs(t, path, 0)
	defer friend.Close()
	c, err := own.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if uid, err := peerUser(c); uid != 0 || err != nil {
		t.Errorf("let in: user %d, %v", uid, err)
	}
	if _, err := stranger.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the stranger reads: %v", err)
	}
	if !strings.Contains(log.String(), "uid=65534") {
		t.Errorf("log: %s", log.String())
	}
	l.Close()
}

func TestMetricsBeyondThisHostAreSaidSo(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:0": "", "[::1]:0": "", "127.3.4.5:0": "",
		":0": "on all interfaces", "0.0.0.0:0": "on all interfaces", "[::]:0": "on all interfaces",
		"192.0.2.1:0": "beyond this host", "[2001:db8::1]:0": "beyond this host",
	} {
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		webOptions{}.warnOfExposure(at, slog.New(slog.NewTextHandler(&log, nil)))
		if got := log.String(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: log %q, want %q", address, got, want)
		}
	}
}
