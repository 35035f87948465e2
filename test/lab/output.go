package lab

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Line is one line of a daemon's output, with the time at which the lab read it.
type Line struct {
	At   time.Time
	Text string // without the newline
}

// output collects lines from a pipe.
type output struct {
	pipe     *os.File
	finished chan struct{} // closed at the end of the output

	mu      sync.Mutex
	lines   []Line
	changed chan struct{} // closed and replaced with every line
}

func newOutput(pipe *os.File) *output {
	return &output{pipe: pipe, finished: make(chan struct{}), changed: make(chan struct{})}
}

func (o *output) read() {
	defer close(o.finished)
	defer o.pipe.Close()
	r := bufio.NewReader(o.pipe)
	for {
		text, err := r.ReadString('\n')
		if text != "" {
			o.add(strings.TrimSuffix(text, "\n"))
		}
		if err != nil {
			return
		}
	}
}

// stop ends reading although somebody still holds the pipe's other end.
func (o *output) stop() {
	o.pipe.Close()
	<-o.finished
}

func (o *output) add(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, Line{At: time.Now(), Text: text})
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) snapshot() ([]Line, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines[:len(o.lines):len(o.lines)], o.changed
}

// Lines returns what the daemon wrote so far.
func (d *Daemon) Lines() []Line {
	lines, _ := d.output.snapshot()
	return lines
}

// Log returns what the daemon wrote so far as text.
func (d *Daemon) Log() string {
	var b strings.Builder
	for _, line := range d.Lines() {
		b.WriteString(line.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

// WaitLog waits until a line of the log, old or new, contains the text. It fails at the timeout, and at once when the
// daemon has exited without such a line.
func (d *Daemon) WaitLog(timeout time.Duration, text string) error {
	_, err := d.WaitLine(time.Time{}, timeout, text)
	return err
}

// WaitLine waits like WaitLog for a line written at or after since, and returns the first one.
func (d *Daemon) WaitLine(since time.Time, timeout time.Duration, text string) (Line, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	seen := 0
	for ended := false; ; {
		lines, changed := d.output.snapshot()
		for _, line := range lines[seen:] {
			if !line.At.Before(since) && strings.Contains(line.Text, text) {
				return line, nil
			}
		}
		seen = len(lines)
		if ended {
			return Line{}, fmt.Errorf("%s on %s exited without logging %q; its log ends:\n%s", d.Name, d.Host.Name, text, d.tail())
		}
		select {
		case <-changed:
		case <-d.exited:
			ended = true // look once more: the last lines came before
		case <-timer.C:
			return Line{}, fmt.Errorf("%s on %s did not log %q within %v; its log ends:\n%s", d.Name, d.Host.Name, text, timeout, d.tail())
		}
	}
}

func (d *Daemon) tail() string {
	lines := d.Lines()
	return formatLines(lines[max(0, len(lines)-10):])
}

func formatLines(lines []Line) string {
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "  %s %s\n", line.At.Format("15:04:05.000000"), line.Text)
	}
	return b.String()
}
