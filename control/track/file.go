package track

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	mostValue  = 1<<31 - 1
	leastValue = -mostValue
	// readAnyway is how often a file is read without being told of a change: its
	// directory may come later, be replaced, or lie where no changes are told of.
	readAnyway = time.Second
	// settleAfter is how long what may be half of something must stay as it is.
	settleAfter = 20 * time.Millisecond
	// emptyAfter is how long a file must be empty to be meant so: on a busy host
	// who has truncated it may have to wait before he writes.
	emptyAfter = 200 * time.Millisecond
)

type fileWatch struct {
	File
	log *slog.Logger
}

func (w fileWatch) watch(ctx context.Context, tell func(finding)) {
	if w.Init {
		if err := w.init(); err != nil {
			w.log.Error(w.Key().String()+" cannot be initialised", "error", err)
		}
	}
	changes := newFileChanges(w.Path)
	defer changes.close()
	changes.follow()
	last := w.read()
	tell(last.finding)
	tick, settle := time.NewTicker(readAnyway), time.NewTimer(0)
	defer tick.Stop()
	settle.Stop()
	for settling := false; ; {
		written := false // who wrote it is through
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			changes.follow()
			if settling {
				continue
			}
		case <-changes.told:
			written = true
		case <-settle.C:
			changes.follow() // the directory may be newer than the last tick
		}
		before := last
		last = w.read()
		if settling = !written && last != before || written && last.empty; settling {
			settle.Reset(last.patience())
			continue
		}
		settle.Stop()
		tell(last.finding)
	}
}

// reading is a finding, and what shows that the file was not touched between two.
type reading struct {
	finding
	empty    bool // perhaps truncated by who is about to write
	modified time.Time
}

func (r reading) patience() time.Duration {
	if r.empty {
		return emptyAfter
	}
	return settleAfter
}

// init writes the first value.
func (w fileWatch) init() error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if w.Overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(w.Path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) && !w.Overwrite {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, clampValue(int64(w.Value)))
	return errors.Join(err, file.Close())
}

func (w fileWatch) read() reading {
	// Without O_NONBLOCK a pipe would wait for a writer.
	file, err := os.OpenFile(w.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return unread("the file is missing")
	}
	if err != nil {
		return unread(err.Error())
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return unread(err.Error())
	}
	var head [128]byte
	n, err := io.ReadFull(file, head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return unread(err.Error())
	}
	value, reason := leadingNumber(string(head[:n]))
	return reading{finding{state: Up, value: value, reason: reason}, n == 0, info.ModTime()}
}

func unread(reason string) reading { return reading{finding: finding{state: Up, reason: reason}} }

// leadingNumber reads what strtol(3) would, and clamps it. reason says why it is 0.
func leadingNumber(text string) (value int, reason string) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	if text == "" {
		return 0, "the file is empty"
	}
	digits := strings.TrimLeft(text, "+-")
	negative := text[0] == '-'
	if len(text)-len(digits) > 1 || digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, "the file does not begin with a number"
	}
	var n int64
	for i := 0; i < len(digits) && digits[i] >= '0' && digits[i] <= '9'; i++ {
		n = min(n*10+int64(digits[i]-'0'), mostValue)
	}
	if negative {
		n = -n
	}
	return clampValue(n), ""
}

func clampValue(n int64) int { return int(min(max(n, leastValue), mostValue)) }
