package notify

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// patience is for what happens at once, on a busy machine.
const patience = 20 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually polls for what other processes do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("not after %s: %s", patience, what)
		}
	}
}

// logbook is a log that can be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func (l *logbook) wants(t *testing.T, times int, text string) {
	t.Helper()
	if n := l.count(text); n != times {
		l.mu.Lock()
		defer l.mu.Unlock()
		t.Errorf("the log says %d times, not %d, %q:\n%s", n, times, text, l.text.String())
	}
}

// newNotifier is closed, at the latest, with the test. Nothing may be left then.
func newNotifier(t *testing.T) (*Notifier, *logbook) {
	t.Helper()
	before := runtime.NumGoroutine()
	book := &logbook{}
	n := New(slog.New(slog.NewTextHandler(book, nil)))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	})
	return n, book
}

func closes(t *testing.T, n *Notifier) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, n.Close(ctx))
}

// program writes a shell script that runs as whoever runs the test.
func program(t *testing.T, path, text string) *script.Command {
	t.Helper()
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	return command(path)
}

func command(args ...string) *script.Command {
	return &script.Command{Args: args, User: me()}
}

func me() script.User {
	return script.User{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}

func linesOf(t *testing.T, path string) []string {
	t.Helper()
	return strings.FieldsFunc(read(t, path), func(r rune) bool { return r == '\n' })
}

// numbers are the whole lines of a file that processes write their ids to.
func numbers(t *testing.T, path string) (all []int) {
	t.Helper()
	for line := range strings.Lines(read(t, path)) {
		if n, err := strconv.Atoi(strings.TrimSuffix(line, "\n")); err == nil && strings.HasSuffix(line, "\n") {
			all = append(all, n)
		}
	}
	return all
}

// alive says whether there is such a process, and it is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range list {
		names = append(names, filepath.Base(e.Name()))
	}
	return names
}
