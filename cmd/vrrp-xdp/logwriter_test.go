package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a writer that blocks until it is freed.
type stuck struct {
	free chan struct{}
	mu   sync.Mutex
	text strings.Builder
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func TestNobodyWaitsForALogThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{free: make(chan struct{})}
		w := newAsyncWriter(s)
		for i := range 2 * queuedLines {
			fmt.Fprintf(w, "line %d\n", i)
		}
		close(s.free)
		synctest.Wait()
		fmt.Fprintln(w, "the last")
		_ = w.Close()
		text := s.text.String()
		if !strings.Contains(text, "line 0\n") || !strings.HasSuffix(text, "the last\n") || !strings.Contains(text, "lines of the log were dropped") {
			t.Errorf("log begins %.40q and ends %q", text, text[len(text)-40:])
		}
	})
}

func TestClosingGivesUpOnALogThatStaysStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{free: make(chan struct{})}
		w := newAsyncWriter(s)
		fmt.Fprintln(w, "never seen")
		started := time.Now()
		_ = w.Close()
		if took := time.Since(started); took != flushPatience {
			t.Errorf("closing took %v, want %v", took, flushPatience)
		}
		close(s.free)
	})
}

func TestClosingWritesWhatIsQueued(t *testing.T) {
	var text strings.Builder
	w := newAsyncWriter(&text)
	for range 100 {
		fmt.Fprintln(w, "line")
	}
	_ = w.Close()
	if n := strings.Count(text.String(), "line\n"); n != 100 {
		t.Errorf("%d lines, want 100", n)
	}
}
