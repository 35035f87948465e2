package notify

import (
	"context"
	"log/slog"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

const (
	// A reader that fails is started again after restartFirst, and every time it
	// fails at once after twice as long, until restartMost. keepalived leaves the
	// FIFO without a reader until it is reloaded.
	restartFirst = time.Second
	restartMost  = time.Minute
)

// reader keeps the script of a FIFO running. One that ends with exit status 0
// has done what it wanted, or has put a daemon in the background: there would
// be two of it if it were started again.
type reader struct {
	log     *slog.Logger
	command script.Command
	run     runner
	done    chan struct{} // closed when it is over
	noMore  chan struct{} // closed when it is not to be started again
	kill    context.CancelFunc
}

// startReader waits for before, which may be nil, so that there are never two.
func startReader(ctx context.Context, command script.Command, run runner, log *slog.Logger, before <-chan struct{}) *reader {
	r := &reader{log: log.With("script", command.String()), command: command, run: run}
	r.done, r.noMore = make(chan struct{}), make(chan struct{})
	ctx, r.kill = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		if before != nil {
			<-before
		}
		r.keepRunning(ctx)
	}()
	return r
}

// keepRunning starts it once even where it is not to be started again: there may
// be lines for it.
func (r *reader) keepRunning(ctx context.Context) {
	for wait := restartFirst; ctx.Err() == nil; wait = min(2*wait, restartMost) {
		result := r.run(ctx, r.command, 0)
		if r.isOver(ctx) {
			return
		}
		if result.Took > restartMost {
			wait = restartFirst
		}
		if result.Err == nil && result.Exit == 0 {
			r.log.Warn("FIFO script has ended: it is started again at the next reload", "after", result.Took)
			return
		}
		r.log.Warn("FIFO script failed: it is started again", "in", wait, "exit", result.Exit, "error", result.Err, "output", result.Output)
		select {
		case <-time.After(wait):
		case <-r.noMore:
			return
		case <-ctx.Done():
		}
	}
}

func (r *reader) isOver(ctx context.Context) bool {
	select {
	case <-r.noMore:
		return true
	default:
		return ctx.Err() != nil
	}
}

// last lets the script go on, but does not start it again. To be called once.
func (r *reader) last() { close(r.noMore) }

// end kills the script, and waits for that.
func (r *reader) end() {
	r.kill()
	<-r.done
}

// hasEnded says that it will not start again.
func (r *reader) hasEnded() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
