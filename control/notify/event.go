package notify

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/vrrp-xdp/vrrp-xdp/control/script"
)

// What an Event's State may be.
const (
	Master         = "MASTER"
	Backup         = "BACKUP"
	Fault          = "FAULT"
	Stop           = "STOP"
	Deleted        = "DELETED"
	LowerPriority  = "MASTER_RX_LOWER_PRI" // a master has heard an advert of lower priority
	MasterPriority = "MASTER_PRIORITY"     // the priority of a master has changed
	BackupPriority = "BACKUP_PRIORITY"
)

// Event is something that happened to an instance or a sync group.
type Event struct {
	Group    bool // a sync group, not an instance
	Name     string
	State    string    // Master, Backup, …
	Priority uint8     // effective; 0 of a group
	At       time.Time // zero: now
}

// subject is whose events are kept in order.
type subject struct {
	group bool
	name  string
}

func (s subject) attr() slog.Attr {
	if s.group {
		return slog.String("group", s.name)
	}
	return slog.String("instance", s.name)
}

func (e Event) subject() subject { return subject{e.Group, e.Name} }

func (e Event) kind() string {
	if e.Group {
		return "GROUP"
	}
	return "INSTANCE"
}

// line is how keepalived.conf(5), "vrrp_notify_fifo", writes an event.
func (e Event) line() string {
	return fmt.Sprintf("%s \"%s\" %s %d\n", e.kind(), oneLine(e.Name), e.State, e.Priority)
}

// oneLine keeps what others have written from adding lines and headers.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
}

// isState says that it is a transition, and nothing smaller.
func (e Event) isState() bool {
	switch e.State {
	case Master, Backup, Fault, Stop, Deleted:
		return true
	}
	return false
}

func (s Scripts) toFIFO(e Event) bool {
	return s.PriorityChanges || e.State != MasterPriority && e.State != BackupPriority
}

// commands are run for an event, in this order: keepalived.conf(5) promises
// notify after notify_*.
func (s Scripts) commands(e Event) []script.Command {
	var list []script.Command
	if c := s.specific(e.State); c != nil {
		list = append(list, *c)
	}
	if s.Any != nil && e.isState() {
		list = append(list, s.Any.With(e.kind(), e.Name, e.State, strconv.Itoa(int(e.Priority))))
	}
	return list
}

func (s Scripts) specific(state string) *script.Command {
	switch state {
	case Master:
		return s.Master
	case Backup:
		return s.Backup
	case Fault:
		return s.Fault
	case Stop:
		return s.Stop
	case Deleted:
		return s.Deleted
	case LowerPriority:
		return s.LowerPriority
	}
	return nil
}

func (s Scripts) mails(e Event) bool {
	return s.Mail && (e.State == Master || e.State == Backup || e.State == Fault)
}
