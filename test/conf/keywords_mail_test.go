package conf

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

var _ = covers(inInstance, "smtp_alert")

var _ = covers(inGroup, "smtp_alert")

var _ = covers(inGlobal, "router_id", "notification_email", "notification_email_from", "smtp_server", "smtp_helo_name",
	"smtp_connect_timeout", "smtp_alert", "smtp_alert_vrrp")

// mailbox is a server that takes mail, RFC 5321.
type mailbox struct {
	port int

	mu    sync.Mutex
	mails []string // all that the sender said, each
}

// mailbox opens a server on the router's own address. A silent one takes
// connections and says nothing.
func (r *router) mailbox(silent bool) *mailbox {
	r.site.t.Helper()
	var listener net.Listener
	must(r.site.t, r.Do(func() (err error) {
		listener, err = net.Listen("tcp4", "127.0.0.1:0")
		return err
	}))
	r.site.t.Cleanup(func() { listener.Close() })
	m := &mailbox{port: listener.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			r.site.t.Cleanup(func() { c.Close() })
			if !silent {
				go m.serve(c)
			}
		}
	}()
	return m
}

func (m *mailbox) serve(c net.Conn) {
	var said strings.Builder
	answer := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	answer("220 here")
	inData := false
	for lines := bufio.NewScanner(c); lines.Scan(); {
		line := lines.Text()
		said.WriteString(line + "\n")
		switch {
		case inData && line == ".":
			inData = false
			answer("250 taken")
		case inData:
		case line == "DATA":
			inData = true
			answer("354 go on")
		case line == "QUIT":
			answer("221 bye")
			m.mu.Lock()
			m.mails = append(m.mails, said.String())
			m.mu.Unlock()
			return
		default:
			answer("250 fine")
		}
	}
}

// about are the mails with this in their subject.
func (m *mailbox) about(subject string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, mail := range m.mails {
		if strings.Contains(mail, "\nSubject: "+subject+"\n") {
			list = append(list, mail)
		}
	}
	return list
}

// subjects are those of all mails.
func (m *mailbox) subjects() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, mail := range m.mails {
		_, rest, _ := strings.Cut(mail, "\nSubject: ")
		subject, _, _ := strings.Cut(rest, "\n")
		list = append(list, subject)
	}
	return strings.Join(list, "; ")
}

func (m *mailbox) globals(more string) string {
	return global(fmt.Sprintf(`
    router_id gw1
    notification_email {
        first@example.net
        second@example.net
    }
    notification_email_from vrrp@example.org
    smtp_server 127.0.0.1 %d
    smtp_helo_name gw1.example.org
    %s`, m.port, more))
}

func TestMailIsSentAboutTransitions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.r1.mailbox(false)
	s.r1.run(m.globals("") + instance("VI_1", "smtp_alert"))
	const subject = "[gw1] VRRP Instance VI_1 - Entering MASTER state"
	s.eventually(func() error {
		if len(m.about(subject)) != 1 {
			return fmt.Errorf("there is no mail about %q, only %q", subject, m.subjects())
		}
		return nil
	})
	for _, want := range []string{
		"EHLO gw1.example.org\n", "MAIL FROM:<vrrp@example.org>", "RCPT TO:<first@example.net>\n", "RCPT TO:<second@example.net>\n",
		"\nFrom: vrrp@example.org\n", "\nTo: first@example.net,\n second@example.net\n",
	} {
		quoted(t, m.about(subject)[0], want)
	}
}

func TestWhoSendsMail(t *testing.T) {
	tests := []struct {
		global, instance, group string
		sends, groupSends       bool
	}{
		{"", "", "", false, false},
		{"", "smtp_alert on", "", true, false},
		{"smtp_alert", "", "", true, true},
		{"smtp_alert", "smtp_alert off", "", false, true},
		{"smtp_alert_vrrp", "", "smtp_alert off", true, false},
		{"smtp_alert\nsmtp_alert_vrrp off", "", "smtp_alert", false, true},
	}
	for _, test := range tests {
		t.Run(test.global+" "+test.instance+" "+test.group, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			m := s.r1.mailbox(false)
			s.r1.run(m.globals(test.global) + numbered(1, test.instance) + numbered(2, "smtp_alert") +
				"vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n" + test.group + "\n}\n" + numbered(3, "priority 50\nsmtp_alert"))
			// Those of VI_3, whose timer is longer, are the last ones.
			wants := map[string]bool{"Instance VI_1": test.sends, "Instance VI_2": true, "Group G": test.groupSends, "Instance VI_3": true}
			s.eventually(func() error {
				for who, want := range wants {
					if sent := len(m.about("[gw1] VRRP "+who+" - Entering MASTER state")) == 1; want && !sent {
						return fmt.Errorf("there is no mail about %s, only %q; the daemon's log:\n%s", who, m.subjects(), s.r1.daemon.Log())
					}
				}
				return nil
			})
			must(t, s.r1.daemon.Stop())
			_, err := s.r1.daemon.Wait(patience)
			must(t, err)
			for who, want := range wants {
				if sent := strings.Contains(m.subjects(), who); sent != want {
					t.Errorf("mail is sent about %s: %v, want %v", who, sent, want)
				}
			}
		})
	}
}

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.r1.mailbox(true)
	s.r1.run(m.globals("smtp_connect_timeout 1") + instance("VI_1", "smtp_alert"))
	s.r1.await("MASTER")
	must(t, s.r1.daemon.WaitLog(patience, "the server took too long"))
}
