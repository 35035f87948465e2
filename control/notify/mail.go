package notify

import (
	"fmt"
	"mime"
	netmail "net/mail"
	"os"
	"strings"
	"time"
)

// mailTimeout is keepalived's default for smtp_connect_timeout.
const mailTimeout = 30 * time.Second

// mail is a message about an event, and where it goes.
type mail struct {
	Mail
	event Event
	host  string
}

// about is the mail for an event; nil: none.
func (m Mail) about(e Event) *mail {
	if m.Server == "" || len(m.To) == 0 || m.NoFaults && e.State == Fault {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	if m.From == "" {
		m.From = "keepalived@" + host
	}
	if m.Helo == "" {
		m.Helo = host
	}
	if m.RouterID == "" {
		m.RouterID = host
	}
	if m.Timeout <= 0 {
		m.Timeout = mailTimeout
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	return &mail{Mail: m, event: e, host: host}
}

// subject is the one that users of keepalived have filters for.
func (m mail) subject() string {
	kind := "Instance"
	if m.event.Group {
		kind = "Group"
	}
	return fmt.Sprintf("[%s] VRRP %s %s - Entering %s state", m.RouterID, kind, m.event.Name, m.event.State)
}

// message is header and body, RFC 5322. id is unique.
func (m mail) message(id string) string {
	to := make([]string, len(m.To))
	for i, address := range m.To {
		to[i] = oneLine(address)
	}
	header := [][2]string{
		{"Date", m.event.At.Format(time.RFC1123Z)},
		{"From", oneLine(m.From)},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(m.subject()))},
		{"Message-ID", "<" + id + "@" + oneLine(m.host) + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no answers from those on holiday
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "8bit"},
	}
	var b strings.Builder
	for _, field := range header {
		b.WriteString(field[0] + ": " + field[1] + "\r\n")
	}
	return b.String() + "\r\n" + m.body()
}

func (m mail) body() string {
	e := m.event
	who := fmt.Sprintf("VRRP instance %s, with priority %d,", oneLine(e.Name), e.Priority)
	if e.Group {
		who = fmt.Sprintf("VRRP group %s, with all its instances,", oneLine(e.Name))
	}
	owns := "does not own"
	if e.State == Master {
		owns = "now owns"
	}
	return fmt.Sprintf("The %s on %s has entered the %s state.\r\nThis router %s the virtual addresses.\r\n\r\n%s\r\n",
		who, oneLine(m.RouterID), e.State, owns, e.At.Format(time.RFC3339Nano))
}

// bare is the address without a name beside it, for the envelope.
func bare(address string) string {
	if parsed, err := netmail.ParseAddress(address); err == nil {
		return parsed.Address
	}
	return strings.TrimSpace(address) // a local part alone, which the server may know
}
