package notify

import (
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// Config is what to tell whom. Each instance and group that there is has to be
// there, be it without scripts.
type Config struct {
	Instances, Groups map[string]Scripts
	FIFOs             []FIFO // with different paths
	Mail              Mail
}

// of finds the scripts of the event's instance or group.
func (c Config) of(e Event) (s Scripts, known bool) {
	if e.Group {
		s, known = c.Groups[e.Name]
		return s, known
	}
	s, known = c.Instances[e.Name]
	return s, known
}

// Scripts are what is run for one instance or group. Any may be absent.
type Scripts struct {
	Master, Backup, Fault, Stop, Deleted *script.Command
	// Any runs with four arguments more: INSTANCE or GROUP, name, state,
	// priority. It is told of states, not of MASTER_RX_LOWER_PRI and priorities.
	Any           *script.Command
	LowerPriority *script.Command // notify_master_rx_lower_pri
	// PriorityChanges tells the FIFOs of MASTER_PRIORITY and BACKUP_PRIORITY too.
	PriorityChanges bool
	// Mail sends one for every transition to MASTER, BACKUP and FAULT.
	Mail bool
}

// FIFO is a named pipe that lines are written to.
type FIFO struct {
	Path   string
	Script *script.Command // started to read it, with the path as its last argument; nil: none
	User   script.User     // that owns it, if it is made here
}

// Mail says how mail is sent.
type Mail struct {
	Server   string // host:port; "": none is sent
	From     string // "": keepalived@ and the host's name
	To       []string
	Helo     string        // "": the host's name
	Timeout  time.Duration // for one mail; 0: 30 s
	RouterID string        // in the subject; "": the host's name
	NoFaults bool          // none for transitions to FAULT
}
