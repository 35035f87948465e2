package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

const (
	// Timeout is how long a script may take before its process group is killed.
	Timeout = 30 * time.Second
	// mostWaiting events of one instance or group wait for its scripts: a script
	// that hangs at each of them must not eat memory.
	mostWaiting = 64
	// mostScripts run at the same time. A host with hundreds of instances that
	// become master at once has better things to do than to start hundreds of processes.
	mostScripts = 32
	// mostMails wait for the mail server.
	mostMails = 256
)

var (
	errTooLate = errors.New("the time to stop is over")
	errClosed  = errors.New("it is closed already")
)

// runner is script.Run.
type runner func(ctx context.Context, c script.Command, timeout time.Duration, env ...string) script.Result

// Notifier passes Events on. It may be used from any goroutine.
type Notifier struct {
	log     *slog.Logger
	run     runner
	timeout time.Duration
	context context.Context // ends when whatever still runs has to
	kill    context.CancelCauseFunc

	applying sync.Mutex // one Apply or Close at a time; taken before mu
	retired  retirement

	mu      sync.Mutex // held for moments only: Tell takes it
	closed  bool
	config  Config
	former  Config // the one before
	pipes   []*pipe
	backlog *backlog[subject, job]
	mails   *backlog[struct{}, mail]
}

// New begins to work for nobody yet.
func New(log *slog.Logger) *Notifier {
	n := &Notifier{log: log, run: script.Run, timeout: Timeout}
	n.context, n.kill = context.WithCancelCause(context.Background())
	n.backlog = newBacklog[subject](mostWaiting, mostScripts, n.perform)
	n.backlog.overflows = func(s subject) {
		log.Warn("notify scripts do not keep up: the oldest events are dropped", s.attr(), "waiting", mostWaiting)
	}
	n.backlog.caughtUp = func(s subject, dropped int) {
		log.Warn("notify scripts have caught up", s.attr(), "dropped", dropped)
	}
	n.mails = newBacklog[struct{}](mostMails, 1, n.post)
	n.mails.overflows = func(struct{}) {
		log.Warn("the mail server does not keep up: the oldest mails are dropped", "waiting", mostMails)
	}
	n.mails.caughtUp = func(_ struct{}, dropped int) { log.Warn("all mails are sent again", "dropped", dropped) }
	return n
}

// Tell never blocks: events queue up, in order, for each instance and group on
// its own. The FIFOs have the line when it returns. What is done for an event is
// as configured now, whatever is configured when it is its turn.
func (n *Notifier) Tell(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		n.log.Warn("an event after the end is told to nobody", e.subject().attr(), "state", e.State)
		return
	}
	scripts, known := n.config.of(e)
	if !known {
		scripts, _ = n.former.of(e)
	}
	if scripts.toFIFO(e) {
		for _, p := range n.pipes {
			p.write(e.line())
		}
	}
	j := job{event: e, commands: scripts.commands(e)}
	if scripts.mails(e) {
		j.mail = n.config.Mail.about(e)
	}
	if len(j.commands) > 0 || j.mail != nil {
		n.backlog.add(e.subject(), j)
	}
}

// Apply makes c the configuration of the events that come from now on. Instances
// and groups that are not in it any more keep, until the next Apply, the scripts
// that they had: those have to hear of their end. FIFOs that stay are not
// reopened, and their scripts not restarted, unless they have ended by themselves.
// It may wait some seconds for the script of a FIFO that was taken away a moment
// ago, and now comes back; Tell does not wait for it.
// Errors: a FIFO cannot be made; then nothing has changed.
func (n *Notifier) Apply(c Config) error {
	n.applying.Lock()
	defer n.applying.Unlock()
	if n.isClosed() {
		return fmt.Errorf("change what is notified: %w", errClosed)
	}
	if err := n.changePipes(c.FIFOs); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.config, n.former = c, n.config
	return nil
}

// Close waits until all that was told is passed on, or ctx ends; then kills what
// still runs, says so, and removes the FIFOs that it made. The scripts of FIFOs
// may read what is there, and end by themselves, before they are told to.
func (n *Notifier) Close(ctx context.Context) error {
	n.applying.Lock()
	defer n.applying.Unlock()
	if n.isClosed() {
		return nil
	}
	n.mu.Lock()
	n.closed = true
	pipes := n.pipes
	n.pipes = nil
	n.mu.Unlock()
	for _, p := range pipes {
		n.retired.add(n.context, p)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		n.backlog.wait()
		n.mails.wait()
		n.retired.wait()
	}()
	defer n.kill(errTooLate)
	select {
	case <-finished:
		return n.retired.errors()
	case <-ctx.Done():
	}
	n.kill(errTooLate)
	<-finished
	return errors.Join(n.unfinished(ctx), n.retired.errors())
}

// unfinished says that scripts, mails or readers were cut short.
func (n *Notifier) unfinished(ctx context.Context) error {
	err := fmt.Errorf("end the notifications: %w before all was passed on; what still ran was killed", context.Cause(ctx))
	n.log.Warn("notify scripts were killed: the time to stop is over")
	return err
}

func (n *Notifier) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}
