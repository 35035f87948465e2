package notify

import (
	"context"
	"log/slog"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// Event is something that happened to an instance or a sync group.
type Event struct {
	Group    bool // a sync group, not an instance
	Name     string
	State    string // MASTER, BACKUP, FAULT, STOP, DELETED; also MASTER_RX_LOWER_PRI, MASTER_PRIORITY, BACKUP_PRIORITY
	Priority uint8  // effective; 0 of a group
	At       time.Time
}

// Scripts are what is run for one instance or group. Any may be absent.
type Scripts struct {
	Master, Backup, Fault, Stop, Deleted *script.Command
	// Any runs with four arguments more: INSTANCE or GROUP, name, state, priority.
	Any           *script.Command
	LowerPriority *script.Command // notify_master_rx_lower_pri
	// PriorityChanges tells Any of MASTER_PRIORITY and BACKUP_PRIORITY too.
	PriorityChanges bool
	// Mail sends one for every transition.
	Mail bool
}

// FIFO is a named pipe that lines are written to.
type FIFO struct {
	Path   string
	Script *script.Command // started to read it, with the path as its argument; nil: none
	User   script.User     // that owns it
}

// Mail says how mail is sent.
type Mail struct {
	Server   string // host:port; "": none is sent
	From     string
	To       []string
	Helo     string
	Timeout  time.Duration
	RouterID string // in the subject
}

// Config is what to tell whom.
type Config struct {
	Instances, Groups map[string]Scripts
	FIFOs             []FIFO
	Mail              Mail
}

// Timeout is how long a script may take before its process group is killed.
const Timeout = 30 * time.Second

// Notifier passes Events on. It may be used from any goroutine.
type Notifier struct{}

// New begins to work for nobody yet.
func New(log *slog.Logger) *Notifier { return &Notifier{} }

// Apply makes c the configuration of the events that come from now on. FIFOs
// that stay are not reopened, their scripts not restarted.
// Errors: a FIFO cannot be made; then nothing has changed.
func (n *Notifier) Apply(c Config) error { return nil }

// Tell never blocks: events queue up, in order, for each instance and group on
// its own.
func (n *Notifier) Tell(e Event) {}

// Close waits until all that was told is passed on, or ctx ends; then kills what
// still runs, says so, and removes the FIFOs that it made.
func (n *Notifier) Close(ctx context.Context) error { return nil }
