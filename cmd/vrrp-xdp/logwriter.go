package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// asyncWriter hands lines to a writer that may be slow, or stuck: a terminal
// that was stopped with Ctrl-S, a full pipe, a journal without disk. Whoever logs
// never waits; when the queue is full, lines are dropped, and counted.
type asyncWriter struct {
	to      io.Writer
	lines   chan []byte
	dropped atomic.Uint64
	quit    chan struct{}
	ended   chan struct{}
}

const (
	queuedLines = 1024
	// flushPatience is how long closing waits for a stuck writer.
	flushPatience = time.Second
)

func newAsyncWriter(to io.Writer) *asyncWriter {
	w := &asyncWriter{to: to, lines: make(chan []byte, queuedLines), quit: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

// Write queues a copy of p, which must be whole lines. It never fails.
func (w *asyncWriter) Write(p []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), p...):
	default:
		w.dropped.Add(1)
	}
	return len(p), nil
}

func (w *asyncWriter) run() {
	defer close(w.ended)
	for {
		select {
		case line := <-w.lines:
			w.put(line)
		case <-w.quit:
			w.flush()
			return
		}
	}
}

func (w *asyncWriter) flush() {
	for {
		select {
		case line := <-w.lines:
			w.put(line)
		default:
			return
		}
	}
}

func (w *asyncWriter) put(line []byte) {
	if n := w.dropped.Swap(0); n > 0 {
		fmt.Fprintf(w.to, "%d lines of the log were dropped: they could not be written fast enough\n", n)
	}
	_, _ = w.to.Write(line) // there is nowhere to complain
}

// Close writes what is queued, or gives up on a writer that is stuck. What is
// written after is lost.
func (w *asyncWriter) Close() error {
	close(w.quit)
	select {
	case <-w.ended:
	case <-time.After(flushPatience):
	}
	return nil
}
