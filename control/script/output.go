package script

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// mostOutput of a command is kept.
	mostOutput = 1024
	// lastWords is how long what a command wrote just before its end may take to
	// be read, where others still hold its output open.
	lastWords = 50 * time.Millisecond
)

// output keeps the beginning of what a command writes. It reads, and forgets,
// until nobody holds the pipe open any more, even after the command has ended: a
// daemon that a script has started must not be ended by SIGPIPE.
type output struct {
	read, write *os.File
	done        chan struct{}
	mu          sync.Mutex
	kept        []byte
}

func newOutput() (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{read: read, write: write, done: make(chan struct{})}, nil
}

// file is for the command.
func (o *output) file() *os.File { return o.write }

// started leaves the writing to the command.
func (o *output) started() {
	o.write.Close()
	go func() {
		defer close(o.done)
		defer o.read.Close()
		_, _ = io.Copy(o, o.read) // an error is an end like another
	}()
}

// Write keeps what there is room for.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, b[:min(len(b), mostOutput-len(o.kept))]...)
	return len(b), nil
}

// text is what was written until now.
func (o *output) text() string {
	select {
	case <-o.done:
	case <-time.After(lastWords):
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.ToValidUTF8(string(o.kept), "?")
}
