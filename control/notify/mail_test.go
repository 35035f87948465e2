package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mailTo(s *mailServer) Mail {
	return Mail{
		Server: s.address(), From: "Gateway <vrrp@gw.example.org>", To: []string{"a@example.org", "Bob <b@example.org>"},
		Helo: "gw.example.org", RouterID: "gw-1", Timeout: patience,
	}
}

func mailsAbout(m Mail) Config {
	return Config{
		Instances: map[string]Scripts{"VI_1": {Mail: true}, "quiet": {}},
		Groups:    map[string]Scripts{"G1": {Mail: true}},
		Mail:      m,
	}
}

func parsed(t *testing.T, text string) (netmail.Header, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	must(t, err)
	body, err := io.ReadAll(m.Body)
	must(t, err)
	return m.Header, string(body)
}

func TestATransitionIsMailedWithKeepalivedsSubject(t *testing.T) {
	server := startMailServer(t, nil)
	n, book := newNotifier(t)
	must(t, n.Apply(mailsAbout(mailTo(server))))
	at := time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.FixedZone("", 3600))
	n.Tell(Event{Name: "VI_1", State: Master, Priority: 120, At: at})
	closes(t, n)
	mails := server.mails()
	if len(mails) != 1 {
		t.Fatalf("there are %d mails", len(mails))
	}
	header, body := parsed(t, mails[0])
	got := map[string]string{}
	for _, field := range []string{"Subject", "From", "To", "Date", "Auto-Submitted"} {
		got[field] = header.Get(field)
	}
	want := map[string]string{
		"Subject":        "[gw-1] VRRP Instance VI_1 - Entering MASTER state",
		"From":           "Gateway <vrrp@gw.example.org>",
		"To":             "a@example.org, Bob <b@example.org>",
		"Date":           "Tue, 03 Feb 2026 04:05:06 +0100",
		"Auto-Submitted": "auto-generated",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantBody := "The VRRP instance VI_1, with priority 120, on gw-1 has entered the MASTER state.\n" +
		"This router now owns the virtual addresses.\n\n2026-02-03T04:05:06.789+01:00"
	if strings.TrimSpace(body) != wantBody {
		t.Errorf("the text is\n%s", body)
	}
	if id := header.Get("Message-ID"); !strings.HasPrefix(id, "<") || !strings.Contains(id, "@") || !strings.HasSuffix(id, ">") {
		t.Errorf("the message id is %q", id)
	}
	commands := []string{"EHLO gw.example.org", "MAIL FROM:<vrrp@gw.example.org>", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>", "DATA", "QUIT"}
	if diff := cmp.Diff(commands, server.commands); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	book.wants(t, 0, "level=")
}

// keepalived 2.2.7 sends none at a stop.
func TestOnlyTransitionsToMasterBackupAndFaultAreMailed(t *testing.T) {
	const vi, group = "[gw-1] VRRP Instance VI_1 - Entering ", "[gw-1] VRRP Group G1 - Entering "
	everything := []Event{
		{Name: "VI_1", State: Backup}, {Name: "VI_1", State: Master}, {Name: "VI_1", State: Fault}, {Name: "VI_1", State: Stop},
		{Name: "VI_1", State: Deleted}, {Name: "VI_1", State: LowerPriority}, {Name: "VI_1", State: MasterPriority},
		{Group: true, Name: "G1", State: Fault}, {Name: "quiet", State: Master}, {Name: "stranger", State: Master},
	}
	tests := []struct {
		name   string
		change func(*Mail)
		want   []string
	}{
		{"usually", func(*Mail) {}, []string{vi + "BACKUP state", vi + "MASTER state", vi + "FAULT state", group + "FAULT state"}},
		{"without faults", func(m *Mail) { m.NoFaults = true }, []string{vi + "BACKUP state", vi + "MASTER state"}},
		{"without a recipient", func(m *Mail) { m.To = nil }, nil},
		{"without a server", func(m *Mail) { m.Server = "" }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := startMailServer(t, nil)
			n, _ := newNotifier(t)
			m := mailTo(server)
			tt.change(&m)
			must(t, n.Apply(mailsAbout(m)))
			for _, e := range everything {
				n.Tell(e)
			}
			closes(t, n)
			var got []string
			for _, text := range server.mails() {
				header, _ := parsed(t, text)
				got = append(got, header.Get("Subject"))
			}
			slices.Sort(got) // the group's is not in order with the instance's
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("mailed are %q", got)
			}
		})
	}
}

func TestWhatIsNotConfiguredIsTakenFromTheHost(t *testing.T) {
	host, err := os.Hostname()
	must(t, err)
	m := Mail{Server: "x:25", To: []string{"y"}}.about(Event{Name: "VI_1", State: Master})
	if m.From != "keepalived@"+host || m.Helo != host || m.RouterID != host || m.Timeout != 30*time.Second || m.event.At.IsZero() {
		t.Errorf("it is %+v", m)
	}
}

func TestNothingInAMailAddsHeadersOrCommands(t *testing.T) {
	const evil = "x\r\nBcc: all@example.org\r\n\r\nbody\n.\r\n"
	m := mail{Mail: Mail{RouterID: evil, From: "a@b" + evil, To: []string{"c@d" + evil}}, event: Event{Name: evil, State: Master}, host: evil}
	header, body := parsed(t, m.message("id"))
	if len(header) != 9 || header.Get("Bcc") != "" || strings.Contains(body, "\nBcc") || strings.Contains(body, "\n.") {
		t.Errorf("it is\n%s", m.message("id"))
	}
	for name, fields := range map[string][]string{"From": header["From"], "To": header["To"], "Subject": header["Subject"]} {
		if len(fields) != 1 || strings.ContainsAny(fields[0], "\r\n") {
			t.Errorf("%s is %q", name, fields)
		}
	}
	for _, change := range []func(*Mail){
		func(m *Mail) { m.From = "a@b>\r\nRCPT TO:<z@example.org" },
		func(m *Mail) { m.To = []string{"a@b>\r\nRCPT TO:<z@example.org"} },
		func(m *Mail) { m.Helo = "gw\r\nRCPT TO:<z@example.org" },
	} {
		server := startMailServer(t, nil)
		bad := mailTo(server)
		change(&bad)
		err := bad.about(Event{Name: "VI_1", State: Master}).send(t.Context())
		server.stop()
		if err == nil || slices.ContainsFunc(server.commands, func(c string) bool { return strings.Contains(c, "z@") }) {
			t.Errorf("error %v, commands %q", err, server.commands)
		}
	}
}

func TestASubjectMayHoldAnyLetters(t *testing.T) {
	m := mail{Mail: Mail{RouterID: "Zürich", From: "a@b", To: []string{"c@d"}}, event: Event{Name: strings.Repeat("größe", 30), State: Master}}
	header, _ := parsed(t, m.message("id"))
	got, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if want := fmt.Sprintf("[Zürich] VRRP Instance %s - Entering MASTER state", strings.Repeat("größe", 30)); got != want {
		t.Errorf("it is %q, error %v", got, err)
	}
}

func TestAMailThatIsNotTakenIsSaid(t *testing.T) {
	tests := []struct {
		name    string
		answers map[string]string
		want    string
		mails   int
	}{
		{"by no greeting", map[string]string{"": "554 go away"}, "554", 0},
		{"from this sender", map[string]string{"MAIL": "550 not you"}, "from Gateway <vrrp@gw.example.org>: 550", 0},
		{"for anybody", map[string]string{"RCPT": "550 unknown"}, "to a@example.org: 550", 0},
		{"for one of two", map[string]string{"RCPT TO:<a@": "550 unknown"}, "to a@example.org: 550", 1},
		{"at all", map[string]string{"DATA": "451 later"}, "send the text: 451", 0},
		{"at its end", map[string]string{".": "452 full"}, "send the text: 452", 1},
		{"by a server of few words", map[string]string{"EHLO": "502 what", "HELO": "250 hello"}, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := startMailServer(t, tt.answers)
			err := mailTo(server).about(Event{Name: "VI_1", State: Master}).send(t.Context())
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v", err)
			}
			server.stop()
			if got := len(server.mails()); got != tt.mails {
				t.Errorf("there are %d mails", got)
			}
		})
	}
}

func TestAMailServerThatHangsIsGivenUpAndDelaysNoScript(t *testing.T) {
	server := startMailServer(t, map[string]string{"": ""})
	dir := t.TempDir()
	n, book := newNotifier(t)
	c := mailsAbout(mailTo(server))
	c.Mail.Timeout = 500 * time.Millisecond
	tell := program(t, filepath.Join(dir, "tell"), `echo "$*" >>`+dir+`/told`)
	c.Instances["VI_1"] = Scripts{Mail: true, Any: tell}
	must(t, n.Apply(c))
	start := time.Now()
	n.Tell(Event{Name: "VI_1", State: Master})
	n.Tell(Event{Name: "VI_1", State: Backup})
	eventually(t, "the scripts have run", func() bool { return len(linesOf(t, dir+"/told")) == 2 })
	book.wants(t, 0, "mail is not sent")
	closes(t, n)
	if took := time.Since(start); took < time.Second {
		t.Errorf("two mails were given up after %s", took)
	}
	book.wants(t, 2, `msg="mail is not sent" instance=VI_1`)
	book.wants(t, 2, "the server took too long")
}

func TestAMailDoesNotOutliveTheEnd(t *testing.T) {
	server := startMailServer(t, map[string]string{"": ""})
	n, book := newNotifier(t)
	must(t, n.Apply(mailsAbout(mailTo(server))))
	n.Tell(Event{Name: "VI_1", State: Master})
	n.Tell(Event{Name: "VI_1", State: Backup})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := n.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
	book.wants(t, 2, "mail is not sent")
	book.wants(t, 2, "the time to stop is over\" after=")
}
