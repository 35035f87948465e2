package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
)

// newLogger writes to w; format is auto, text or json. Auto leaves the time out
// where the journal adds its own.
func newLogger(w io.Writer, format string, debug bool) (*slog.Logger, error) {
	options := &slog.HandlerOptions{}
	if debug {
		options.Level = slog.LevelDebug
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "auto":
		if os.Getenv("JOURNAL_STREAM") != "" {
			options.ReplaceAttr = withoutTime
		}
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, usage(fmt.Errorf("--log-format %s: must be auto, text or json", format))
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
